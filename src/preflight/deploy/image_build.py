"""Building an image for the platforms of the tasks that run it.

Both podman and docker take a platform, or several with commas between, as `--platform`.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from preflight.container_engine import build_group, build_network, engine_info, image_pull, standins, unfinished_builds
from preflight.container_engine import engine as engines
from preflight.container_engine.disk_growth import DiskGrowth
from preflight.container_engine.engine import Engine
from preflight.container_engine.scratch import scratch
from preflight.container_engine.standins import Standins
from preflight.deploy import dockerfile, dockerfile_checks
from preflight.errors import ToolBrokeError
from preflight.system import run_folders
from preflight.system.processes import CompletedProcess

MEMORY = "4g"  # of a build
TIMEOUT = 900
# Proxies come with their passwords; a build that is killed leaves the image of each of its layers, without name and label.
OF_PODMAN = ("--http-proxy=false", "--layers=false")
_FOREIGN = re.compile(r"exec format error", re.IGNORECASE)


class NoBaseError(Exception):
    """There is no base image of that name."""


class Builder:
    """Builds the Dockerfile of a folder with one engine; images carry the label of a run."""

    def __init__(
        self, engine: Engine, folder: Path, *, run: str, base: Standins | None, network: str = build_network.MODES[0]
    ) -> None:
        self._engine = engine
        self._folder = folder
        self._run = run
        self._label = f"--label={engines.RUN_LABEL}={run}"
        self._base = base
        self._network = network
        self._dockerfile = folder / "Dockerfile"  # named to the engine: podman prefers a Containerfile beside it

    @contextlib.contextmanager
    def built(self, image: str, platform: str) -> Iterator[None]:
        """Have an image of that name for a platform, or for several, until the block ends.

        Raises:
            NoBaseError: a base image cannot be had.
            UnsafeBuildError: this engine must not build it.
            ToolBrokeError: it cannot be built here.
        """
        several = platform.split(",") if self._engine.program == "podman" else [platform]
        parts = {f"{image}-{one.replace('/', '-')}": one for one in several} if len(several) > 1 else {image: platform}
        dockerfile_checks.check(self._engine, self._instructions())
        self._check_sources()
        with run_folders.turn("builds"), self._pruned():  # what one build removes may be a layer that another is about to use
            self._check_bases(platform)
            try:
                for name, one in parts.items():
                    self._build(name, one)
                if len(parts) > 1:
                    self._engine.must("manifest", "create", image, *(f"containers-storage:{name}" for name in parts))
                yield
            finally:
                if len(parts) > 1:
                    self._engine.run("manifest", "rm", image)
                self._engine.run("rmi", "--force", *parts)

    def _instructions(self) -> str:
        return self._dockerfile.read_text(encoding="utf-8", errors="replace")

    def _check_sources(self) -> None:
        """Check that every image of the Dockerfile is one of a registry: podman would also read files of this machine.

        Raises:
            NoBaseError: one is not.
        """
        for name in dockerfile_checks.files(self._instructions()):
            msg = f"invalid reference format: {name}"
            raise NoBaseError(msg)

    def _check_bases(self, platform: str) -> None:
        """Pull and check the images of the build that no stand-in may replace; the others are checked where they are found.

        Raises:
            UnsafeBuildError: this engine must not build on one.
        """
        if self._engine.program != "podman":
            return
        names = {name for name, _ in self._bases(platform)} if self._base is not None else set()
        for name in dockerfile_checks.base_names(self._instructions(), self._predefined(platform)):
            if name not in names:
                self._pull(name, platform)
                dockerfile_checks.check_base(self._engine, name)
        for name in dockerfile_checks.source_names(self._instructions()):  # a build without a network cannot pull them
            if name not in names:
                self._pull(name, platform)

    def _pull(self, name: str, platform: str) -> None:
        """Pull an image unless it is there; a name that no builder reads as one is not there: all the same."""
        if self._engine.platform_of(name) is None:
            image_pull.pull(self._engine, name, "--platform", platform.partition(",")[0])

    @contextlib.contextmanager
    def _pruned(self) -> Iterator[None]:
        """A build that is broken off may leave an image without a name and its container: they go too."""
        try:
            yield
        except BaseException:
            unfinished_builds.remove(self._engine, has_own=True)
            self._engine.run("image", "prune", "--force", "--filter", f"label={engines.RUN_LABEL}={self._run}")
            raise

    def _build(self, image: str, platform: str) -> None:
        own = OF_PODMAN if self._engine.program == "podman" else ()
        args = ("--quiet", *own, *unfinished_builds.mark(self._engine), self._label, "--platform", platform, "--tag", image)
        options, text = self._source(platform)
        args = (*args, *options, str(self._folder))
        self._attempt(platform, *args, text=text)
        if self._is_for(image, platform):
            return
        self._attempt(platform, "--no-cache", *args, text=text)  # the cache of older podman mixes up platforms
        if not self._is_for(image, platform):
            msg = f"{self._engine.name} built {self._folder.name} for another platform than {platform}. Next: check that its base images exist for {platform}"
            raise ToolBrokeError(msg)

    def _source(self, platform: str) -> tuple[tuple[str, ...], str | None]:
        """Returns the options that name the Dockerfile with its stand-ins, and its text if the engine is to read that.

        Only the plug-in buildx, which Debian's docker lacks, knows build contexts.
        """
        images = self.replacements(platform)
        if images and self._engine.program != "podman":
            return ("--file", "-"), dockerfile.with_bases(self._instructions(), images, self._predefined(platform))
        return (*(f"--build-context={name}=container-image://{image}" for name, image in images.items()), "--file", str(self._dockerfile)), None

    def _attempt(self, platform: str, *args: str, text: str | None = None) -> None:
        growth = DiskGrowth(engine_info.store(self._engine))
        try:
            with self._isolated() as (engine, options), scratch(engine) as own:
                completed = own.run("build", *options, *args, input_text=text, timeout=TIMEOUT, trouble=growth.trouble)
        except ToolBrokeError as error:
            msg = f"{self._folder.name} was not built: {error}. Next: check its Dockerfile"
            raise ToolBrokeError(msg) from None
        if completed.code != 0:
            raise ToolBrokeError(self._said(completed, platform))

    @contextlib.contextmanager
    def _isolated(self) -> Iterator[tuple[Engine, tuple[str, ...]]]:
        """Yields the engine for a build, and its options: without a network, or with the restricted one."""
        is_closed = self._network == "none"
        if self._engine.program != "podman" or not self._engine.shares_network_namespaces:
            yield self._engine, ("--network=none",) if is_closed else ()  # the report says that containers can reach the network
            return
        with build_group.bounded(self._engine, self._run) as group:
            bound = (f"--memory={MEMORY}", *group)
            with build_network.namespace(self._engine, self._run, is_closed=is_closed) as path:  # ADD downloads in it too
                yield self._engine.inside(path), ("--network=host", *bound)

    def _said(self, completed: CompletedProcess, platform: str) -> str:
        if not _FOREIGN.search(completed.stderr):
            return str(completed)
        output = completed.stderr.strip()[-1000:]
        return f"{self._folder.name} cannot be built for {platform}, whose programs this machine does not run: {output}. Next: {_advice(platform)}"

    def _is_for(self, image: str, platform: str) -> bool:
        return "," in platform or self._engine.platform_of(image) == platform

    def replacements(self, platform: str) -> Mapping[str, str]:
        """Returns the stand-ins of the Dockerfile's base images by the names that they replace.

        Raises:
            NoBaseError: a base image cannot be had.
        """
        if self._base is None:
            return {}
        images = {name: self._replacement(self._base, name, one) for name, one in self._bases(platform) if "$" not in name}
        return {name: image for name, image in images.items() if image.startswith(standins.PREFIX)}

    def _bases(self, platform: str) -> Iterator[tuple[str, str]]:
        """Name and platform of each image that the Dockerfile builds on, but for its own stages."""
        for base in dockerfile.bases(dockerfile.instructions(self._instructions()), self._predefined(platform)):
            yield base.name, self._platform_of(base.flags, platform)

    def _predefined(self, platform: str) -> dict[str, str]:
        """Returns the variables that an engine defines for a build."""
        platforms = {"TARGET": platform.partition(",")[0] or self._engine.platform, "BUILD": self._engine.platform}
        return {
            f"{prefix}{suffix}": value
            for prefix, name in platforms.items()
            for suffix, value in zip(("PLATFORM", "OS", "ARCH"), (name, *name.split("/")[:2]), strict=False)
        }

    def _platform_of(self, flags: Sequence[str], platform: str) -> str:
        flag_value = next((flag.partition("=")[2] for flag in flags if flag.startswith("--platform=")), "TARGETPLATFORM")
        if "TARGETPLATFORM" in flag_value:
            return platform.partition(",")[0]
        return self._engine.platform if "$" in flag_value else flag_value

    def _replacement(self, base: Standins, name: str, platform: str) -> str:
        try:
            image = base.image(name, platform)
        except LookupError as error:
            msg = f"the base image {name} cannot be pulled: {error}"
            raise NoBaseError(msg) from None
        dockerfile_checks.check_base(self._engine, image)
        return image


def _advice(platform: str) -> str:
    return f"let this machine run programs for {platform} (on Debian and Ubuntu: apt-get install qemu-user-static binfmt-support), build on a machine of that platform, or go on without: --containers off"

