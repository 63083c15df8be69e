"""The service-linked role of ECS, which the first request of an account creates if its principal may.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html.
"""

from __future__ import annotations

from botocore.exceptions import ClientError

from preflight.rehearsal import acting
from preflight.rehearsal.ecs import request_checks
from preflight.rehearsal.ecs.state import State
from preflight.rehearsal.protocol import Refusal

NAME, ROLE = "ecs.amazonaws.com", "AWSServiceRoleForECS"
MISSING = "Unable to assume the service linked role. Please verify that the ECS service linked role exists."


def ensure(state: State, region: str) -> None:
    """Ensure that ECS may act in the account; the role itself is not a resource here.

    Raises:
        Refusal: no principal that may create the role has made a request yet.
    """
    if state.is_linked:
        return
    who, judge = acting.principal(), state.account.judge
    request = {"AWSServiceName": NAME}
    is_denied = who is not None and judge is not None and judge(who, "iam", region, "CreateServiceLinkedRole", request)
    if is_denied and not _exists(state, region):
        raise Refusal(request_checks.INVALID, MISSING)
    state.is_linked = True


def _exists(state: State, region: str) -> bool:
    """Whether the role was created by hand."""
    try:
        return bool(state.account.client("iam", region).get_role(RoleName=ROLE))
    except ClientError:
        return False
