from __future__ import annotations

from collections.abc import Callable

import pytest

from preflight.comply.cross_template_rules import bucket_deletion
from preflight.plan.resolved_stacks import ResolvedStacks

BUCKET = "Resources:\n  Logs:\n    Type: AWS::S3::Bucket\n"
BALANCER = """\
  Lb:
    Type: AWS::ElasticLoadBalancingV2::LoadBalancer
    Properties: {LoadBalancerAttributes: [{Key: access_logs.s3.enabled, Value: "true"}, {Key: access_logs.s3.bucket, Value: !Ref Logs}]}
"""
FLOW_LOG = "  Flow: {Type: AWS::EC2::FlowLog, Properties: {LogDestination: !GetAtt Logs.Arn}}\n"
TRAIL = "  Trail: {Type: AWS::CloudTrail::Trail, Properties: {S3BucketName: !Ref Logs}}\n"
SERVED = "  Site: {Type: AWS::S3::Bucket, Properties: {LoggingConfiguration: {DestinationBucketName: !Ref Logs}}}\n"


@pytest.mark.parametrize(
    "writer",
    [
        pytest.param(BALANCER, id="a load balancer"),
        pytest.param(FLOW_LOG, id="a flow log"),
        pytest.param(TRAIL, id="a trail"),
        pytest.param(SERVED, id="another bucket"),
        pytest.param(BALANCER + FLOW_LOG, id="two of them"),
    ],
)
def test_a_bucket_with_logs_that_goes_with_its_stack_is_found_once(
    make_estate: Callable[..., ResolvedStacks], writer: str
) -> None:
    (violation,) = bucket_deletion.check(make_estate(root=BUCKET + writer))

    assert violation.resource == "Logs"


@pytest.mark.parametrize(
    "template",
    [
        pytest.param(BUCKET, id="a bucket that nothing writes to"),
        pytest.param(f"{BUCKET}    DeletionPolicy: Retain\n{BALANCER}", id="one that stays"),
        pytest.param(f"{BUCKET}{BALANCER}  Helper: {{Type: 'Custom::S3AutoDeleteObjects', Properties: {{BucketName: !Ref Logs}}}}\n", id="one that CDK empties"),
        pytest.param(BUCKET + BALANCER.replace('"true"', '"false"'), id="a bucket of logs that are off"),
        pytest.param(BUCKET + BALANCER.replace("!Ref Logs", "elsewhere"), id="a bucket of elsewhere"),
    ],
)  # fmt: skip
def test_a_bucket_that_can_be_deleted_or_stays_is_taken(make_estate: Callable[..., ResolvedStacks], template: str) -> None:
    assert list(bucket_deletion.check(make_estate(root=template))) == []
