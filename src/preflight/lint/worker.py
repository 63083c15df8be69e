"""A process that checks one template after the other with cfn-lint: a request a line in, its matches a line out.

It imports cfn-lint and little else, since a second of its start counts in every run.
"""

from __future__ import annotations

import errno
import faulthandler
import json
import logging
import os
import resource
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from preflight.lint import duplicate_keys
from preflight.system import confinement
from preflight.templates import error_location, json_text

MAX_MEMORY = 4 << 30  # bytes of address space
UNREADABLE = "E000"  # cfn-lint could not read the template, transform it, or run a rule


@dataclass(frozen=True)
class Match:
    """What cfn-lint found in one place; `path` leads from the template's top to it."""

    check: str
    title: str
    source: str | None
    message: str
    filename: str
    line: int
    path: list[str]

    @property
    def resource(self) -> str | None:
        """The logical id of the resource that it is in."""
        return error_location.resource_of(tuple(self.path))


def work() -> None:
    """Read settings and then requests from standard input, and write matches to standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # cfn-lint may write to standard output itself
    linter = _Linter(json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        request = json.loads(line)
        faulthandler.dump_traceback_later(request["timeout"], exit=True)
        matches = [asdict(match) for match in linter.matches(request["template"])]
        faulthandler.cancel_dump_traceback_later()
        answers.write(json.dumps(matches) + "\n")
        answers.flush()


class _Linter:
    """cfn-lint with its rules loaded; it reads the listed templates, and nested ones only inside their checkouts."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._load_rules()
        self._confine()

    def _load_rules(self) -> None:
        from cfnlint.config import ConfigMixIn  # noqa: PLC0415 - slow to import, and only the worker needs it
        from cfnlint.runner import Runner  # noqa: PLC0415 - as above

        region = self._settings["region"]
        regions = {"regions": [region]} if region else {}
        self._config = ConfigMixIn([], templates=[], include_checks=["I"], configure_rules={}, config_file=os.devnull, **regions)
        self._rules = Runner(self._config).rules

    def _confine(self) -> None:
        """Let cfn-lint read the templates, and what these name as nested only if it is a plain file of a checkout."""
        from cfnlint.decode import cfn_yaml  # noqa: PLC0415 - as above

        listed = set(self._settings["listed"])
        roots = {confinement.root_of(Path(name).parent) for name in listed}

        def load_confined(filename: str) -> Any:
            problems = [confinement.problem(Path(filename), root, limit=self._settings["limit"]) for root in roots]
            if filename not in listed and None not in problems:
                raise FileNotFoundError(errno.ENOENT, "not a file of the checkout", filename)
            text = json_text.joined_if_json(Path(filename).read_text(encoding="utf-8"))
            try:
                return cfn_yaml.loads(text, filename)
            except cfn_yaml.CfnParseError:
                return cfn_yaml.loads(duplicate_keys.without_replaced(text), filename)

        logging.getLogger("cfnlint").setLevel(logging.CRITICAL)  # what it logs may hold names out of templates
        cfn_yaml.load = load_confined

    def matches(self, template: str) -> list[Match]:
        """Returns what cfn-lint finds in a template."""
        from cfnlint.runner import run_template_by_file_path  # noqa: PLC0415 - as above

        matches = [_match(match) for match in run_template_by_file_path(template, self._config, self._rules, False)]  # noqa: FBT003 - by position in cfn-lint
        matches.sort(key=lambda match: (match.line, match.check, match.message, match.path))
        if self._config.configure_rules:  # what a template configures would stay for the next one
            self._load_rules()
        return matches


def _match(match: Any) -> Match:
    rule = match.rule
    path = [str(part) for part in getattr(match, "path", None) or []]
    source = getattr(rule, "source_url", None) or None
    return Match(rule.id, rule.shortdesc or "", source, match.message, str(match.filename), match.linenumber, path)
