"""A JSON report without what differs from run to run: times, generated names, and the order of what happens at once."""

from __future__ import annotations

import json
import re
from typing import Any

OMITTED = frozenset({"digest", "engine", "run", "seconds", "started", "time", "times"})
NOTES = ("can reach the network", "ran on this machine")  # what was not isolated, and a stand-in that was not there yet
_GENERATED = re.compile(r"\b[0-9a-f]{8,64}\b|\b[0-9A-Z]{12,13}\b|(?<=Stack-)[0-9A-Z]{5}\b|ecs-svc/\d+|\b127(?:\.\d+){3}\b")


def parse(report: str) -> dict[str, Any]:
    """Returns a report in this form."""
    data = json.loads(report)
    data["notes"] = [note for note in data["notes"] if not any(part in note for part in NOTES)]
    plain: dict[str, Any] = _plain(data)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if key not in OMITTED}
    if isinstance(value, list):
        return sorted((_plain(item) for item in value), key=json.dumps)
    return _GENERATED.sub("*", value) if isinstance(value, str) else value
