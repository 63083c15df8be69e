from __future__ import annotations

from typing import Any, cast

import pytest

from preflight.rehearsal.containers import task_spec
from preflight.rehearsal.tasks.launch_calls import images
from preflight.rehearsal.tasks.launch_calls.absent_images import AbsentImages, Replacements
from preflight.rehearsal.tasks.launch_calls.caller import LaunchFailedError
from preflight.rehearsal.tasks.launch_calls.images import ImageReference


@pytest.mark.parametrize(
    ("name", "full"),
    [
        pytest.param("nginx", "docker.io/library/nginx:latest", id="official"),
        pytest.param("me/app:1", "docker.io/me/app:1", id="of a user"),
        pytest.param("public.ecr.aws/nginx/nginx:1", "public.ecr.aws/nginx/nginx:1", id="of another registry"),
        pytest.param("nginx@sha256:ab", "docker.io/library/nginx@sha256:ab", id="by digest"),
    ],
)
def test_full_names_of_images(name: str, full: str) -> None:
    assert images.full_name(name) == full


@pytest.mark.parametrize(
    ("name", "region", "repository", "reference"),
    [
        pytest.param("123456789012.dkr.ecr.eu-west-1.amazonaws.com/a/b:1", "eu-west-1", "a/b", "1", id="tag"),
        pytest.param("123456789012.dkr.ecr.eu-west-1.amazonaws.com/a", "eu-west-1", "a", "latest", id="no tag"),
        pytest.param(
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a@sha256:ab", "cn-north-1", "a", "sha256:ab", id="digest"
        ),
    ],
)
def test_parts_of_an_ecr_image(name: str, region: str, repository: str, reference: str) -> None:
    assert images.ecr_image(name) == ImageReference("123456789012", region, repository, reference)


NO_REGION = "123456789012.dkr.ecr.region.amazonaws.com/image:tag"


def find(**replacements: str) -> str | None:
    given = {"family": "f", "revision": 1, "containerDefinitions": [{"name": "web", "image": NO_REGION}]}
    spec = task_spec.from_task_definition(given)
    return images.find(cast("Any", None), cast("Any", None), spec.containers[0], AbsentImages(Replacements(replacements), cast("Any", None)))


def test_an_image_of_a_host_without_a_region_cannot_be_pulled() -> None:
    with pytest.raises(LaunchFailedError, match=r"lookup 123456789012\.dkr\.ecr\.region\.amazonaws\.com: no such host"):
        find()


def test_an_image_of_a_host_without_a_region_may_be_replaced() -> None:
    assert find(image="public.ecr.aws/nginx/nginx:stable") is None
