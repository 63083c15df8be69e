"""What `delete-stack` would refuse, and what it would leave: the drill `delete`, which deletes nothing.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from botocore.exceptions import ClientError

from preflight.deploy.declared_resources import DeclaredResource
from preflight.deploy.session import Session
from preflight.model import Finding, JsonObject, Severity

CHECK = "DRILL"
LEAVES = ("Retain", "RetainExceptOnCreate", "Snapshot")
PROTECTION = ("DeletionProtection", "DeletionProtectionEnabled")
POLICY = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html"
TROUBLE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html"


class Resources(Protocol):
    """The resources of a deployment's stacks."""

    def all(self) -> list[DeclaredResource]:
        """Returns every resource that exists."""


def findings(session: Session, resources: Resources) -> Iterator[Finding]:
    """Yields a warning for each resource that keeps its stack from going, and information about each that stays."""
    for resource in resources.all():
        policy = str(_declared(resource).get("DeletionPolicy"))
        if policy in LEAVES:
            kept = "a snapshot of it" if policy == "Snapshot" else "it"
            message = f"drill delete: delete-stack leaves {resource.physical}: its DeletionPolicy {policy} keeps {kept}"
            yield _finding(Severity.INFO, resource, message, "Delete it by hand if that is not meant.", POLICY)
        elif (obstacle := _obstacle(session, resource)) is not None:
            message = f"drill delete: delete-stack fails at {resource.physical}: {obstacle[0]}"
            yield _finding(Severity.WARNING, resource, message, obstacle[1], TROUBLE)


def _declared(resource: DeclaredResource) -> JsonObject:
    """Returns what the template says of a resource: nothing if a loop or a transform made it."""
    return resource.template.resources.get(resource.logical) or {}


def _obstacle(session: Session, resource: DeclaredResource) -> tuple[str, str] | None:
    """Returns what keeps a resource from being deleted, and the fix."""
    properties = _declared(resource).get("Properties") or {}
    if any(str(properties.get(name)).lower() in {"true", "active"} for name in PROTECTION) or _is_protected(properties):
        return "deletion protection is on", "Switch it off before the stack is deleted."
    try:
        if resource.kind == "AWS::ECR::Repository" and str(properties.get("EmptyOnDelete")).lower() != "true":
            images = session.client("ecr").list_images(repositoryName=resource.physical)["imageIds"]
            return ("the repository still contains images", "Set EmptyOnDelete: true, or delete the images first.") if images else None
        if resource.kind == "AWS::S3::Bucket":
            objects = session.client("s3").list_objects_v2(Bucket=resource.physical, MaxKeys=1).get("Contents")
            return ("the bucket is not empty", "Empty it first, or keep it by DeletionPolicy: Retain.") if objects else None
    except ClientError:
        return None  # it is gone, or may not be read
    return None


def _is_protected(properties: Any) -> bool:
    """Whether the attributes of a load balancer protect it."""
    attributes = properties.get("LoadBalancerAttributes")
    return isinstance(attributes, list) and any(
        isinstance(a, dict) and a.get("Key") == "deletion_protection.enabled" and str(a.get("Value")).lower() == "true"
        for a in attributes
    )


def _finding(severity: Severity, resource: DeclaredResource, message: str, fix: str, source: str) -> Finding:
    return Finding(
        "smoke",
        CHECK,
        severity,
        message,
        file=resource.template.name,
        line=resource.line(),
        resource=resource.logical,
        fix=fix,
        source=source,
    )
