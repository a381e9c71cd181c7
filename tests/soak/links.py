"""TCP links that break: all at once, or right after a COMMIT has gone out and before its answer is heard."""

import asyncio

from tests.kit.forwarding import Forwarder

AFTERWARDS = 0.2  # for the server to carry out what was the link's last word


class Link(Forwarder):
    """A forwarder whose connections can be cut while the server lives on."""

    def __init__(self) -> None:
        super().__init__()
        self._open: set[asyncio.StreamWriter] = set()
        self._doomed_commits = 0
        self.commits_cut = 0

    def cut(self) -> None:
        """Break every connection there is now."""
        self._loop.call_soon_threadsafe(self._abort_all)

    def cut_commits(self, count: int) -> None:
        """Break the next so many connections whose client commits, when the server has got the word."""
        self._doomed_commits += count

    def _abort_all(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        out: asyncio.StreamWriter | None = None
        self._open.add(writer)
        try:
            if self.to is not None:
                there, out = await asyncio.open_connection("127.0.0.1", self.to)
                self._open.add(out)
                await asyncio.gather(self._upstream(reader, out, writer), _downstream(there, writer))
        except OSError:
            return  # the server is away, or the link was cut: whoever called sees a closed connection
        finally:
            for one in (writer, out):
                if one is not None:
                    self._open.discard(one)
                    one.close()

    async def _upstream(
        self, reader: asyncio.StreamReader, out: asyncio.StreamWriter, client: asyncio.StreamWriter
    ) -> None:
        try:
            while data := await reader.read(65_536):
                doomed = self._doomed_commits > 0 and b"COMMIT" in data
                if doomed:
                    self._doomed_commits -= 1
                    self.commits_cut += 1
                    client.transport.abort()  # before the server can answer
                out.write(data)
                await out.drain()
                if doomed:
                    await asyncio.sleep(AFTERWARDS)
                    return
        finally:
            out.close()


async def _downstream(there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await there.read(65_536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
