"""What client tokens of CreateLaunchTemplate and CreateLaunchTemplateVersion stand for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.ec2.launch_templates import LaunchTemplate, TemplateVersion


@dataclass
class TemplateToken:
    """`version` None: it made the template itself."""

    asked: Mapping[str, Any]
    template: LaunchTemplate
    version: TemplateVersion | None = None
    visible_at: datetime = datetime.max.replace(tzinfo=UTC)  # no call names one


def asked_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """What must be the same when a token is used again."""
    return {key: value for key, value in request.items() if key not in {"ClientToken", "DryRun"}}
