"""A bucket that a service writes its logs to is deleted with its stack only if it is emptied first.

The stack is made without trouble, and its deletion ends in DELETE_FAILED. Source:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.comply.cross_template_rules.violation import Violation
from preflight.plan.cross_stack_references import ReferencedResource, ReferenceTracer
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate

BUCKET = "AWS::S3::Bucket"
EMPTIES = "Custom::S3AutoDeleteObjects"  # of CDK
_KEPT = ("Retain", "RetainExceptOnCreate")
_LOGS_OF_BALANCER = ("access_logs.s3.bucket", "connection_logs.s3.bucket", "health_check_logs.s3.bucket")
_FIX = "Set DeletionPolicy: Retain if the logs are to stay, or empty the bucket before the stack is deleted."


def check(stacks: ResolvedStacks) -> Iterator[Violation]:
    """Buckets that services of the same templates write to, and that are deleted with their stack."""
    tracer = ReferenceTracer(stacks)
    emptied = [bucket for _, bucket in _buckets(stacks, tracer, of_writers=False)]
    reported: list[ReferencedResource] = []
    for writer, bucket in _buckets(stacks, tracer, of_writers=True):
        is_known = any(bucket.is_same(other) for other in (*emptied, *reported))
        if bucket.resource.get("DeletionPolicy") not in _KEPT and not is_known:
            reported.append(bucket)
            message = f"{writer} writes to it, and its stack cannot be deleted while it holds objects (BucketNotEmpty)."
            yield Violation(bucket.document, ("Resources", bucket.logical), message, _FIX)


def _buckets(
    stacks: ResolvedStacks, tracer: ReferenceTracer, *, of_writers: bool
) -> Iterator[tuple[str, ReferencedResource]]:
    """Yields the buckets that resources write to, or those that they empty, with the logical ids of the resources."""
    for document in stacks.documents:
        for logical, value in _written(document) if of_writers else _emptied(document):
            bucket = tracer.find(document, value, BUCKET)
            if bucket is not None:
                yield logical, bucket


def _written(document: ResolvedTemplate) -> Iterator[tuple[str, Any]]:
    for logical, balancer in document.of_type("AWS::ElasticLoadBalancingV2::LoadBalancer"):
        attributes = balancer.get("LoadBalancerAttributes")
        pairs = [pair for pair in attributes if isinstance(pair, dict)] if isinstance(attributes, list) else []
        values = {str(pair.get("Key")): pair.get("Value") for pair in pairs}
        for key in _LOGS_OF_BALANCER:
            if key in values and str(values.get(key.replace(".bucket", ".enabled"))).lower() == "true":
                yield logical, values[key]
    for logical, flow_log in document.of_type("AWS::EC2::FlowLog"):
        yield logical, flow_log.get("LogDestination")
    for logical, trail in document.of_type("AWS::CloudTrail::Trail"):
        yield logical, trail.get("S3BucketName")
    for logical, bucket in document.of_type(BUCKET):
        logging = bucket.get("LoggingConfiguration")
        yield logical, logging.get("DestinationBucketName") if isinstance(logging, dict) else None


def _emptied(document: ResolvedTemplate) -> Iterator[tuple[str, Any]]:
    for logical, helper in document.of_type(EMPTIES):
        yield logical, helper.get("BucketName")
