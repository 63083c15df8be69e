"""What the rehearsal did with each resource and property: run, checked, stored, stubbed, assumed, ignored."""

from __future__ import annotations

import errno
import threading

from preflight.model import LedgerEntry, Observations


class Ledger:
    """Entries by resource (stack name, dot, logical id) and property; the last one wins."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[tuple[str, str | None], tuple[str, str | None]] = {}
        self.troubles: list[str] = []
        self.notes: list[str] = []
        self.skipped: dict[str, str] = {}

    def enter(self, resource: str, name: str | None, state: str, note: str | None = None) -> None:
        """Note that `state` holds for a property, or (`name` None) for the whole resource."""
        with self._lock:
            self._entries[(resource, name)] = (state, note)

    def state(self, resource: str, name: str | None) -> str | None:
        """What the ledger says of a property; None where it says nothing."""
        with self._lock:
            return self._entries.get((resource, name), (None, None))[0]

    def trouble(self, what: str) -> None:
        """Something kept the rehearsal from telling; the run ends with exit code 2."""
        with self._lock:
            if what not in self.troubles:
                self.troubles.append(what)

    def unopened(self, address: str, port: int, error: OSError) -> None:
        """A port of an address of this machine could not be opened."""
        what = f"port {port} of {address} cannot be opened: {error.strerror}"
        is_low = error.errno in {errno.EACCES, errno.EPERM}
        advice = "run as root, or let podman give the run namespaces of its own: preflight doctor" if is_low else f"stop what listens on port {port} of all addresses here; `ss -ltnp sport = :{port}` shows it"
        self.trouble(f"{what}. Next: {advice}")

    def note(self, what: str) -> None:
        """Something that every report has to say."""
        with self._lock:
            if what not in self.notes:
                self.notes.append(what)

    def skip(self, definition: str, reason: str) -> None:
        """Tasks of a task definition (ARN) are only assumed to run, for that reason."""
        with self._lock:
            self.skipped[definition] = reason

    def observations(self) -> Observations:
        """Returns everything that the client reports."""
        with self._lock:
            return Observations(
                ledger=tuple(LedgerEntry(*key, *entry) for key, entry in self._entries.items()),
                notes=tuple(self.notes),
                problems=tuple(self.troubles),
                skipped=dict(self.skipped),
            )
