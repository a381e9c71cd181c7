"""DB instances: what RDS keeps of each, whether it takes connections, and finding them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.clock import Timer
from sandbox.rds.names import bare
from sandbox.rds.refusals import already_exists, not_found, wrong_state
from sandbox.world import Place


@dataclass
class DbInstance:
    """A DB instance in EC2-Classic (`vpc_id` None) or in a VPC.

    `serving` says whether the engine takes connections; a status alone does not tell, since
    `modifying` may or may not come with an outage. `pending` holds what a modification will set
    once it is applied, by field name.
    """

    identifier: str
    resource_id: str
    instance_class: str
    engine: str
    engine_version: str
    allocated_storage: int
    zone: str
    port: int
    license_model: str
    parameter_group: str
    option_group: str
    created_at: datetime
    visible_at: datetime
    status: str = "creating"
    serving: bool = False
    endpoint: str | None = None
    vpc_id: str | None = None
    subnet_group: str | None = None
    db_security_groups: list[str] = field(default_factory=list)
    vpc_security_group_ids: list[str] = field(default_factory=list)
    publicly_accessible: bool = True
    master_username: str = "admin"
    db_name: str | None = None
    multi_az: bool = False
    storage_type: str = "gp2"
    iops: int | None = None
    storage_encrypted: bool = False
    kms_key_id: str | None = None
    parameter_status: str = "in-sync"
    option_status: str = "in-sync"
    backup_retention: int = 1
    backup_window: str = "03:00-03:30"
    maintenance_window: str = "sun:05:00-sun:05:30"
    auto_minor_version_upgrade: bool = True
    copy_tags_to_snapshot: bool = False
    deletion_protection: bool = False
    monitoring_interval: int = 0
    replica_of: str | None = None
    pending: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    timer: Timer | None = None
    window: Timer | None = None


# Request parameters that set a field of the same meaning, on creating, restoring and modifying alike.
FIELDS = {
    "DBInstanceClass": "instance_class",
    "AllocatedStorage": "allocated_storage",
    "EngineVersion": "engine_version",
    "MasterUsername": "master_username",
    "DBName": "db_name",
    "Port": "port",
    "DBPortNumber": "port",
    "MultiAZ": "multi_az",
    "PubliclyAccessible": "publicly_accessible",
    "StorageType": "storage_type",
    "Iops": "iops",
    "LicenseModel": "license_model",
    "DBParameterGroupName": "parameter_group",
    "OptionGroupName": "option_group",
    "BackupRetentionPeriod": "backup_retention",
    "PreferredBackupWindow": "backup_window",
    "PreferredMaintenanceWindow": "maintenance_window",
    "AutoMinorVersionUpgrade": "auto_minor_version_upgrade",
    "CopyTagsToSnapshot": "copy_tags_to_snapshot",
    "DeletionProtection": "deletion_protection",
    "MonitoringInterval": "monitoring_interval",
    "StorageEncrypted": "storage_encrypted",
    "KmsKeyId": "kms_key_id",
}


def given(request: Mapping[str, Any]) -> dict[str, Any]:
    """What the request sets, by field of DbInstance."""
    return {name: request[key] for key, name in FIELDS.items() if request.get(key) is not None}


def answering(place: Place, db: DbInstance) -> bool:
    """Whether the DB instance takes connections at this moment, whoever asks and from wherever.

    Yes while available, backing up or modified without an outage; no while it is created,
    restored, moved into a VPC, rebooted, renamed, stopped or deleted.
    """
    return db.serving and place.table(DbInstance).get(db.identifier) is db


def find(place: Place, name_or_arn: str) -> DbInstance:
    """The DB instance a caller names. Raises DBInstanceNotFound."""
    db = place.seen(DbInstance).get(bare(place, name_or_arn))
    if db is None:
        raise not_found("DBInstanceNotFound", "DBInstance", name_or_arn)
    return db


def find_available(place: Place, name_or_arn: str) -> DbInstance:
    """As `find`; raises InvalidDBInstanceState unless it is available (no change while another runs)."""
    db = find(place, name_or_arn)
    if db.status != "available":
        raise wrong_state(f"Database instance is not in available state: {db.identifier} is {db.status}.")
    return db


def refuse_taken(place: Place, name: str) -> None:
    """Raises DBInstanceAlreadyExists: a name cannot be reused until it is freed (aws-facts A5)."""
    if name in place.table(DbInstance):
        raise already_exists("DBInstanceAlreadyExists", "DB instance", name)


def replicas_of(place: Place, db: DbInstance) -> list[DbInstance]:
    return [each for each in place.table(DbInstance).values() if each.replica_of == db.identifier]
