"""Reads preflight.yaml and checks its form, and the files it names."""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from preflight.aws import partitions
from preflight.errors import UsageError
from preflight.plan import placeholders, plan, rule_settings, update_settings
from preflight.plan.mistakes import PlanMistakes
from preflight.plan.plan import ImageStep, Plan, SmokeEntry, StackStep
from preflight.plan.traffic_settings import DRILLS
from preflight.system import confinement, files_read, spelling
from preflight.system.confinement import Kind
from preflight.templates import intrinsic_functions, template
from preflight.templates.template import Template, UnreadableError

CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
MAX_TIMEOUT = 3600  # seconds
_PATH = re.compile(r"/[!-~]*")
_URL = re.compile(r"(https?://|\{output\.)[!-~]*")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}[a-z0-9]")
_TOP = (
    "version", "name", "region", "rules", "templates", "steps", "smoke", "standins", "stubs", "images", "egress",
    "waivers", "checks", "baseline", "update", "drills",
)
_STACK = ("stack", "template", "parameters", "capabilities")
_IMAGE = ("image", "build")
_SMOKE = ("service", "cluster", "url", "from", "caller", "get", "port", "status", "contains")
_SCHEDULE = ("schedule", "timeout")
_FROM = ("internet", "inside")
_UNUSABLE = Path(os.devnull)  # no plan can name it


def load(path: Path) -> Plan:
    """Returns the plan in a file.

    Raises:
        UsageError: the plan cannot be used; the message names file, line and what was expected.
    """
    try:
        read = template.load(path, name=_relative_to_here(path))
    except UnreadableError as error:
        reason = error.reason.replace("Template format error: ", "")
        msg = f"{_relative_to_here(path)}:{error.line or 1}: the plan cannot be read: {reason}"
        raise UsageError(msg) from None
    if read.is_cloudformation:
        msg = f"{read.name} is a CloudFormation template, not a plan. Next: `preflight init {read.name.rpartition('/')[0] or '.'}` writes a plan for it; `preflight lint {read.name}` needs none"
        raise UsageError(msg)
    return PlanReader(path, read).plan()


