"""What is known of each rule besides its text: title, reason, controls, sources, and whether it ships on.

Each folder of rules may hold a `rules.yaml` (for cfn-guard rules) and a `python_rules.yaml` (for checks in
Python that Guard's language cannot say): maps from rule name to an entry. A folder without them works
as well; its rules then have a name and nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from preflight import model
from preflight.errors import UsageError
from preflight.model import DescribedRule, Severity
from preflight.system import files_read, spelling
from preflight.templates import template
from preflight.templates.template import Template, UnreadableError

UNWAIVABLE = "fargate"
RULES_FILE = "rules.yaml"
PYTHON_RULES_FILE = "python_rules.yaml"
_RULE = re.compile(r"^\s*rule\s+([A-Za-z0-9_]+)(?=\s|\{|$)", re.MULTILINE)
_COMMENT = re.compile(r"(?m)^\s*#.*$")
_TEXTS = ("title", "why", "off_because", "tier")
_LISTS = ("types", "controls", "sources")
_KEYS = (*_TEXTS, *_LISTS, "enabled")


@dataclass(frozen=True)
class RuleMetadata:
    """What a `rules.yaml` says of one rule."""

    title: str = ""
    why: str = ""
    types: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    is_enabled: bool = True
    off_because: str = ""
    tier: str = ""


@dataclass(frozen=True)
class Rule:
    """A rule: its name, the file it stands in, its tier (the name of its folder), and what is known of it."""

    name: str
    file: Path
    tier: str
    entry: RuleMetadata = field(default_factory=RuleMetadata)
    is_python: bool = False

    @property
    def severity(self) -> Severity:
        """Severity of its findings; that of an error where the folder is no tier of ours."""
        return model.TIERS.get(self.tier, Severity.ERROR)

    @property
    def source(self) -> str | None:
        """The page that says why, the first of its sources."""
        return next(iter(self.entry.sources), None)

    @property
    def described(self) -> DescribedRule:
        """What reports say of it."""
        return DescribedRule(self.entry.title, self.entry.why, self.tier, self.entry.controls, self.entry.types, self.source)

    @property
    def is_on(self) -> bool:
        """Whether it is run."""
        return self.entry.is_enabled

    @property
    def is_waivable(self) -> bool:
        """Whether a template or a plan may waive it: not if AWS refuses what it forbids."""
        return self.tier != UNWAIVABLE


def rules_below(folders: Sequence[Path]) -> list[Rule]:
    """The cfn-guard rules in all files below the folders, by file; a file that is met twice counts once.

    Raises:
        UsageError: there is no such folder, it holds no rule, two rules have one name, or a file cannot be read.
    """
    rules_by_file: dict[Path, list[Rule]] = {}
    for folder in folders:
        if not folder.is_dir():
            msg = f"{folder}: there is no such rules folder. Next: name an existing folder under `rules` in the plan"
            raise UsageError(msg)
        own = _by_file(folder)
        if not any(own.values()):
            msg = f"{folder}: there is no rule in this folder. Next: put a .guard file into it, or leave it out of `rules`"
            raise UsageError(msg)
        rules_by_file = own | rules_by_file
    listed = [rule for file in sorted(rules_by_file) for rule in rules_by_file[file]]
    names = [rule.name for rule in listed]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        msg = f"two rules have one name: {', '.join(doubled)}"
        raise UsageError(msg)
    return listed


def _by_file(folder: Path) -> dict[Path, list[Rule]]:
    files = sorted(folder.rglob("*.guard"))
    books = {tier: read(tier / RULES_FILE) for tier in {file.parent for file in files}}
    return {file.resolve(): list(_rules_in(file, books[file.parent])) for file in files}


def _rules_in(file: Path, entries: Mapping[str, RuleMetadata]) -> Iterator[Rule]:
    try:
        text = _COMMENT.sub("", file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{file}: the rule cannot be read: {error}"
        raise UsageError(msg) from None
    for name in _RULE.findall(text):
        yield Rule(name, file, file.parent.name, entries.get(name, RuleMetadata()))


def python_rules_below(folder: Path) -> list[Rule]:
    """The checks in Python that the `python_rules.yaml` of the folder's tiers describe.

    Raises:
        UsageError: one of these files cannot be read.
    """
    return [
        Rule(name, file, entry.tier or file.parent.name, entry, is_python=True)
        for file in sorted(folder.rglob(PYTHON_RULES_FILE))
        for name, entry in read(file).items()
    ]


def read(file: Path) -> Mapping[str, RuleMetadata]:
    """The entries of a metadata file, by rule; none where there is no such file.

    Raises:
        UsageError: with file and line, what is wrong.
    """
    if not files_read.look_for(file).is_file() or _is_blank(file):
        return {}
    try:
        tier = template.load(file)
    except UnreadableError as error:
        reason = error.reason.replace("Template format error: ", "")
        msg = f"{file}:{error.line or 1}: the rules' metadata cannot be read: {reason}"
        raise UsageError(msg) from None
    return {name: _Entry(tier, name).read() for name in tier.data}


def _is_blank(file: Path) -> bool:
    """Whether a file holds nothing but comments."""
    lines = file.read_bytes().splitlines()
    return all(not line.strip() or line.lstrip().startswith(b"#") for line in lines)


class _Entry:
    """Reads one entry; every complaint names file and line."""

    def __init__(self, tier: Template, name: str) -> None:
        self._tier = tier
        self._name = name
        self._fields = tier.data[name]

    def read(self) -> RuleMetadata:
        if not isinstance(self._fields, dict):
            raise self._fail(f"expected a map with {', '.join(_KEYS)}")
        for key in self._fields:
            if key not in _KEYS:
                raise self._fail(f"unknown key {key!r}{spelling.nearest(key, _KEYS)} Expected: {', '.join(_KEYS)}", key)
        is_enabled = self._fields.get("enabled", True)
        if not isinstance(is_enabled, bool):
            raise self._fail(f"enabled: expected true or false, found {is_enabled!r}", "enabled")
        texts = {key: self._text(key) for key in _TEXTS}
        if texts["tier"] and texts["tier"] not in model.TIERS:
            raise self._fail(f"tier: expected {', '.join(model.TIERS)}, found {texts['tier']!r}", "tier")
        types, controls, sources = map(self._list, _LISTS)
        return RuleMetadata(
            title=texts["title"],
            why=texts["why"],
            types=types,
            controls=controls,
            sources=sources,
            is_enabled=is_enabled,
            off_because=texts["off_because"],
            tier=texts["tier"],
        )

    def _fail(self, what: str, *where: str | int) -> UsageError:
        line = self._tier.line(self._name, *where)
        return UsageError(f"{self._tier.name}:{line}: {self._name}: {what}")

    def _text(self, key: str) -> str:
        value = self._fields.get(key, "")
        if not isinstance(value, str):
            raise self._fail(f"{key}: expected text, found {value!r}", key)
        return " ".join(value.split())

    def _list(self, key: str) -> tuple[str, ...]:
        value = self._fields.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._fail(f"{key}: expected a list of texts, found {value!r}", key)
        return tuple(value)

