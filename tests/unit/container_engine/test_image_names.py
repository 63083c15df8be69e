"""Image names as registries know them."""

from __future__ import annotations

import pytest

from preflight.container_engine import image_names


@pytest.mark.parametrize(
    "name",
    [
        "nginx",
        "nginx:1.28.0",
        "library/nginx",
        "public.ecr.aws/nginx/nginx:latest",
        "localhost:5000/a/b_c__d-e.f:v1",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1",
        "nginx@sha256:" + "a" * 64,
        "nginx:1@sha256:" + "a" * 64,
        "Registry.Example.com/web",
        "docker:27-dind",
        "dir/x",
    ],
)
def test_names_of_registries_are_references(name: str) -> None:
    assert image_names.is_reference(name)


@pytest.mark.hostile(
    14,
    "transport",
    input="a container of a task names an archive, a folder, an option or an image of this machine",
    happens="CannotPullContainerError: invalid reference format, as AWS refuses it",
)
@pytest.mark.parametrize(
    "name",
    [
        "oci-archive:/root/x.tar",
        "docker-archive:/x",
        "dir:/etc",
        "dir:etc",
        "oci-archive:x.tar",
        "docker-daemon:x",
        "containers-storage:x",
        "oci:/x",
        "containers-storage:nginx:1",
        "docker://nginx",
        "--privileged",
        "-v/:/h",
        "",
        "nginx:1 --privileged",
        "nginx\n",
        "Nginx",
        "a" * 600,
    ],
)
def test_files_and_options_are_no_references(name: str) -> None:
    assert not image_names.is_reference(name)


@pytest.mark.parametrize(
    ("name", "qualified"),
    [
        ("nginx:1", "docker.io/library/nginx:1"),
        ("team/web:1", "docker.io/team/web:1"),
        ("quay.io/team/web", "quay.io/team/web"),
        ("localhost/web:1", "localhost/web:1"),
        ("registry:5000/web", "registry:5000/web"),
    ],
)
def test_a_name_without_a_registry_is_one_of_docker_hub(name: str, qualified: str) -> None:
    assert image_names.qualified(name) == qualified
