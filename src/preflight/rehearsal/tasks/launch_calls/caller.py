"""Who makes a task's calls: its execution role, from its network interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from preflight.aws import iam_policy, partitions, reachability
from preflight.aws.iam_policy import Policies, RequestContext
from preflight.aws.reachability import Blocker, Interface, Network
from preflight.rehearsal.account import Account
from preflight.rehearsal.ecs.state import Task
from preflight.rehearsal.iam.roles import Roles

AUTH = "ResourceInitializationError: unable to pull secrets or registry auth: "
LOGGER = "ResourceInitializationError: failed to validate logger args: "


class LaunchFailedError(Exception):
    """A task that AWS would not start; `reason` is the stopped reason."""

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
    def suffix(self) -> str:
        """What the names of AWS's hosts end with in the task's region."""
        return partitions.partition_of(self.task.region)[1]

    def client(self, service: str, region: str | None = None) -> Any:
        """A client of the pretended account; of the task's region unless another is named."""
        return self.account.client(service, region or self.task.region)

    def blocker_to(self, service: str) -> Blocker | None:
        """What keeps the task from a service, None where nothing does."""
        return reachability.to_service(self.network, self.interface, service)

    def request(self, action: str, resource: str) -> RequestContext:
        """The call as policies see it."""
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
        """AWS's denial sentence for a call, None where it is allowed.

        Within an account the grant of a resource's policy is as good as one of the role's own.
        Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html.
        """
        request = self.request(action, resource)
        is_allowed = iam_policy.allows(self.policies, request)
        if has_grant and not iam_policy.forbids(self.policies, request):
            is_allowed = True
        why = None if is_allowed else iam_policy.denial_reason(self.policies, request)
        if why is None and not self._is_let_through(request):
            why = f"because no VPC endpoint policy allows the {action} action"
        if why is None:
            return None
        who = self.roles.session(role_of(self.task) or "none", self.task.id, self.task.region)
        return f"User: {who} is not authorized to perform: {action} on resource: {resource} {why}"

    def _is_let_through(self, request: RequestContext) -> bool:
        """Whether the policy of the endpoint that the call goes through lets it pass.

        Source: https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html.
        """
        endpoint = self._endpoint(request.action)
        policy = iam_policy.document(endpoint.get("PolicyDocument")) if endpoint is not None else None
        return policy is None or iam_policy.allows(Policies((policy,)), request)

    def _endpoint(self, action: str) -> Mapping[str, Any] | None:
        """The VPC endpoint that an action's call goes through, None where it takes another way."""
        return next(iter(reachability.endpoints(self.network, self.interface, service_of(action))), None)


def service_of(action: str) -> str:
    """The endpoint service that an action is called at: `ecr.dkr` for pulls, `ecr.api` for the token."""
    prefix, _, name = action.partition(":")
    if prefix == "ecr":
        return "ecr.api" if name == "GetAuthorizationToken" else "ecr.dkr"
    return prefix


def role_of(task: Task) -> str | None:
    """ARN of the execution role, None where there is none."""
    found = task.api["overrides"].get("executionRoleArn") or task.definition.api.get("executionRoleArn")
    return str(found) if found else None
