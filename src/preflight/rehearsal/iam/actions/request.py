"""An API request as IAM sees it, and the functions with which a service's table lists the permissions it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from preflight.aws import partitions
from preflight.aws.iam_policy_evaluation import Value


@dataclass(frozen=True)
class ApiRequest:
    """One call of an operation in an account; the service's actions begin with `prefix`."""

    prefix: str
    region: str
    account: str
    name: str
    parameters: Mapping[str, Any]

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
        value: Any = self.parameters
        for part in name.split("."):
            value = value if isinstance(value, Mapping) else {}
            value = value.get(part[0].upper() + part[1:], value.get(part[0].lower() + part[1:]))
        return value

    def texts(self, name: str) -> list[str]:
        """A member of the input as a list of texts; empty where nothing is given."""
        value = self.get(name)
        return [str(item) for item in value] if isinstance(value, list) else [] if value is None else [str(value)]


@dataclass(frozen=True)
class RequiredPermission:
    """One action on one resource. `owner` is the resource whose tags the keys aws:ResourceTag/… show."""

    action: str
    resource: str | None = "*"
    context: Mapping[str, Value] = field(default_factory=dict)
    owner: str = ""


Permissions = Callable[[ApiRequest], Iterable[RequiredPermission]]
Resources = Callable[[ApiRequest], Iterable[str]]


def no_resource(request: ApiRequest) -> Iterator[RequiredPermission]:
    """Yields the operation's action, which has no resources."""
    yield RequiredPermission(request.action)


def for_resources(*places: Resources, action: str = "") -> Permissions:
    """Returns the operation's action, or another one, on each of these resources, or on `*` if there are none."""

    def permissions(request: ApiRequest) -> Iterator[RequiredPermission]:
        arns = [arn for place in places for arn in place(request)]
        for arn in dict.fromkeys(arns):
            yield RequiredPermission(action or request.action, arn, owner=arn)
        if not arns:
            yield RequiredPermission(action or request.action)

    return permissions


def with_request_tags(required: Permissions, *, tagging: str = "", create_key: str = "") -> Permissions:
    """Returns `required` with the request's tags as condition keys, and the action `tagging` if there are tags."""

    def permissions(request: ApiRequest) -> Iterator[RequiredPermission]:
        tags = tags_of(request)
        targets = [replace(t, context={**t.context, **tag_context(tags)}) for t in required(request)]
        yield from targets
        if tags and tagging and targets:
            created = {create_key.lower(): request.name} if create_key else {}
            yield replace(targets[0], action=tagging, context={**targets[0].context, **created})

    return permissions


def with_tag_changes(required: Permissions) -> Permissions:
    """Returns `required` with the request's tags or tag keys as condition keys, for a resource that exists."""

    def permissions(request: ApiRequest) -> Iterator[RequiredPermission]:
        context = tag_context(tags_of(request)) or _keys(request.texts("tagKeys"))
        for target in required(request):
            yield replace(target, context={**target.context, **context})

    return permissions


def with_pass_role(required: Permissions, service: str, *names: str) -> Permissions:
    """Returns `required`, and iam:PassRole for every role that these members of the input pass to a service.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html.
    """

    def permissions(request: ApiRequest) -> Iterator[RequiredPermission]:
        yield from required(request)
        for name in names:
            for role in request.texts(name):
                yield pass_role(request, role, service)

    return permissions


def pass_role(request: ApiRequest, role: str, service: str) -> RequiredPermission:
    """Returns iam:PassRole for one role, by ARN or name."""
    arn = role if role.startswith("arn:") else f"arn:{request.partition}:iam::{request.account}:role/{role}"
    return RequiredPermission("iam:PassRole", arn, {"iam:passedtoservice": service})


def with_condition_key(required: Permissions, key: str, value: Callable[[ApiRequest], str]) -> Permissions:
    """Returns `required` with one more condition key."""

    def permissions(request: ApiRequest) -> Iterator[RequiredPermission]:
        for target in required(request):
            yield replace(target, context={**target.context, key.lower(): value(request)})

    return permissions


def tag_context(tags: Mapping[str, str]) -> dict[str, Value]:
    """The condition keys that show the tags of a request."""
    return {**{f"aws:requesttag/{key.lower()}": value for key, value in tags.items()}, **_keys(tags)}


def _keys(keys: Iterable[str]) -> dict[str, Value]:
    names = tuple(keys)
    return {"aws:tagkeys": names} if names else {}


def tags_of(request: ApiRequest) -> dict[str, str]:
    """The tags of a request, in whichever form its service takes them; those of AWS's own are no matter of IAM."""
    tags = request.get("tags") or request.get("tagSet")
    specified = request.get("tagSpecification") or request.get("tagSpecifications") or []
    for specification in specified:
        tags = [*(tags or []), *(specification.get("Tags") or specification.get("Tag") or [])]
    pairs = tags.items() if isinstance(tags, Mapping) else [_pair(tag) for tag in tags or []]
    return {str(key): str(value) for key, value in pairs if not str(key).lower().startswith("aws:")}


def _pair(tag: Mapping[str, Any]) -> tuple[Any, Any]:
    low = {str(key).lower().removeprefix("tag"): value for key, value in tag.items()}
    return low.get("key", ""), low.get("value", "")
