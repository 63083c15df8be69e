"""Evaluate parameters, conditions, mappings and intrinsic functions of one template; pure.

`ResolutionContext.refer` returns the values of references to resources. A reference for which it returns `KEEP`
stays in the result, and so does every function that needs it: that is how a template is resolved before it is
deployed. Source of the functions:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import base64
import functools
import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from preflight.aws import unresolved

Value = Any  # what JSON can say
Path = tuple[str | int, ...]
Function = Callable[[Value, Path], Value]  # from the argument of an intrinsic function, and its path, to its value


class _Sentinel:
    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


MAX_TEXT = 1024 * 1024  # characters: a template body has at most 1 MB
MAX_TEXTS = 32 * MAX_TEXT  # of one template
SPACE = 32  # characters that stand for the memory of a text, or of another part, beside its own
KEEP = _Sentinel("KEEP")
NO_VALUE = _Sentinel("NO_VALUE")
_SUB_NAME = re.compile(r"\$\{([^!}][^}]*)\}")


class ResolveError(ValueError):
    """A template cannot be evaluated; the message is in AWS's words, and `path` leads to the faulty part."""

    def __init__(self, message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.message = message
        self.path = path


def _keep(_name: str, _attribute: str | None) -> Value:
    return KEEP


def _no_export(name: str) -> Value:
    msg = f"No export named {name} found"
    raise ResolveError(msg)


@dataclass(frozen=True)
class ResolutionContext:
    """What a template is evaluated with: parameter values, pseudo parameters, and lookups of everything else."""

    data: Mapping[str, Value]
    parameters: Mapping[str, Value] = field(default_factory=dict)
    pseudo: Mapping[str, Value] = field(default_factory=dict)
    zones: Callable[[str], list[str]] = lambda region: [f"{region}{zone}" for zone in "abc"]
    imported: Callable[[str], Value] = _no_export
    refer: Callable[[str, str | None], Value] = _keep


def is_number(value: Value) -> bool:
    """Whether CloudFormation reads a value as a number."""
    if isinstance(value, str) and "_" in value:
        return False  # Python reads 1_000, AWS does not
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return not isinstance(value, bool)


def as_text(value: Value) -> str:
    """A scalar as CloudFormation writes it: booleans in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class FunctionResolver:
    """Evaluates the parts of one template within one context."""

    def __init__(self, scope: ResolutionContext) -> None:
        self.scope = scope
        self._conditions: dict[str, bool] = {}
        self._deciding: set[str] = set()
        self._characters = 0  # that functions have made
        self._functions: dict[str, Function] = {
            "Ref": self._ref,
            "Condition": self._condition,
            "Fn::GetAtt": self._get_attribute,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Split": self._split,
            "Fn::Select": self._select,
            "Fn::GetAZs": self._get_zones,
            "Fn::FindInMap": self._find_in_map,
            "Fn::If": self._if,
            "Fn::Equals": self._equals,
            "Fn::And": self._and,
            "Fn::Or": self._or,
            "Fn::Not": self._not,
            "Fn::Base64": self._base64,
            "Fn::Cidr": self._cidr,
            "Fn::ImportValue": self._import_value,
            "Fn::Length": self._length,
            "Fn::ToJsonString": self._to_json_string,
        }

    def value(self, value: Value, path: Path = ()) -> Value:
        """Returns `value` with every function evaluated, or `NO_VALUE` if the value is to be left out.

        Raises:
            ResolveError: a function cannot be evaluated.
        """
        if isinstance(value, list):
            items = [self.value(item, (*path, n)) for n, item in enumerate(value)]
            return [item for item in items if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        name = unresolved.function_of(value)
        if name is not None:
            return self._function(name, value[name], (*path, name))
        pairs = {key: self.value(item, (*path, key)) for key, item in value.items()}
        return {key: item for key, item in pairs.items() if item is not NO_VALUE}

    def condition(self, name: str, path: Path = ()) -> bool:
        """Whether the condition of that name holds.

        Raises:
            ResolveError: the template declares no such condition, or it depends on itself.
        """
        if name in self._conditions:
            return self._conditions[name]
        declared = self._section("Conditions")
        if name not in declared:
            msg = f"Template format error: Unresolved condition dependency {name}"
            raise ResolveError(msg, path)
        if name in self._deciding:
            msg = f"Template error: Found circular condition dependency with condition {name}"
            raise ResolveError(msg, path)
        self._deciding.add(name)
        self._conditions[name] = self._truth(declared[name], ("Conditions", name))
        return self._conditions[name]

    def _section(self, name: str) -> Mapping[str, Value]:
        """A section of the template; empty if the template has none, or one that is not a map."""
        section = self.scope.data.get(name)
        return section if isinstance(section, dict) else {}

    def holds(self, resource: Mapping[str, Value]) -> bool:
        """Whether a resource (or output) exists: it has no condition, or its condition holds."""
        name = resource.get("Condition")
        return not isinstance(name, str) or self.condition(name)

    def _truth(self, value: Value, path: Path) -> bool:
        result = self.value(value, path)
        if isinstance(result, str) and result in {"true", "false"}:
            return result == "true"
        if not isinstance(result, bool):
            msg = f"Template format error: Conditions can only be boolean operations on parameters and other conditions ({'/'.join(map(str, path))})"
            raise ResolveError(msg, path)
        return result

    def _function(self, name: str, argument: Value, path: Path) -> Value:
        if name not in self._functions:
            supported = ", ".join(sorted(self._functions.keys() - {"Condition"}))
            msg = f"Template error: Encountered unsupported function: {name} Supported functions are: [{supported}]"
            raise ResolveError(msg, path)
        return self._functions[name](argument, path)

    def _ref(self, name: Value, path: Path) -> Value:
        if not isinstance(name, str):
            raise ResolveError("Template error: every Ref object must have a single String value.", path)
        if name in self.scope.parameters:
            return self._charged(self.scope.parameters[name], path)
        if name in self.scope.pseudo:
            return self.scope.pseudo[name]
        if name.startswith("AWS::"):
            return {"Ref": name}
        value = self.scope.refer(name, None)
        return {"Ref": name} if value is KEEP else value

    def _get_attribute(self, argument: Value, path: Path) -> Value:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        is_complete = isinstance(parts, list) and len(parts) >= 2 and all(parts)
        attribute = self.value(parts[1], path) if is_complete else None
        if not isinstance(attribute, str) or not isinstance(parts[0], str):
            msg = "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute"
            raise ResolveError(msg, path)
        attribute = ".".join([attribute, *map(str, parts[2:])])
        value = self.scope.refer(parts[0], attribute)
        return {"Fn::GetAtt": [parts[0], attribute]} if value is KEEP else value

    def _sub(self, argument: Value, path: Path) -> Value:
        text, names = (argument, {}) if isinstance(argument, str) else _pair(argument)
        if not isinstance(text, str) or not isinstance(names, dict):
            msg = (
                "Template error: One or more Fn::Sub intrinsic functions don't specify expected "
                "arguments. Specify a string as first argument, and an optional second argument to "
                "specify a mapping of values to replace in the string"
            )
            raise ResolveError(msg, path)
        values = {name: self._sub_value(name, names, path) for name in dict.fromkeys(names_in(text))}
        kept = {name: value for name, value in values.items() if is_kept(value)}
        texts = {name: _joined(value, path) for name, value in values.items() if name not in kept}
        self.charge(len(text) + sum(len(texts.get(name, "")) for name in names_in(text)), path)
        filled = substituted(text, lambda name: texts.get(name, f"${{{name}}}"))
        if not kept:
            return filled.replace("${!", "${")
        mapped = {name: value for name, value in kept.items() if name in names}
        return {"Fn::Sub": [filled, mapped] if mapped else filled}

    def _sub_value(self, name: str, names: Mapping[str, Value], path: Path) -> Value:
        if name in names:
            return self.value(names[name], (*path, 1, name))
        if "." in name:
            return self._get_attribute(name.strip(), path)
        return self._ref(name.strip(), path)

    def _join(self, argument: Value, path: Path) -> Value:
        delimiter, items = _pair(argument)
        resolved = self.value(items, (*path, 1))
        if is_kept(resolved) or (isinstance(resolved, list) and any(map(is_kept, resolved))):
            return {"Fn::Join": [delimiter, resolved]}
        if not isinstance(delimiter, str) or not isinstance(resolved, list):
            raise ResolveError(
                "Template error: every Fn::Join object requires two parameters, (1) a string "
                "delimiter and (2) a list of strings to be joined or a function that returns a list "
                "of strings (such as Fn::GetAZs) to be joined.",
                path,
            )
        texts = [_joined(item, path) for item in resolved]
        self.charge(sum(map(len, texts)) + len(delimiter) * len(texts), path)
        return delimiter.join(texts)

    def _split(self, argument: Value, path: Path) -> Value:
        delimiter, text = _pair(argument)
        resolved = self.value(text, (*path, 1))
        if is_kept(resolved):
            return {"Fn::Split": [delimiter, resolved]}
        if not isinstance(delimiter, str) or not delimiter or not isinstance(resolved, str):
            raise ResolveError(
                "Template error: every Fn::Split object requires two parameters, (1) a string "
                "delimiter and (2) a string to be split or a function that returns a string to be "
                "split.",
                path,
            )
        return self._charged(resolved.split(delimiter), path)

    def _select(self, argument: Value, path: Path) -> Value:
        index, items = _pair(argument)
        index, items = self.value(index, (*path, 0)), self.value(items, (*path, 1))
        if is_kept(index) or is_kept(items):
            return {"Fn::Select": [index, items]}
        if not isinstance(items, list) or not re.fullmatch(r"[0-9]{1,9}", as_text(index)):
            msg = "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"
            raise ResolveError(msg, path)
        if int(index) >= len(items):
            msg = f"Template error: Fn::Select cannot select nonexistent value at index {index}"
            raise ResolveError(msg, path)
        return items[int(index)]

    def _get_zones(self, argument: Value, path: Path) -> Value:
        region = self.value(argument, path)
        if is_kept(region):
            return {"Fn::GetAZs": region}
        if not isinstance(region, str) or not re.fullmatch(r"[a-z0-9-]{0,30}", region):
            raise ResolveError("Template error: every Fn::GetAZs object must have a String-typed value.", path)
        return self.scope.zones(region or self.scope.pseudo.get("AWS::Region", ""))

    def _find_in_map(self, argument: Value, path: Path) -> Value:
        if not isinstance(argument, list) or len(argument) not in {3, 4}:
            msg = "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value"
            raise ResolveError(msg, path)
        keys = [self.value(key, (*path, n)) for n, key in enumerate(argument[:3])]
        if any(is_kept(key) for key in keys):
            return {"Fn::FindInMap": keys}
        value: Value = self._section("Mappings")
        for key in keys:
            value = value.get(as_text(key)) if isinstance(value, dict) else None
        if value is not None:
            return self._charged(value, path)
        if len(argument) == 4 and isinstance(argument[3], dict) and "DefaultValue" in argument[3]:
            return self.value(argument[3]["DefaultValue"], (*path, 3, "DefaultValue"))
        msg = f"Template error: Unable to get mapping for {'::'.join(as_text(key) for key in keys)}"
        raise ResolveError(msg, path)

    def _if(self, argument: Value, path: Path) -> Value:
        if not isinstance(argument, list) or len(argument) != 3 or not isinstance(argument[0], str):
            msg = "Template error: Fn::If requires a list argument with three elements"
            raise ResolveError(msg, path)
        if argument[0] not in self._section("Conditions"):
            msg = f"Template error: unresolved condition dependency {argument[0]} in Fn::If"
            raise ResolveError(msg, path)
        chosen = 1 if self.condition(argument[0], path) else 2
        return self.value(argument[chosen], (*path, chosen))

    def _condition(self, name: Value, path: Path) -> Value:
        return self.condition(str(name), path)

    def _equals(self, argument: Value, path: Path) -> Value:
        if not isinstance(argument, list) or len(argument) != 2:
            raise ResolveError("Template error: every Fn::Equals object requires a list of 2 string parameters.", path)
        left, right = (self.value(item, (*path, n)) for n, item in enumerate(argument))
        texts = [as_text(v) if not isinstance(v, list | dict) else v for v in (left, right)]
        return bool(texts[0] == texts[1])

    def _and(self, argument: Value, path: Path) -> Value:
        return all(self._truths(argument, path, "Fn::And"))

    def _or(self, argument: Value, path: Path) -> Value:
        return any(self._truths(argument, path, "Fn::Or"))

    def _truths(self, argument: Value, path: Path, name: str) -> list[bool]:
        if not isinstance(argument, list) or not 2 <= len(argument) <= 10:
            msg = (
                f"Template error: every {name} object requires a list of at least 2 and at most 10 boolean parameters."
            )
            raise ResolveError(msg, path)
        return [self._truth(item, (*path, n)) for n, item in enumerate(argument)]

    def _not(self, argument: Value, path: Path) -> Value:
        if not isinstance(argument, list) or len(argument) != 1:
            msg = "Template error: every Fn::Not object requires one boolean parameter."
            raise ResolveError(msg, path)
        return not self._truth(argument[0], (*path, 0))

    def _base64(self, argument: Value, path: Path) -> Value:
        text = self.value(argument, path)
        if is_kept(text):
            return {"Fn::Base64": text}
        try:
            data = text.encode()
            self.charge(len(data) * 4 // 3, path)
            return base64.b64encode(data).decode()
        except (AttributeError, UnicodeEncodeError):  # not a text, or half of a surrogate pair
            msg = "Template error: every Fn::Base64 object must have a String-typed value."
            raise ResolveError(msg, path) from None

    def _cidr(self, argument: Value, path: Path) -> Value:
        parts = self.value(argument, path) if isinstance(argument, list) else None
        if isinstance(parts, list) and any(map(is_kept, parts)):
            return {"Fn::Cidr": parts}
        try:
            if parts is None:
                raise ValueError  # noqa: TRY301 - one refusal for all wrong arguments
            blocks = _cidr(str(parts[0]), int(parts[1]), int(parts[2]) if len(parts) > 2 else None)
        except (ValueError, TypeError, IndexError, OverflowError):
            msg = "Template error: Fn::Cidr needs an address block, a count from 1 to 256, and the bits of a subnet"
            raise ResolveError(msg, path) from None
        return self._charged(list(blocks), path)

    def _import_value(self, argument: Value, path: Path) -> Value:
        name = self.value(argument, path)
        if is_kept(name):
            return {"Fn::ImportValue": name}
        if not isinstance(name, str):
            msg = "Template error: the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs"
            raise ResolveError(msg, path)
        value = self.scope.imported(name)
        return {"Fn::ImportValue": name} if value is KEEP else value

    def _length(self, argument: Value, path: Path) -> Value:
        items = self.value(argument, path)
        if is_kept(items):
            return {"Fn::Length": items}
        if not isinstance(items, list):
            raise ResolveError("Template error: Fn::Length needs a list", path)
        return len(items)

    def _to_json_string(self, argument: Value, path: Path) -> Value:
        resolved = self.value(argument, path)
        if holds_kept(resolved):
            return {"Fn::ToJsonString": resolved}
        if resolved is NO_VALUE:
            raise ResolveError("Template error: Fn::ToJsonString needs a map or a list", path)
        text = json.dumps(resolved, separators=(",", ":"))
        self.charge(len(text), path)
        return text

    def _charged(self, value: Value, path: Path) -> Value:
        """Returns a value that is written once more than it stands in the template, or in a parameter."""
        texts = value if isinstance(value, list) else [value]
        self.charge(sum(len(text) + SPACE for text in texts if isinstance(text, str)), path, most=MAX_TEXTS)
        return value

    def charge(self, characters: int, path: Path, *, most: int = MAX_TEXT) -> None:
        """Count the characters that functions make: more than any template may hold is not made.

        Raises:
            ResolveError: a text (`most` characters), or all of them together, is too long.
        """
        self._characters += characters
        if characters > most or self._characters > MAX_TEXTS:
            raise ResolveError("Template error: the result of a function is longer than a template may be", path)


@functools.lru_cache
def _cidr(block: str, count: int, bits: int | None) -> tuple[str, ...]:
    if not 1 <= count <= 256:  # before anything is enumerated
        raise ValueError
    network = ipaddress.ip_network(block)
    size = network.max_prefixlen - (bits if bits is not None else 8)
    subnets = network.subnets(new_prefix=size)
    blocks = tuple(str(subnet) for _, subnet in zip(range(count), subnets, strict=False))
    if len(blocks) < count:
        raise ValueError(block)
    return blocks


def _pair(argument: Value) -> tuple[Value, Value]:
    if isinstance(argument, list) and len(argument) == 2:
        return argument[0], argument[1]
    return None, None


def _joined(value: Value, path: Path) -> str:
    if isinstance(value, list):
        return ",".join(_joined(item, path) for item in value)
    if isinstance(value, dict) or value is NO_VALUE or value is None:
        raise ResolveError("Template error: a map or an empty value cannot become text", path)
    return as_text(value)


def names_in(text: str) -> list[str]:
    """Returns the names in a text of Fn::Sub, as they are written, in time that grows with its length alone."""
    return _SUB_NAME.findall(text[: text.rfind("}") + 1])


def substituted(text: str, value: Callable[[str], str]) -> str:
    """Returns a text of Fn::Sub with the value of each name in its place."""
    end = text.rfind("}") + 1
    return _SUB_NAME.sub(lambda match: value(match[1]), text[:end]) + text[end:]


def is_kept(value: Value) -> bool:
    """Whether `value` is still a function after resolution."""
    return unresolved.function_of(value) is not None


def holds_kept(value: Value) -> bool:
    """Whether `value` is a function, or contains one anywhere."""
    return any(functions_in(value))


def functions_in(value: Value) -> Iterator[str]:
    """Returns the name of every function in `value`, `value` itself included."""
    name = unresolved.function_of(value)
    if name is not None:
        yield name
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from functions_in(item)
