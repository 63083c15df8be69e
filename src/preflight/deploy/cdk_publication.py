"""Publishes the assets of templates that CDK wrote, as `cdk deploy` does, on an account of which nothing else remains."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from preflight.deploy.plan_images import PlanImages
from preflight.deploy.session import Session
from preflight.deploy.template_bucket import Bucket
from preflight.plan import cdk_assets
from preflight.plan.cdk_assets import CdkAssets, ImageAsset
from preflight.plan.plan import ImageStep, Plan


class CdkPublication:
    """The assets of a plan's templates, and the buckets and repositories of `cdk bootstrap` that hold them."""

    def __init__(self, plan: Plan, session: Session, values: Mapping[str, str], images: PlanImages) -> None:
        self._session = session
        self._values = values
        self._images = images
        self._assets = [cdk_assets.of_template(step.template, region=plan.region, account=values["account"]) for step in plan.stacks]

    def publish(self, tags: Mapping[str, str]) -> None:
        """Create the buckets and repositories, and put the assets there.

        Raises:
            PushRefusedError, ToolBrokeError: an image cannot be built or pushed.
        """
        buckets = {name: Bucket(self._session, name) for assets in self._assets for name in {file.bucket for file in assets.files}}
        for bucket in buckets.values():
            bucket.make(tags)
        for assets in self._assets:
            for file in assets.files:
                buckets[file.bucket].put(file.key, file.path.read_bytes())
            self._push(assets)

    def _push(self, assets: CdkAssets) -> None:
        for image in assets.images:
            self._create_repository(image)
            if image.name not in self._images.digests:
                step = ImageStep(image.name, image.folder)
                self._images.push(step, image.name, run=self._values["run"], platform=image.platform)

    def _create_repository(self, image: ImageAsset) -> None:
        ecr = self._session.client("ecr")
        with contextlib.suppress(ecr.exceptions.RepositoryAlreadyExistsException):
            ecr.create_repository(repositoryName=image.repository)
