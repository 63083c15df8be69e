"""What `delete-stack` would refuse, and what it would leave: the drill `delete`, which deletes nothing.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from botocore.exceptions import ClientError

from preflight.deploy import aws_errors
from preflight.deploy.declared_resources import DeclaredResource
from preflight.deploy.session import Session
from preflight.model import Finding, JsonObject, Severity
from preflight.templates.intrinsic_functions import ResolutionContext, ResolveError
from preflight.templates.partial import PartialResolver

CHECK = "DRILL"
LEAVES = ("Retain", "RetainExceptOnCreate", "Snapshot")
PROTECTION = ("DeletionProtection", "DeletionProtectionEnabled")
PROTECTED = ("deletion protection is on", "Switch it off before the stack is deleted.")
EMPTIES = ("Custom::S3AutoDeleteObjects", "Custom::ECRAutoDeleteImages")
POLICY = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html"
TROUBLE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html"


class Resources(Protocol):
    """The resources of a deployment's stacks."""

    def all(self) -> list[DeclaredResource]:
        """Returns every resource that exists."""


def findings(session: Session, resources: Resources) -> Iterator[Finding]:
    """Yields a warning for each resource that keeps its stack from going, and information about each that stays."""
    for resource in resources.all():
        declared = _declared(session, resource)
        policy = str(declared.get("DeletionPolicy"))
        if policy in LEAVES:
            kept = "a snapshot of it" if policy == "Snapshot" else "it"
            message = f"drill delete: delete-stack leaves {resource.physical}: its DeletionPolicy {policy} keeps {kept}"
            yield _finding(Severity.INFO, resource, message, "Delete it by hand unless it is to stay.", POLICY)
            continue
        try:
            obstacle = _obstacle(session, resource, declared.get("Properties") or {})
        except ClientError as error:
            message = f"drill delete: {resource.physical} could not be checked: {aws_errors.describe(error)}"
            yield _finding(Severity.WARNING, resource, message, "Allow the caller to make this call, or try again.", TROUBLE)
            continue
        if obstacle is not None:
            message = f"drill delete: delete-stack fails at {resource.physical}: {obstacle[0]}"
            yield _finding(Severity.WARNING, resource, message, obstacle[1], TROUBLE)


def _declared(session: Session, resource: DeclaredResource) -> JsonObject:
    """Returns what the template says of a resource, by the parameters of its stack: nothing if a loop or a transform made it."""
    declared = resource.template.resources.get(resource.logical) or {}
    decisive: JsonObject = {key: declared[key] for key in ("DeletionPolicy", "Properties") if key in declared}
    if not any(isinstance(value, dict) for value in (decisive.get("DeletionPolicy"), *(decisive.get("Properties") or {}).values())):
        return decisive
    try:
        stack = session.client("cloudformation").describe_stacks(StackName=resource.stack)["Stacks"][0]
        values = {p["ParameterKey"]: p.get("ResolvedValue") or p.get("ParameterValue", "") for p in stack.get("Parameters") or []}
        resolver = PartialResolver(ResolutionContext(resource.template.data, values))  # a reference to another resource stays one
        return {key: resolver.value(value, ("Resources", resource.logical, key)) for key, value in decisive.items()}
    except (ClientError, ResolveError):
        return decisive  # what does not depend on parameters is still known


def _obstacle(session: Session, resource: DeclaredResource, properties: JsonObject) -> tuple[str, str] | None:
    """Returns what keeps a resource from being deleted, and the fix."""
    if any(str(properties.get(name)).lower() in {"true", "active"} for name in PROTECTION):
        return PROTECTED
    try:
        if resource.kind == "AWS::ElasticLoadBalancingV2::LoadBalancer":
            attributes = session.client("elbv2").describe_load_balancer_attributes(LoadBalancerArn=resource.physical)["Attributes"]
            return PROTECTED if {"Key": "deletion_protection.enabled", "Value": "true"} in attributes else None
        return None if _is_emptied(resource, properties) else _content(session, resource)
    except ClientError as error:
        if aws_errors.is_account_error(error):
            raise  # the caller may not read it
        return None  # it is gone


def _content(session: Session, resource: DeclaredResource) -> tuple[str, str] | None:
    """Returns the content that keeps a repository or bucket from being deleted, and the fix."""
    if resource.kind == "AWS::ECR::Repository":
        images = session.client("ecr").list_images(repositoryName=resource.physical)["imageIds"]
        return ("the repository still contains images", "Set EmptyOnDelete: true, or delete the images first.") if images else None
    if resource.kind == "AWS::S3::Bucket":
        page = session.client("s3").list_object_versions(Bucket=resource.physical, MaxKeys=1)
        has_content = page.get("Versions") or page.get("DeleteMarkers")  # DeleteBucket refuses a bucket with either
        return ("the bucket is not empty", "Empty it first, or keep it by DeletionPolicy: Retain.") if has_content else None
    return None


def _is_emptied(resource: DeclaredResource, properties: JsonObject) -> bool:
    """Whether a repository, or a custom resource of CDK, deletes the content when the stack is deleted."""
    if str(properties.get("EmptyOnDelete")).lower() == "true":
        return True
    of_cdk = [r.get("Properties") or {} for r in resource.template.resources.values() if r.get("Type") in EMPTIES]
    return any({"Ref": resource.logical} in (p.get("BucketName"), p.get("RepositoryName")) for p in of_cdk)


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
