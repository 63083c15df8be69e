from __future__ import annotations

import pytest

from preflight.deploy import dockerfile_platform


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        pytest.param("FROM --platform=linux/arm64 nginx\n", (1, "linux/arm64"), id="the only stage"),
        pytest.param("FROM a AS b\nFROM --platform=linux/arm64/v8 \\\n nginx\n", (2, "linux/arm64"), id="the last stage, with a variant"),
        pytest.param("FROM --platform=linux/arm64 a AS base\nFROM base\nRUN ls\n", (1, "linux/arm64"), id="a stage that the last one is built on"),
        pytest.param("FROM --platform=linux/arm64 a AS b\nFROM nginx\nCOPY --from=b / /\n", None, id="a stage that files come from"),
        pytest.param("FROM --platform=$BUILDPLATFORM nginx\n", None, id="a variable"),
        pytest.param("FROM nginx\n", None, id="nothing said"),
        pytest.param("# FROM --platform=linux/arm64 nginx\nFROM nginx\n", None, id="a comment"),
    ],
)  # fmt: skip
def test_the_last_stage_fixes_the_platform(text: str, fixed: tuple[int, str] | None) -> None:
    assert dockerfile_platform.of_image(text) == fixed
