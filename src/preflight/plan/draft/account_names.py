"""What the templates of a draft call by a name of its own and none of them creates: the account has it already. Pure.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html (a cluster by its short name),
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html (a role by its name),
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Secret.html (parameters by name or ARN, secrets by ARN),
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html (names of parameters),
https://docs.aws.amazon.com/systems-manager/latest/userguide/integration-ps-secretsmanager.html (secrets as parameters).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from preflight.plan import placeholders
from preflight.plan.draft import account_exports
from preflight.plan.draft.fixed_values import SERVICE
from preflight.plan.draft.named_resources import AccountNames
from preflight.plan.resolved_stacks import ResolvedStacks
from preflight.plan.texts import DEFINITION, Texts

MOST = 20  # of each kind
_ARN = re.compile(r"arn:aws[\w-]*:([a-z]+):([\w-]*):([0-9]{12}):(.+)", re.ASCII)
_GLOBAL = frozenset({"iam"})  # services whose ARNs name no region
_ROLE = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
_CLUSTER = re.compile(r"[A-Za-z0-9_-]{1,255}")
_PARAMETER = re.compile(r"(?=.{1,1011}$)(?!/?(?:aws|ssm))(?:[\w.-]+|(?:/[\w.-]+){1,15})", re.ASCII | re.IGNORECASE)
_REFERENCE = "/aws/reference/secretsmanager/"  # and the name of a secret
_SECRET_NAME = re.compile(r"[\w/+=.@-]{1,512}", re.ASCII)
_SECRET = re.compile(rf"({_SECRET_NAME.pattern})(?::([^:]*))?(?::[^:]*){{0,2}}", re.ASCII)
_RANDOM = re.compile(r".*-[A-Za-z0-9]{6}")  # what Secrets Manager puts behind a name; which, only it knows


def of_stacks(every: ResolvedStacks, *, region: str) -> AccountNames:
    """Returns the names that no template of the stacks creates, as the account has them in the region of the stacks."""
    names = _Names(every, region)
    execution = names.roles("ExecutionRoleArn")
    return AccountNames(
        execution,
        tuple(name for name in names.roles("TaskRoleArn") if name not in execution),
        names.clusters(),
        names.parameters(),
        names.secrets(),
    )


class _Names:
    def __init__(self, every: ResolvedStacks, region: str) -> None:
        self._texts = Texts(every)
        self._documents = every.deployed
        self._region = region

    def roles(self, key: str) -> tuple[str, ...]:
        """Returns the roles that a property of task definitions names."""
        names = self._own(self._of(DEFINITION, key), "iam", "role/")
        created = set(self._of("AWS::IAM::Role", "RoleName"))
        return _listed(name for name in names if _ROLE.fullmatch(name) and name not in created)

    def clusters(self) -> tuple[str, ...]:
        """Returns the clusters that services and rules of EventBridge name."""
        names = self._own((*self._of(SERVICE, "Cluster"), *self._clusters_of_rules()), "ecs", "cluster/")
        created = set(self._of("AWS::ECS::Cluster", "ClusterName"))
        return _listed(name for name in names if _CLUSTER.fullmatch(name) and name not in created)

    def parameters(self) -> tuple[str, ...]:
        """Returns the parameters that containers name; an ARN does not say whether a name of one level begins with a slash."""
        created = {name.removeprefix("/") for name in self._of("AWS::SSM::Parameter", "Name")}
        names: dict[str, str] = {}
        for name in self._parameters():
            if _PARAMETER.fullmatch(name) and name.removeprefix("/") not in created:
                names.setdefault(name.removeprefix("/"), name)
        return _listed(names.values())

    def secrets(self) -> dict[str, tuple[str, ...]]:
        """Returns the names of secrets, and the keys that containers ask for."""
        created, keys = set(self._of("AWS::SecretsManager::Secret", "Name")), dict[str, dict[str, None]]()
        for name, key in self._secrets():
            if name not in created:
                keys.setdefault(account_exports.with_placeholders(name), {}).update({key: None} if key else {})
        return {name: tuple(keys[name]) for name in list(keys)[:MOST]}

    def _of(self, kind: str, key: str) -> Iterator[str]:
        """Yields the texts of a property of all resources of a type."""
        yield from (self._texts.of(document, properties[key]) for document in self._documents for _, properties in document.of_type(kind) if key in properties)

    def _own(self, texts: Iterable[str], service: str, before: str) -> Iterator[str]:
        """Yields names, and those in ARNs of resources of this account and region."""
        for text in texts:
            name = self._in_arn(text, service, before) if text.startswith("arn:") else text
            if name is not None:
                yield name

    def _in_arn(self, text: str, service: str, before: str) -> str | None:
        """Returns what stands behind the type of a resource in its ARN; None if another account, region or service has it."""
        arn, region = _ARN.fullmatch(text), "" if service in _GLOBAL else self._region
        if arn is None or arn.groups()[:3] != (service, region, placeholders.ACCOUNT) or not arn[4].startswith(before):
            return None
        return arn[4].removeprefix(before)

    def _clusters_of_rules(self) -> Iterator[str]:
        """Yields the clusters on which EventBridge runs tasks."""
        for document in self._documents:
            for _, rule in document.of_type("AWS::Events::Rule"):
                yield from (self._texts.of(document, target.get("Arn")) for target in account_exports.dicts(rule.get("Targets")) if "EcsParameters" in target)

    def _values_from(self) -> Iterator[str]:
        """Yields what the secrets of containers come from."""
        for document in self._documents:
            for _, definition in document.of_type(DEFINITION):
                for container in account_exports.dicts(definition.get("ContainerDefinitions")):
                    yield from (self._texts.of(document, secret.get("ValueFrom")) for secret in account_exports.dicts(container.get("Secrets")))

    def _parameters(self) -> Iterator[str]:
        """Yields names of parameters: first as they are written, then those in ARNs, with a slash."""
        for text in sorted(self._values_from(), key=lambda text: text.startswith("arn:")):
            before = "/" if text.startswith("arn:") else ""
            yield from (before + name for name in self._own([text], "ssm", "parameter/"))

    def _secrets(self) -> Iterator[tuple[str, str]]:
        """Yields names of secrets, each with the key that is asked for, if any."""
        for name in self._parameters():
            if name.startswith(_REFERENCE) and _SECRET_NAME.fullmatch(name.removeprefix(_REFERENCE)):
                yield name.removeprefix(_REFERENCE), ""
        for text in self._values_from():
            match = _SECRET.fullmatch(self._in_arn(text, "secretsmanager", "secret:") or "")
            if match is not None and _RANDOM.fullmatch(match[1]) is None:
                yield match[1], match[2] or ""


def _listed(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(account_exports.with_placeholders, names)))[:MOST]
