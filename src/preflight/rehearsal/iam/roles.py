"""Roles of the emulated account: which principals may assume them, and what they allow."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from preflight.aws import iam_policy_evaluation, partitions
from preflight.aws.iam_policy_evaluation import Policies, RequestContext
from preflight.rehearsal.account import Account
from preflight.rehearsal.identity import Principal

TASKS = "ecs-tasks.amazonaws.com"
ECS = "ecs.amazonaws.com"


class Roles:
    """Reads roles through the IAM API."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def trusts_tasks(self, arn: str, region: str) -> bool:
        """Whether the role exists and ECS tasks may assume it."""
        return self.trusts(arn, region, TASKS, source="ecs")

    def trusts(self, arn: str, region: str, service: str, *, source: str) -> bool:
        """Whether the role exists and `service` may assume it on behalf of a resource of `source`."""
        try:
            role = self._iam(region).get_role(RoleName=_name(arn))["Role"]
        except ClientError:
            return False
        context = {
            "aws:sourceaccount": self._account.id,
            "aws:sourcearn": f"arn:{partitions.partition_of(region)[0]}:{source}:{region}:{self._account.id}:*",
        }
        request = RequestContext("sts:AssumeRole", context=context)
        return iam_policy_evaluation.trusts(role["AssumeRolePolicyDocument"], service, request)

    def policies(self, arn: str, region: str) -> Policies:
        """Its managed and inline policies, and its permissions boundary."""
        iam, name = self._iam(region), _name(arn)
        attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
        documents = [self._managed(iam, policy["PolicyArn"]) for policy in attached]
        documents += [iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in inline]
        boundary = iam.get_role(RoleName=name)["Role"].get("PermissionsBoundary")
        return Policies(
            tuple(documents),
            self._managed(iam, boundary["PermissionsBoundaryArn"]) if boundary else None,
        )

    def principal(self, arn: str, region: str, service: str, session: str) -> Principal | None:
        """Returns who makes calls with the role in a session of `service`, or None if that may not assume it."""
        if not self.trusts(arn, region, service, source=service.partition(".")[0]):
            return None
        user = f"{self._iam(region).get_role(RoleName=_name(arn))['Role']['RoleId']}:{session}"
        return Principal(self.session(arn, session, region), arn, user, context={"aws:userid": user})

    def _iam(self, region: str) -> Any:
        return self._account.client("iam", region)

    @staticmethod
    def _managed(iam: Any, arn: str) -> dict[str, Any]:
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        answer = iam.get_policy_version(PolicyArn=arn, VersionId=version)
        return dict(answer["PolicyVersion"]["Document"])

    def session(self, arn: str, session: str, region: str) -> str:
        """The ARN by which a denial names a task that acts with the role."""
        return f"arn:{partitions.partition_of(region)[0]}:sts::{self._account.id}:assumed-role/{_name(arn)}/{session}"


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]
