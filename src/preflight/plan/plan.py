"""preflight.yaml: what is deployed in which order, and what has to answer afterwards."""

from __future__ import annotations

import difflib
import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from preflight.aws import partitions
from preflight.errors import UsageError
from preflight.plan import rule_settings
from preflight.plan.rule_settings import RuleSettings
from preflight.templates import template
from preflight.templates.template import Template, UnreadableError

FILE = "preflight.yaml"
NAMES = ("name", "prefix", "run", "region", "account", "bucket", "templates")
CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}[a-z0-9]")
_TOP = (
    "version",
    "name",
    "region",
    "rules",
    "templates",
    "steps",
    "smoke",
    "standins",
    "stubs",
    "egress",
    "waivers",
    "checks",
)
_STACK = ("stack", "template", "parameters", "capabilities")
_IMAGE = ("image", "build")
_SMOKE = ("service", "cluster", "url", "from", "caller", "get", "port", "status", "contains")
_FROM = ("internet", "inside")


@dataclass(frozen=True)
class StackStep:
    """A step that creates a stack. Values may hold placeholders such as `{prefix}`."""

    name: str
    template: Path
    parameters: Mapping[str, str]
    capabilities: tuple[str, ...]


@dataclass(frozen=True)
class ImageStep:
    """A step that builds a folder and pushes it to the repository of that name."""

    name: str
    build: Path


@dataclass(frozen=True)
class SmokeEntry:
    """A question to a service's tasks, or to a URL, and the answer it has to give.

    It comes from `caller`, an address on the internet (None: anybody), or from inside the task's network.
    """

    service: str | None
    cluster: str
    url: str | None
    is_inside: bool
    caller: str | None
    get: str
    port: int
    status: int
    contains: str | None
    line: int


