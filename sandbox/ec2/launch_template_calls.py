"""CreateLaunchTemplate, DescribeLaunchTemplates, ModifyLaunchTemplate, DeleteLaunchTemplate."""

import re
from collections.abc import Mapping
from typing import Any

from sandbox.ec2.describing import Field, paginate, select
from sandbox.ec2.launch_template_versions import add_version
from sandbox.ec2.launch_templates import (
    LaunchTemplate,
    named_template,
    named_version,
    template_by_id,
    template_by_name,
    template_view,
)
from sandbox.ec2.tags import drop_tags, requested_tags, set_tags
from sandbox.ec2.template_tokens import TemplateToken, asked_of
from sandbox.ec2.tokens import require_same
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

_NAME = re.compile(r"[a-zA-Z0-9().\-/_]{3,128}")


@operation("ec2", "CreateLaunchTemplate")
def create_launch_template(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Names are unique in a region; a repeated ClientToken answers with what it made before."""
    token, asked = request.get("ClientToken", ""), asked_of(request)
    if (earlier := place.table(TemplateToken).get(token)) is not None:
        require_same(earlier.asked, asked, token)
        return {"LaunchTemplate": template_view(place, earlier.template)}
    name = request["LaunchTemplateName"]
    _check_name(place, name)
    tags = requested_tags(request, "launch-template")
    template = LaunchTemplate(
        place.new_id("lt"), name, place.clock.now(), place.world.caller.arn, place.visible_from_now()
    )
    add_version(place, template, request.get("VersionDescription"), request["LaunchTemplateData"])
    place.table(LaunchTemplate)[template.id] = template
    set_tags(place, template.id, tags)
    if token:
        place.table(TemplateToken)[token] = TemplateToken(asked, template)
    return {"LaunchTemplate": template_view(place, template)}


def _check_name(place: Place, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise AwsError(
            "InvalidLaunchTemplateName.MalformedException",
            "A launch template name must be between 3 and 128 characters, and may contain letters, numbers, "
            "and the following characters: - ( ) . / _.",
        )
    templates = place.table(LaunchTemplate).values()
    if any(template.name == name for template in templates):
        raise AwsError("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.")
    if len(templates) >= place.limits.launch_templates:
        raise AwsError(
            "MaxTemplateLimitExceeded",
            f"The number of launch templates in the Region exceeds the limit of {place.limits.launch_templates}.",
        )


_FIELDS: Mapping[str, Field] = {
    "create-time": lambda view: [view["CreateTime"].strftime("%Y-%m-%dT%H:%M:%S.000Z")],
    "launch-template-name": lambda view: [view["LaunchTemplateName"]],
}


@operation("ec2", "DescribeLaunchTemplates")
def describe_launch_templates(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    named = [template_by_id(place, template_id) for template_id in request.get("LaunchTemplateIds") or ()]
    named += [template_by_name(place, name) for name in request.get("LaunchTemplateNames") or ()]
    found = named or list(place.seen(LaunchTemplate).values())
    views = [(template.id, template_view(place, template)) for template in found]
    return paginate(select(place, request, views, _FIELDS), request, "LaunchTemplates", smallest=1, largest=200)


@operation("ec2", "ModifyLaunchTemplate")
def modify_launch_template(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Sets the default version; setting it again changes nothing, so a token needs no memory."""
    template = named_template(place, request)
    wanted = request.get("DefaultVersion")
    if not wanted:
        raise AwsError("MissingParameter", "The request must contain the parameter SetDefaultVersion")
    template.default = named_version(place, template, wanted).number
    return {"LaunchTemplate": template_view(place, template)}


@operation("ec2", "DeleteLaunchTemplate")
def delete_launch_template(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """With all its versions. What was launched from it goes on; a group that launches from it cannot any more."""
    template = named_template(place, request)
    view = template_view(place, template)
    del place.table(LaunchTemplate)[template.id]
    drop_tags(place, template.id)
    return {"LaunchTemplate": view}
