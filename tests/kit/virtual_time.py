"""Virtual time is the sandbox's; tests take it from here."""

from sandbox.virtual_time import VirtualLoop, WorldClock, run

__all__ = ["VirtualLoop", "WorldClock", "run"]