@dataclass(frozen=True)
class Plan:
    """A plan that was read and whose files exist."""

    path: Path
    name: str
    region: str
    rules: tuple[Path, ...]
    templates: Path | None
    steps: tuple[StackStep | ImageStep, ...]
    smoke: tuple[SmokeEntry, ...]
    standins: Mapping[str, Path]
    stubs: tuple[str, ...] = ()
    has_egress: bool = False
    policy: RuleSettings = field(default_factory=RuleSettings)

    @property
    def folder(self) -> Path:
        """The folder the plan lies in, which its paths start from."""
        return self.path.parent

    @property
    def stacks(self) -> tuple[StackStep, ...]:
        """The steps that create stacks."""
        return tuple(step for step in self.steps if isinstance(step, StackStep))

    def template_files(self) -> list[Path]:
        """Every template of the plan: those of the steps, and all in the templates folder."""
        found = {step.template for step in self.stacks}
        if self.templates is not None:
            found |= set(templates_in(self.templates))
        return sorted(found)


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with every placeholder replaced by its value."""
    return _PLACEHOLDER.sub(lambda found: values[found.group(1)], text)


def templates_in(folder: Path) -> list[Path]:
    """The YAML and JSON files below a folder, hidden ones left out."""
    endings = {".yaml", ".yml", ".json", ".template"}
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in endings
        and path.is_file()
        and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    )


def find(start: Path | None) -> Path:
    """The plan that `start` names (a file, or the folder that holds it), else the nearest one upwards.

    Raises:
        UsageError: there is none.
    """
    if start is not None:
        path = start / FILE if start.is_dir() else start
        if path.is_file():
            return path.resolve()
        hint = (
            f"Next: write one there, or run `preflight lint {start}` and `preflight comply {start}`, which need no plan"
        )
        msg = f"{path}: there is no such plan. {hint}"
        raise UsageError(msg)
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / FILE).is_file():
            return folder / FILE
    msg = f"there is no {FILE} here or in a folder above. Next: write one, or name it: preflight check PLAN"
    raise UsageError(msg)


def load(path: Path) -> Plan:
    """Read a plan and hold it against its form and the files it names.

    Raises:
        UsageError: with file, line and what was expected.
    """
    try:
        read = template.load(path, name=_shown(path))
    except UnreadableError as error:
        reason = error.reason.replace("Template format error: ", "")
        msg = f"{_shown(path)}:{error.line or 1}: the plan cannot be read: {reason}"
        raise UsageError(msg) from None
    return _PlanReader(path, read).plan()


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


class _PlanReader:
    """Reads one plan; every complaint names file and line."""

    def __init__(self, path: Path, read: Template) -> None:
        self._path = path
        self._read = read
        self._data = read.data

    def fail(self, what: str, *where: str | int) -> UsageError:
        """A complaint about the part at `where`."""
        return UsageError(f"{self._read.name}:{self._read.line(*where)}: {what}")

    def plan(self) -> Plan:
        self._keys(self._data, _TOP)
        if self._data.get("version") != 1:
            raise self.fail(f"version: expected 1, found {self._data.get('version')!r}", "version")
        name = self._text(self._data, "name", where=())
        if not _NAME.fullmatch(name):
            raise self.fail(f"name: expected lower-case letters, digits and hyphens, found {name!r}", "name")
        steps = self._list("steps")
        if not steps:
            raise self.fail("steps: expected at least one stack or image", "steps")
        templates = self._data.get("templates")
        region = self._text(self._data, "region", where=())
        if not partitions.is_region(region):
            raise self.fail(f"region: expected the name of a region, found {region!r}", "region")
        return Plan(
            path=self._path,
            name=name,
            region=region,
            rules=tuple(self._file(r, "rules", n) for n, r in enumerate(self._list("rules"))),
            templates=self._folder_of_templates(templates) if templates is not None else None,
            steps=self._distinct([self._step(n, step) for n, step in enumerate(steps)]),
            smoke=tuple(self._smoke(n, entry) for n, entry in enumerate(self._list("smoke"))),
            standins=self._standins(),
            stubs=self._stubs(),
            has_egress=self._egress(),
            policy=rule_settings.read(self._read),
        )

    def _folder_of_templates(self, name: Any) -> Path:
        folder = self._file(name, "templates")
        if not folder.is_dir() or not templates_in(folder):
            raise self.fail(f"templates: expected a folder with templates, and {name} holds none", "templates")
        return folder

    def _distinct(self, steps: Sequence[StackStep | ImageStep]) -> tuple[StackStep | ImageStep, ...]:
        names = [(type(step), step.name) for step in steps]
        for n, name in enumerate(names):
            if name in names[:n]:
                raise self.fail(f"steps: the name {name[1]!r} stands here twice", "steps", n)
        return tuple(steps)

    def _keys(self, found: Any, known: Sequence[str], *where: str | int) -> None:
        if not isinstance(found, dict):
            raise self.fail(f"expected a map with {', '.join(known)}", *where)
        for key in found:
            if key not in known:
                close = difflib.get_close_matches(key, known, 1)
                hint = f", did you mean {close[0]!r}?" if close else ""
                raise self.fail(f"unknown key {key!r}{hint} Expected: {', '.join(known)}", *where, key)

    def _list(self, key: str) -> list[Any]:
        found = self._data.get(key)
        if found is not None and not isinstance(found, list):
            raise self.fail(f"{key}: expected a list", key)
        return found or []

    def _text(self, found: Mapping[str, Any], key: str, *, where: tuple[str | int, ...]) -> str:
        value = found.get(key)
        if not isinstance(value, str) or not value:
            problem = "is missing" if value is None else f"found {value!r}"
            raise self.fail(f"{key}: expected text, {problem}", *where, *([key] if key in found else []))
        for name in _PLACEHOLDER.findall(value):
            if name not in NAMES:
                listed = ", ".join(f"{{{n}}}" for n in NAMES)
                raise self.fail(f"{key}: unknown placeholder {{{name}}}. Expected: {listed}", *where, key)
        return value

    def _file(self, name: Any, *where: str | int) -> Path:
        if not isinstance(name, str):
            raise self.fail(f"expected a path, found {name!r}", *where)
        path = self._path.parent / name
        if not path.exists():
            raise self.fail(f"{name}: there is no such file or folder", *where)
        return path

    def _step(self, n: int, step: Any) -> StackStep | ImageStep:
        where = ("steps", n)
        if isinstance(step, dict) and "image" in step:
            self._keys(step, _IMAGE, *where)
            folder = self._file(step.get("build"), *where, "build")
            if not (folder / "Dockerfile").is_file():
                raise self.fail(f"build: there is no Dockerfile in {step['build']}", *where, "build")
            return ImageStep(self._text(step, "image", where=where), folder)
        self._keys(step, _STACK, *where)
        given = step.get("capabilities") or []
        capabilities = given if isinstance(given, list) else [given]
        for capability in capabilities:
            if capability not in CAPABILITIES:
                raise self.fail(
                    f"capabilities: expected {', '.join(CAPABILITIES)}, found {capability!r}", *where, "capabilities"
                )
        return StackStep(
            name=self._text(step, "stack", where=where),
            template=self._file(step.get("template"), *where, "template"),
            parameters=self._parameters(step, where),
            capabilities=tuple(capabilities),
        )

    def _parameters(self, step: Mapping[str, Any], where: tuple[str | int, ...]) -> Mapping[str, str]:
        given = step.get("parameters") or {}
        if isinstance(given, str):
            return self._parameter_file(self._file(given, *where, "parameters"), where)
        if not isinstance(given, dict):
            raise self.fail("parameters: expected a map or the name of a file", *where, "parameters")
        texts = {}
        for key, value in given.items():
            if isinstance(value, dict | list) or value is None:
                raise self.fail(f"parameters: {key}: expected text", *where, "parameters", key)
            shown = {key: str(value).lower() if isinstance(value, bool) else str(value)}
            texts[key] = self._text(shown, key, where=(*where, "parameters")) if shown[key] else ""
        return texts

    def _parameter_file(self, path: Path, where: tuple[str | int, ...]) -> Mapping[str, str]:
        try:
            read = parameters_of(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            msg = (
                f"parameters: {path.name} is none of AWS's shapes: a list of ParameterKey and ParameterValue, "
                "a map under Parameters, or a list of Key=Value"
            )
            raise self.fail(msg, *where, "parameters") from None
        for key, value in read.items():
            unknown = [name for name in _PLACEHOLDER.findall(value) if name not in NAMES]
            if unknown:
                raise self.fail(
                    f"parameters: {path.name}: {key}: unknown placeholder {{{unknown[0]}}}", *where, "parameters"
                )
        return read

    def _smoke(self, n: int, entry: Any) -> SmokeEntry:
        where: tuple[str | int, ...] = ("smoke", n)
        self._keys(entry, _SMOKE, *where)
        if ("service" in entry) == ("url" in entry):
            raise self.fail("expected either a service or a url", *where)
        if not str(entry.get("get", "/")).startswith("/"):
            raise self.fail("get: expected a path that begins with a slash", *where, "get")
        if "url" in entry and not str(entry["url"]).startswith(("http://", "https://", "{output.")):
            raise self.fail("url: expected one that begins with http://, https:// or an {output.NAME}", *where, "url")
        numbers = {"status": 200, "port": 80}
        for key, default in list(numbers.items()):
            value = entry.get(key, default)
            if not isinstance(value, int) or isinstance(value, bool):
                raise self.fail(f"{key}: expected a number, found {value!r}", *where, key)
            numbers[key] = value
        has_service = "service" in entry
        return SmokeEntry(
            service=self._text(entry, "service", where=where) if has_service else None,
            cluster=self._text(entry, "cluster", where=where) if "cluster" in entry else "default",
            url=None if has_service else self._text(entry, "url", where=where),
            is_inside=self._is_inside(entry, where),
            caller=self._caller(entry, where),
            get=self._text(entry, "get", where=where) if "get" in entry else "/",
            port=numbers["port"],
            status=numbers["status"],
            contains=self._text(entry, "contains", where=where) if "contains" in entry else None,
            line=self._read.line(*where),
        )

    def _is_inside(self, entry: Mapping[str, Any], where: tuple[str | int, ...]) -> bool:
        origin = entry.get("from", "internet")
        if origin not in _FROM:
            raise self.fail(f"from: expected {' or '.join(_FROM)}, found {origin!r}", *where, "from")
        if origin == "inside" and "url" in entry:
            raise self.fail("from: a url is asked from the internet; name a service to ask from inside", *where, "from")
        return bool(origin == "inside")

    def _caller(self, entry: Mapping[str, Any], where: tuple[str | int, ...]) -> str | None:
        caller = entry.get("caller")
        if caller is None:
            return None
        try:
            ipaddress.IPv4Address(caller if isinstance(caller, str) else "")
        except ValueError:
            raise self.fail(f"caller: expected an IPv4 address, found {caller!r}", *where, "caller") from None
        if entry.get("from") == "inside":
            raise self.fail("caller: only somebody on the internet has an address of the caller's", *where, "caller")
        return str(caller)

    def _stubs(self) -> tuple[str, ...]:
        """Patterns of images, `*` and `?` being wild."""
        given = self._list("stubs")
        for n, pattern in enumerate(given):
            if not isinstance(pattern, str) or not pattern.strip():
                raise self.fail(f"stubs: expected the pattern of an image, found {pattern!r}", "stubs", n)
        return tuple(given)

    def _egress(self) -> bool:
        given = self._data.get("egress", False)
        if not isinstance(given, bool):
            raise self.fail(f"egress: expected true or false, found {given!r}", "egress")
        return given

    def _standins(self) -> Mapping[str, Path]:
        given = self._data.get("standins") or {}
        if not isinstance(given, dict):
            raise self.fail("standins: expected a map from image to folder", "standins")
        return {image: self._file(folder, "standins", image) for image, folder in given.items()}


def parameters_of(read: Any) -> Mapping[str, str]:
    """Parameters in any of the three shapes that AWS's own tools read.

    Raises:
        ValueError, KeyError, TypeError: it is none of them.
    """
    if isinstance(read, dict):
        return {str(key): str(value) for key, value in read["Parameters"].items()}
    if all(isinstance(item, str) for item in read):
        return {key: value for key, _, value in (_split(item) for item in read)}
    return {str(item["ParameterKey"]): str(item["ParameterValue"]) for item in read}


def _split(item: str) -> tuple[str, str, str]:
    if "=" not in item:
        raise ValueError(item)
    return item.partition("=")
