"""Secrets of containers whose ValueFrom is a dynamic reference: CloudFormation puts the secret's value there.

ECS then takes the value for a parameter's name, and repeats it in its error. Sources:
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Secret.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from preflight.deploy.declared_resources import DeclaredResource

FIX = "Name the ARN of the secret or parameter in ValueFrom: a dynamic reference is replaced by its value, which ECS takes for a name."
HIDDEN = "****"


def place(declared: DeclaredResource) -> str | None:
    """Returns the dotted property of the first such secret of a task definition, None without one."""
    return next((f"ContainerDefinitions.{c}.Secrets.{s}.ValueFrom" for c, s in _places(declared)), None)


def hidden(text: str, declared: DeclaredResource, containers: list[dict[str, Any]]) -> str:
    """Returns a text without the values that dynamic references put into the secrets of these containers."""
    for container, number in _places(declared):
        secrets = containers[container].get("secrets", []) if container < len(containers) else []
        if number < len(secrets):
            text = text.replace(str(secrets[number]["valueFrom"]), HIDDEN)
    return text


def _places(declared: DeclaredResource) -> Iterator[tuple[int, int]]:
    """Yields the numbers of containers and secrets."""
    properties = declared.template.resources[declared.logical].get("Properties")
    for number, container in enumerate(_items(properties, "ContainerDefinitions")):
        for place_of_secret, secret in enumerate(_items(container, "Secrets")):
            if "{{resolve:" in json.dumps(secret, default=str):
                yield number, place_of_secret


def _items(part: Any, name: str) -> list[Any]:
    items = part.get(name) if isinstance(part, dict) else None
    return items if isinstance(items, list) else []
