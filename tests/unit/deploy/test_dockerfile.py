"""Other base images take the place of those that a Dockerfile names."""

from __future__ import annotations

import pytest

from preflight.deploy import dockerfile


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("FROM nginx:1\nRUN x", "FROM mine\nRUN x", id="a name"),
        pytest.param("ARG V=1\nFROM nginx:$V", "ARG V=1\nFROM mine", id="a name with a variable"),
        pytest.param('FROM --platform=linux/arm64 "nginx:1" AS nginx', "FROM --platform=linux/arm64 mine AS nginx", id="flag, quotes and stage"),
        pytest.param("FROM --platform=nginx:1/x nginx:1", "FROM --platform=nginx:1/x mine", id="a flag with the same text"),
        pytest.param("FROM \\\n  nginx:1 AS x", "FROM \\\n  mine AS x", id="a name on the next line"),
        pytest.param("FROM nginx:1 AS a\nCOPY --from=nginx:1 /a /b", "FROM mine AS a\nCOPY --from=mine /a /b", id="files of the image"),
        pytest.param("FROM other\nCOPY nginx:1 /", "FROM other\nCOPY nginx:1 /", id="no FROM of that name"),
    ],
)
def test_other_images_to_build_on_take_the_place_of_names(text: str, expected: str) -> None:
    assert dockerfile.with_bases(text, {"nginx:1": "mine"}, {}) == expected


def test_a_stage_with_the_name_of_an_image_stays_a_stage() -> None:
    assert dockerfile.with_bases("FROM nginx AS nginx\nFROM nginx", {"nginx": "mine"}, {}) == "FROM mine AS nginx\nFROM nginx"
