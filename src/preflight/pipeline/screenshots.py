"""Takes pictures of the pages that answered, if Chromium is here."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from preflight.errors import ToolBrokeError, ToolMissingError
from preflight.model import Say
from preflight.system import browser
from preflight.system.browser import PictureTooLargeError

MOST, MOST_BYTES = 12, 2_000_000  # pictures of a run, and what they may weigh together


def take(pages: Mapping[str, tuple[str, int]], note: Say) -> dict[str, bytes]:
    """Returns PNG files by the URLs of pages, which are given with where they are found; if one fails, a note says why."""
    program = browser.find()
    shots: dict[str, bytes] = {}
    for url, receiver in itertools.islice(pages.items(), MOST if program is not None else 0):
        try:
            shot = browser.picture(program or "", url, receiver)
        except (ToolBrokeError, ToolMissingError, OSError) as error:
            note(f"the page shows no picture of {url}: {str(error).splitlines()[0]}")
            if isinstance(error, PictureTooLargeError):
                continue
            break  # the next one would take as long to fail
        if len(shot) + sum(map(len, shots.values())) <= MOST_BYTES:
            shots[url] = shot
    return shots
