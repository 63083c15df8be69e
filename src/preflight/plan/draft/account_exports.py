"""The exports that the stacks of a draft import and none of them has: what the account's template exports for them. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws import unresolved
from preflight.plan.draft import account_resources, parameter_values, property_values, stacks, uses
from preflight.plan.draft.draft import Draft
from preflight.plan.draft.fixed_values import SERVICE
from preflight.plan.draft.parameter_values import Numbers
from preflight.plan.draft.uses import IMPORT, Use
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.plan.texts import Texts
from preflight.templates import intrinsic_functions, references

_NAME = re.compile(r"[A-Za-z0-9:-]{1,255}")
_DOMAIN = re.compile(r"(?=.{3,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_RECORDS = ("AWS::Route53::RecordSet", "AWS::Route53::RecordSetGroup")
_TEXT = {"Type": "String"}
_TASK_DEFINITION = f"{{output.{account_resources.TASK_DEFINITION}}}"
_CONTAINER, _PORT, _MOST_PORT = re.compile(r"[A-Za-z0-9_-]{1,255}"), re.compile(r"[1-9][0-9]{0,4}"), 65_535
MOST_CONTAINERS = 10  # of a task definition, https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
_GROUP = re.compile(r"\{output\.AccountTargetGroup([0-9])Arn\}")


def of(draft: Draft, every: ResolvedStacks, *, zones: int) -> dict[str, str]:
    """Returns the values of the exports that are missing, by name; both as a plan has them, with placeholders."""
    used: dict[str, list[Use]] = {}
    for document in every.deployed:
        for name, imports in uses.of_imports(document).items():
            used.setdefault(name, []).extend(imports)
    numbers = Numbers(zones)
    for stack in draft.stacks:
        for value in stack.values.values():
            numbers.skip(value.text)
    missing = {name: imports for name, imports in sorted(used.items()) if name not in every.exports and _NAME.fullmatch(name)}
    return {with_placeholders(name): _value(name, imports, numbers) for name, imports in missing.items()}


def with_placeholders(name: str) -> str:
    """Returns a name with the names of this run as placeholders again."""
    bucket = f"{stacks.PREFIX}-preflight-{stacks.RUN}"
    return name.replace(bucket, "{bucket}").replace(stacks.PREFIX, "{prefix}").replace(stacks.RUN, "{run}")


def _value(name: str, imports: list[Use], numbers: Numbers) -> str:
    own = re.split(r"[:-]", name.replace(stacks.PREFIX, "").replace(stacks.RUN, ""))
    subject = "".join(own[-2:]) if own[-1].lower() in {"id", "arn"} or own[-1].isdigit() else own[-1]
    is_private = "private" in name.lower() or ("public" not in name.lower() and _is_for_private_tasks(imports))
    return parameter_values.propose(subject, _TEXT, numbers=numbers, is_private=is_private, uses=imports).text


def _is_for_private_tasks(imports: list[Use]) -> bool:
    return bool(imports) and all(use.kind == SERVICE for use in imports)


def hosted_zones(every: ResolvedStacks) -> tuple[str, ...]:
    """Returns the names of the hosted zones that records stand in and no template creates."""
    texts = Texts(every)
    created = {_zone(texts.of(document, zone.get("Name"))) for document in every.deployed for _, zone in document.of_type("AWS::Route53::HostedZone")}
    named = [_zone(texts.of(document, record.get("HostedZoneName"))) for document in every.deployed for kind in _RECORDS for _, record in document.of_type(kind)]
    return tuple(dict.fromkeys(with_placeholders(name) for name in named if _DOMAIN.fullmatch(name) and name not in created))


def _zone(name: str) -> str:
    return name.removesuffix(".").lower()


def least_subnets(every: ResolvedStacks, *, zones: int) -> int:
    """Returns how many subnets of a kind lists have to have: two, or as many as the highest index asks for."""
    by_name = (names for document in every.deployed for names in (uses.of_imports(document), uses.of_parameters(document)))
    return max(2, min(zones, 1 + property_values.highest_index(use for names in by_name for of_name in names.values() for use in of_name)))


def ports(draft: Draft, every: ResolvedStacks, exports: Mapping[str, str]) -> dict[int, int]:
    """Returns the ports of containers by the number of the account's target group that their service registers with."""
    ports_by_group: dict[int, int] = {}
    values = {stack.template: stack.values for stack in draft.stacks}
    for document in every.deployed:
        for _, service in document.of_type(SERVICE):
            for balancer in dicts(service.get("LoadBalancers")):
                group = _GROUP.fullmatch(_value_of(document, balancer.get("TargetGroupArn"), values, exports))
                port = _port(balancer)
                if group is not None and port is not None:
                    ports_by_group.setdefault(int(group[1]), port)
    return ports_by_group


def containers(draft: Draft, every: ResolvedStacks, exports: Mapping[str, str]) -> dict[str, list[int]]:
    """Returns names of containers with their ports: those that services with the account's task definition register.

    The containers of a task share its network interface, so that a port is that of the container that is named first.
    Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html
    """
    containers_by_port: dict[int, str] = {}
    values = {stack.template: stack.values for stack in draft.stacks}
    for document in every.deployed:
        for _, service in document.of_type(SERVICE):
            if _value_of(document, service.get("TaskDefinition"), values, exports) == _TASK_DEFINITION:
                for name, port in _registered(service):
                    containers_by_port.setdefault(port, name)
    names = itertools.islice(dict.fromkeys(containers_by_port.values()), MOST_CONTAINERS)
    return {name: [port for port, owner in containers_by_port.items() if owner == name] for name in names}


def _registered(service: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Yields the containers, each with its port, that load balancers and registries of a service send requests to."""
    for target in (*dicts(service.get("LoadBalancers")), *dicts(service.get("ServiceRegistries"))):
        name, port = intrinsic_functions.as_text(target.get("ContainerName", "")), _port(target)
        if port is not None and _CONTAINER.fullmatch(name):
            yield name, port


def _port(target: Mapping[str, Any]) -> int | None:
    """Returns the port of a container, the highest that there is if it is higher; None if it is not known."""
    text = intrinsic_functions.as_text(target.get("ContainerPort", ""))
    return min(int(text), _MOST_PORT) if _PORT.fullmatch(text) else None


def dicts(value: Any) -> Iterator[dict[str, Any]]:
    """Yields the items of a list that are dicts."""
    yield from (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def _value_of(document: ResolvedTemplate, arn: Any, values: Mapping[Any, Mapping[str, Any]], exports: Mapping[str, str]) -> str:
    """Returns the value in the plan that an ARN comes from; empty if it comes from none."""
    function = unresolved.function_of(arn)
    if function == IMPORT and isinstance(arn[IMPORT], str):
        return exports.get(with_placeholders(arn[IMPORT]), "")
    parameter = references.referenced(arn) if document.parent is None else None
    if parameter is not None:
        value = values.get(document.path, {}).get(parameter)
        return value.text if value is not None else ""
    return ""
