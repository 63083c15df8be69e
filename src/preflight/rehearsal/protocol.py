"""Requests of AWS clients in, answers out, both by the service model that botocore ships."""

from __future__ import annotations

import functools
import json
import re
import traceback
import uuid
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, UnknownServiceError
from moto.core.model import OperationModel, ServiceModel  # noqa: TC002 - mypy skips moto
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.serialize import SerializationContext, get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.wrappers import Request, Response

Shape = Any
# Services that sign their requests by another name than that of their model.
SIGNED = {
    "monitoring": "cloudwatch",
    "elasticloadbalancing": "elbv2",
    "elasticfilesystem": "efs",
    "tagging": "resourcegroupstaggingapi",
}
CBOR = "smithy-rpc-v2-cbor"  # which some models name first; boto3 speaks the JSON that they name as well
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
_PART = re.compile(r"\\\{(\w+)(\\\+)?\\\}")  # of a path of a REST service, escaped
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # https://www.w3.org/TR/xml/#charsets
READING = re.compile(r"(Describe|Get|List|Head)[A-Z]")  # operations that change nothing
Operation = Callable[["Call"], Mapping[str, Any] | None]


class Refusal(Exception):  # noqa: N818 - it is an answer, not an error of ours
    """An error that AWS would answer: its code, its message and the HTTP status."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True)
class Call:
    """One request: what is asked of which service, where, and by whom."""

    service: str
    region: str
    name: str
    parameters: dict[str, Any]

    def is_of_other_region(self, arn: str) -> bool:
        """Whether an ARN names another region than that of the request."""
        fields = arn.split(":")
        return arn.startswith("arn:") and len(fields) > 3 and fields[3] != self.region


@functools.cache
def model_of(service: str) -> ServiceModel:
    """The service model, parsed once."""
    return get_service_model(service)


def answer(
    service: str,
    region: str,
    request: Request,
    operations: Mapping[str, Operation],
    *,
    trouble: Callable[[str], None],
) -> Response:
    """Run the operation that `request` names, and serialize what it returns or refuses.

    An internal error is reported to `trouble` and still answered in the service's protocol.
    """
    model = model_of(SIGNED.get(service, service))
    name = operation_name(request)
    if name is None or name not in operations:
        return refuse(model, name, _unknown(model, name))
    try:
        call = parse(SIGNED.get(service, service), region, request)
        return _serialize(model, name, operations[name](call) or {}, status=200)
    except Refusal as refusal:
        return refuse(model, name, refusal)
    except RecursionError:
        return refuse(model, name, Refusal("ValidationError", "The request is nested too deeply."))
    except Exception as error:  # noqa: BLE001 - whatever broke here, a client gets an answer of its protocol
        frame = traceback.extract_tb(error.__traceback__)[-1]
        trouble(f"internal error in the emulated {name}: {error!r} ({Path(frame.filename).name}:{frame.lineno})")
        return refuse(model, name, Refusal("InternalFailure", "internal error in the emulated account", status=500))


def operation_name(request: Request) -> str | None:
    """The operation that a request names, by header or by form field."""
    target = request.headers.get("X-Amz-Target")
    if target:
        return target.rpartition(".")[2]
    return request.values.get("Action")


def routed(service: str, request: Request) -> tuple[str, Mapping[str, str]]:
    """Returns the operation of a REST service by method and path, and the parts of the path; no name if none fits."""
    for name, method, pattern in _routes(service):
        match = pattern.fullmatch(request.path) if method == request.method else None
        if match is not None:
            return name, match.groupdict()
    return "", {}


@functools.cache
def _routes(service: str) -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    """Returns each operation of a REST service with its method and the pattern of its path; none of an unknown service."""
    try:
        model = model_of(service)
    except (UnknownServiceError, KeyError):
        return ()
    routes = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = re.escape(str(http.get("requestUri", "")).partition("?")[0])
        pattern = _PART.sub(lambda part: f"(?P<{part[1]}>{'.+' if part[2] else '[^/]+'})", path)
        routes.append((str(name), str(http.get("method")), re.compile(pattern)))
    return tuple(routes)


def parse(service: str, region: str, request: Request) -> Call:
    """The call that a request makes.

    Raises:
        Refusal: it cannot be read, or lacks a required member.
    """
    model = model_of(service)
    name = operation_name(request)
    if name is None or name not in model.operation_names:
        raise _unknown(model, name)
    return Call(service, region, name, _parse(model, name, request))


def parse_path(service: str, region: str, name: str, request: Request, parts: Mapping[str, str]) -> Call:
    """Returns the call of a request whose operation is given by method and path; `parts` are those of the path.

    Raises:
        Refusal: it cannot be read, or lacks a required member.
    """
    return Call(service, region, name, _parse(model_of(service), name, request, parts))


def spoken(model: ServiceModel) -> str:
    """The protocol in which clients ask a service."""
    return "json" if model.protocol == CBOR else str(model.protocol)


def _unknown(model: ServiceModel, name: str | None) -> Refusal:
    if spoken(model) == "json":
        return Refusal("UnknownOperationException", f"The operation {name} is not modelled here.")
    return Refusal("InvalidAction", f"Could not find operation {name} for version {model.api_version}")


def _parse(
    model: ServiceModel, name: str, request: Request, parts: Mapping[str, str] | None = None
) -> dict[str, Any]:
    operation = model.operation_model(name)
    if operation.input_shape is None:
        return {}
    parser = PROTOCOL_PARSERS[spoken(model)](operation)
    try:
        parsed = parser.parse(
            {
                "body": request.get_data(),
                "headers": request.headers,
                "method": request.method,
                "url_params": dict(parts or {}),
                "url_path": request.path,
                "values": request.values,
            }
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, RequestParserError) as error:
        code = "SerializationException" if spoken(model) == "json" else "ValidationError"
        msg = f"The request could not be read: {type(error).__name__}"
        raise Refusal(code, msg) from None
    if spoken(model) == "json":
        _check_types(parsed, operation.input_shape)
    missing = [n for n in operation.input_shape.required_members if parsed.get(n) is None]
    if missing:
        raise _missing(model, missing)
    return dict(parsed)


_TYPES: Mapping[str, Any] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
}


def _check_types(value: Any, shape: Shape) -> None:
    """Hold what was read from JSON against the shapes of the model.

    Raises:
        Refusal: a member is of another type.
    """
    if value is None or getattr(shape, "is_document_type", False):  # a document is any JSON value
        return
    is_number = shape.type_name in {"integer", "long", "float", "double"}
    if not isinstance(value, _TYPES.get(shape.type_name, object)) or (is_number and isinstance(value, bool)):
        msg = f"{type(value).__name__} can not be converted to {shape.type_name}"
        raise Refusal("SerializationException", msg)
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            _check_types(value.get(name), member)
    elif shape.type_name in {"list", "map"}:
        inner = shape.member if shape.type_name == "list" else shape.value
        for item in value if shape.type_name == "list" else value.values():
            if item is None:
                raise Refusal("SerializationException", f"null can not be converted to {inner.type_name}")
            _check_types(item, inner)


def _missing(model: ServiceModel, names: list[str]) -> Refusal:
    code = "InvalidParameterException" if spoken(model) == "json" else "ValidationError"
    details = "; ".join(
        f"Value null at '{n[0].lower()}{n[1:]}' failed to satisfy constraint: Member must not be null" for n in names
    )
    count = f"{len(names)} validation error{'s' if len(names) > 1 else ''} detected"
    return Refusal(code, f"{count}: {details}")


def denial(error: ClientError) -> str | None:
    """Returns AWS's sentence if an error is a denial, None if it is another error."""
    details = error.response["Error"]
    return str(details["Message"]) if details["Code"] in DENIED else None


