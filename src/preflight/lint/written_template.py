"""A template that cfn-lint reads from a file of our own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# JSON may write one character as two escapes, which a reader of YAML, as cfn-lint has, refuses.
_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)(\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})")


def write(file: Path, data: Mapping[str, Any]) -> Path:
    """Writes a template as JSON that is YAML, too; returns the file."""
    text = json.dumps(data, default=str)
    file.write_text(_PAIR.sub(lambda match: match[1] + json.loads(f'"{match[2]}"'), text), encoding="utf-8")
    return file
