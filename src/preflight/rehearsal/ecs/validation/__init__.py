"""What ECS refuses before anything runs: pure functions, requests in, AWS's sentences out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Request = Mapping[str, Any]  # a request, or a part of it, spelt as the ECS API spells it
