"""CreateLaunchTemplateVersion, DescribeLaunchTemplateVersions, DeleteLaunchTemplateVersions."""

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.ec2.describing import Field, View, paginate, select
from sandbox.ec2.launch_templates import (
    Data,
    LaunchTemplate,
    TemplateVersion,
    named_template,
    named_version,
    seen_versions,
    version_number,
    version_view,
)
from sandbox.ec2.tags import requested_tags
from sandbox.ec2.template_tokens import TemplateToken, asked_of
from sandbox.ec2.tokens import require_same
from sandbox.ec2.user_data import check_user_data
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

_FOR_ALL = {"$Latest", "$Default"}


def add_version(place: Place, template: LaunchTemplate, description: str | None, data: Data) -> TemplateVersion:
    """Whether images, groups, types … of a version exist is looked at when something is launched from it.

    Raises InvalidUserData.Malformed, InvalidParameterValue (user data or tags too long),
    MaxTemplateVersionLimitExceeded.
    """
    check_user_data(data.get("UserData"))
    for resource_type in ("instance", "volume"):
        requested_tags(data, resource_type)
    if len(template.versions) >= place.limits.launch_template_versions:
        raise AwsError(
            "MaxTemplateVersionLimitExceeded",
            f"The number of versions of {template.id} exceeds the limit of {place.limits.launch_template_versions}.",
        )
    template.newest += 1
    version = TemplateVersion(
        template.newest, description, dict(data), place.clock.now(), place.world.caller.arn, place.visible_from_now()
    )
    template.versions[version.number] = version
    return version


@operation("ec2", "CreateLaunchTemplateVersion")
def create_launch_template_version(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """From SourceVersion, whose parameters hold unless the request gives them; without one from nothing."""
    template = named_template(place, request)
    token, asked = request.get("ClientToken", ""), asked_of(request)
    if (earlier := place.table(TemplateToken).get(token)) is not None and earlier.version is not None:
        require_same(earlier.asked, asked, token)
        return {"LaunchTemplateVersion": version_view(earlier.template, earlier.version)}
    source = request.get("SourceVersion")
    base = named_version(place, template, source).data if source else {}
    data = {**base, **request["LaunchTemplateData"]}
    version = add_version(place, template, request.get("VersionDescription"), data)
    if token:
        place.table(TemplateToken)[token] = TemplateToken(asked, template, version)
    return {"LaunchTemplateVersion": version_view(template, version)}


_FIELDS: Mapping[str, Field] = {
    "create-time": lambda view: [view["CreateTime"].strftime("%Y-%m-%dT%H:%M:%S.000Z")],
    "ebs-optimized": lambda view: [view["LaunchTemplateData"].get("EbsOptimized", False)],
    "iam-instance-profile": lambda view: (view["LaunchTemplateData"].get("IamInstanceProfile") or {}).values(),
    "image-id": lambda view: [view["LaunchTemplateData"].get("ImageId")],
    "instance-type": lambda view: [view["LaunchTemplateData"].get("InstanceType")],
    "is-default-version": lambda view: [view["DefaultVersion"]],
    "kernel-id": lambda view: [view["LaunchTemplateData"].get("KernelId")],
    "ram-disk-id": lambda view: [view["LaunchTemplateData"].get("RamDiskId")],
}


@operation("ec2", "DescribeLaunchTemplateVersions")
def describe_launch_template_versions(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Of one template all, those named or a range, newest first; of all templates $Latest and $Default."""
    views: list[tuple[str, View]] = [
        (template.id, version_view(template, version)) for template, version in _asked(place, request)
    ]
    chosen = select(place, request, views, _FIELDS)
    return paginate(chosen, request, "LaunchTemplateVersions", smallest=1, largest=200)


def _asked(place: Place, request: Mapping[str, Any]) -> Iterator[tuple[LaunchTemplate, TemplateVersion]]:
    words = request.get("Versions") or []
    if not request.get("LaunchTemplateId") and not request.get("LaunchTemplateName"):
        if not words or not set(words) <= _FOR_ALL:
            raise AwsError(
                "InvalidParameterValue" if words else "MissingParameter",
                "To describe versions of all launch templates, specify $Latest, $Default or both, and no numbers.",
            )
        for template in place.seen(LaunchTemplate).values():
            yield from _named(place, template, words)
        return
    template = named_template(place, request)
    if words:
        yield from _named(place, template, words)
        return
    least = version_number(request.get("MinVersion") or "0")
    most = version_number(request.get("MaxVersion") or str(template.newest))
    for number, version in sorted(seen_versions(place, template).items(), reverse=True):
        if least <= number <= most:
            yield template, version


def _named(
    place: Place, template: LaunchTemplate, words: list[str]
) -> Iterator[tuple[LaunchTemplate, TemplateVersion]]:
    found = {version.number: version for version in (named_version(place, template, word) for word in words)}
    for number in sorted(found, reverse=True):
        yield template, found[number]


@operation("ec2", "DeleteLaunchTemplateVersions")
def delete_launch_template_versions(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Each by its number; one that is not there is told of and stops nothing. The default stays while it is
    the default (no source names the code of that refusal)."""
    template = named_template(place, request)
    numbers = [version_number(word) for word in request["Versions"]]
    if template.default in numbers:
        raise AwsError(
            "InvalidParameterValue",
            f"You cannot delete the default version {template.default} of {template.id}: assign another default first.",
        )
    gone, missing = [], []
    for number in numbers:
        told = {
            "LaunchTemplateId": template.id,
            "LaunchTemplateName": template.name,
            "VersionNumber": number,
        }
        if template.versions.pop(number, None):
            gone.append(told)
        else:
            error = {"Code": "launchTemplateVersionDoesNotExist", "Message": f"There is no version {number}."}
            missing.append({**told, "ResponseError": error})
    return {
        "SuccessfullyDeletedLaunchTemplateVersions": gone,
        "UnsuccessfullyDeletedLaunchTemplateVersions": missing,
    }