def refuse(model: ServiceModel, name: str | None, refusal: Refusal) -> Response:
    """`refusal` as the service's protocol writes errors."""
    operation = name if name in model.operation_names else model.operation_names[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # moto warns of codes that AWS uses but does not model
        return _serialize(model, str(operation), refusal, status=refusal.status)


def broken(service: str, message: str) -> Response:
    """An InternalFailure in the protocol of a service; in plain text where that is not known."""
    try:
        model = model_of(SIGNED.get(service, service))
        return refuse(model, None, Refusal("InternalFailure", message, status=500))
    except (UnknownServiceError, KeyError):
        return Response(message, status=500, content_type="text/plain")


def _serialize(model: ServiceModel, name: str, result: object, *, status: int) -> Response:
    operation: OperationModel = model.operation_model(name)
    request_id = str(uuid.uuid4())
    serializer = get_serializer_class(model.service_name, spoken(model))(operation, SerializationContext(request_id))
    serialized = serializer.serialize(result)
    headers = {**serialized["headers"], "x-amzn-RequestId": request_id}
    body = serialized["body"] if spoken(model) == "json" else _NOT_XML.sub("\ufffd", _text(serialized["body"]))
    return Response(body, status=max(serialized["status_code"], status), headers=headers)


def _text(body: bytes | str) -> str:
    return body.decode(errors="replace") if isinstance(body, bytes) else body


def as_shape(value: Any, shape: Shape, *, lost: list[str], path: str = "") -> Any:
    """`value`, spelt as CloudFormation spells it, as input of the API shape `shape`.

    Keys are matched without regard to case, scalars are turned into the shape's type. Paths of what
    the shape has no member for are added to `lost`.
    """
    if shape.type_name == "structure" and isinstance(value, dict):
        return _as_structure(value, shape, lost=lost, path=path)
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: as_shape(item, shape.value, lost=lost, path=f"{path}/{key}") for key, item in value.items()}
    if shape.type_name == "list":
        items = value if isinstance(value, list) else [value]
        return [as_shape(item, shape.member, lost=lost, path=f"{path}/{n}") for n, item in enumerate(items)]
    return _as_scalar(value, shape.type_name)


def _as_structure(value: dict[str, Any], shape: Shape, *, lost: list[str], path: str) -> dict[str, Any]:
    members = {name.lower(): name for name in shape.members}
    structure = {}
    for key, item in value.items():
        name = members.get(key.lower())
        if name is None:
            lost.append(f"{path}/{key}")
        else:
            structure[name] = as_shape(item, shape.members[name], lost=lost, path=f"{path}/{key}")
    return structure


def _as_scalar(value: Any, kind: str) -> Any:
    if kind == "string":
        if isinstance(value, dict | list):
            return json.dumps(value)
        return str(value).lower() if isinstance(value, bool) else str(value)
    if kind in {"integer", "long"} and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    if kind in {"float", "double"} and isinstance(value, str):
        return float(value)
    if kind == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    return value


def utc_now() -> datetime:
    """This moment in UTC, without a zone, as the serializers take it."""
    return datetime.now(timezone.utc).replace(tzinfo=None)
