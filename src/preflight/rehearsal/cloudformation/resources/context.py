"""What a resource handler works with: its resource, its stack, and the services of the account."""

from __future__ import annotations

import json
import random
import string
import threading
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from preflight.aws import partitions
from preflight.model import JsonObject
from preflight.rehearsal import acting, protocol
from preflight.rehearsal.account import Account
from preflight.rehearsal.cloudformation.resources import failure
from preflight.rehearsal.ledger import Ledger
from preflight.templates import schemas

Properties = Mapping[str, Any]  # of a resource, as CloudFormation spells them
Request = JsonObject  # the input of an operation
Response = JsonObject  # the output of an operation, or a part of it
Tag = dict[str, str]
PREFIXES = {"elbv2": "elasticloadbalancing", "efs": "elasticfilesystem"}  # of actions, by the name of a client
TAG_SPECIFICATIONS = "TagSpecifications"  # what EC2 calls the tags of a new resource; no template has this property


@dataclass(frozen=True)
class HandlerContext:
    """The account, the region, the stack and the resource that a handler works for."""

    account: Account
    region: str
    stack_name: str
    stack_id: str
    logical_id: str
    resource_type: str
    ledger: Ledger
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    stop: threading.Event = field(default_factory=threading.Event)
    identify: Callable[[str], None] = lambda _physical_id: None

    @property
    def is_stopped(self) -> bool:
        """Whether waiting is pointless: the operation was stopped, or the account closes."""
        return self.stop.is_set() or self.account.closing.is_set()

    @property
    def partition(self) -> str:
        """Partition of the stack's region, the second word of every ARN."""
        return partitions.partition_of(self.region)[0]

    @property
    def dns_suffix(self) -> str:
        """What the names of AWS's hosts end with in the stack's region."""
        return partitions.partition_of(self.region)[1]

    @property
    def ledger_name(self) -> str:
        """The name of the resource in the ledger."""
        return f"{self.stack_name}.{self.logical_id}"

    def arn(self, service: str, resource: str) -> str:
        """Returns the ARN of a resource in the region of the stack."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account.id}:{resource}"

    def generate_name(self, *, max_length: int = 64, is_lower: bool = False) -> str:
        """Returns a physical name of stack, logical id, and twelve random characters."""
        tail = "".join(random.choices(string.ascii_uppercase + string.digits, k=12))  # noqa: S311 - a name
        room = max_length - len(tail) - 2
        head = f"{self.stack_name[: room // 2 + room % 2].strip('-')}-{self.logical_id[: room // 2]}"
        name = f"{head}-{tail}"
        return name.lower() if is_lower else name

    def all_tags(self, tags: Any) -> list[Tag]:
        """Returns the tags of a resource, given as a list or as a map; they win over those of the stack.

        Raises:
            ResourceFailedError: a tag has no key.
        """
        for number, tag in enumerate([] if isinstance(tags, dict) else tags or [], start=1):
            if tag.get("Key") is None:
                msg = f"1 validation error detected: Value null at 'tags.{number}.member.key' failed to satisfy constraint: Member must not be null"
                raise failure.ResourceFailedError(msg)
        pairs = tags if isinstance(tags, dict) else {tag["Key"]: tag.get("Value", "") for tag in tags or []}
        merged = {**self.tags, **{str(key): str(value) for key, value in pairs.items()}}
        return [{"Key": key, "Value": value} for key, value in merged.items()]

    def user_tags(self, tags: Any) -> list[Tag]:
        """Returns the tags of a resource without those that only AWS itself may set."""
        return [tag for tag in self.all_tags(tags) if not tag["Key"].startswith("aws:")]

    def record(self, name: str | None, state: str, note: str | None = None) -> None:
        """Enters the state of a property, or without a name of the resource, into the ledger."""
        self.ledger.enter(self.ledger_name, name, state, note)

    def record_stored(self, properties: Iterable[str]) -> None:
        """Enters every property as *stored*."""
        for name in properties:
            self.record(name, "stored")

    def submit(
        self, service: str, operation: str, properties: Properties, *, recorded: Container[str] | None = None
    ) -> Response:
        """Calls an operation with members spelt as CloudFormation spells properties.

        Members that are `recorded`, all by default, are entered as *stored*, those that the operation
        does not have as *ignored*.

        Raises:
            ResourceFailedError: the service refused, in AWS's words.
        """
        shape = protocol.model_of(service).operation_model(operation).input_shape
        lost: list[str] = []
        request = protocol.as_shape(dict(properties), shape, lost=lost)
        for name in properties:
            if name != TAG_SPECIFICATIONS and (recorded is None or name in recorded):
                self.record(name, "stored")
        for path in lost:
            self.record(path.strip("/").replace("/", "."), "ignored", f"{operation} has no such member")
        return self.call(service, operation, **request)

    def call(self, service: str, operation: str, /, **request: Any) -> Response:
        """Calls an operation in the API's own spelling, as the caller if AWS's handler may call it too.

        All other calls are bookkeeping of the emulator, made as the administrator; `read_permissions`
        has what AWS's handlers read.

        Raises:
            ResourceFailedError: the service refused, in AWS's words.
        """
        client = self.account.client(service, self.region)
        shape = protocol.model_of(service).operation_model(operation).input_shape
        refusal = failure.of_parameters(self.logical_id, request, shape) if shape is not None else None
        if refusal is not None:
            raise refusal
        principal = acting.acting() if _is_callers(self.resource_type, service, operation) else None
        try:
            with acting.acting_as(principal):
                response: Response = client._make_api_call(operation, request)  # noqa: SLF001 - by operation name
        except ClientError as error:
            raise failure.from_client_error(service, error) from None
        return response

    def check_permission(self, service: str, operation: str, /, **request: Any) -> None:
        """Checks that the caller may make a call which AWS's handler makes and this one does not.

        Raises:
            ResourceFailedError: the caller may not, in AWS's words.
        """
        denial = self.account.denial(service, self.region, operation, request)
        if denial is not None:
            raise failure.from_service(service, denial, 403, "AccessDenied")


def without(properties: Properties, *names: str) -> Request:
    """Returns the properties that have none of these names."""
    return {name: value for name, value in properties.items() if name not in names}


def only(properties: Properties, *names: str) -> Request:
    """Returns the properties that have one of these names."""
    return {name: properties[name] for name in names if name in properties}


def as_json(document: Any) -> str:
    """Returns a policy document as text."""
    return document if isinstance(document, str) else json.dumps(document, default=str)


def _is_callers(resource_type: str, service: str, operation: str) -> bool:
    """Whether AWS's handler of a type would change something by this operation; no operation of S3 is listed by name."""
    if protocol.READING.match(operation):
        return False
    permissions = schemas.permissions(resource_type)
    action = f"{PREFIXES.get(service, service)}:{operation}".lower()
    return not permissions or service == "s3" or action in permissions
