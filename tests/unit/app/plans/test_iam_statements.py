"""Statements say what the grants say, and no more; policies keep within IAM's limits."""

from app.plans.iam.grants import Grant
from app.plans.iam.roles import denials
from app.plans.iam.statements import MOST_CHARACTERS, MOST_POLICIES, policies, statements, written
from tests.kit.iam import Request, refused

INSTANCE = "arn:aws:ec2:us-east-1:123456789012:instance/"
OURS = (("StringLike", "aws:ResourceTag/landbridge:job", "job_*"),)


def test_actions_on_equal_things_under_equal_conditions_share_a_statement() -> None:
    found = statements([Grant(f"ec2:{verb}", INSTANCE + id_) for verb in ("Stop", "Start") for id_ in ("i-1", "i-2")])
    assert found == [
        {"Effect": "Allow", "Action": ["ec2:Start", "ec2:Stop"], "Resource": [INSTANCE + "i-1", INSTANCE + "i-2"]}
    ]


def test_what_differs_in_things_or_conditions_is_kept_apart() -> None:
    some = [
        Grant("ec2:Stop", INSTANCE + "i-1"),
        Grant("ec2:Start", INSTANCE + "i-2"),
        Grant("ec2:Stop", INSTANCE + "*", OURS),
    ]
    found = [{"Statement": statements(some)}]
    assert not refused(found, [Request("ec2:Stop", INSTANCE + "i-1"), Request("ec2:Start", INSTANCE + "i-2")])
    assert refused(found, [Request("ec2:Start", INSTANCE + "i-1")])
    assert refused(found, [Request("ec2:Stop", INSTANCE + "i-2")])
    assert not refused(found, [Request("ec2:Stop", INSTANCE + "i-3", {"aws:ResourceTag/landbridge:job": "job_1"})])


def many(count: int) -> list[Grant]:
    return [Grant("ec2:StopInstances", f"{INSTANCE}i-{number:017x}") for number in range(count)]


def test_policies_are_split_where_they_would_be_too_long_and_nothing_is_lost() -> None:
    documents, widened = policies(denials(["us-east-1"]), statements(many(400)))
    assert 1 < len(documents) <= MOST_POLICIES
    assert max(map(written, documents)) <= MOST_CHARACTERS
    assert widened == []
    context = {"aws:RequestedRegion": "us-east-1"}
    assert not refused(documents, [Request(each.action, each.resource, context) for each in many(400)])
    sids = [statement["Sid"] for document in documents for statement in document["Statement"]]
    assert len(sids) == len(set(sids))
    assert all(sid.isalnum() for sid in sids)


def test_where_ten_policies_cannot_name_everything_the_longest_list_is_widened_and_that_is_told() -> None:
    few = Grant("ec2:DeleteVpc", "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-1")
    documents, widened = policies([], statements([*many(5_000), few]))
    assert len(documents) <= MOST_POLICIES
    assert widened == ["ec2:StopInstances"]
    assert not refused(documents, [Request("ec2:StopInstances", INSTANCE + "i-any")])
    assert refused(documents, [Request("ec2:StopInstances", INSTANCE.replace("123456789012", "999999999999") + "i-1")])
    assert refused(documents, [Request("ec2:DeleteVpc", few.resource.replace("vpc-1", "vpc-2"))])


def test_one_thing_with_a_name_as_long_as_aws_takes_fits() -> None:
    start = "arn:aws:autoscaling:us-east-1:123456789012:launchConfiguration:*:launchConfigurationName/"
    some = [Grant("autoscaling:DeleteLaunchConfiguration", start + f"{number:03d}" * 85) for number in range(30)]
    documents, _ = policies(denials(["us-east-1"]), statements(some))
    assert max(map(written, documents)) <= MOST_CHARACTERS
