"""The reads a role needs (aws-facts, "The least the role needs"), and the calls that show whether it has them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Probe:
    """A call that changes nothing and is Denied exactly where `action` is missing from the role's policy."""

    action: str
    operation: str
    params: Mapping[str, Any] = field(default_factory=dict)


def dry(action: str, operation: str, **params: Any) -> Probe:
    """EC2 answers DryRun with what it would have allowed, and no data."""
    return Probe(f"ec2:{action}", f"ec2.{operation}", {**params, "DryRun": True})


EC2 = (
    dry("DescribeAddresses", "describe_addresses"),
    dry("DescribeAvailabilityZones", "describe_availability_zones"),
    dry("DescribeClassicLinkInstances", "describe_classic_link_instances"),
    dry("DescribeVpcClassicLink", "describe_vpc_classic_link"),
    dry("DescribeMovingAddresses", "describe_moving_addresses"),
    dry("DescribeInstances", "describe_instances"),
    dry("DescribeInstanceStatus", "describe_instance_status"),
    dry(
        "DescribeInstanceAttribute",
        "describe_instance_attribute",
        InstanceId="i-00000000000000000",
        Attribute="userData",
    ),
    dry("DescribeInstanceTypeOfferings", "describe_instance_type_offerings"),
    dry("DescribeImages", "describe_images", Owners=["self"]),
    dry("DescribeSnapshots", "describe_snapshots", OwnerIds=["self"]),
    dry("DescribeVolumes", "describe_volumes"),
    dry("DescribeSecurityGroups", "describe_security_groups"),
    dry("DescribeVpcs", "describe_vpcs"),
    dry("DescribeVpcAttribute", "describe_vpc_attribute", VpcId="vpc-00000000", Attribute="enableDnsSupport"),
    dry("DescribeSubnets", "describe_subnets"),
    dry("DescribeRouteTables", "describe_route_tables"),
    dry("DescribeInternetGateways", "describe_internet_gateways"),
    dry("DescribeTags", "describe_tags"),
)

# These have no DryRun; the smallest page there is. An absent name is refused after permission is checked.
OTHERS = (
    Probe("elasticloadbalancing:DescribeLoadBalancers", "elb.describe_load_balancers", {"PageSize": 1}),
    Probe(
        "elasticloadbalancing:DescribeInstanceHealth",
        "elb.describe_instance_health",
        {"LoadBalancerName": "landbridge-verifies"},
    ),
    Probe(
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        "elb.describe_load_balancer_attributes",
        {"LoadBalancerName": "landbridge-verifies"},
    ),
    Probe(
        "elasticloadbalancing:DescribeTags",
        "elb.describe_tags",
        {"LoadBalancerNames": ["landbridge-verifies"]},
    ),
    Probe("rds:DescribeDBInstances", "rds.describe_db_instances", {"MaxRecords": 20}),
    Probe("rds:DescribeDBSnapshots", "rds.describe_db_snapshots", {"MaxRecords": 20}),
    Probe("rds:DescribeDBSubnetGroups", "rds.describe_db_subnet_groups", {"MaxRecords": 20}),
    Probe("rds:DescribeDBSecurityGroups", "rds.describe_db_security_groups", {"MaxRecords": 20}),
    Probe("route53:ListHostedZones", "route53.list_hosted_zones", {"MaxItems": "1"}),
)

PROBES = EC2 + OTHERS
