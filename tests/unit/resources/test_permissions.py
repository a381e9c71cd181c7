"""Operations by IAM's names."""

import pytest
from botocore import xform_name
from botocore.loaders import create_loader

from app.resources import all_kinds
from app.resources.permissions import iam_action


def declared() -> set[str]:
    """Every operation that a kind or a step calls."""
    kinds = all_kinds().values()
    return {each for kind in kinds for step in kind.steps for each in step.calls} | {
        each for kind in kinds for each in kind.reads
    }


@pytest.mark.parametrize("service", sorted({each.partition(".")[0] for each in declared()}))
def test_every_operation_that_is_declared_has_the_name_it_has_in_aws(service: str) -> None:
    operations = create_loader().load_service_model(service, "service-2")["operations"]
    names = {f"{service}.{xform_name(name)}": name for name in operations}
    for operation in (each for each in declared() if each.partition(".")[0] == service):
        assert iam_action(operation).partition(":")[2] == names[operation]


def test_load_balancers_have_another_name_in_iam() -> None:
    assert iam_action("elb.describe_load_balancers") == "elasticloadbalancing:DescribeLoadBalancers"
