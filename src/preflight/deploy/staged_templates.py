"""The templates of a plan in the bucket of its run, from which CloudFormation reads them.

Paths of nested templates are replaced by the URLs of their objects, as `aws cloudformation package` does: only that
command and SAM's read them.
Source: https://docs.aws.amazon.com/cli/latest/reference/cloudformation/package.html.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from preflight.aws import partitions
from preflight.deploy.session import Session
from preflight.deploy.template_bucket import Bucket
from preflight.plan import cdk_assets
from preflight.plan.plan import Plan, templates_in
from preflight.plan.resolved_stacks import NESTED
from preflight.templates import template
from preflight.templates.template import UnreadableError


class StagedTemplates:
    """The templates of a plan; `by_key` has their files, and those of CDK's nested stacks, by the keys of their objects."""

    def __init__(self, plan: Plan, values: Mapping[str, str], session: Session, bucket: Bucket) -> None:
        self._plan = plan
        self._prefix = values["templates"]
        self._region = session.region
        self._bucket = bucket
        nested = templates_in(plan.templates) if plan.templates is not None else ()
        self._staged = {self._key(path): path for path in [*nested, *(step.template for step in plan.stacks)]}
        self.by_key = {**self._staged, **cdk_assets.nested_templates(step.template for step in plan.stacks)}

    def stage(self) -> None:
        """Put all of them into the bucket."""
        for key, path in self._staged.items():
            self._bucket.put(key, self._packaged(path))

    def _packaged(self, path: Path) -> bytes:
        """Returns a template, as JSON if it names other templates of the plan by their paths."""
        text = path.read_bytes()
        if not any(key.encode() in text for key in NESTED.values()):
            return text
        try:
            data = copy.deepcopy(template.load(path).data)
        except UnreadableError:
            return text  # CloudFormation says what is wrong
        children = list(self._children(path, data))
        for properties, key, child in children:
            properties[key] = self.url(child)
        return json.dumps(data, default=str).encode() if children else text

    def _children(self, path: Path, data: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str, Path]]:
        """Yields the properties that name another template by its path from this one, with the key and the file."""
        staged = {file.resolve(): file for file in self._staged.values()}
        resources = data.get("Resources")
        for resource in resources.values() if isinstance(resources, dict) else ():
            key = NESTED.get(str(resource.get("Type"))) if isinstance(resource, dict) else None
            properties = resource.get("Properties") if key is not None else None
            location = properties.get(key) if isinstance(properties, dict) else None
            child = staged.get((path.parent / location).resolve()) if isinstance(location, str) and "://" not in location else None
            if key is not None and isinstance(properties, dict) and child is not None:
                yield properties, key, child

    def url(self, path: Path) -> str:
        """Returns the URL under which CloudFormation reads a template."""
        _, suffix = partitions.partition_of(self._region)
        return f"https://{self._bucket.name}.s3.{self._region}.{suffix}/{self._key(path)}"

    def _key(self, path: Path) -> str:
        folder = self._plan.templates
        base = folder if folder is not None and path.is_relative_to(folder) else self._plan.folder
        return f"{self._prefix}/{path.relative_to(base).as_posix()}"
