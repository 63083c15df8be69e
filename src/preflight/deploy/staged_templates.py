"""The templates of a plan in the bucket of its run, from which CloudFormation reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from preflight.aws import partitions
from preflight.deploy.session import Session
from preflight.deploy.template_bucket import Bucket
from preflight.plan import cdk_assets
from preflight.plan.plan import Plan, templates_in


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
            self._bucket.put(key, path.read_bytes())

    def url(self, path: Path) -> str:
        """Returns the URL under which CloudFormation reads a template."""
        _, suffix = partitions.partition_of(self._region)
        return f"https://{self._bucket.name}.s3.{self._region}.{suffix}/{self._key(path)}"

    def _key(self, path: Path) -> str:
        folder = self._plan.templates
        base = folder if folder is not None and path.is_relative_to(folder) else self._plan.folder
        return f"{self._prefix}/{path.relative_to(base).as_posix()}"
