"""The service-linked role of ECS, which the first request of an account makes if who asks may make it.

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
    """See to it that ECS can act in the account; the role itself is no resource here.

    Raises:
        Refusal: nobody who may make the role has asked yet.
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
    """Whether somebody made the role by hand."""
    try:
        return bool(state.account.client("iam", region).get_role(RoleName=ROLE))
    except ClientError:
        return False
