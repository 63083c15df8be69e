from __future__ import annotations

from unittest import mock

import pytest

from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.tasks.image_pull import Pulls
from preflight.rehearsal.tasks.launch_calls.absent_images import Replacements
from preflight.rehearsal.tasks.launch_calls.caller import LaunchFailedError


def test_an_image_name_is_no_option_of_the_engine() -> None:
    runner = mock.MagicMock()
    pulls = Pulls(mock.MagicMock(), runner, mock.MagicMock(), port=1, standins=None, replacements=Replacements({}))

    with pytest.raises(LaunchFailedError, match="invalid reference format: --privileged"):
        pulls.image("--privileged", "eu-west-1")


ACCOUNT = "123456789012"
REGISTRY = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"


def pulled(name: str, images: dict[str, str], *, pushed: str = "") -> tuple[str, Ledger]:
    """Returns the image that runs for a name if the registry has the `pushed` one alone, and what the ledger notes."""
    registry = mock.MagicMock(account=ACCOUNT)
    registry.digest = lambda repository, tag, _region: "sha256:1" if f"{repository}:{tag}" == pushed else None
    runner, ledger = mock.MagicMock(), Ledger()
    runner.pull.return_value = None
    pulls = Pulls(registry, runner, ledger, port=1, standins=None, replacements=Replacements(images))
    return pulls.image(name, "eu-west-1"), ledger


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        pytest.param(f"{REGISTRY}/app:latest", "app", id="a repository"),
        pytest.param(f"{REGISTRY}/app:latest", "app:latest", id="a repository and a tag"),
        pytest.param(f"{REGISTRY}/app:latest", f"{REGISTRY}/app", id="a URI"),
        pytest.param(f"{REGISTRY}/cdk-x-container-assets-1-eu-west-1:ab", "cdk-*-container-assets-*", id="a pattern"),
        pytest.param("210987654321.dkr.ecr.eu-west-1.amazonaws.com/app:1", "app", id="another account"),
        pytest.param("ghcr.io/me/app:1", "ghcr.io/me/app", id="another registry"),
    ],
)
def test_the_plan_names_an_image_in_the_place_of_another(name: str, pattern: str) -> None:
    image, ledger = pulled(name, {pattern: "nginx:1"})

    assert image == "nginx:1"
    assert ledger.notes == [f"nginx:1 runs in the place of {name}, as `images` of the plan says"]


def test_an_image_that_a_step_pushed_may_run_in_the_place_of_another() -> None:
    image, _ = pulled(f"{REGISTRY}/app:latest", {"app": "base:2"}, pushed="base:2")

    assert image == "127.0.0.1:1/base@sha256:1"


def test_an_image_that_the_registry_has_is_not_replaced() -> None:
    image, ledger = pulled(f"{REGISTRY}/app:1", {"app": "nginx:1"}, pushed="app:1")

    assert image == "127.0.0.1:1/app@sha256:1"
    assert ledger.notes == []


def test_an_image_in_the_place_of_another_is_no_option_of_the_engine() -> None:
    with pytest.raises(LaunchFailedError, match="invalid reference format: --privileged"):
        pulled(f"{REGISTRY}/app:1", {"app": "--privileged"})
