"""A file of GitHub Actions, a workflow or action.yml, and what of the house's rules it breaks.

Source: https://docs.github.com/en/actions/reference/security/secure-use
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())
ACTION = ROOT / "action.yml"
_PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@([0-9a-f]{40} # v\d+\.\d+\.\d+|v\d+\.\d+\.\d+)$")


def load(path: Path) -> dict[str, Any]:
    """The file as data; to YAML the key `on` is a truth value."""
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in loaded.items()}


def pins(text: str) -> list[str]:
    """What a file uses, with the version behind it."""
    return re.findall(r"uses: (.*)", text)


def unpinned(text: str) -> list[str]:
    """What a file uses by neither a full hash, with its version behind it, nor an exact version."""
    return [used for used in pins(text) if not _PINNED.fullmatch(f"uses: {used}")]


def steps(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All steps of a workflow or of an action."""
    for job in data.get("jobs", {}).values():
        yield from job["steps"]
    yield from data.get("runs", {}).get("steps", [])


def interpolated(data: dict[str, Any]) -> list[str]:
    """Scripts into which an expression is written, so that its value is code."""
    return [step["run"] for step in steps(data) if "${{" in step.get("run", "")]


def careless(data: dict[str, Any]) -> list[str]:
    """Jobs that say neither what they may do nor when they are given up."""
    return [name for name, job in data["jobs"].items() if "permissions" not in job or "timeout-minutes" not in job]


def holders(data: dict[str, Any], permission: str) -> list[str]:
    """Jobs that may write what a permission names."""
    return [name for name, job in data["jobs"].items() if job["permissions"].get(permission) == "write"]


def lasting_tokens(data: dict[str, Any]) -> list[str]:
    """Checkouts that leave the job's token in the folder."""
    used = [step for step in steps(data) if step.get("uses", "").startswith("actions/checkout@")]
    return [step["uses"] for step in used if step.get("with", {}).get("persist-credentials") is not False]
