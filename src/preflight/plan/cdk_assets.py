"""The assets of a template that CDK wrote: nested templates, files and images that `cdk deploy` publishes before the stack.

The manifest `NAME.assets.json` stands beside `NAME.template.json`.
Source: https://docs.aws.amazon.com/cdk/v2/guide/assets.html.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preflight.aws import partitions
from preflight.errors import UsageError
from preflight.system import confinement, files_read

MOST_BYTES = 256 << 20  # of all files of a manifest, each as often as it is published
TEMPLATE, MANIFEST = ".template.json", ".assets.json"


@dataclass(frozen=True)
class FileAsset:
    """A file, and the bucket and key under which the stack expects it."""

    path: Path
    bucket: str
    key: str


@dataclass(frozen=True)
class ImageAsset:
    """A folder with a Dockerfile, and the repository and tag under which the stack expects the image.

    `platform` is as docker takes it, None if the manifest leaves it open.
    """

    folder: Path
    repository: str
    tag: str
    platform: str | None = None

    @property
    def name(self) -> str:
        """`repository:tag`."""
        return f"{self.repository}:{self.tag}"


@dataclass(frozen=True)
class CdkAssets:
    """The assets of one template. Images that need more than the Dockerfile of a folder, such as secrets, are not among them."""

    files: tuple[FileAsset, ...] = ()
    images: tuple[ImageAsset, ...] = ()


def of_template(template: Path, *, region: str, account: str) -> CdkAssets:
    """Returns the assets of a template; none without a manifest beside it.

    Raises:
        UsageError: the manifest cannot be read, or names a file outside of the repository.
    """
    if not has_manifest(template):
        return CdkAssets()
    partition, _ = partitions.partition_of(region)
    return _Reader(_manifest(template), {"Region": region, "AccountId": account, "Partition": partition}).read()


def has_manifest(template: Path) -> bool:
    """Whether a template is one of CDK, with the manifest of its assets beside it."""
    return template.name.endswith(TEMPLATE) and files_read.look_for(_manifest(template)).exists()


def _manifest(template: Path) -> Path:
    return template.with_name(template.name.removesuffix(TEMPLATE) + MANIFEST)


def nested_templates(templates: Iterable[Path]) -> dict[str, Path]:
    """Returns the templates that CDK nests in these, by the keys that TemplateURL has for them: the hash of each."""
    assets = [of_template(path, region="", account="") for path in templates]
    return {file.key: file.path for one in assets for file in one.files if file.path.name.endswith(TEMPLATE)}


class _Reader:
    """Reads one manifest; `values` are those of its placeholders, `${AWS::Region}` and others."""

    def __init__(self, manifest: Path, values: Mapping[str, str]) -> None:
        self._manifest = manifest
        self._values = values

    def read(self) -> CdkAssets:
        self._check(self._manifest, confinement.Kind.FILE)
        try:
            data = json.loads(self._manifest.read_text(encoding="utf-8"))
            files = tuple(asset for one in data.get("files", {}).values() for asset in self._files(one))
            images = tuple(asset for one in data.get("dockerImages", {}).values() for asset in self._images(one))
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
            msg = f"{self._manifest}: it is not a manifest of the CDK: {error!r}. Next: synthesize the app again"
            raise UsageError(msg) from None
        if sum(file.path.stat().st_size for file in files) > MOST_BYTES:
            msg = f"{self._manifest}: its files have more than {MOST_BYTES >> 20} MiB together. Next: leave large files out of the assets"
            raise UsageError(msg)
        return CdkAssets(files, images)

    def _files(self, asset: Mapping[str, Any]) -> Iterator[FileAsset]:
        """Yields a file for each place where it is expected; folders that CDK packs as archives are read by nothing here."""
        source = asset["source"]
        if source.get("packaging", "file") == "file" and "path" in source:
            path = self._inside(source["path"], confinement.Kind.FILE)
            for place in asset["destinations"].values():
                yield FileAsset(path, self._filled(place["bucketName"]), self._filled(place["objectKey"]))

    def _images(self, asset: Mapping[str, Any]) -> Iterator[ImageAsset]:
        source = asset["source"]
        if not {"directory"} <= set(source) <= {"directory", "platform"}:
            return
        folder = self._inside(source["directory"], confinement.Kind.FOLDER)
        for file in confinement.build_files(folder):
            self._check(file, confinement.Kind.FILE)
        for place in asset["destinations"].values():
            platform = self._filled(source["platform"]) if "platform" in source else None
            yield ImageAsset(folder, self._filled(place["repositoryName"]), self._filled(place["imageTag"]), platform)

    def _filled(self, text: str) -> str:
        for name, value in self._values.items():
            text = text.replace(f"${{AWS::{name}}}", value)
        return text

    def _inside(self, name: str, kind: confinement.Kind) -> Path:
        path = self._manifest.parent / name
        self._check(path, kind)
        return path

    def _check(self, path: Path, kind: confinement.Kind) -> None:
        problem = confinement.problem(path, confinement.root_of(self._manifest.parent), kind=kind)
        if problem is not None:
            msg = f"{path}: {problem}"
            raise UsageError(msg)
