"""What a resource handler is, and what it is given."""

from __future__ import annotations

import random
import re
import string
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from preflight.aws import partitions
from preflight.rehearsal import acting, protocol
from preflight.rehearsal.account import Account
from preflight.rehearsal.ledger import Ledger
from preflight.templates import schemas

Properties = Mapping[str, Any]
PREFIXES = {"elbv2": "elasticloadbalancing", "efs": "elasticfilesystem"}  # of actions, by the name of a client
SPECIFIED = "TagSpecifications"  # what EC2 calls the tags of what it makes; no template does
READING = re.compile(r"(Describe|Get|List|Head)[A-Z]")  # operations that change nothing


class ResourceFailedError(Exception):
    """A handler could not do it; `message` is what AWS would say, `code` the handler error code."""

    def __init__(self, message: str, code: str = "InvalidRequest", *, is_whole: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.is_whole = is_whole

    @property
    def reason(self) -> str:
        """The reason of the resource's event."""
        if self.is_whole:
            return self.message
        return (
            f'Resource handler returned message: "{self.message}" '
            f"(RequestToken: {uuid.uuid4()}, HandlerErrorCode: {self.code})"
        )


@dataclass(frozen=True)
class CreatedResource:
    """A resource that was made: its physical id (what Ref returns) and what Fn::GetAtt returns."""

    id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class HandlerContext:
    """Where a handler works: account, region, stack and logical id."""

    account: Account
    region: str
    stack: str
    stack_id: str
    logical: str
    kind: str
    book: Ledger
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    stop: threading.Event = field(default_factory=threading.Event)
    identify: Callable[[str], None] = lambda _physical: None

    @property
    def is_over(self) -> bool:
        """Whether there is no point in waiting any longer: the operation was stopped, or the account goes."""
        return self.stop.is_set() or self.account.closing.is_set()

    @property
    def partition(self) -> str:
        """Partition of the stack's region, the second word of every ARN."""
        return partitions.partition_of(self.region)[0]

    @property
    def suffix(self) -> str:
        """What the names of AWS's hosts end with in the stack's region."""
        return partitions.partition_of(self.region)[1]

    def client(self, service: str) -> Any:
        """A client of the account, in the region of the stack."""
        return self.account.client(service, self.region)

    def name(self, *, most: int = 64, is_lower: bool = False) -> str:
        """A generated physical name: stack, logical id, and twelve random characters."""
        tail = "".join(random.choices(string.ascii_uppercase + string.digits, k=12))  # noqa: S311 - a name
        room = most - len(tail) - 2
        head = f"{self.stack[: room // 2 + room % 2].strip('-')}-{self.logical[: room // 2]}"
        name = f"{head}-{tail}"
        return name.lower() if is_lower else name

    def all_tags(self, own: Any) -> list[dict[str, str]]:
        """The tags of a resource: its own, as a list or as a map, win over those of the stack."""
        pairs = own if isinstance(own, dict) else {tag["Key"]: tag["Value"] for tag in own or []}
        merged = {**self.tags, **{str(key): str(value) for key, value in pairs.items()}}
        return [{"Key": key, "Value": value} for key, value in merged.items()]

    def note(self, name: str | None, state: str, note: str | None = None) -> None:
        """Enter into the ledger what was done with a property."""
        self.book.enter(self.entry, name, state, note)

    @property
    def entry(self) -> str:
        """The name of the resource in the ledger."""
        return f"{self.stack}.{self.logical}"

    def call(self, service: str, operation: str, given: Properties) -> dict[str, Any]:
        """Call an operation with properties spelt as CloudFormation spells them.

        Whatever the operation has no member for is entered as *ignored*, all else as *stored*.

        Raises:
            FailedError: the service refused; with AWS's words.
        """
        shape = protocol.model_of(service).operation_model(operation).input_shape
        lost: list[str] = []
        made = protocol.as_shape(dict(given), shape, lost=lost)
        for key in given:
            if key != SPECIFIED:
                self.note(key, "stored")
        for path in lost:
            self.note(path.strip("/").replace("/", "."), "ignored", f"{operation} has no such member")
        return self.ask(service, operation, **made)

    def ask(self, service: str, operation: str, /, **given: Any) -> dict[str, Any]:
        """Call an operation in the API's own spelling: in the caller's name where AWS's handler may call it too.

        All else is our own bookkeeping, done as the administrator; `needs` says what AWS's handlers read.

        Raises:
            FailedError: the service refused; with AWS's words.
        """
        client = self.client(service)
        who = acting.acting() if _is_callers(self.kind, service, operation) else None
        try:
            with acting.acting_as(who):
                answer: dict[str, Any] = client._make_api_call(operation, given)  # noqa: SLF001 - by operation name
        except ClientError as error:
            raise refused(service, error) from None
        return answer

    def need(self, service: str, operation: str, /, **given: Any) -> None:
        """Hold a call that is not made here, but is by AWS's handler, against what the caller may do.

        Raises:
            FailedError: they may not; with AWS's words.
        """
        said = self.account.denial(service, self.region, operation, given)
        if said is not None:
            raise ResourceFailedError(f"{said}{_tail(service, 403)}", "AccessDenied")


def _is_callers(kind: str, service: str, operation: str) -> bool:
    """Whether AWS's handler of a type would change something by this operation; of S3 no operation is named so."""
    if READING.match(operation):
        return False
    known = schemas.permissions(kind)
    return not known or service == "s3" or f"{PREFIXES.get(service, service)}:{operation}".lower() in known


def refused(service: str, error: ClientError) -> ResourceFailedError:
    """A service's refusal as CloudFormation's handlers report it."""
    said = error.response["Error"]
    status = error.response["ResponseMetadata"].get("HTTPStatusCode", 400)
    code = _handler_code(said["Code"])
    return ResourceFailedError(f"{said['Message']}{_tail(service, status)}", code)


def _tail(service: str, status: int) -> str:
    return f" (Service: {service.title()}, Status Code: {status}, Request ID: {uuid.uuid4()})"


def _handler_code(code: str) -> str:
    if "AlreadyExists" in code or "Duplicate" in code or code.endswith(".Conflict"):
        return "AlreadyExists"
    if "NotFound" in code or "NoSuch" in code:
        return "NotFound"
    if "Conflict" in code or code in {"DependencyViolation", "ResourceInUse", "RepositoryNotEmptyException"}:
        return "ResourceConflict"
    return "AccessDenied" if "AccessDenied" in code or code == "UnauthorizedOperation" else "InvalidRequest"


def is_gone(failure: ResourceFailedError) -> bool:
    """Whether a delete failed because there was nothing left to delete."""
    return failure.code == "NotFound"


Reader = Callable[[HandlerContext, str, Properties], Mapping[str, Any]]


@dataclass(frozen=True)
class Handler:
    """How one resource type is made, changed, removed and read back.

    `update` is given the physical id, the former and the new properties. Without it every change
    replaces the resource. `read` returns what the service keeps, spelt as properties or as the
    service spells them; without it nothing can be said of what was kept. `attributes` is for types
    whose attributes other resources change: Fn::GetAtt asks it anew.
    """

    create: Callable[[HandlerContext, Properties], CreatedResource]
    delete: Callable[[HandlerContext, str, Properties], None]
    update: Callable[[HandlerContext, str, Properties, Properties], CreatedResource] | None = None
    read: Reader | None = None
    attributes: Callable[[HandlerContext, str], Mapping[str, Any]] | None = None


def _stand_in(place: HandlerContext, given: Properties) -> CreatedResource:
    state = "stubbed" if is_custom(place.kind) else "ignored"
    place.note(None, state, f"{place.kind} is not modelled: a stand-in was created")
    for name in given:
        place.note(name, state)
    made = StandInAttributes(place)
    identifier = schemas.identifier(place.kind)
    own = given.get(identifier)
    return CreatedResource(str(own) if isinstance(own, str) else made.value(identifier or "Id"), made)


def is_custom(kind: str) -> bool:
    """Whether a type is a custom resource, whose attributes only its own function knows."""
    return kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource"


class StandInAttributes(dict[str, Any]):
    """Attributes of a resource that is not modelled: every one that its schema knows has a value.

    Of a custom resource any attribute has one.
    """

    def __init__(self, place: HandlerContext) -> None:
        self._place = place
        super().__init__({name: self.value(name) for name in schemas.read_only(place.kind)})

    def __contains__(self, name: object) -> bool:
        """Whether there is such an attribute."""
        return is_custom(self._place.kind) or super().__contains__(name)

    def __missing__(self, name: str) -> str:
        """The attribute of a custom resource."""
        return self.value(name)

    def value(self, name: str) -> str:
        """A value for the attribute `name`: an ARN where the name says so."""
        word = f"{schemas.STANDIN}-{self._place.logical}"
        if not name.endswith("Arn"):
            return word
        service = self._place.kind.split("::")[1].lower() if "::" in self._place.kind else "aws"
        return f"arn:{self._place.partition}:{service}:{self._place.region}:{self._place.account.id}:{word}"


STANDIN = Handler(
    _stand_in, lambda _place, _id, _given: None, lambda _place, physical, _old, _new: CreatedResource(physical)
)
