"""What the templates of a draft call by a name of its own and none of them creates: the account has it already. Pure.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html (a cluster by its short name),
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html (a role by its name).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from preflight.plan.draft import account_exports
from preflight.plan.draft.fixed_values import SERVICE
from preflight.plan.draft.named_resources import AccountNames
from preflight.plan.resolved_stacks import ResolvedStacks
from preflight.plan.texts import DEFINITION, Texts

MOST = 20  # of each kind
_ROLE = re.compile(r"(?:arn:aws[\w-]*:iam::[0-9]{12}:role/)?([\w+=,.@-]{1,64})", re.ASCII)
_CLUSTER = re.compile(r"(?:arn:aws[\w-]*:ecs:[\w-]+:[0-9]{12}:cluster/)?([A-Za-z0-9_-]{1,255})")


def of_stacks(every: ResolvedStacks) -> AccountNames:
    """Returns the names that no template of the stacks creates."""
    names = _Names(every)
    execution = names.missing(_ROLE, names.of(DEFINITION, "ExecutionRoleArn"), "AWS::IAM::Role", "RoleName")
    tasks = names.missing(_ROLE, names.of(DEFINITION, "TaskRoleArn"), "AWS::IAM::Role", "RoleName")
    return AccountNames(
        execution,
        tuple(name for name in tasks if name not in execution),
        names.missing(_CLUSTER, (*names.of(SERVICE, "Cluster"), *names.clusters_of_rules()), "AWS::ECS::Cluster", "ClusterName"),
    )


class _Names:
    def __init__(self, every: ResolvedStacks) -> None:
        self._texts = Texts(every)
        self._documents = every.deployed

    def missing(self, pattern: re.Pattern[str], texts: Iterable[str], kind: str, key: str) -> tuple[str, ...]:
        """Returns the names in texts, without those that a resource of a type has."""
        matches = (pattern.fullmatch(text) for text in texts)
        created = set(self.of(kind, key))
        names = dict.fromkeys(match[1] for match in matches if match is not None and match[1] not in created)
        return tuple(account_exports.with_placeholders(name) for name in names)[:MOST]

    def of(self, kind: str, key: str) -> Iterator[str]:
        """Yields the texts of a property of all resources of a type."""
        yield from (self._texts.of(document, properties[key]) for document in self._documents for _, properties in document.of_type(kind) if key in properties)

    def clusters_of_rules(self) -> Iterator[str]:
        """Yields the clusters on which EventBridge runs tasks."""
        for document in self._documents:
            for _, rule in document.of_type("AWS::Events::Rule"):
                yield from (self._texts.of(document, target.get("Arn")) for target in account_exports.dicts(rule.get("Targets")) if "EcsParameters" in target)
