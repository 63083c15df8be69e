from __future__ import annotations

import pytest

from preflight.rehearsal.ecs.validation import runtime_platform


@pytest.mark.parametrize(
    ("platform", "wanted"),
    [
        pytest.param({}, "linux/amd64", id="nothing said"),
        pytest.param({"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}, "linux/arm64", id="ARM64"),
        pytest.param({"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}, "windows/amd64", id="Windows"),
    ],
)
def test_the_platform_of_a_task(platform: dict[str, str], wanted: str) -> None:
    assert runtime_platform.wanted({"runtimePlatform": platform}) == wanted
