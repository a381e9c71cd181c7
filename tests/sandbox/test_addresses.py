"""Elastic IPs of both domains, and their move from one to the other."""

from typing import Any

import pytest

from tests.sandbox.ec2_account import Account, refused

DAY = 86401


@pytest.fixture
def account() -> Account:
    return Account()


def classic_ip(account: Account) -> str:
    public_ip: str = account.ec2.allocate_address()["PublicIp"]
    return public_ip


def vpc_address(account: Account) -> str:
    allocation_id: str = account.ec2.allocate_address(Domain="vpc")["AllocationId"]
    return allocation_id


def in_vpc(account: Account, vpc_id: str, cidr: str = "172.20.1.0/24") -> str:
    return account.launched(SubnetId=account.subnet(vpc_id, cidr))


def look(account: Account, public_ip: str) -> dict[str, Any]:
    found: dict[str, Any] = account.ec2.describe_addresses(PublicIps=[public_ip])["Addresses"][0]
    return found


def test_an_address_is_for_classic_unless_told_and_each_domain_has_its_quota(account: Account) -> None:
    classic = [account.ec2.allocate_address() for _ in range(5)]
    assert {each["Domain"] for each in classic} == {"standard"}
    assert "AllocationId" not in classic[0]
    with refused("AddressLimitExceeded"):
        account.ec2.allocate_address()
    for _ in range(5):
        vpc_address(account)
    with refused("AddressLimitExceeded"):
        vpc_address(account)
    found = account.ec2.describe_addresses(Filters=[{"Name": "domain", "Values": ["vpc"]}])["Addresses"]
    assert len(found) == 5


def test_where_there_is_no_classic_an_address_is_for_a_vpc(account: Account) -> None:
    account.place.has_classic = False
    assert account.ec2.allocate_address()["Domain"] == "vpc"


def test_a_classic_address_drops_off_when_its_instance_stops_and_does_not_come_back(account: Account) -> None:
    instance_id, public_ip = account.launched(), classic_ip(account)
    account.ec2.associate_address(InstanceId=instance_id, PublicIp=public_ip)
    assert account.look(instance_id)["PublicIpAddress"] == public_ip
    account.stop(instance_id)
    assert look(account, public_ip)["InstanceId"] == ""
    account.start(instance_id)
    assert account.look(instance_id)["PublicIpAddress"] != public_ip


def test_a_vpc_address_stays_with_a_stopped_instance(account: Account) -> None:
    vpc_id = account.vpc()
    account.gateway(vpc_id)
    instance_id, allocation_id = in_vpc(account, vpc_id), vpc_address(account)
    association = account.ec2.associate_address(InstanceId=instance_id, AllocationId=allocation_id)
    account.stop(instance_id)
    (address,) = account.ec2.describe_addresses(AllocationIds=[allocation_id])["Addresses"]
    assert address["AssociationId"] == association["AssociationId"]
    assert address["PrivateIpAddress"] == account.look(instance_id)["PrivateIpAddress"]
    account.start(instance_id)
    assert account.look(instance_id)["PublicIpAddress"] == address["PublicIp"]
    interface = account.look(instance_id)["NetworkInterfaces"][0]
    assert interface["Association"]["IpOwnerId"] == "123456789012"


def test_a_taken_classic_address_moves_over_silently(account: Account) -> None:
    first, second, public_ip = account.launched(), account.launched(), classic_ip(account)
    for instance_id in (first, second, second):
        account.ec2.associate_address(InstanceId=instance_id, PublicIp=public_ip)
    assert look(account, public_ip)["InstanceId"] == second
    assert account.look(first)["PublicIpAddress"] != public_ip


def test_a_taken_vpc_address_needs_leave_to_move_over(account: Account) -> None:
    vpc_id = account.vpc()
    account.gateway(vpc_id)
    first, second = in_vpc(account, vpc_id), in_vpc(account, vpc_id, "172.20.2.0/24")
    allocation_id = vpc_address(account)
    account.ec2.associate_address(InstanceId=first, AllocationId=allocation_id)
    with refused("Resource.AlreadyAssociated"):
        account.ec2.associate_address(InstanceId=second, AllocationId=allocation_id)
    with refused("InvalidIPAddress.InUse"):
        account.ec2.release_address(AllocationId=allocation_id)
    told = account.ec2.associate_address(InstanceId=second, AllocationId=allocation_id, AllowReassociation=True)
    again = account.ec2.associate_address(InstanceId=second, AllocationId=allocation_id, AllowReassociation=False)
    assert told["AssociationId"] == again["AssociationId"]
    assert "PublicIpAddress" not in account.look(first)
    account.ec2.disassociate_address(AssociationId=told["AssociationId"])
    account.ec2.release_address(AllocationId=allocation_id)


def test_an_address_fits_its_own_platform_only(account: Account) -> None:
    vpc_id = account.vpc()
    classic, inside = account.launched(), in_vpc(account, vpc_id)
    public_ip, allocation_id = classic_ip(account), vpc_address(account)
    with refused("Gateway.NotAttached"):
        account.ec2.associate_address(InstanceId=inside, AllocationId=allocation_id)
    with refused("InvalidParameterCombination"):
        account.ec2.associate_address(InstanceId=inside, PublicIp=public_ip)
    with refused("InvalidParameterCombination"):
        account.ec2.associate_address(InstanceId=classic, AllocationId=allocation_id)
    with refused("InvalidAllocationID.NotFound"):
        account.ec2.associate_address(InstanceId=inside, AllocationId="eipalloc-0")
    with refused("InvalidAddress.NotFound"):
        account.ec2.associate_address(InstanceId=classic, PublicIp="198.51.100.1")


