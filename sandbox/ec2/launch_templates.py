"""Launch templates: what one is, finding one and its versions by whatever names them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.ec2.describing import View
from sandbox.ec2.lookup import named
from sandbox.ec2.tags import tag_list
from sandbox.errors import AwsError
from sandbox.world import Place

Data = Mapping[str, Any]  # RequestLaunchTemplateData as boto3 has it; the answer's shape is the same


@dataclass(frozen=True)
class TemplateVersion:
    """Never changed once made; its number is never given to another."""

    number: int
    description: str | None
    data: Data
    created_at: datetime
    created_by: str
    visible_at: datetime


@dataclass
class LaunchTemplate:
    id: str
    name: str
    created_at: datetime
    created_by: str
    visible_at: datetime
    versions: dict[int, TemplateVersion] = field(default_factory=dict)
    default: int = 1
    newest: int = 0  # the highest number ever given

    @property
    def latest(self) -> int:
        """The highest number that is left."""
        return max(self.versions)


def launch_template_data(place: Place, specification: Mapping[str, Any]) -> Data:
    """What a LaunchTemplateSpecification (of RunInstances or Auto Scaling) stands for at this moment.

    `specification` names a template by LaunchTemplateId or LaunchTemplateName and a Version: a number,
    $Latest or $Default, the last where there is none. The data is as boto3 has LaunchTemplateData.
    Raises what `named_template` and `named_version` raise.
    """
    template = named_template(place, specification)
    return named_version(place, template, specification.get("Version") or "$Default").data


def named_template(place: Place, request: Mapping[str, Any]) -> LaunchTemplate:
    """The template a request names by LaunchTemplateId or LaunchTemplateName.

    Raises MissingParameter for neither, InvalidParameterCombination for both,
    InvalidLaunchTemplateId.Malformed, InvalidLaunchTemplateId.NotFound,
    InvalidLaunchTemplateName.NotFoundException.
    """
    template_id, name = request.get("LaunchTemplateId"), request.get("LaunchTemplateName")
    if template_id and name:
        raise AwsError(
            "InvalidParameterCombination", "Specify either the launch template ID or its name, but not both."
        )
    if template_id:
        return template_by_id(place, template_id)
    if name:
        return template_by_name(place, name)
    raise AwsError(
        "MissingParameter", "The request must contain the parameter launch template ID or launch template name"
    )


def template_by_id(place: Place, template_id: str) -> LaunchTemplate:
    if not template_id.startswith("lt-"):
        raise AwsError("InvalidLaunchTemplateId.Malformed", f'Invalid id: "{template_id}" (expecting "lt-...")')
    return named(place, LaunchTemplate, template_id, "InvalidLaunchTemplateId.NotFound", "launch template ID")


def template_by_name(place: Place, name: str) -> LaunchTemplate:
    for template in place.seen(LaunchTemplate).values():
        if template.name == name:
            return template
    raise AwsError(
        "InvalidLaunchTemplateName.NotFoundException",
        f"The specified launch template, with template name {name}, does not exist.",
    )


def named_version(place: Place, template: LaunchTemplate, version: str) -> TemplateVersion:
    """By number, $Latest or $Default. Raises InvalidParameterValue for other words,
    InvalidLaunchTemplateId.VersionNotFound."""
    seen = seen_versions(place, template)
    number = {"$Latest": max(seen, default=0), "$Default": template.default}.get(version)
    if number is None:
        number = version_number(version)
    if number not in seen:
        raise AwsError(
            "InvalidLaunchTemplateId.VersionNotFound",
            f"Could not find the specified version {version} for the launch template with ID {template.id}.",
        )
    return seen[number]


def version_number(version: str) -> int:
    """Raises InvalidParameterValue for what is no number."""
    if not version.isdecimal():
        raise AwsError(
            "InvalidParameterValue",
            f"Invalid launch template version '{version}': either '$Default', '$Latest', or a numeric version "
            f"are allowed.",
        )
    return int(version)


def seen_versions(place: Place, template: LaunchTemplate) -> dict[int, TemplateVersion]:
    now = place.clock.now()
    return {number: version for number, version in template.versions.items() if version.visible_at <= now}


def template_view(place: Place, template: LaunchTemplate) -> View:
    return {
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "CreateTime": template.created_at,
        "CreatedBy": template.created_by,
        "DefaultVersionNumber": template.default,
        "LatestVersionNumber": template.latest,
        "Tags": tag_list(place, template.id),
    }


def version_view(template: LaunchTemplate, version: TemplateVersion) -> View:
    return {
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "VersionNumber": version.number,
        "VersionDescription": version.description,
        "CreateTime": version.created_at,
        "CreatedBy": version.created_by,
        "DefaultVersion": version.number == template.default,
        "LaunchTemplateData": dict(version.data),
    }
