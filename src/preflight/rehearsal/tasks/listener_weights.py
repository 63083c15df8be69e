"""The weights that listener rules give the two target groups of a service whose deployments shift traffic.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/alb-resources-for-blue-green.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/nlb-resources-for-blue-green.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshooting-blue-green.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from preflight.aws import service_load_balancers
from preflight.model import JsonObject
from preflight.rehearsal.account import Account
from preflight.rehearsal.ecs import account_checks, deployment_strategy
from preflight.rehearsal.ecs.state import Deployment
from preflight.rehearsal.iam import infrastructure_role
from preflight.rehearsal.iam.infrastructure_role import InfrastructureRoles, RoleNotAssumedError
from preflight.rehearsal.load_balancing import listener_rules

MANY = "{key} {rule} should have exactly one target group serving traffic but found {number} target groups which are serving traffic"
UNEXPECTED = (
    "Production listener rule is forwarding traffic to unexpected target group {group}. Expected traffic to be forwarded to "
    "either targetGroupArn: {target} or alternateTargetGroupArn: {alternate}"
)
UNRELATED = "Target group {group} is not associated with either productionListenerRule or testListenerRule."


class InvalidNetworkingError(Exception):
    """A listener rule is not as a deployment needs it, or the infrastructure role may not change it."""


class ListenerWeights:
    """Reads and sets the weights in listener rules, and in listeners of network load balancers, with the infrastructure role."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._roles = InfrastructureRoles(account)

    def is_alternate_serving(self, deployment: Deployment, region: str) -> bool:
        """Whether the alternate target groups serve production traffic, before a deployment begins.

        Raises:
            InvalidNetworkingError: traffic cannot be shifted by these rules, or the role may not read them.
        """
        serving = [self._serving(balancer, region) for balancer in balancers(deployment)]
        return bool(serving) and serving[0] == alternate_of(balancers(deployment)[0])

    def shift(self, deployment: Deployment, region: str, key: str, percent: float) -> None:
        """Give the target groups of a deployment a percentage of the traffic of its production or test listener rules.

        Raises:
            InvalidNetworkingError: a rule is gone, or the role may not change it.
        """
        for balancer in balancers(deployment):
            rule = balancer["advancedConfiguration"].get(key)
            if rule:
                target, alternate = deployment_strategy.weights(percent if deployment.is_alternate else 100 - percent)
                groups = {str(balancer["targetGroupArn"]): target, alternate_of(balancer): alternate}
                self._call(balancer, region, lambda elb, rule=rule, groups=groups: _set(elb, str(rule), groups))

    def _serving(self, balancer: JsonObject, region: str) -> str:
        """Returns the only target group of a load balancer that serves production traffic."""
        advanced = balancer["advancedConfiguration"]
        rules = {key: str(advanced[key]) for key in deployment_strategy.RULES if advanced.get(key)}
        actions = {key: self._call(balancer, region, lambda elb, rule=rule: _actions(elb, rule)) for key, rule in rules.items()}
        serving = [arn for action in actions[deployment_strategy.PRODUCTION_RULE] for arn in listener_rules.target_groups(action)]
        own = service_load_balancers.target_groups(balancer)
        for group in serving:
            if group not in own:
                raise InvalidNetworkingError(UNEXPECTED.format(group=group, target=own[0], alternate=own[1]))
        if len(serving) != 1:
            raise InvalidNetworkingError(MANY.format(key=deployment_strategy.PRODUCTION_RULE, rule=rules[deployment_strategy.PRODUCTION_RULE], number=len(serving)))
        related = {arn for action in _forwards(actions) for arn in account_checks.forwarded(action)}
        for group in own:
            if group not in related and _is_of_application(rules[deployment_strategy.PRODUCTION_RULE]):
                raise InvalidNetworkingError(UNRELATED.format(group=group))
        return serving[0]

    def _call(self, balancer: JsonObject, region: str, call: Any) -> Any:
        """Make a call with the role of a load balancer.

        Raises:
            InvalidNetworkingError: it fails.
        """
        role = balancer["advancedConfiguration"].get("roleArn")
        try:
            with self._roles.acting(role, region, infrastructure_role.NETWORKING):
                return call(self._account.client("elbv2", region))
        except RoleNotAssumedError as error:
            raise InvalidNetworkingError(str(error)) from None
        except ClientError as error:
            raise InvalidNetworkingError(error.response["Error"]["Message"]) from None


def balancers(deployment: Deployment) -> list[JsonObject]:
    """Returns the load balancers of a deployment that traffic can be shifted by."""
    return [b for b in deployment.request.get("loadBalancers") or [] if b.get("targetGroupArn") and alternate_of(b)]


def alternate_of(balancer: JsonObject) -> str:
    """Returns the alternate target group of a load balancer."""
    return str(service_load_balancers.alternate_target_group(balancer) or "")


def has_test_rule(deployment: Deployment) -> bool:
    """Whether a deployment shifts test traffic by a listener rule."""
    return any(balancer["advancedConfiguration"].get(deployment_strategy.TEST_RULE) for balancer in balancers(deployment))


def has_network_balancer(deployment: Deployment) -> bool:
    """Whether a load balancer of a deployment is a network load balancer, for which ECS waits longer."""
    return any(not _is_of_application(str(b["advancedConfiguration"].get(deployment_strategy.PRODUCTION_RULE))) for b in balancers(deployment))


def _is_of_application(rule: str) -> bool:
    return ":listener-rule/" in rule


def _forwards(actions: dict[str, list[JsonObject]]) -> Iterator[JsonObject]:
    for some in actions.values():
        yield from some


def _actions(elb: Any, rule: str) -> list[JsonObject]:
    """Returns the actions of a rule, or of a listener of a network load balancer."""
    if _is_of_application(rule):
        return list(elb.describe_rules(RuleArns=[rule])["Rules"][0]["Actions"])
    return list(elb.describe_listeners(ListenerArns=[rule])["Listeners"][0]["DefaultActions"])


def _set(elb: Any, rule: str, groups: dict[str, int]) -> None:
    """Set the weights of target groups in the action of a rule or a listener that forwards."""
    weighted = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in groups.items()]
    actions = [_weighted(action, weighted) if action.get("Type") == "forward" else action for action in _actions(elb, rule)]
    if _is_of_application(rule):
        elb.modify_rule(RuleArn=rule, Actions=actions)
    else:
        elb.modify_listener(ListenerArn=rule, DefaultActions=actions)


def _weighted(action: JsonObject, weighted: list[JsonObject]) -> JsonObject:
    members = {key: value for key, value in action.items() if key != "TargetGroupArn"}
    return {**members, "ForwardConfig": {**(action.get("ForwardConfig") or {}), "TargetGroups": weighted}}
