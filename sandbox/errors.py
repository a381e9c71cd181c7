"""AWS's own refusals, as its services word them."""


class AwsError(Exception):
    """Answered on the wire as AWS would: `code` and `message`, with an HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
