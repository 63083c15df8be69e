"""What CloudWatch Logs refuses and moto does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import moto.backends
from botocore.exceptions import ClientError
from werkzeug.wrappers import Request  # noqa: TC002 - as everywhere here

from preflight.aws import iam_policy_evaluation, partitions
from preflight.aws.iam_policy_evaluation import RequestContext
from preflight.rehearsal import protocol
from preflight.rehearsal.account import Account
from preflight.rehearsal.protocol import Call, Refusal
from preflight.rehearsal.services import ServiceEmulation


def _key(account: Account, call: Call) -> None:
    """A log group is encrypted only with a key whose policy lets the service of its region use it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html; moto/logs/models.py.
    """
    key, group = call.parameters.get("kmsKeyId"), call.parameters.get("logGroupName")
    if not key or not group:
        return
    partition = partitions.partition_of(call.region)[0]
    arn = f"arn:{partition}:logs:{call.region}:{account.id}:log-group:{group}"
    context = {"kms:encryptioncontext:aws:logs:arn": arn, "aws:sourcearn": arn, "aws:sourceaccount": account.id}
    request = RequestContext("kms:Encrypt", resource=str(key), context=context)
    policy = _policy(account.client("kms", call.region), str(key))
    services = (f"logs.{call.region}.amazonaws.com", "logs.amazonaws.com")
    if policy is None or not any(iam_policy_evaluation.trusts(policy, service, request) for service in services):
        msg = f"The specified KMS Key Id could not be found or is not allowed to be used with Arn '{arn}'"
        raise Refusal("InvalidParameterException", msg)


def _policy(kms: Any, key: str) -> dict[str, Any] | None:
    try:
        return dict(json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]))
    except ClientError:
        return None


def _backend(account: Account, region: str) -> Any:
    return moto.backends.get_backend("logs")[account.id][region]


def _classes(account: Account, region: str) -> dict[str, str]:
    """Returns the classes of log groups by name, kept with what moto keeps of a region."""
    classes: dict[str, str] = vars(_backend(account, region)).setdefault("log_classes", {})
    return classes


def _group(account: Account, call: Call) -> None:
    """Notes the class of a log group, which moto does not keep."""
    _key(account, call)
    _classes(account, call.region)[str(call.parameters.get("logGroupName"))] = str(call.parameters.get("logGroupClass") or "STANDARD")


def _filter(account: Account, call: Call) -> None:
    """A filter is for a log group that exists, and whose class has filters.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html; moto/logs/models.py.
    """
    name = str(call.parameters.get("logGroupName"))
    if name not in _backend(account, call.region).groups:
        raise Refusal("ResourceNotFoundException", "The specified log group does not exist.")
    if _classes(account, call.region).get(name) in {"INFREQUENT_ACCESS", "DELIVERY"}:
        raise Refusal("ValidationException", "This operation is only supported on the Standard log class.")


def _subscription(account: Account, call: Call) -> None:
    """The destination of a subscription filter is in the region of its log group.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html; moto/logs/models.py.
    """
    _filter(account, call)
    arn = str(call.parameters.get("destinationArn"))
    if call.is_of_other_region(arn):
        raise Refusal("InvalidParameterException", f"The destination {arn} is not in the region of the log group, {call.region}")


def _tags(account: Account, call: Call) -> None:
    """The tags of a log group go with it; moto gives them to the next one of that name (moto/logs/models.py)."""
    logs, name = account.client("logs", call.region), call.parameters.get("logGroupName")
    groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    arns = [str(group["arn"]).removesuffix(":*") for group in groups if group["logGroupName"] == name]
    for arn in arns:
        keys = list(logs.list_tags_for_resource(resourceArn=arn)["tags"])
        if keys:
            logs.untag_resource(resourceArn=arn, tagKeys=keys)


def service(flush: Callable[[], None]) -> ServiceEmulation:
    """Returns CloudWatch Logs; `flush` writes what containers have logged until now."""

    def before(_region: str, request: Request) -> None:
        if protocol.operation_name(request) in {"GetLogEvents", "FilterLogEvents"}:
            flush()

    checks = {
        "CreateLogGroup": _group,
        "AssociateKmsKey": _key,
        "DeleteLogGroup": _tags,
        "PutMetricFilter": _filter,
        "PutSubscriptionFilter": _subscription,
    }
    return ServiceEmulation("logs", checks=checks, before=before)
