"""Whether an execution role may decrypt with a customer managed key, as its key policy and the role's policies decide.

The key policy has the last word: it names the role, or leaves the decision to the policies of the account's principals
by naming the account. Sources: https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html,
https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html.
"""

from __future__ import annotations

import uuid
from dataclasses import replace

from botocore.exceptions import ClientError

from preflight.aws import iam_policy_evaluation
from preflight.aws.iam_policy_evaluation import Policy, RequestContext
from preflight.rehearsal.tasks.launch_calls import caller as callers
from preflight.rehearsal.tasks.launch_calls.caller import ExecutionRoleCaller, LaunchFailedError


def check(caller: ExecutionRoleCaller, key: str | None, *, service: str, start: str) -> None:
    """Check that the role may use the key by way of a service, if it is a customer managed key.

    Raises:
        LaunchFailedError: it may not; the reason begins with `start`.
    """
    if not key or key.rpartition(":")[2].startswith("alias/aws/"):
        return  # an AWS managed key, which every caller in the account may use through the service
    kms = caller.client("kms")
    try:
        arn = str(kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"])
        policy = iam_policy_evaluation.document(kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"])
    except ClientError:
        arn, policy = key, None
    if not _may_decrypt(caller, arn, policy, service):
        raise LaunchFailedError(
            f"{start}service call has been retried 1 time(s): AccessDeniedException: Access to KMS is not allowed "
            f"status code: 400, request id: {uuid.uuid4()}"
        )


def _may_decrypt(caller: ExecutionRoleCaller, arn: str, policy: Policy | None, service: str) -> bool:
    role, account = str(callers.role_of(caller.task)), caller.account.id
    session = caller.roles.session(role, caller.task.id, caller.task.region)
    request = _request(caller, arn, service)
    if iam_policy_evaluation.forbids(caller.policies, request):
        return False
    if policy is None:
        return iam_policy_evaluation.allows(caller.policies, request)
    if iam_policy_evaluation.denies(policy, (role, session, account), request):
        return False
    if iam_policy_evaluation.grants(policy, (role, session), request):
        return True
    return iam_policy_evaluation.grants(policy, (account,), request) and iam_policy_evaluation.allows(caller.policies, request)


def _request(caller: ExecutionRoleCaller, arn: str, service: str) -> RequestContext:
    request = caller.request("kms:Decrypt", arn)
    via = f"{service}.{caller.task.region}.{caller.suffix}"
    return replace(request, context={**request.context, "kms:viaservice": via, "kms:calleraccount": caller.account.id})
