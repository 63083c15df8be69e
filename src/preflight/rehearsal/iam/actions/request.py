"""A request as IAM sees it, and the words in which a service's file says what it asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from preflight.aws import partitions
from preflight.aws.iam_policy import Value


@dataclass(frozen=True)
class ApiRequest:
    """One call of an operation, in one account; `prefix` is what the service's actions begin with."""

    prefix: str
    region: str
    account: str
    name: str
    given: Mapping[str, Any]

    @property
    def partition(self) -> str:
        """Partition of the region."""
        return partitions.partition_of(self.region)[0]

    @property
    def action(self) -> str:
        """The action that is called as the operation."""
        return f"{self.prefix}:{self.name}"

    def arn(self, rest: str, *, service: str = "") -> str:
        """The ARN of a resource of this region and account."""
        return f"arn:{self.partition}:{service or self.prefix}:{self.region}:{self.account}:{rest}"

    def get(self, name: str) -> Any:
        """A member of the input, whatever the case of its first letter; members of members by a dot."""
        found: Any = self.given
        for part in name.split("."):
            found = found if isinstance(found, Mapping) else {}
            found = found.get(part[0].upper() + part[1:], found.get(part[0].lower() + part[1:]))
        return found

    def texts(self, name: str) -> list[str]:
        """A member of the input as a list of texts; empty where nothing is given."""
        found = self.get(name)
        return [str(item) for item in found] if isinstance(found, list) else [] if found is None else [str(found)]


@dataclass(frozen=True)
class RequiredPermission:
    """One action on one resource. `owner` is the resource whose tags the keys aws:ResourceTag/… show."""

    action: str
    resource: str | None = "*"
    context: Mapping[str, Value] = field(default_factory=dict)
    owner: str = ""


Ask = Callable[[ApiRequest], Iterable[RequiredPermission]]
Where = Callable[[ApiRequest], Iterable[str]]


def no_resource(question: ApiRequest) -> Iterator[RequiredPermission]:
    """The action of the operation, for which there are no resources."""
    yield RequiredPermission(question.action)


def for_resources(*places: Where, action: str = "") -> Ask:
    """The action of the operation, or another one, on every one of these resources; on `*` where there are none."""

    def ask(question: ApiRequest) -> Iterator[RequiredPermission]:
        arns = [arn for place in places for arn in place(question)]
        for arn in dict.fromkeys(arns):
            yield RequiredPermission(action or question.action, arn, owner=arn)
        if not arns:
            yield RequiredPermission(action or question.action)

    return ask


def creating(ask: Ask, *, tagging: str = "", create_key: str = "") -> Ask:
    """`ask` with the tags of the request as condition keys; where there are tags, `tagging` is asked for as well."""

    def asked(question: ApiRequest) -> Iterator[RequiredPermission]:
        tags = tags_of(question)
        targets = [replace(t, context={**t.context, **tag_context(tags)}) for t in ask(question)]
        yield from targets
        if tags and tagging and targets:
            created = {create_key.lower(): question.name} if create_key else {}
            yield replace(targets[0], action=tagging, context={**targets[0].context, **created})

    return asked


def tagging(ask: Ask) -> Ask:
    """`ask` with the tags, or tag keys, of the request as condition keys; the resource exists already."""

    def asked(question: ApiRequest) -> Iterator[RequiredPermission]:
        context = tag_context(tags_of(question)) or _keys(question.texts("tagKeys"))
        for target in ask(question):
            yield replace(target, context={**target.context, **context})

    return asked


def with_pass_role(ask: Ask, service: str, *names: str) -> Ask:
    """`ask`, and iam:PassRole for every role that these members of the input hand to a service.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html.
    """

    def asked(question: ApiRequest) -> Iterator[RequiredPermission]:
        yield from ask(question)
        for name in names:
            for role in question.texts(name):
                yield passed(question, role, service)

    return asked


def passed(question: ApiRequest, role: str, service: str) -> RequiredPermission:
    """iam:PassRole for one role, by ARN or name."""
    arn = role if role.startswith("arn:") else f"arn:{question.partition}:iam::{question.account}:role/{role}"
    return RequiredPermission("iam:PassRole", arn, {"iam:passedtoservice": service})


def within(ask: Ask, key: str, value: Callable[[ApiRequest], str]) -> Ask:
    """`ask` with one more condition key."""

    def asked(question: ApiRequest) -> Iterator[RequiredPermission]:
        for target in ask(question):
            yield replace(target, context={**target.context, key.lower(): value(question)})

    return asked


def tag_context(tags: Mapping[str, str]) -> dict[str, Value]:
    """The condition keys that show the tags of a request."""
    return {**{f"aws:requesttag/{key.lower()}": value for key, value in tags.items()}, **_keys(tags)}


def _keys(keys: Iterable[str]) -> dict[str, Value]:
    found = tuple(keys)
    return {"aws:tagkeys": found} if found else {}


def tags_of(question: ApiRequest) -> dict[str, str]:
    """The tags of a request, in whichever form its service takes them; those of AWS's own are no matter of IAM."""
    found = question.get("tags") or question.get("tagSet")
    specified = question.get("tagSpecification") or question.get("tagSpecifications") or []
    for specification in specified:
        found = [*(found or []), *(specification.get("Tags") or specification.get("Tag") or [])]
    pairs = found.items() if isinstance(found, Mapping) else [_pair(tag) for tag in found or []]
    return {str(key): str(value) for key, value in pairs if not str(key).lower().startswith("aws:")}


def _pair(tag: Mapping[str, Any]) -> tuple[Any, Any]:
    low = {str(key).lower().removeprefix("tag"): value for key, value in tag.items()}
    return low.get("key", ""), low.get("value", "")