def test_a_pending_instance_and_a_stopped_one_in_classic_take_no_address(account: Account) -> None:
    instance_id, public_ip = account.launch()["InstanceId"], classic_ip(account)
    with refused("IncorrectInstanceState"):
        account.ec2.associate_address(InstanceId=instance_id, PublicIp=public_ip)
    account.wait()
    account.stop(instance_id)
    with refused("IncorrectInstanceState"):
        account.ec2.associate_address(InstanceId=instance_id, PublicIp=public_ip)


def test_disassociating_and_releasing_in_classic_ask_no_questions(account: Account) -> None:
    instance_id, public_ip = account.launched(), classic_ip(account)
    account.ec2.associate_address(InstanceId=instance_id, PublicIp=public_ip)
    for _ in range(2):
        account.ec2.disassociate_address(PublicIp=public_ip)
    assert account.look(instance_id)["PublicIpAddress"] != public_ip
    account.ec2.associate_address(InstanceId=instance_id, PublicIp=public_ip)
    account.ec2.release_address(PublicIp=public_ip)
    with refused("InvalidAddress.NotFound"):
        look(account, public_ip)


def test_a_terminated_instance_gives_its_address_back(account: Account) -> None:
    instance_id, public_ip = account.launched(), classic_ip(account)
    account.ec2.associate_address(InstanceId=instance_id, PublicIp=public_ip)
    account.ec2.terminate_instances(InstanceIds=[instance_id])
    assert look(account, public_ip)["InstanceId"] == ""


def test_only_addresses_for_vpcs_have_tags(account: Account) -> None:
    tags = [{"ResourceType": "elastic-ip", "Tags": [{"Key": "k", "Value": "v"}]}]
    with refused("UnsupportedOperation"):
        account.ec2.allocate_address(TagSpecifications=tags)
    account.ec2.allocate_address(Domain="vpc", TagSpecifications=tags)
    (found,) = account.ec2.describe_addresses(Filters=[{"Name": "tag:k", "Values": ["v"]}])["Addresses"]
    assert found["Domain"] == "vpc"
    with refused("InvalidID"):
        account.ec2.create_tags(Resources=[classic_ip(account)], Tags=[{"Key": "k", "Value": "v"}])


def test_an_address_moves_to_a_vpc_after_a_day_and_back_without_its_tags(account: Account) -> None:
    public_ip = classic_ip(account)
    with refused("InvalidState"):
        account.ec2.move_address_to_vpc(PublicIp=public_ip)
    account.wait(DAY)
    moving = account.ec2.move_address_to_vpc(PublicIp=public_ip)
    assert moving["Status"] == "MoveInProgress"
    assert look(account, public_ip)["Domain"] == "standard"
    (status,) = account.ec2.describe_moving_addresses()["MovingAddressStatuses"]
    assert status == {"PublicIp": public_ip, "MoveStatus": "movingToVpc"}
    with refused("IncorrectState"):
        account.ec2.release_address(PublicIp=public_ip)
    account.wait()
    moved = look(account, public_ip)
    assert (moved["Domain"], moved["AllocationId"]) == ("vpc", moving["AllocationId"])
    assert account.ec2.describe_moving_addresses(PublicIps=[public_ip])["MovingAddressStatuses"] == []
    with refused("EIPMigratedToVpc"):
        account.ec2.associate_address(InstanceId=account.launched(), PublicIp=public_ip)

    account.ec2.create_tags(Resources=[moved["AllocationId"]], Tags=[{"Key": "k", "Value": "v"}])
    assert account.ec2.restore_address_to_classic(PublicIp=public_ip)["Status"] == "MoveInProgress"
    restoring = [{"Name": "moving-status", "Values": ["RestoringToClassic"]}]
    (status,) = account.ec2.describe_moving_addresses(Filters=restoring)["MovingAddressStatuses"]
    assert status["MoveStatus"] == "restoringToClassic"
    account.wait()
    assert look(account, public_ip)["Domain"] == "standard"
    assert account.ec2.describe_tags()["Tags"] == []


def test_an_address_in_use_or_over_the_quota_does_not_move(account: Account) -> None:
    instance_id, public_ip, other = account.launched(), classic_ip(account), classic_ip(account)
    account.ec2.associate_address(InstanceId=instance_id, PublicIp=public_ip)
    account.wait(DAY)
    with refused("InvalidIPAddress.InUse"):
        account.ec2.move_address_to_vpc(PublicIp=public_ip)
    account.place.limits.elastic_ips_vpc = 1
    account.ec2.move_address_to_vpc(PublicIp=other)
    account.ec2.disassociate_address(PublicIp=public_ip)
    with refused("AddressLimitExceeded"):
        account.ec2.move_address_to_vpc(PublicIp=public_ip)


def test_only_an_address_that_was_moved_is_restored_and_only_into_the_quota(account: Account) -> None:
    with refused("InvalidState"):
        allocated = account.ec2.allocate_address(Domain="vpc")
        account.ec2.restore_address_to_classic(PublicIp=allocated["PublicIp"])
    public_ip = classic_ip(account)
    account.wait(DAY)
    account.ec2.move_address_to_vpc(PublicIp=public_ip)
    account.wait()
    account.place.limits.elastic_ips_classic = 0
    with refused("AddressLimitExceeded"):
        account.ec2.restore_address_to_classic(PublicIp=public_ip)
