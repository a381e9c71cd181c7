"""What is kept of an RDS database: everything that a restore does not bring along and that must be carried."""

from collections.abc import Mapping
from typing import Any

from app.planning.inventory import Json, Ref, Resource
from app.resources.kind import Survey, platform_of, tags_of

DEFAULT_OPTIONS = "default:"  # how the names of RDS's own option groups begin
# Statuses in which a database serves and which come and go by themselves.
AS_AVAILABLE = ("available", "backing-up", "storage-optimization", "configuring-enhanced-monitoring")


async def discover(survey: Survey) -> list[Resource]:
    """Facts: see `_facts`; members of clusters are always in a VPC and are passed over."""
    found = []
    for item in await survey.named("rds.describe_db_instances", "DBInstances[]", "db-instance-id"):
        if item.get("DBClusterIdentifier"):
            continue
        ref = Ref("rds_instance", item["DBInstanceIdentifier"])
        facts = _facts(item) | await _options(survey, ref, item)
        refers = {Ref("db_security_group", name) for name in facts["db_security_groups"]}
        refers |= {Ref("security_group", id_) for id_ in facts["vpc_security_groups"]}
        if facts["subnet_group"]:
            refers.add(Ref("db_subnet_group", facts["subnet_group"]))
        if facts["replica_of"]:
            refers.add(Ref("rds_instance", facts["replica_of"]))
        found.append(Resource(ref, ref.id, platform_of(facts["vpc"]), facts, frozenset(refers)))
    return found


def _facts(item: Mapping[str, Any]) -> dict[str, Json]:
    status = item["DBInstanceStatus"]
    return _engine(item) | _network(item) | _upkeep(item) | {
        "state": "available" if status in AS_AVAILABLE else status,
        "resource_id": item["DbiResourceId"],
        "arn": item["DBInstanceArn"],
        "multi_az": bool(item.get("MultiAZ")),
        "replicas": sorted(item.get("ReadReplicaDBInstanceIdentifiers", ())),
        "replica_of": item.get("ReadReplicaSourceDBInstanceIdentifier", ""),
        "pending": sorted(key for key, value in item.get("PendingModifiedValues", {}).items() if value is not None),
        "tags": tags_of(dict(item), "TagList"),
    }  # fmt: skip


def _engine(item: Mapping[str, Any]) -> dict[str, Json]:
    return {
        "class": item["DBInstanceClass"],
        "engine": item["Engine"],
        "engine_version": item["EngineVersion"],
        "license": item.get("LicenseModel", ""),
        "storage": item["AllocatedStorage"],
        "storage_type": item.get("StorageType", ""),
        "iops": item.get("Iops", 0),
        "encrypted": bool(item.get("StorageEncrypted")),
        "parameter_group": next((each["DBParameterGroupName"] for each in item.get("DBParameterGroups", ())), ""),
        "option_group": next((each["OptionGroupName"] for each in item.get("OptionGroupMemberships", ())), ""),
    }


def _network(item: Mapping[str, Any]) -> dict[str, Json]:
    endpoint = item.get("Endpoint") or {}
    group = item.get("DBSubnetGroup") or {}
    return {
        "zone": item.get("AvailabilityZone", ""),
        "port": endpoint.get("Port") or item.get("DbInstancePort") or 0,
        "endpoint": {"address": endpoint["Address"], "port": endpoint["Port"]} if endpoint.get("Address") else {},
        "vpc": group.get("VpcId", ""),
        "subnet_group": group.get("DBSubnetGroupName", ""),
        "db_security_groups": sorted(each["DBSecurityGroupName"] for each in item.get("DBSecurityGroups", ())),
        "vpc_security_groups": sorted(each["VpcSecurityGroupId"] for each in item.get("VpcSecurityGroups", ())),
        "public": bool(item.get("PubliclyAccessible")),
    }


def _upkeep(item: Mapping[str, Any]) -> dict[str, Json]:
    return {
        "backup_retention": item.get("BackupRetentionPeriod", 0),
        "backup_window": item.get("PreferredBackupWindow", ""),
        "maintenance_window": item.get("PreferredMaintenanceWindow", ""),
        "auto_minor_upgrade": bool(item.get("AutoMinorVersionUpgrade")),
        "copy_tags": bool(item.get("CopyTagsToSnapshot")),
        "deletion_protection": bool(item.get("DeletionProtection")),
        "monitoring_interval": item.get("MonitoringInterval", 0),
        "monitoring_role": item.get("MonitoringRoleArn", ""),
    }


async def _options(survey: Survey, ref: Ref, item: Mapping[str, Any]) -> dict[str, Json]:
    """Custom option groups belong to a platform (aws-facts A5): whether this one may go along, and RDS's own instead.

    RDS names its own after the engine and the major version, default:mysql-5-6.
    """
    name = next((each["OptionGroupName"] for each in item.get("OptionGroupMemberships", ())), "")
    if not name or name.startswith(DEFAULT_OPTIONS):
        return {"option_group_moves": True, "default_option_group": name}
    answer = await survey.one(ref, "rds.describe_option_groups", OptionGroupName=name)
    group = answer["OptionGroupsList"][0] if answer else {}
    major = group.get("MajorEngineVersion", "").replace(".", "-")
    return {
        "option_group_moves": bool(group.get("AllowsVpcAndNonVpcInstanceMemberships")),
        "default_option_group": f"{DEFAULT_OPTIONS}{item['Engine']}-{major}" if major else "",
    }
