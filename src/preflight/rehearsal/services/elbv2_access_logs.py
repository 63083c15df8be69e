"""Whether an Application Load Balancer can write its logs to the configured bucket.

Elastic Load Balancing writes a test file when logs are turned on, and refuses where it cannot.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html and
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-connection-logging.html;
moto/elbv2/models.py keeps the attributes only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from preflight.aws import iam_policy_evaluation, partitions
from preflight.aws.iam_policy_evaluation import Policy, RequestContext
from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Call, Refusal

SERVICE = "logdelivery.elasticloadbalancing.amazonaws.com"
TEST_FILES = {"access_logs": "ELBAccessLogTestFile", "connection_logs": "ELBConnectionLogTestFile"}
# Elastic Load Balancing's own account, by region; newer regions have the service principal alone.
ACCOUNTS = {
    "us-east-1": "127311923021",
    "us-east-2": "033677994240",
    "us-west-1": "027434742980",
    "us-west-2": "797873946194",
    "af-south-1": "098369216593",
    "ap-east-1": "754344448648",
    "ap-northeast-1": "582318560864",
    "ap-northeast-2": "600734575887",
    "ap-northeast-3": "383597477331",
    "ap-south-1": "718504428378",
    "ap-southeast-1": "114774131450",
    "ap-southeast-2": "783225319266",
    "ap-southeast-3": "589379963580",
    "ca-central-1": "985666609251",
    "eu-central-1": "054676820928",
    "eu-north-1": "897822967062",
    "eu-south-1": "635631232127",
    "eu-west-1": "156460612806",
    "eu-west-2": "652711504416",
    "eu-west-3": "009996457667",
    "me-south-1": "076674570225",
    "sa-east-1": "507241528517",
    "us-gov-east-1": "190560391635",
    "us-gov-west-1": "048591011584",
    "cn-north-1": "638102146993",
    "cn-northwest-1": "037604701340",
}


def check(account: Account, call: Call) -> None:
    """Hold each kind of log that is turned on against its bucket.

    Raises:
        Refusal: the bucket does not take it.
    """
    attributes_set = {str(pair["Key"]): str(pair.get("Value") or "") for pair in call.parameters.get("Attributes") or []}
    kinds = [kind for kind in TEST_FILES if attributes_set.get(f"{kind}.s3.enabled", "").lower() == "true"]
    if not kinds:
        return
    arn = call.parameters["LoadBalancerArn"]
    elb: Any = account.client("elbv2", call.region)
    if elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]["Type"] != "application":
        return
    stored = elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    attributes = {**{pair["Key"]: pair["Value"] for pair in stored}, **attributes_set}
    for kind in kinds:
        bucket = attributes.get(f"{kind}.s3.bucket") or ""
        if not _is_open(account, call.region, bucket, _test_file(account, attributes, kind), arn):
            msg = f"Access Denied for bucket: {bucket}. Please check S3bucket permission"
            raise Refusal("InvalidConfigurationRequest", msg)


def _test_file(account: Account, attributes: Mapping[str, str], kind: str) -> str:
    prefix = attributes.get(f"{kind}.s3.prefix") or ""
    return f"{prefix}{'/' if prefix else ''}AWSLogs/{account.id}/{TEST_FILES[kind]}"


def _is_open(account: Account, region: str, bucket: str, key: str, balancer: str) -> bool:
    """Whether the bucket is there, is not encrypted by a key of KMS, and its policy lets the file be written."""
    s3: Any = account.client("s3", region)
    try:
        policy = iam_policy_evaluation.document(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError:
        return False
    if policy is None or _by_kms(s3, bucket):
        return False
    context = {
        "aws:securetransport": "true",
        "aws:sourceaccount": account.id,
        "aws:sourcearn": balancer,
        "s3:x-amz-acl": "bucket-owner-full-control",
    }
    arn = f"arn:{partitions.partition_of(region)[0]}:s3:::{bucket}/{key}"
    return _lets(policy, region, RequestContext("s3:PutObject", arn, context))


def _lets(policy: Policy, region: str, request: RequestContext) -> bool:
    own = {ACCOUNTS[region]} if region in ACCOUNTS else set[str]()
    if iam_policy_evaluation.denies(policy, own, request):
        return False
    return iam_policy_evaluation.allows_service(policy, SERVICE, request) or iam_policy_evaluation.grants(policy, own, request)


def _by_kms(s3: Any, bucket: str) -> bool:
    try:
        rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    except ClientError:
        return False  # by keys of S3, as every bucket is by default
    kinds = [(rule.get("ApplyServerSideEncryptionByDefault") or {}).get("SSEAlgorithm") or "" for rule in rules]
    return any(kind.startswith("aws:kms") for kind in kinds)
