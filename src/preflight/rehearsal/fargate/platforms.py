"""Which platform a task wants. Pure.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RuntimePlatform.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def wanted(definition: Mapping[str, Any]) -> str:
    """The platform of a task definition as images name it: `linux/amd64`, `linux/arm64`, `windows/amd64`."""
    platform = definition.get("runtimePlatform") or {}
    system = "linux" if str(platform.get("operatingSystemFamily") or "LINUX") == "LINUX" else "windows"
    return f"{system}/{'arm64' if platform.get('cpuArchitecture') == 'ARM64' else 'amd64'}"
