"""What CreateService and RunTask check of subnets, security groups and load balancers."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from preflight.aws import service_load_balancers
from preflight.model import JsonObject
from preflight.rehearsal.account import Account
from preflight.rehearsal.ecs import deployment_strategy, request_checks, service_discovery
from preflight.rehearsal.ecs.state import Definition
from preflight.rehearsal.ecs.validation import load_balancers as balancers
from preflight.rehearsal.protocol import Refusal

INVALID = "InvalidParameterException"
NO_TEST_RULE = (
    "For Application LoadBalancer, testListenerRule is required when productionListenerRule is not associated with both "
    "targetGroup and alternateTargetGroup"
)
MAX_SUBNETS = 16
MAX_GROUPS = 5


class Checks:
    """Holds what a caller says of the network against what the account has."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def network(self, request: JsonObject, definition: Definition, region: str) -> None:
        """Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_AwsVpcConfiguration.html.

        Raises:
            Refusal: in AWS's words.
        """
        awsvpc = (request.get("networkConfiguration") or {}).get("awsvpcConfiguration")
        if definition.api.get("networkMode") != "awsvpc":
            if awsvpc:
                msg = "Network Configuration is not valid for the given networkMode of this task definition."
                raise Refusal(INVALID, msg)
            return
        if not awsvpc:
            msg = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
            raise Refusal(INVALID, msg)
        self._vpc(awsvpc, region)

    def _vpc(self, awsvpc: JsonObject, region: str) -> None:
        subnets, groups = awsvpc.get("subnets") or [], awsvpc.get("securityGroups") or []
        if not subnets:
            raise Refusal(INVALID, "subnets can not be empty.")
        if len(subnets) > MAX_SUBNETS:
            raise Refusal(INVALID, f"subnets can have at most {MAX_SUBNETS} items.")
        if len(groups) > MAX_GROUPS:
            raise Refusal(INVALID, f"security groups can have at most {MAX_GROUPS} items.")
        ec2 = self._account.client("ec2", region)
        described = _found(ec2.describe_subnets, "SubnetIds", subnets, "Subnets", "subnet")
        vpcs = {subnet["VpcId"] for subnet in described}
        if len(vpcs) > 1:
            raise Refusal(INVALID, "All subnets must be from the same VPC.")
        if groups:
            own = _found(ec2.describe_security_groups, "GroupIds", groups, "SecurityGroups", "security group")
            for group in own:
                if group["VpcId"] not in vpcs:
                    msg = f"Security group {group['GroupId']} does not appear to belong to the same VPC as the input subnets."
                    raise Refusal(INVALID, msg)

    def names(self, request: JsonObject, definition: Definition, region: str) -> None:
        """Service discovery, and the namespace of Service Connect.

        Raises:
            Refusal: in AWS's words.
        """
        service_discovery.check(self._account, request, definition, region)

    def load_balancers(self, request: JsonObject, definition: Definition, region: str) -> None:
        """Container, port and target group of each load balancer.

        Raises:
            Refusal: in AWS's words.
        """
        request_checks.refuse(balancers.refusals(request, definition.api))
        for balancer in request.get("loadBalancers") or []:
            self._listeners(balancer, region)
            for group in service_load_balancers.target_groups(balancer):
                self._target_group(group, definition, region, is_alternate=group != balancer.get("targetGroupArn"))
            if deployment_strategy.of(request) != deployment_strategy.ROLLING:
                self._rules(balancer, region)

    def _listeners(self, balancer: JsonObject, region: str) -> None:
        """Only a network load balancer has its listener in the place of a rule."""
        advanced, elb = balancer.get("advancedConfiguration") or {}, self._account.client("elbv2", region)
        for key in deployment_strategy.RULES:
            if _is_listener_of_application(elb, str(advanced.get(key))):
                raise Refusal(INVALID, balancers.NO_RULE.format(key=key, arn=advanced[key]))

    def _target_group(self, arn: str, definition: Definition, region: str, *, is_alternate: bool) -> None:
        try:
            answer = self._account.client("elbv2", region).describe_target_groups(TargetGroupArns=[arn])
        except ClientError:
            msg = f"The target group {arn} does not exist."
            raise Refusal(INVALID, msg) from None
        group = answer["TargetGroups"][0]
        if definition.api.get("networkMode") == "awsvpc" and group["TargetType"] != "ip":
            msg = (
                f"The provided target group {arn} has target type {group['TargetType']}, which is "
                "incompatible with the awsvpc network mode specified in the task definition."
            )
            raise Refusal(INVALID, msg)
        if not is_alternate and not group.get("LoadBalancerArns"):  # the deployment looks at the rules of the other
            msg = f"The target group with targetGroupArn {arn} does not have an associated load balancer."
            raise Refusal(INVALID, msg)

    def _rules(self, balancer: JsonObject, region: str) -> None:
        """The production listener rule forwards to both target groups, or a test listener rule is named."""
        advanced, elb = balancer["advancedConfiguration"], self._account.client("elbv2", region)
        rule = str(advanced[deployment_strategy.PRODUCTION_RULE])
        if advanced.get(deployment_strategy.TEST_RULE) or ":listener-rule/" not in rule:
            return
        try:
            actions = elb.describe_rules(RuleArns=[rule])["Rules"][0]["Actions"]
        except ClientError:
            return  # the deployment says so
        if not set(service_load_balancers.target_groups(balancer)) <= {arn for action in actions for arn in forwarded(action)}:
            raise Refusal(INVALID, NO_TEST_RULE)


def _is_listener_of_application(elb: Any, arn: str) -> bool:
    """Whether an ARN is that of a listener of an application load balancer, in which rules forward."""
    if ":listener/" not in arn:
        return False
    try:
        listener = elb.describe_listeners(ListenerArns=[arn])["Listeners"][0]
    except ClientError:
        return False  # the deployment says so
    return listener.get("Protocol") in {"HTTP", "HTTPS"}


def forwarded(action: JsonObject) -> list[str]:
    """Returns the target groups that an action forwards to, those without weight included."""
    weighted = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
    return [group["TargetGroupArn"] for group in weighted] or [g for g in [action.get("TargetGroupArn")] if g]


def _found(describe: Any, key: str, ids: list[str], field: str, noun: str) -> list[JsonObject]:
    try:
        return list(describe(**{key: ids})[field])
    except ClientError as error:
        message, code = error.response["Error"]["Message"], error.response["Error"]["Code"]
        msg = f"Error retrieving {noun} information for [{', '.join(ids)}]: {message} (ErrorCode: {code})"
        raise Refusal(INVALID, msg) from None
