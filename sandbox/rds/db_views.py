"""How a DB instance looks in answers, and DescribeDBInstances."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sandbox.rds.db_instances import DbInstance, find, replicas_of
from sandbox.rds.db_subnet_groups import DbSubnetGroup, standby_zone, subnet_group_view
from sandbox.rds.listing import View, filtered, page
from sandbox.rds.names import arn, bare
from sandbox.rds.tagging import tag_list
from sandbox.service import operation
from sandbox.world import Place

# How PendingModifiedValues calls the fields; what it has no name for is pending without being shown there.
_PENDING = {
    "instance_class": "DBInstanceClass",
    "allocated_storage": "AllocatedStorage",
    "engine_version": "EngineVersion",
    "port": "Port",
    "multi_az": "MultiAZ",
    "storage_type": "StorageType",
    "iops": "Iops",
    "license_model": "LicenseModel",
    "backup_retention": "BackupRetentionPeriod",
    "identifier": "DBInstanceIdentifier",
    "subnet_group": "DBSubnetGroupName",
}
_RESTORABLE_LAG = timedelta(minutes=5)


def instance_view(place: Place, db: DbInstance) -> View:
    """A DBInstance as botocore shapes it; in EC2-Classic it has no DBSubnetGroup."""
    view = _settings(db) | _network(place, db)
    view |= {
        "DBInstanceIdentifier": db.identifier,
        "DBInstanceArn": arn(place, "db", db.identifier),
        "DBInstanceStatus": db.status,
        "DbiResourceId": db.resource_id,
        "InstanceCreateTime": db.created_at,
        "PendingModifiedValues": {_PENDING[name]: value for name, value in db.pending.items() if name in _PENDING},
        "ReadReplicaDBInstanceIdentifiers": sorted(each.identifier for each in replicas_of(place, db)),
        "TagList": tag_list(db.tags),
    }
    if db.replica_of:
        view["ReadReplicaSourceDBInstanceIdentifier"] = db.replica_of
    restorable = place.clock.now() - _RESTORABLE_LAG
    if db.backup_retention and db.endpoint:
        view["LatestRestorableTime"] = max(restorable, db.created_at)
    return view


def _settings(db: DbInstance) -> View:
    view: View = {
        "DBInstanceClass": db.instance_class,
        "Engine": db.engine,
        "EngineVersion": db.engine_version,
        "AllocatedStorage": db.allocated_storage,
        "StorageType": db.storage_type,
        "StorageEncrypted": db.storage_encrypted,
        "LicenseModel": db.license_model,
        "MasterUsername": db.master_username,
        "MultiAZ": db.multi_az,
        "DBParameterGroups": [
            {"DBParameterGroupName": db.parameter_group, "ParameterApplyStatus": db.parameter_status}
        ],
        "OptionGroupMemberships": [{"OptionGroupName": db.option_group, "Status": db.option_status}],
        "BackupRetentionPeriod": db.backup_retention,
        "PreferredBackupWindow": db.backup_window,
        "PreferredMaintenanceWindow": db.maintenance_window,
        "AutoMinorVersionUpgrade": db.auto_minor_version_upgrade,
        "CopyTagsToSnapshot": db.copy_tags_to_snapshot,
        "DeletionProtection": db.deletion_protection,
        "MonitoringInterval": db.monitoring_interval,
    }
    optional = {"DBName": db.db_name, "Iops": db.iops, "KmsKeyId": db.kms_key_id}
    return view | {name: value for name, value in optional.items() if value is not None}


def _network(place: Place, db: DbInstance) -> View:
    view: View = {
        "AvailabilityZone": db.zone,
        "PubliclyAccessible": db.publicly_accessible,
        "DbInstancePort": 0,  # AWS's own answer outside clusters
        "DBSecurityGroups": [{"DBSecurityGroupName": name, "Status": "active"} for name in db.db_security_groups],
        "VpcSecurityGroups": [
            {"VpcSecurityGroupId": group_id, "Status": "active"} for group_id in db.vpc_security_group_ids
        ],
    }
    if db.endpoint:
        view["Endpoint"] = {"Address": db.endpoint, "Port": db.port}
    if db.subnet_group:
        view["DBSubnetGroup"] = subnet_group_view(place, place.table(DbSubnetGroup)[db.subnet_group])
    if db.multi_az:
        view["SecondaryAvailabilityZone"] = standby_zone(place, db)
    return view


@operation("rds", "DescribeDBInstances")
def describe_db_instances(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises DBInstanceNotFound for an id; a filter that matches nothing answers an empty list."""
    name = request.get("DBInstanceIdentifier")
    chosen = [find(place, name)] if name else list(place.seen(DbInstance).values())
    views = filtered(
        (instance_view(place, db) for db in chosen),
        _names_for_arns(place, request),
        {
            "db-instance-id": lambda view: (view["DBInstanceIdentifier"],),
            "dbi-resource-id": lambda view: (view["DbiResourceId"],),
            "engine": lambda view: (view["Engine"],),
            "db-cluster-id": lambda view: (),
            "domain": lambda view: (),
        },
    )
    return page(views, request, "DBInstances", "DBInstanceIdentifier")


def _names_for_arns(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Filters": [
            {"Name": each["Name"], "Values": [bare(place, value) for value in each["Values"]]}
            for each in request.get("Filters") or ()
        ]
    }
