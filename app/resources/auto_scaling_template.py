"""The launch template of a group in the VPC: all that its launch configuration holds, with the VPC's groups."""

import base64
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from app.cloud import AlreadyExists, NotFound
from app.execution.calls import Calls, makes, ours, passing, reading
from app.execution.step import Result, Run, Seen, Step, Verdict, Watch, pending, settled
from app.planning.context import Context
from app.planning.effects import Effect, Joins, group_names
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft
from app.resources.auto_scaling_launching import source_configuration, user_data_of
from app.resources.auto_scaling_method import SUBJECT, movable, template_name
from app.resources.instance_method import twin_groups
from app.resources.looking_twice import look_twice
from app.resources.vpc_group import short_hash


class CreateTemplate(Step):
    """CreateLaunchTemplate with a client token. AWS looks at what it names only when something is launched."""

    action = f"{SUBJECT}.create_template"
    subject = SUBJECT
    phase = "prepare"
    calls: ClassVar[Calls] = {
        **reading("autoscaling.describe_launch_configurations", "ec2.describe_launch_templates"),
        "ec2.create_launch_template": makes("launch-template/*"),
        "ec2.delete_launch_template": ours("launch-template/*"),
    }
    permits: ClassVar[Calls] = {
        "iam.pass_role": passing("{data.IamInstanceProfile.[Arn, Name][]}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not movable(resource, ctx):
            return None
        configuration = resource.facts["configuration"]
        params = {
            "name": template_name(resource),
            "source": configuration["name"],
            "user_data_sha256": configuration["user_data_sha256"],
            "data": _data(resource, ctx),
            "tags": dict(resource.tags),
        }
        return Draft(
            params,
            f"Make a launch template for '{resource.name}' in the VPC from the launch configuration "
            f"'{configuration['name']}'.",
            seconds=2.0,
            calls=3,
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        for interface in params["data"]["NetworkInterfaces"]:
            yield Joins(str(subject), group_names(interface["Groups"]))

    async def check(self, run: Run) -> None:
        await source_configuration(run, run.params["source"], run.params["user_data_sha256"])

    async def do(self, run: Run) -> Result:
        """Result: template_id and version."""
        source = await source_configuration(run, run.params["source"], run.params["user_data_sha256"])
        data = dict(run.params["data"])
        if user_data := user_data_of(source):
            data["UserData"] = base64.b64encode(user_data).decode()  # clients do not encode it here
        try:
            answer = await run.cloud.call(
                "ec2.create_launch_template",
                LaunchTemplateName=_name(run),
                ClientToken=run.token,
                LaunchTemplateData=data,
                TagSpecifications=run.tag_specifications("launch-template", extra=run.params["tags"]),
            )
            template = answer["LaunchTemplate"]
        except AlreadyExists:  # made by an earlier attempt, which had another token
            found = await look_twice(run, lambda: _find(run))
            if found is None:
                raise
            template = found
        return {"template_id": template["LaunchTemplateId"], "version": "1"}

    def watch(self, result: Result) -> Watch | None:
        return Watch(
            "ec2.describe_launch_templates",
            (result["template_id"],),
            by="list:LaunchTemplateIds",
            items="LaunchTemplates[]",
            key="LaunchTemplateId",
            within=600.0,
        )

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        template_id = result["template_id"]
        return settled() if template_id in seen else pending(f"{template_id} is not visible yet")

    async def undo(self, run: Run, result: Result | None) -> None:
        found = await look_twice(run, lambda: _find(run))
        if found is not None:
            with suppress(NotFound):
                await run.cloud.call("ec2.delete_launch_template", LaunchTemplateId=found["LaunchTemplateId"])


def _name(run: Run) -> str:
    return f"{run.params['name']}-{short_hash(run.job_id + run.step_id, 12)}"


async def _find(run: Run) -> dict[str, Any] | None:
    """What this step made, by name and tags."""
    filters = [*run.mine, {"Name": "launch-template-name", "Values": [_name(run)]}]
    answer = await run.cloud.call("ec2.describe_launch_templates", Filters=filters)
    return next(iter(answer["LaunchTemplates"]), None)


def _data(group: Resource, ctx: Context) -> dict[str, Json]:
    """LaunchTemplateData, but for the user data. Groups and address are a matter of the network interface."""
    facts = group.facts["configuration"]
    profile = facts["iam_profile"]
    optional = {
        "KeyName": facts["key_name"],
        "KernelId": facts["kernel_id"],
        "RamDiskId": facts["ramdisk_id"],
        "EbsOptimized": facts["ebs_optimized"],
        "IamInstanceProfile": {"Arn" if profile.startswith("arn:") else "Name": profile} if profile else None,
        "BlockDeviceMappings": [_device(row) for row in facts["block_devices"]],
        "InstanceMarketOptions": _market(facts["spot_price"]),
        "Placement": {"Tenancy": facts["tenancy"]} if facts["tenancy"] else None,
        "MetadataOptions": facts["metadata"],
    }
    interface = {
        "DeviceIndex": 0,
        # Instances of EC2-Classic have public names, nondefault subnets give none (aws-facts A4, PLAT).
        "AssociatePublicIpAddress": ctx.override(group.ref, "public_ip", True),
        "Groups": twin_groups(group, ctx),
        "DeleteOnTermination": True,
    }
    return {
        "ImageId": ctx.override(group.ref, "image_id", facts["image_id"]),
        "InstanceType": ctx.override(group.ref, "instance_type", facts["instance_type"]),
        "Monitoring": {"Enabled": facts["monitoring"]},
        "NetworkInterfaces": [interface],
        **{key: value for key, value in optional.items() if value},
    }


def _device(row: Mapping[str, Json]) -> dict[str, Json]:
    """Volumes of a launch configuration go with their instance unless it says otherwise; templates ask the image.
    That a device of the image is left out is said by a word there, and not by a switch."""
    device = {key: value for key, value in row.items() if key not in ("NoDevice", "Ebs")}
    if row.get("NoDevice"):
        device["NoDevice"] = ""
    if row.get("Ebs"):
        device["Ebs"] = {"DeleteOnTermination": True, **row["Ebs"]}
    return device


def _market(spot_price: str) -> dict[str, Json] | None:
    if not spot_price:
        return None
    return {"MarketType": "spot", "SpotOptions": {"MaxPrice": spot_price, "SpotInstanceType": "one-time"}}
