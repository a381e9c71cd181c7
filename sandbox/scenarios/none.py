"""An account with nothing in it that still has EC2-Classic."""

import boto3

from sandbox.world import World

DESCRIPTION = "an empty account that still has EC2-Classic"


def build(session: boto3.Session, world: World) -> None:
    """Nothing to make: an account has EC2-Classic from the start."""
