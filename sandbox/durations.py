"""How long things take, in seconds of the sandbox's clock. AWS publishes none of these: they are settings."""

from dataclasses import dataclass


@dataclass
class Durations:
    instance_start: float = 40.0
    instance_stop: float = 30.0
    instance_terminate: float = 20.0
    instance_reboot: float = 20.0
    status_checks: float = 60.0  # from running until both status checks pass
    image_base: float = 60.0  # of an image whose volumes have fresh snapshots
    snapshot_base: float = 30.0
    snapshot_per_gib: float = 3.0  # of data not yet in an earlier snapshot of the volume
    volume_turnover: float = 86400.0  # until all data of a volume in use is new to its last snapshot
    volume_create: float = 5.0
    volume_attach: float = 3.0
    address_move: float = 45.0
    nat_gateway_create: float = 90.0
    nat_gateway_delete: float = 45.0
    classic_link: float = 0.0
    db_create: float = 240.0
    db_modify: float = 60.0
    db_move_to_vpc: float = 420.0
    db_snapshot: float = 120.0
    db_snapshot_base: float = 30.0  # where all data is in an earlier snapshot; it ages as that of volumes does
    db_restore: float = 360.0
    db_rename: float = 60.0
    db_delete: float = 60.0
    db_reboot: float = 30.0
    db_start: float = 120.0
    db_stop: float = 120.0
    db_authorize: float = 10.0  # until a rule of a DB security group is in force
    elb_register: float = 5.0  # until a registered instance is checked for the first time
    elb_drain: float = 15.0  # until the connections of a draining instance have ended
    between_calls: float = 1.0  # of a declared flow's callers, as CloudWatch counts them
    dns_change: float = 20.0  # until a record change is INSYNC
    scaling_launch: float = 5.0  # from a group's lack of a member until it launches one
    scaling_notice: float = 20.0  # until a group's health checks find a member that is gone or failing
    scaling_retry: float = 30.0  # from a failed launch to the next; doubles up to sixteen times as long
