"""A template of what the stacks of a folder expect to be in the account already: a network, a cluster, exports. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from preflight.plan import placeholders
from preflight.plan.draft import account_resources, named_resources
from preflight.plan.draft.account_resources import MOST_SUBNETS, MOST_TARGET_GROUPS, Part
from preflight.plan.draft.named_resources import AccountNames

FILE = "preflight-account.yaml"
SAMPLES = {name: sample for part in account_resources.parts(MOST_SUBNETS, dict.fromkeys(range(1, MOST_TARGET_GROUPS + 1), 80), {}) for name, sample in part.samples.items()}
HEAD = """\
# What the account has before these stacks are created, as far as they ask for it. Written by `preflight init`.
AWSTemplateFormatVersion: "2010-09-09"
Description: What the account already has
"""
_REPOSITORY = f"""\
  Repository{{n}}:
    Type: AWS::ECR::Repository
{account_resources.waived("ECR_TAG_IMMUTABLE").replace("{", "{{").replace("}", "}}")}\
    Properties:
      RepositoryName: "{{name}}"
      EmptyOnDelete: true
      ImageScanningConfiguration: {{{{ScanOnPush: true}}}}
      LifecyclePolicy: {{{{LifecyclePolicyText: '{{lifecycle}}'}}}}
"""
_LIFECYCLE = '{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}]}'
_PARAMETERS = {"Prefix": "prefix", "Run": "run", "StagingBucket": "bucket"}  # what a plan knows, and a template does not
_PSEUDO = {"region": "AWS::Region", "account": "AWS::AccountId"}


@dataclass(frozen=True)
class Wanted:
    """What the account has to have: outputs, names of repositories, and the values of exports by name, as a plan has them.

    `subnets` is the least number of subnets of a kind, `ports` the ports of target groups by number, `zones` the names of
    further hosted zones, `containers` the ports of the task definition's containers, `names` what templates call by name.
    A cluster has a capacity provider of container instances if `has_instances`.
    """

    outputs: Collection[str] = ()
    repositories: Collection[str] = ()
    exports: Mapping[str, str] = field(default_factory=dict)
    subnets: int = 2
    ports: Mapping[int, int] = field(default_factory=dict)
    zones: Collection[str] = ()
    containers: Mapping[str, Sequence[int]] = field(default_factory=dict)
    names: AccountNames = field(default_factory=AccountNames)
    has_instances: bool = False

    @property
    def named(self) -> set[str]:
        """Every output that is asked for, by a parameter or by an export."""
        zone = {account_resources.ZONE} if account_resources.DOMAIN in self.zones else set()
        names = {*self.outputs, *zone, *(name for value in self.exports.values() for name in placeholders.outputs_in(value))}
        if self.has_instances and names & {account_resources.CLUSTER, account_resources.CLUSTER_ARN}:
            names.add(account_resources.CAPACITY_PROVIDER)
        return names & set(SAMPLES)

    @property
    def parameters(self) -> dict[str, str]:
        """The values of the template's parameters, as a plan has them."""
        used = {name for text in (*self.exports, *self.exports.values(), *self.zones, *self.names.all) for name in placeholders.placeholders_in(text)}
        return {parameter: f"{{{name}}}" for parameter, name in _PARAMETERS.items() if name in used}


def render(wanted: Wanted) -> str:
    """Returns the template; empty if it has nothing."""
    every = account_resources.parts(max([wanted.subnets, *_numbers(wanted.named, "Subnet")]), {n: wanted.ports.get(n, 80) for n in _numbers(wanted.named, "TargetGroup")}, wanted.containers)
    needs = _with_needs(wanted.named, every)
    parts = [part for part in every if needs & set(part.outputs)]
    named = "".join(_named(wanted))
    if not parts and not named and not wanted.exports:
        return ""
    resources = "".join(part.resources for part in parts) + named
    values = {name: value for part in parts for name, value in part.outputs.items()}
    listed = "".join(f"  {name}:\n    Value: {value}\n" for name, value in values.items())
    exported = "".join(_export(n, name, value, values) for n, (name, value) in enumerate(wanted.exports.items(), 1))
    declared = "".join(f"  {name}: {{Type: String}}\n" for name in wanted.parameters)
    return HEAD + (f"Parameters:\n{declared}" if declared else "") + f"Resources:\n{resources or _NOTHING}" + (f"Outputs:\n{listed}{exported}" if listed or exported else "")


_NOTHING = "  Nothing:\n    Type: AWS::CloudFormation::WaitConditionHandle\n"  # a template has at least one resource


def _numbers(outputs: Iterable[str], kind: str) -> list[int]:
    found = [re.fullmatch(rf"Account(?:Private)?{kind}([0-9])(?:Id|Arn)", name) for name in outputs]
    full = [1] if kind == "TargetGroup" and account_resources.TARGET_GROUP_FULL_NAME in outputs else []
    return sorted({*(int(match[1]) for match in found if match), *full})


def _with_needs(outputs: set[str], every: tuple[Part, ...]) -> set[str]:
    """Returns outputs, and those that the parts need which have them."""
    needs = outputs
    while True:
        more = needs | {need for part in every if needs & set(part.outputs) for need in part.needs}
        if more == needs:
            return needs
        needs = more


def _named(wanted: Wanted) -> Iterator[str]:
    """Yields what stacks take by a name of their own: repositories, hosted zones, roles and clusters."""
    yield from (_repository(n, name) for n, name in enumerate(sorted(wanted.repositories), 1))
    zones = [name for name in wanted.zones if name != account_resources.DOMAIN]
    yield from named_resources.render(wanted.names, _substituted)
    yield from (f"  Zone{n}:\n    Type: AWS::Route53::HostedZone\n    Properties: {{Name: {_substituted(name)}}}\n" for n, name in enumerate(zones, 1))


def _repository(n: int, name: str) -> str:
    return _REPOSITORY.format(n=n, name=name, lifecycle=_LIFECYCLE)


def _export(number: int, name: str, value: str, values: Mapping[str, str]) -> str:
    outputs = placeholders.outputs_in(value)
    is_output = len(outputs) == 1 and value == f"{{output.{outputs[0]}}}"
    shown = values[outputs[0]] if is_output else _substituted(value)
    return f"  Export{number}:\n    Value: {shown}\n    Export: {{Name: {_substituted(name)}}}\n"


def _substituted(text: str) -> str:
    """Returns a text of a plan as one of a template: what its placeholders stand for are parameters."""
    references = {name: f"${{{parameter}}}" for parameter, name in _PARAMETERS.items()} | {name: f"${{{pseudo}}}" for name, pseudo in _PSEUDO.items()}
    known = [name for name in placeholders.placeholders_in(text) if name in references]
    quoted = json.dumps(text)
    return f"!Sub {placeholders.fill(quoted, references)}" if known else quoted
