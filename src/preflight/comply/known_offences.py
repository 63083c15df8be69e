"""What cfn-guard found in a document, kept until the document, the rules or the programs change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from preflight import __version__
from preflight.comply.cfn_guard_binary import Binary
from preflight.comply.guard_documents import GuardDocument
from preflight.comply.rules import Rule
from preflight.system import result_cache
from preflight.system.result_cache import ResultCache


@dataclass(frozen=True)
class Offence:
    """What does not hold: the rule, its message, the path in the document, and the resource or parameter."""

    rule: str
    message: str
    path: tuple[str, ...]
    resource: str | None


class KnownOffences:
    """The offences in documents against some rules, as far as the cache has them."""

    def __init__(self, cache: ResultCache, binary: Binary, rules: Sequence[Rule]) -> None:
        self._cache = cache
        self._binary = binary
        self._rules = rules
        self._keys: dict[Path, str] = {}

    def of(self, documents: Mapping[Path, GuardDocument]) -> dict[Path, list[Offence]]:
        """Returns the known offences by the keys of their documents."""
        if not self._cache.is_kept:
            return {}
        files = [part for rule in self._rules for part in (rule.name, rule.file.read_bytes())]
        tools = result_cache.key(__version__, result_cache.source_digest(Path(__file__).parent), self._binary.sha256, *files)
        self._keys = {key: result_cache.key("comply", tools, d.as_data, d.text) for key, d in documents.items()}
        known = {key: self._offences(name) for key, name in self._keys.items()}
        return {key: offences for key, offences in known.items() if offences is not None}

    def _offences(self, key: str) -> list[Offence] | None:
        names = {rule.name for rule in self._rules}
        try:
            offences = [Offence(rule, message, tuple(path), resource) for rule, message, path, resource in self._cache.get(key)]
        except (TypeError, ValueError):  # absent, or no offences
            return None
        return offences if names.issuperset(offence.rule for offence in offences) else None

    def keep(self, offences: Mapping[Path, Sequence[Offence]]) -> None:
        """Keep what was found in documents that were looked up."""
        for key, own in offences.items():
            if key in self._keys:
                self._cache.put(self._keys[key], [astuple(offence) for offence in own])
