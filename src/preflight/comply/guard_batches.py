"""What each process of cfn-guard is given: some rules, and the documents to which they may apply. Pure.

Rules of the pack that select by type are given only the resources of these types, and run only if there are some;
documents whose part is the same are checked once. Rules from elsewhere are given everything.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from preflight.comply import rule_scope, ruleset
from preflight.comply.guard_documents import GuardDocument
from preflight.comply.rule_scope import RuleScope
from preflight.comply.rules import Rule

MAX_BYTES = 400_000  # of documents for one process, which bounds its memory
MAX_DOCUMENTS = 60
_Group = tuple[frozenset[str] | None, tuple[str, ...] | None, bool]  # types that are read and other sections (None: all), whether every document counts


@dataclass(frozen=True)
class Batch:
    """The rules, and the texts to check against them, each with the keys and a name of the documents it stands for."""

    rules: tuple[Rule, ...]
    texts: Mapping[str, Sequence[Path]]
    names: Sequence[str]

    @property
    def payload(self) -> str:
        """What cfn-guard reads from its standard input."""
        files = dict.fromkeys(rule.file for rule in self.rules)
        return json.dumps({"rules": [file.read_text(encoding="utf-8") for file in files], "data": list(self.texts)})


def of(rules: Sequence[Rule], documents: Mapping[Path, GuardDocument]) -> list[Batch]:
    """Returns the batches, the largest first."""
    scopes = {rule: _scope(rule) for rule in rules}
    batches = [batch for group, members in _groups(scopes).items() for batch in _batches(group, members, documents)]
    return sorted(batches, key=lambda batch: -len(batch.rules) * sum(map(len, batch.texts)))


def _scope(rule: Rule) -> RuleScope | None:
    """Returns what a rule of the pack reads; None for others, whose messages may quote any part of a document."""
    is_shipped = rule.file.resolve().is_relative_to(ruleset.shipped_rules().resolve())
    return rule_scope.of(rule.file.read_text(encoding="utf-8")) if is_shipped else None


def _groups(scopes: Mapping[Rule, RuleScope | None]) -> dict[_Group, list[Rule]]:
    """Returns the rules by what they are given; those that read fewer types join those that read more."""
    read = [scope.reads for scope in scopes.values() if scope is not None and scope.reads is not None]
    groups: dict[_Group, list[Rule]] = defaultdict(list)
    for rule, scope in scopes.items():
        if scope is None:
            groups[None, None, True].append(rule)
        else:
            reads = scope.reads and max((types for types in read if types >= scope.reads), key=len)
            groups[reads, scope.sections, scope.needs is None].append(rule)
    return groups


def _batches(group: _Group, rules: Sequence[Rule], documents: Mapping[Path, GuardDocument]) -> Iterator[Batch]:
    """Returns the batches of rules that are given the same, for the documents to which one of them may apply."""
    types, sections, is_for_all = group
    scopes = () if is_for_all else map(_scope, rules)
    needs = frozenset[str]().union(*(scope.needs or () for scope in scopes if scope is not None))
    texts: dict[str, list[Path]] = defaultdict(list)
    for key, document in documents.items():
        if is_for_all or not needs.isdisjoint(document.types):
            texts[document.text if sections is None else document.part(types, sections)].append(key)
    for share in _shares(list(texts)):
        names = [documents[texts[text][0]].source.name for text in share]
        yield Batch(tuple(rules), {text: texts[text] for text in share}, names)


def _shares(texts: Sequence[str]) -> Iterator[list[str]]:
    """Splits the texts into shares that are small enough for one process."""
    share: list[str] = []
    for text in texts:
        if share and (len(share) == MAX_DOCUMENTS or sum(map(len, share)) + len(text) > MAX_BYTES):
            yield share
            share = []
        share.append(text)
    if share:
        yield share
