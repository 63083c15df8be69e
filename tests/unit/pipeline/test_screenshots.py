from __future__ import annotations

from unittest import mock

import pytest

from preflight.errors import ToolBrokeError
from preflight.pipeline import screenshots
from preflight.system import browser
from preflight.system.browser import PictureTooLargeError

PAGES = {"http://a/": ("127.64.0.1", 80), "http://b/": ("127.64.0.2", 80)}


@pytest.mark.parametrize(
    ("error", "pictures"),
    [
        pytest.param(PictureTooLargeError("too large"), {"http://b/": b"png"}, id="one too large: the others are taken"),
        pytest.param(ToolBrokeError("it took too long"), {}, id="a browser that breaks: it would break again"),
        pytest.param(OSError(28, "No space left on device"), {}, id="no space"),
    ],
)
def test_a_picture_that_fails_is_noted_and_ends_no_run(monkeypatch: pytest.MonkeyPatch, error: Exception, pictures: dict[str, bytes]) -> None:
    notes: list[str] = []
    monkeypatch.setattr(browser, "find", mock.Mock(return_value="chromium"))
    monkeypatch.setattr(browser, "picture", mock.Mock(side_effect=[error, b"png"]))

    assert screenshots.take(PAGES, notes.append) == pictures
    assert notes == [f"the page shows no picture of http://a/: {error}"]
