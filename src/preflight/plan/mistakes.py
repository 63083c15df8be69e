"""What is wrong with a plan: every mistake of it, each with file and line, in the order of the lines."""

from __future__ import annotations

from collections.abc import Sequence

from preflight import model
from preflight.errors import MistakesError
from preflight.system import spelling
from preflight.templates.template import Key, Template

MOST = 1000  # characters of a message


class PlanMistakes:
    """Collects the mistakes of one plan, so that they are reported at once."""

    def __init__(self, read: Template) -> None:
        self._read = read
        self._found: list[tuple[int, str]] = []

    def note(self, what: str, *where: Key) -> None:
        """Add the mistake about the part at `where`; a long value is cut short."""
        line = self._read.line(*where)
        self._found.append((line, f"{self._read.name}:{line}: {model.visible(_short(what))}"))

    def note_unknown(self, kind: str, name: str, names: Sequence[str], *where: Key, of: str = "") -> None:
        """Add that no such thing is known, with the nearest name and all names; `of` says whose it is."""
        self.note(f"{of}unknown {kind} {name!r}{spelling.nearest(name, names)} Expected: {', '.join(names)}", *where)

    def report(self) -> None:
        """Raise all mistakes, if there are some.

        Raises:
            MistakesError: what is wrong.
        """
        if self._found:
            raise MistakesError(list(dict.fromkeys(message for _, message in sorted(self._found, key=lambda mistake: mistake[0]))))


def _short(text: str) -> str:
    return text if len(text) <= MOST else f"{text[: MOST // 2]} … {text[-MOST // 2 :]}"
