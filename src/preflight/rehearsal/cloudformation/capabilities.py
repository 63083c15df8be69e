"""The capabilities that a template needs, and whether a request acknowledges them. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html.
"""

from __future__ import annotations

from collections.abc import Iterable

from preflight.rehearsal.cloudformation.live_references import Template
from preflight.rehearsal.protocol import Refusal

IAM_TYPES = {
    f"AWS::IAM::{name}"
    for name in (
        "AccessKey", "Group", "InstanceProfile", "ManagedPolicy", "Policy", "Role", "User", "UserToGroupAddition",
    )
}
IAM_NAMES = ("RoleName", "UserName", "GroupName", "InstanceProfileName", "ManagedPolicyName")


def needed_capability(template: Template) -> str | None:
    """Returns the capability that the IAM resources of a template need, or None."""
    definitions = [r for r in template["Resources"].values() if r["Type"] in IAM_TYPES]
    if any(name in (definition.get("Properties") or {}) for definition in definitions for name in IAM_NAMES):
        return "CAPABILITY_NAMED_IAM"
    return "CAPABILITY_IAM" if definitions else None


def check_capabilities(template: Template, capabilities: Iterable[str]) -> None:
    """IAM resources need CAPABILITY_IAM, named ones CAPABILITY_NAMED_IAM.

    Raises:
        Refusal: InsufficientCapabilitiesException.
    """
    needed = needed_capability(template)
    if needed and "CAPABILITY_NAMED_IAM" not in capabilities and needed not in capabilities:
        raise _insufficient(needed)


def check_transform(template: Template, capabilities: Iterable[str], *, is_change_set: bool) -> None:
    """A transform needs CAPABILITY_AUTO_EXPAND, except in a change set, which shows the result.

    Raises:
        Refusal: InsufficientCapabilitiesException.
    """
    needed = "CAPABILITY_AUTO_EXPAND"
    if template.get("Transform") and needed not in capabilities and not is_change_set:
        raise _insufficient(needed)


def _insufficient(needed: str) -> Refusal:
    return Refusal("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")
