"""Health checks of containers. Pure.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.rehearsal.ecs.validation import Request

BOUNDS = {"interval": (5, 300), "timeout": (2, 60), "retries": (1, 10), "startPeriod": (0, 300)}


def refusals(container: Request) -> Iterator[str]:
    """What is wrong with a container's health check, where it has one."""
    check = container.get("healthCheck")
    if check is None:
        return
    name, command = container.get("name"), check.get("command") or []
    if not command or command[0] not in {"CMD", "CMD-SHELL", "NONE"}:
        yield f"The health check command of container '{name}' must start with CMD or CMD-SHELL"
    elif command[0] != "NONE" and len(command) < 2:
        yield f"The health check command of container '{name}' is empty"
    for key, (low, high) in BOUNDS.items():
        value, words = check.get(key), "start period" if key == "startPeriod" else key
        if value is not None and value > high:
            yield f"Health check {words} must be less than or equal to the maximum allowed value {high} for container '{name}'"
        if value is not None and value < low:
            yield f"Health check {words} must be greater than or equal to the minimum allowed value {low} for container '{name}'"
