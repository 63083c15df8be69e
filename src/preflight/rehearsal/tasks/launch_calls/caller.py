"""The caller of a task's launch calls: its execution role, at its network interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from preflight.aws import iam_policy_evaluation, partitions, reachability
from preflight.aws.iam_policy_evaluation import Policies, RequestContext
from preflight.aws.network import Blocker, Interface, Network
from preflight.rehearsal.account import Account
from preflight.rehearsal.ecs.state import Task
from preflight.rehearsal.iam.roles import Roles

AUTH = "ResourceInitializationError: unable to pull secrets or registry auth: "
LOGGER = "ResourceInitializationError: failed to validate logger args: "


class LaunchFailedError(Exception):
    """AWS would not start the task; `reason` is the stopped reason."""

    def __init__(self, reason: str, *, is_task_made: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_task_made = is_task_made


@dataclass(frozen=True)
class ExecutionRoleCaller:
    """A task with its interface, network and the policies of its execution role."""

    account: Account
    roles: Roles
    task: Task
    interface: Interface
    network: Network
    policies: Policies

    @property
    def partition(self) -> str:
        """Partition of the task's region."""
        return partitions.partition_of(self.task.region)[0]

    @property
    def service(self) -> str:
        """ARN of the service that the task belongs to, or an empty text."""
        return self.task.service.arn if self.task.service is not None else ""

    @property
    def suffix(self) -> str:
        """The DNS suffix of AWS in the task's region."""
        return partitions.partition_of(self.task.region)[1]

    def client(self, service: str, region: str | None = None) -> Any:
        """Returns a client of the emulated account, in the task's region unless another is named."""
        return self.account.client(service, region or self.task.region)

    def blocker_to(self, service: str) -> Blocker | None:
        """Returns what keeps the task from a service, or None."""
        return reachability.to_service(self.network, self.interface, service)

    def request(self, action: str, resource: str) -> RequestContext:
        """Returns the call as policies evaluate it."""
        endpoint = self._endpoint(action)
        context = {
            "aws:requestedregion": self.task.region,
            "aws:securetransport": "true",
            "aws:principalaccount": self.account.id,
            "aws:resourceaccount": self.account.id,
            "aws:principalarn": str(role_of(self.task)),
            "aws:sourcevpc": self.interface.vpc if endpoint else "",
            "aws:sourcevpce": str(endpoint["VpcEndpointId"]) if endpoint else "",
        }
        return RequestContext(action, resource, {key: value for key, value in context.items() if value})

    def denial(self, action: str, resource: str = "*", *, has_grant: bool = False) -> str | None:
        """Returns AWS's denial sentence for a call, or None if it is allowed.

        Within an account, a resource's policy can grant what the role's own policies do not.
        Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html.
        """
        request = self.request(action, resource)
        is_allowed = iam_policy_evaluation.allows(self.policies, request)
        if has_grant and not iam_policy_evaluation.forbids(self.policies, request):
            is_allowed = True
        reason = None if is_allowed else iam_policy_evaluation.denial_reason(self.policies, request)
        if reason is None and not self._endpoint_allows(request):
            reason = f"because no VPC endpoint policy allows the {action} action"
        if reason is None:
            return None
        session = self.roles.session(role_of(self.task) or "none", self.task.id, self.task.region)
        return f"User: {session} is not authorized to perform: {action} on resource: {resource} {reason}"

    def _endpoint_allows(self, request: RequestContext) -> bool:
        """Whether the policy of the VPC endpoint, if the call uses one, allows it.

        Source: https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html.
        """
        endpoint = self._endpoint(request.action)
        policy = iam_policy_evaluation.document(endpoint.get("PolicyDocument")) if endpoint is not None else None
        return policy is None or iam_policy_evaluation.allows(Policies((policy,)), request)

    def _endpoint(self, action: str) -> Mapping[str, Any] | None:
        """Returns the VPC endpoint that an action's call uses, or None."""
        return next(iter(reachability.endpoints(self.network, self.interface, service_of(action))), None)


def service_of(action: str) -> str:
    """Returns the endpoint service of an action: `ecr.dkr` for pulls, `ecr.api` for the token."""
    prefix, _, name = action.partition(":")
    if prefix == "ecr":
        return "ecr.api" if name == "GetAuthorizationToken" else "ecr.dkr"
    return prefix


def role_of(task: Task) -> str | None:
    """Returns the ARN of the execution role, or None."""
    role = task.api["overrides"].get("executionRoleArn") or task.definition.api.get("executionRoleArn")
    return str(role) if role else None
