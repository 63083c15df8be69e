from __future__ import annotations

import pytest

from preflight.rehearsal.tasks.launch_calls import images
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
