"""Private addresses out of a subnet."""

import ipaddress

from sandbox.ec2.subnets import Subnet, users_of_subnet
from sandbox.errors import AwsError
from sandbox.world import Place

RESERVED_AT_START = 4  # of every subnet: network, router, DNS, one for the future; and the last address


def subnet_ips(place: Place, subnet: Subnet, count: int, wanted: str | None = None) -> list[str]:
    """`count` free addresses of a subnet, or the one that is wanted.

    Raises InsufficientFreeAddressesInSubnet, InvalidIPAddress.InUse, InvalidParameterValue.
    """
    network = subnet.network
    taken = {getattr(each, "private_ip", "") for each in users_of_subnet(place, subnet.id)}
    if wanted is not None:
        return [_wanted(network, taken, wanted)]
    found: list[str] = []
    for offset in range(RESERVED_AT_START, network.num_addresses - 1):
        if len(found) == count:
            break
        address = str(network.network_address + offset)
        if address not in taken:
            found.append(address)
    if len(found) < count:
        raise AwsError(
            "InsufficientFreeAddressesInSubnet",
            f"There are not enough free addresses in subnet '{subnet.id}' to satisfy the requested number of "
            "instances.",
        )
    return found


def _wanted(network: ipaddress.IPv4Network, taken: set[str], wanted: str) -> str:
    try:
        inside = ipaddress.IPv4Address(wanted) in network
    except ipaddress.AddressValueError:
        inside = False
    if not inside:
        raise AwsError("InvalidParameterValue", f"Address {wanted} does not fall within the subnet's address range")
    if wanted in taken:
        raise AwsError("InvalidIPAddress.InUse", f"Address {wanted} is in use.")
    return wanted
