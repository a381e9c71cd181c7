"""Addresses that no subnet gives: Amazon's public pool, and EC2-Classic's 10.0.0.0/8."""

from ipaddress import IPv4Address

from sandbox.world import Place


def new_public_ip(place: Place) -> str:
    """One that no other thing of the simulation is likely to have: 25 random bits over two /8 blocks."""
    bits = place.world.random.getrandbits(25)
    return str(IPv4Address("52.0.0.0" if bits >> 24 else "54.0.0.0") + (bits & 0xFFFFFF))


def new_classic_ip(place: Place) -> str:
    """From 10.0.0.0/8, another at every start (aws-facts A4, PLAT). Not from 10.0.0.0/16 and 10.1.0.0/16,
    which a VPC with ClassicLink may have (aws-facts A1)."""
    return str(IPv4Address("10.0.0.0") + place.world.random.randrange(2**17, 2**24 - 1))
