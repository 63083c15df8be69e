"""A template that cfn-lint reads from a file of our own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from preflight.templates import json_text


def write(file: Path, data: Mapping[str, Any]) -> Path:
    """Writes a template as JSON that is YAML, too; returns the file."""
    file.write_text(json_text.joined(json.dumps(data, default=str)), encoding="utf-8")
    return file