def _relative_to_here(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


class PlanReader:
    """Reads one plan and collects its mistakes, each with file and line; after a mistake it goes on without the value."""

    def __init__(self, path: Path, read: Template) -> None:
        self._path = path
        self._read = read
        self._data = read.data
        self._root = confinement.root_of(path.parent)
        self._mistakes = PlanMistakes(read)
        self._note = self._mistakes.note

    def plan(self) -> Plan:
        """Returns the plan.

        Raises:
            MistakesError: everything that is wrong with it.
        """
        read = self._plan()
        self._mistakes.report()
        return read

    def _plan(self) -> Plan:
        self._keys(self._data, _TOP)
        if self._data.get("version") != 1:
            self._note(f"version: expected 1, found {self._data.get('version')!r}", "version")
        name, region = (self._text(self._data, key, where=()) for key in ("name", "region"))
        if name and not _NAME.fullmatch(name):
            self._note(f"name: expected lower-case letters, digits and hyphens, found {name!r}", "name")
        if region and not partitions.is_region(region):
            self._note(f"region: expected the name of a region, found {region!r}", "region")
        steps = self._list("steps")
        if not steps:
            self._note("steps: expected at least one stack or image", "steps")
        templates = self._data.get("templates")
        return Plan(
            path=self._path,
            name=name,
            region=region,
            rules=tuple(self._folder_of_rules(r, n) for n, r in enumerate(self._list("rules"))),
            templates=self._folder_of_templates(templates) if templates is not None else None,
            steps=self._distinct([self._step(n, step) for n, step in enumerate(steps)]),
            smoke=tuple(entry for n, item in enumerate(self._list("smoke")) for entry in self._smoke(n, item)),
            standins=self._standins(),
            stubs=self._stubs(),
            images=self._images(),
            has_egress=self._egress(),
            baseline=self._path.parent / self._text(self._data, "baseline", where=()) if "baseline" in self._data else None,
            policy=rule_settings.collect(self._read, self._mistakes),
            update=update_settings.collect(self._read, self._mistakes),
            drills=self._drills(),
        )

    def _drills(self) -> tuple[str, ...]:
        """Returns the drills that the plan asks for, each once."""
        names = self._list("drills")
        for n, name in enumerate(names):
            if name not in DRILLS:
                self._note(f"drills: expected {', '.join(DRILLS)}, found {name!r}{spelling.nearest(str(name), DRILLS).rstrip('.')}", "drills", n)
        entries = self._list("smoke")
        if set(map(str, names)) - {"delete"} and not any(isinstance(entry, dict) and "service" in entry for entry in entries):
            self._note("drills: no smoke entry names a service. Next: add one; a drill shows what happens to the requests to it", "drills")
        return tuple(dict.fromkeys(map(str, names)))

    def _folder_of_templates(self, name: Any) -> Path:
        folder = self._file(name, "templates", kind=Kind.FOLDER)
        templates = plan.templates_in(folder) if folder != _UNUSABLE else []
        if not templates and folder != _UNUSABLE:
            self._note(f"templates: expected a folder with templates, and {name} holds none", "templates")
        for path in templates:
            self._check(path, f"templates: {path.relative_to(folder)}", "templates")
        return folder

    def _folder_of_rules(self, name: Any, n: int) -> Path:
        folder = self._file(name, "rules", n, kind=Kind.FOLDER)
        for path in (*folder.rglob("*.guard"), *folder.rglob("rules.yaml")) if folder != _UNUSABLE else ():
            self._check(path, f"rules: {path.relative_to(folder)}", "rules", n)
        return folder

    def _distinct(self, steps: Sequence[StackStep | ImageStep]) -> tuple[StackStep | ImageStep, ...]:
        names = [(type(step), step.name) for step in steps]
        for n, name in enumerate(names):
            if name[1] and name in names[:n]:
                self._note(f"steps: the name {name[1]!r} occurs twice here", "steps", n)
        return tuple(steps)

    def _keys(self, value: Any, keys: Sequence[str], *where: str | int) -> bool:
        """Returns whether a part is a map, and notes its unknown keys."""
        if not isinstance(value, dict):
            self._note(f"expected a map with {', '.join(keys)}", *where)
            return False
        for key in value:
            if key not in keys:
                self._mistakes.note_unknown("key", key, keys, *where, key)
        return True

    def _list(self, key: str) -> list[Any]:
        value = self._data.get(key)
        if value is not None and not isinstance(value, list):
            self._note(f"{key}: expected a list", key)
            return []
        return value or []

    def _text(self, mapping: Mapping[str, Any], key: str, *, where: tuple[str | int, ...]) -> str:
        value = mapping.get(key)
        if not isinstance(value, str) or not value:
            problem = "is missing" if value is None else f"found {value!r}"
            self._note(f"{key}: expected text, {problem}", *where, *([key] if key in mapping else []))
            return ""
        for name in placeholders.placeholders_in(value):
            if name not in plan.NAMES:
                listed = ", ".join(f"{{{n}}}" for n in plan.NAMES)
                self._note(f"{key}: unknown placeholder {{{name}}}{spelling.nearest(name, plan.NAMES)} Expected: {listed}", *where, key)
        return value

    def _file(self, name: Any, *where: str | int, kind: Kind = Kind.FILE) -> Path:
        """Returns the path of a file or folder, or what stands for one that cannot be used."""
        if not isinstance(name, str):
            self._note(f"expected a path, found {name!r}", *where)
            return _UNUSABLE
        path = self._path.parent / name
        return path if self._check(path, name, *where, kind=kind) else _UNUSABLE

    def _check(self, path: Path, name: str, *where: str | int, kind: Kind = Kind.FILE) -> bool:
        """Returns whether a path leads to a plain file or folder in the checkout."""
        problem = confinement.problem(path, self._root, kind=kind)
        if problem is not None:
            self._note(f"{name}: {problem}", *where)
        return problem is None

    def _step(self, n: int, step: Any) -> StackStep | ImageStep:
        where = ("steps", n)
        if isinstance(step, dict) and "image" in step:
            return self._image(step, where)
        if not self._keys(step, _STACK, *where):
            return StackStep("", self._path, {}, ())
        listed = step.get("capabilities") or []
        capabilities = listed if isinstance(listed, list) else [listed]
        for capability in capabilities:
            if capability not in CAPABILITIES:
                hint = spelling.nearest(str(capability), CAPABILITIES).rstrip(".")
                self._note(f"capabilities: expected {', '.join(CAPABILITIES)}, found {capability!r}{hint}", *where, "capabilities")
        return StackStep(
            name=self._text(step, "stack", where=where),
            template=self._file(step.get("template"), *where, "template"),
            parameters=self._parameters(step, where),
            capabilities=tuple(capabilities),
            parameter_file=self._path.parent / parameters if isinstance(parameters := step.get("parameters"), str) else None,
        )

    def _image(self, step: Mapping[str, Any], where: tuple[str | int, ...]) -> ImageStep:
        self._keys(step, _IMAGE, *where)
        folder = self._file(step.get("build"), *where, "build", kind=Kind.FOLDER)
        if folder != _UNUSABLE and not os.path.lexists(files_read.look_for(folder / "Dockerfile")):
            self._note(f"build: there is no Dockerfile in {step['build']}", *where, "build")
        for file in confinement.build_files(folder):
            self._check(file, f"build: {file.name}", *where, "build")
        return ImageStep(self._text(step, "image", where=where), folder)

    def _parameters(self, step: Mapping[str, Any], where: tuple[str | int, ...]) -> Mapping[str, str]:
        parameters = step.get("parameters") or {}
        if isinstance(parameters, str):
            return self._parameter_file(self._file(parameters, *where, "parameters"), where)
        if not isinstance(parameters, dict):
            self._note("parameters: expected a map or the name of a file", *where, "parameters")
            return {}
        texts = {}
        for key, value in parameters.items():
            if isinstance(value, dict | list) or value is None:
                self._note(f"parameters: {key}: expected text", *where, "parameters", key)
                continue
            text = intrinsic_functions.as_text(value)
            if text == plan.FILL_IN:
                self._note(f"parameters: {key}: `preflight init` found no value for it. Next: write one", *where, "parameters", key)
            texts[key] = self._text({key: text}, key, where=(*where, "parameters")) if text else ""
        return texts

    def _parameter_file(self, path: Path, where: tuple[str | int, ...]) -> Mapping[str, str]:
        if path == _UNUSABLE:
            return {}
        try:
            read = parameters_of(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            self._note(f"parameters: {path.name} cannot be read: {error.strerror}", *where, "parameters")
            return {}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            msg = (
                f"parameters: {path.name} has none of AWS's shapes: a list of ParameterKey and ParameterValue, "
                "a map under Parameters, or a list of Key=Value"
            )
            self._note(msg, *where, "parameters")
            return {}
        return {key: text for key, value in read.items() if (text := self._file_text(f"{path.name}: {key}", value, where)) is not None}

    def _file_text(self, name: str, value: Any, where: tuple[str | int, ...]) -> str | None:
        """Returns a value of a parameter file as text, or None if it is a map, a list or nothing."""
        if isinstance(value, dict | list) or value is None:
            self._note(f'parameters: {name}: expected text, which is all that the AWS CLI takes, such as "a,b" for a list', *where, "parameters")
            return None
        text = intrinsic_functions.as_text(value)
        unknown = [placeholder for placeholder in placeholders.placeholders_in(text) if placeholder not in plan.NAMES]
        if unknown:
            hint = spelling.nearest(unknown[0], plan.NAMES).rstrip(".")
            self._note(f"parameters: {name}: unknown placeholder {{{unknown[0]}}}{hint}", *where, "parameters")
        return text

    def _smoke(self, n: int, entry: Any) -> Iterator[SmokeEntry]:
        """Yields the entry, or nothing if it is none."""
        where: tuple[str | int, ...] = ("smoke", n)
        if isinstance(entry, dict) and "schedule" in entry:
            yield self._schedule(entry, where)
        elif self._keys(entry, _SMOKE, *where):
            yield self._request(entry, where)

    def _request(self, entry: Mapping[str, Any], where: tuple[str | int, ...]) -> SmokeEntry:
        if ("service" in entry) == ("url" in entry):
            self._note("expected a service, a url or a schedule", *where)
        if not _PATH.fullmatch(str(entry.get("get", "/"))):
            self._note("get: expected a path that begins with a slash, of ASCII characters without spaces", *where, "get")
        if "url" in entry and not _URL.fullmatch(str(entry["url"])):
            self._note("url: expected one that begins with http://, https:// or an {output.NAME}, of ASCII characters without spaces", *where, "url")
        has_service = "service" in entry
        return SmokeEntry(
            service=self._text(entry, "service", where=where) if has_service else None,
            cluster=self._text(entry, "cluster", where=where) if "cluster" in entry else "default",
            url=self._text(entry, "url", where=where) if "url" in entry else None,
            is_inside=self._is_inside(entry, where),
            caller=self._caller(entry, where),
            get=self._text(entry, "get", where=where) if "get" in entry else "/",
            port=self._number(entry, "port", 80, (1, 65_535), where),
            status=self._number(entry, "status", 200, (200, 599), where),
            contains=self._text(entry, "contains", where=where) if "contains" in entry else None,
            line=self._read.line(*where),
        )

    def _number(self, entry: Mapping[str, Any], key: str, default: int, bounds: tuple[int, int], where: tuple[str | int, ...]) -> int:
        value, (least, most) = entry.get(key, default), bounds
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self._note(f"{key}: expected a number from {least} to {most}, found {_short(value)}", *where, key)
            return default
        return value

    def _schedule(self, entry: Mapping[str, Any], where: tuple[str | int, ...]) -> SmokeEntry:
        self._keys(entry, _SCHEDULE, *where)
        timeout = entry.get("timeout", SmokeEntry.timeout)
        if not isinstance(timeout, int | float) or isinstance(timeout, bool) or not 0 < timeout <= MAX_TIMEOUT:
            self._note(f"timeout: expected a number of seconds up to {MAX_TIMEOUT}, found {_short(timeout)}", *where, "timeout")
            timeout = SmokeEntry.timeout
        return SmokeEntry(
            service=None,
            cluster="default",
            url=None,
            is_inside=False,
            caller=None,
            get="/",
            port=0,
            status=0,
            contains=None,
            line=self._read.line(*where),
            schedule=self._text(entry, "schedule", where=where),
            timeout=float(timeout),
        )

    def _is_inside(self, entry: Mapping[str, Any], where: tuple[str | int, ...]) -> bool:
        origin = entry.get("from", "internet")
        if origin not in _FROM:
            self._note(f"from: expected {' or '.join(_FROM)}, found {origin!r}", *where, "from")
        if origin == "inside" and "url" in entry:
            self._note("from: a url is requested from the internet; name a service to request it from inside", *where, "from")
        return bool(origin == "inside")

    def _caller(self, entry: Mapping[str, Any], where: tuple[str | int, ...]) -> str | None:
        caller = entry.get("caller")
        if caller is None:
            return None
        try:
            ipaddress.IPv4Address(caller if isinstance(caller, str) else "")
        except ValueError:
            self._note(f"caller: expected an IPv4 address, found {caller!r}", *where, "caller")
        if entry.get("from") == "inside":
            self._note("caller: only a caller on the internet has an address", *where, "caller")
        return str(caller)

    def _stubs(self) -> tuple[str, ...]:
        """Returns the patterns of images; `*` and `?` are wildcards."""
        patterns = self._list("stubs")
        for n, pattern in enumerate(patterns):
            if not isinstance(pattern, str) or not pattern.strip():
                self._note(f"stubs: expected the pattern of an image, found {pattern!r}", "stubs", n)
        return tuple(patterns)

    def _images(self) -> Mapping[str, str]:
        """Returns the images that run in the place of others, by their patterns."""
        images = self._data.get("images") or {}
        if not isinstance(images, dict) or not all(isinstance(pattern, str) for pattern in images):
            self._note("images: expected a map from the pattern of an image to the image in its place", "images")
            return {}
        for pattern in images:
            self._text({"images": pattern}, "images", where=())
        return {pattern: self._text(images, pattern, where=("images",)) for pattern in images}

    def _egress(self) -> bool:
        has_egress = self._data.get("egress", False)
        if not isinstance(has_egress, bool):
            self._note(f"egress: expected true or false, found {has_egress!r}", "egress")
        return bool(has_egress)

    def _standins(self) -> Mapping[str, Path]:
        folders = self._data.get("standins") or {}
        if not isinstance(folders, dict):
            self._note("standins: expected a map from image to folder", "standins")
            return {}
        return {image: self._file(folder, "standins", image, kind=Kind.FOLDER) for image, folder in folders.items()}


def _short(value: Any) -> str:
    """Returns a value as messages show it: an integer of a plan may have a million digits."""
    return f"one of {value.bit_length()} bits" if isinstance(value, int) and value.bit_length() > 64 else repr(value)


def parameters_of(read: Any) -> Mapping[str, Any]:
    """Returns parameters in any of the three shapes that AWS's own tools read.

    Raises:
        ValueError, KeyError, TypeError: it is none of them.
    """
    if isinstance(read, dict):
        return dict(read["Parameters"].items())
    if all(isinstance(item, str) for item in read):
        return {key: value for key, _, value in (_split(item) for item in read)}
    return {str(item["ParameterKey"]): item["ParameterValue"] for item in read}


def _split(item: str) -> tuple[str, str, str]:
    if "=" not in item:
        raise ValueError(item)
    return item.partition("=")
