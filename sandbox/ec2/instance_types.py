"""What is known of instance types: which exist, which ran in EC2-Classic, which take paravirtual images."""

from sandbox.errors import AwsError

# Sizes by family; the sandbox stands in the middle of 2021, when these were on offer.
FAMILIES: dict[str, str] = {
    "t1": "micro",
    "m1": "small medium large xlarge",
    "m2": "xlarge 2xlarge 4xlarge",
    "m3": "medium large xlarge 2xlarge",
    "c1": "medium xlarge",
    "c3": "large xlarge 2xlarge 4xlarge 8xlarge",
    "cc2": "8xlarge",
    "cr1": "8xlarge",
    "r3": "large xlarge 2xlarge 4xlarge 8xlarge",
    "d2": "xlarge 2xlarge 4xlarge 8xlarge",
    "hs1": "8xlarge",
    "i2": "xlarge 2xlarge 4xlarge 8xlarge",
    "g2": "2xlarge 8xlarge",
    "t2": "nano micro small medium large xlarge 2xlarge",
    "t3": "nano micro small medium large xlarge 2xlarge",
    "m4": "large xlarge 2xlarge 4xlarge 10xlarge 16xlarge",
    "m5": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge",
    "c4": "large xlarge 2xlarge 4xlarge 8xlarge",
    "c5": "large xlarge 2xlarge 4xlarge 9xlarge 12xlarge 18xlarge 24xlarge",
    "r4": "large xlarge 2xlarge 4xlarge 8xlarge 16xlarge",
    "r5": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge",
}
# aws-facts A4 (PLAT), and below it (VIRT)
IN_CLASSIC = frozenset(["m1", "m3", "t1", "c1", "c3", "cc2", "cr1", "m2", "r3", "d2", "hs1", "i2", "g2"])
PARAVIRTUAL = frozenset(["c1", "c3", "hs1", "m1", "m3", "m2", "t1"])
DEFAULT = "m1.small"


def family(instance_type: str) -> str:
    return instance_type.partition(".")[0]


def known_types() -> list[str]:
    return [f"{name}.{size}" for name, sizes in FAMILIES.items() for size in sizes.split()]


def check_known(instance_type: str) -> None:
    """Raises InvalidParameterValue for a word that is no instance type, Unsupported for a retired one."""
    name, _, size = instance_type.partition(".")
    if not size:
        raise AwsError("InvalidParameterValue", f"Invalid value '{instance_type}' for InstanceType.")
    if size not in FAMILIES.get(name, "").split():
        raise AwsError(
            "Unsupported",
            f"The requested configuration is currently not supported: the instance type '{instance_type}' "
            "is not offered here.",
        )


def check_platform(instance_type: str, in_vpc: bool) -> None:
    """Raises VPCResourceNotSpecified for a type that EC2-Classic never had (aws-facts A4, ERR)."""
    if not in_vpc and family(instance_type) not in IN_CLASSIC:
        raise AwsError(
            "VPCResourceNotSpecified",
            "The specified instance type can only be used in a VPC. A subnet ID or network interface ID is "
            "required to carry out the request.",
        )


def check_virtualization(instance_type: str, virtualization: str) -> None:
    """Raises InvalidParameterCombination for a PV image on a type without PV (aws-facts A4, VIRT)."""
    if virtualization == "paravirtual" and family(instance_type) not in PARAVIRTUAL:
        raise AwsError(
            "InvalidParameterCombination",
            f"Virtualization type 'hvm' is required for instances of type '{instance_type}'. Ensure that you "
            "are using an AMI with virtualization type 'hvm'.",
        )
