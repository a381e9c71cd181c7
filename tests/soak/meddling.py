"""What a third party does to the account behind a job's back."""

import random
from collections.abc import Callable, Mapping
from typing import Any

import boto3

Client = Any
Choice = tuple[str, list[str]]  # what was done, in words, and the ids it was done to
JOB, STEP = "landbridge:job", "landbridge:step"
LIVE = ("pending", "running", "stopping", "stopped")
NOTHING: Choice = ("nothing to meddle with", [])


def meddle(session: boto3.Session, how: str, seed: int) -> Choice:
    """Do it to something chosen by the seed; says what, or that there was nothing to do it to."""
    make: Any = session.client
    return HOW[how](make("ec2"), random.Random(seed))


def tag_a_source(ec2: Client, chance: random.Random) -> Choice:
    """Somebody labels an instance that is to move."""
    sources = [one for one in _instances(ec2) if "VpcId" not in one and JOB not in _tags(one)]
    if not sources:
        return NOTHING
    id_ = chance.choice(sources)["InstanceId"]
    ec2.create_tags(Resources=[id_], Tags=[{"Key": "edited", "Value": "by hand"}])
    return f"tagged {id_}", [id_]


def untag_a_thing_of_ours(ec2: Client, chance: random.Random) -> Choice:
    """Somebody takes our tags off what a job made."""
    tags = ec2.describe_tags(Filters=[{"Name": "key", "Values": [STEP]}])["Tags"]
    mine = sorted({tag["ResourceId"] for tag in tags if tag["ResourceType"] in ("instance", "security-group", "image")})
    if not mine:
        return NOTHING
    id_ = chance.choice(mine)
    ec2.delete_tags(Resources=[id_], Tags=[{"Key": JOB}, {"Key": STEP}])
    # A group that is nobody's any more stays, and with it the rules that a job gave it.
    filters = [{"Name": "group-id", "Values": [id_]}]
    rules = ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"] if id_.startswith("sg-") else []
    return f"took our tags off {id_}", [id_, *(rule["SecurityGroupRuleId"] for rule in rules)]


def terminate_a_twin(ec2: Client, chance: random.Random) -> Choice:
    """Somebody ends an instance that a job made."""
    twins = [one for one in _instances(ec2) if JOB in _tags(one)]
    if not twins:
        return NOTHING
    id_ = chance.choice(twins)["InstanceId"]
    ec2.terminate_instances(InstanceIds=[id_])
    return f"terminated {id_}", [id_]


def open_a_group(ec2: Client, chance: random.Random) -> Choice:
    """Somebody lets one more address into a group of EC2-Classic."""
    groups = [one for one in ec2.describe_security_groups()["SecurityGroups"] if not one.get("VpcId")]
    groups = sorted((one for one in groups if one["GroupName"] != "default"), key=lambda one: str(one["GroupId"]))
    if not groups:
        return NOTHING
    id_ = chance.choice(groups)["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 2222, "ToPort": 2222, "IpRanges": [{"CidrIp": "203.0.113.77/32"}]}
    ec2.authorize_security_group_ingress(GroupId=id_, IpPermissions=[rule])
    return f"opened {id_}", [id_]


def stop_a_source(ec2: Client, chance: random.Random) -> Choice:
    """Somebody stops an instance of EC2-Classic."""
    sources = [one for one in _instances(ec2) if "VpcId" not in one and one["State"]["Name"] == "running"]
    sources = [one for one in sources if "aws:autoscaling:groupName" not in _tags(one)]
    if not sources:
        return NOTHING
    id_ = chance.choice(sources)["InstanceId"]
    ec2.stop_instances(InstanceIds=[id_])
    return f"stopped {id_}", [id_]


HOW: Mapping[str, Callable[[Client, random.Random], Choice]] = {
    each.__name__: each for each in (tag_a_source, untag_a_thing_of_ours, terminate_a_twin, open_a_group, stop_a_source)
}


def _instances(ec2: Client) -> list[dict[str, Any]]:
    found = [one for each in ec2.describe_instances()["Reservations"] for one in each["Instances"]]
    return sorted((one for one in found if one["State"]["Name"] in LIVE), key=lambda one: str(one["InstanceId"]))


def _tags(thing: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in thing.get("Tags", ())}
