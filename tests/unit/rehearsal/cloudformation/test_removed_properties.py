"""A resource that loses properties by an update is as if it had been created without them, for every modelled type."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest

from preflight.rehearsal import server
from preflight.rehearsal.cloudformation import moto_losses
from preflight.templates import schemas, template

REGION = "ap-northeast-1"
FULL = template.parse((Path(__file__).parent / "every_type.yaml").read_text()).data
# Without these a resource is refused, or another one is.
NEEDED = {
    *("Attachment.InternetGatewayId", "Route.GatewayId", "Entry.CidrBlock", "Entry.PortRange", "Policy.Roles"),
    *("RolePolicy.PolicyDocument", "Providers.CapacityProviders", "Service.LaunchType", "Service.TaskDefinition"),
    *("Service.NetworkConfiguration", "Interface.SubnetIds", "Record.AliasTarget", "Record.HostedZoneId", "Text.TTL"),
    *("Text.ResourceRecords", "Text.HostedZoneId", "Texts.RecordSets", "Texts.HostedZoneId", "Discovered.DnsConfig"),
    *("EventRule.EventPattern", "Function.Runtime", "Function.Handler", "Items.BillingMode", "Items.AttributeDefinitions"),
    *("Alarm.Namespace", "Alarm.MetricName", "Alarm.Statistic", "Alarm.Period", "Alarm.Threshold", "Alarm.EvaluationPeriods"),
    *("Alarm.ComparisonOperator", "Listener.Port", "Listener.Protocol", "Secure.Port", "Secure.Protocol"),
    *("Secure.Certificates", "Pipeline.ArtifactStore", "Certificate.ValidationMethod", "Key.KeyPolicy"),
    *("Subscription.Endpoint", "Balancer.Subnets", "Scaling.TargetTrackingScalingPolicyConfiguration"),
}
# What moto keeps: it has no operation for it, or takes an empty value for none.
KEPT = {
    *("Interface.PrivateDnsEnabled", "Group.SecurityGroupIngress", "Inward.Description", "Logs.KmsKeyId"),
    *("Balancer.SecurityGroups", "Scalable.RoleARN", "Secret.Description"),
    "Group.SecurityGroupEgress",  # a new group has a rule for IPv6 if its VPC has IPv6 by then
}
# What a service shows of what was reset, and not of what was never set.
SHOWN = {"NONE", "MUTABLE", "60"}


def is_removable(name: str, key: str) -> bool:
    kind = FULL["Resources"][name]["Type"]
    schema = schemas.of(kind) or {}
    fixed = {*schema.get("required", ()), *schemas.create_only(kind)}
    return key in schema.get("properties", {}) and key not in fixed and f"{name}.{key}" not in NEEDED


REMOVED = [(n, key) for n, r in FULL["Resources"].items() for key in r.get("Properties", {}) if is_removable(n, key)]


def reduced() -> dict[str, Any]:
    body = copy.deepcopy(FULL)
    for name, key in REMOVED:
        del body["Resources"][name]["Properties"][key]
    return body


def read_after(folder: Path, *bodies: dict[str, Any]) -> dict[str, Any]:
    """Creates a stack of the first body, updates it to the others, and returns what the services describe."""
    with server.running(folder=folder) as account:
        client: Any = boto3.client("cloudformation", region_name=REGION, endpoint_url=account.address)
        api = account.parts.cloudformation
        for act, body in zip((client.create_stack, client.update_stack), bodies, strict=False):
            act(StackName="s", TemplateBody=json.dumps(body), Capabilities=["CAPABILITY_NAMED_IAM"])
            (stack,) = api.stacks.all()
            assert stack.wait(lambda: api.stacks.all()[0].is_finished, timeout=120)
        (stack,) = api.stacks.all()
        assert stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, stack.reason
        read = {}
        for name, resource in stack.resources.items():
            handler = api._handlers.handler(resource)
            if handler.read is not None:
                context = api._handlers.context(stack, resource)
                read[name] = handler.read(context, resource.physical_id, resource.properties)
        ids = {resource.physical_id: name for name, resource in stack.resources.items()}
        return {name: anonymous(description, ids) for name, description in read.items()}


def anonymous(description: Any, ids: dict[str, str]) -> Any:
    """Returns a description with logical names for physical ids."""
    text = json.dumps(description, default=str, sort_keys=True)
    for physical_id in sorted((i for i in ids if len(i) > 8), key=len, reverse=True):
        text = text.replace(physical_id, f"<{ids[physical_id]}>")
    return json.loads(re.sub(r"\bsg-[0-9a-f]{17}", "<sg>", text))


def essence(value: Any) -> Any:
    """Returns a value without what is empty, the tags of AWS, and the headers of responses."""
    value = moto_losses._as_map(value)
    if isinstance(value, dict):
        pairs = {k: essence(v) for k, v in value.items() if not str(k).startswith(("aws:", "ResponseMetadata"))}
        return {k: v for k, v in pairs.items() if v} or None
    if isinstance(value, list):
        return sorted(json.dumps(essence(item), sort_keys=True) for item in value) or None
    text = value.strip() if isinstance(value, str) else value
    return None if not text or str(text) in SHOWN or text == "false" else text


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    after = reduced()
    folders = [tmp_path_factory.mktemp(name) for name in ("created", "updated")]
    return read_after(folders[0], after), read_after(folders[1], FULL, after)


@pytest.mark.parametrize(
    ("name", "key"), [pytest.param(*pair, id=".".join(pair)) for pair in REMOVED if ".".join(pair) not in KEPT]
)
def test_a_property_that_an_update_takes_away_is_as_if_it_had_never_been_set(
    described: tuple[dict[str, Any], dict[str, Any]], name: str, key: str
) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html."""
    created, updated = (essence(moto_losses.member(read.get(name) or {}, key)) for read in described)

    assert updated == created
