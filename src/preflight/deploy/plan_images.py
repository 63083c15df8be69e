"""The images of a plan, built and pushed to ECR."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.container_engine.standins import Standins
from preflight.deploy import image_push
from preflight.deploy.options import DeploymentOptions
from preflight.deploy.session import Session
from preflight.model import Progress, Say
from preflight.plan.plan import ImageStep

DEFAULT_PLATFORM = "linux/amd64"  # of tasks without a RuntimePlatform
EMPTY_MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "layers": [],
    "config": {"digest": f"sha256:{0:064d}", "size": 0},
}


class PlanImages:
    """Pushes images for the platforms of their steps; their digests are added to `digests`, by `repository:tag`."""

    def __init__(
        self,
        session: Session,
        options: DeploymentOptions,
        say: Say,
        *,
        standins: Standins | None,
        platforms: Mapping[str, str],
        digests: dict[str, str],
    ) -> None:
        self._session = session
        self._options = options
        self._say = say
        self._standins = standins
        self._platforms = platforms
        self.digests = digests

    def push(self, step: ImageStep, name: str, *, run: str, platform: str | None = None) -> None:
        """Build the folder of a step and push it as `name`; the image carries the label of the run.

        `platform` is that of the tasks, if it is not given.

        Raises:
            PushRefusedError: ECR refused it, or there is no such base image.
            ToolBrokeError: the image cannot be built.
        """
        line = f"building {self._options.names.get(step.build, step.build.name)} and pushing it as {name}"
        self._say(Progress(line, kind="image", name=name, state="building"))
        self.digests[name] = self._digest(step, name, run, platform or self._platforms.get(step.name, DEFAULT_PLATFORM))
        self._say(Progress(f"{name} is pushed, digest {self.digests[name]}", kind="image", name=name, state="pushed"))

    def _digest(self, step: ImageStep, name: str, run: str, platform: str) -> str:
        """Push an image and return its digest; without a container engine ECR gets a manifest without layers."""
        engine = self._options.engine
        if engine is None:
            return image_push.declare(self._session, name, EMPTY_MANIFEST)
        return image_push.push(
            self._session,
            engine,
            folder=step.build,
            name=name,
            platform=platform,
            run=run,
            base=self._standins,
            network=self._options.build_network,
        )
