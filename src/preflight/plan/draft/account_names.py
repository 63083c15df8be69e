"""What the templates of a draft call by a name of its own and none of them creates: the account has it already. Pure.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html (a cluster by its short name),
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html (a role by its name),
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Secret.html (parameters by name or ARN, secrets by ARN).
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
_PARAMETER = re.compile(r"(?:arn:aws[\w-]*:ssm:[\w-]+:[0-9]{12}:parameter(?=/)|arn:aws[\w-]*:ssm:[\w-]+:[0-9]{12}:parameter/)?(/?[\w.-]+(?:/[\w.-]+)*)", re.ASCII)
_SECRET = re.compile(r"arn:aws[\w-]*:secretsmanager:[\w-]+:[0-9]{12}:secret:([\w/+=.@-]{1,512})(?::([^:]*))?(?::[^:]*){0,2}", re.ASCII)
_RANDOM = re.compile(r".*-[A-Za-z0-9]{6}")  # what Secrets Manager puts behind a name; which, only it knows


def of_stacks(every: ResolvedStacks) -> AccountNames:
    """Returns the names that no template of the stacks creates."""
    names = _Names(every)
    execution = names.missing(_ROLE, names.of(DEFINITION, "ExecutionRoleArn"), "AWS::IAM::Role", "RoleName")
    tasks = names.missing(_ROLE, names.of(DEFINITION, "TaskRoleArn"), "AWS::IAM::Role", "RoleName")
    return AccountNames(
        execution,
        tuple(name for name in tasks if name not in execution),
        names.missing(_CLUSTER, (*names.of(SERVICE, "Cluster"), *names.clusters_of_rules()), "AWS::ECS::Cluster", "ClusterName"),
        names.missing(_PARAMETER, names.secrets(), "AWS::SSM::Parameter", "Name"),
        names.missing_secrets(),
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

    def secrets(self) -> Iterator[str]:
        """Yields what the secrets of containers come from."""
        for document in self._documents:
            for _, definition in document.of_type(DEFINITION):
                for container in account_exports.dicts(definition.get("ContainerDefinitions")):
                    yield from (self._texts.of(document, secret.get("ValueFrom")) for secret in account_exports.dicts(container.get("Secrets")))

    def missing_secrets(self) -> dict[str, tuple[str, ...]]:
        """Returns the names of secrets that no template creates, and the keys that containers ask for."""
        created, keys = set(self.of("AWS::SecretsManager::Secret", "Name")), dict[str, dict[str, None]]()
        for match in filter(None, (_SECRET.fullmatch(text) for text in self.secrets())):
            if match[1] not in created and _RANDOM.fullmatch(match[1]) is None:
                keys.setdefault(account_exports.with_placeholders(match[1]), {}).update({match[2]: None} if match[2] else {})
        return {name: tuple(keys[name]) for name in list(keys)[:MOST]}
