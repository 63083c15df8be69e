"""The known name that a misspelt one is nearest to."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

NEAR = 0.85  # how alike two names are when one is taken for a misspelling of the other


def nearest(name: str, names: Sequence[str], *, cutoff: float = 0.6) -> str:
    """Returns ", did you mean …?" to put after an unknown name, or "." if nothing is similar."""
    close = difflib.get_close_matches(name, names, 1, cutoff)
    return f", did you mean {close[0]!r}?" if close else "."
