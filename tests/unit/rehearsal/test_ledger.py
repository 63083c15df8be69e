from __future__ import annotations

import errno

from preflight.rehearsal.ledger import Ledger


def test_a_port_that_is_taken_is_reported_with_the_next_step() -> None:
    ledger = Ledger()
    ledger.unopened("127.64.0.1", 80, OSError(errno.EADDRINUSE, "Address already in use"))

    error = "port 80 of 127.64.0.1 cannot be opened: Address already in use"
    assert ledger.troubles == [f"{error}. Next: stop what listens on port 80 of all addresses here; `ss -ltnp sport = :80` shows it"]


def test_a_port_that_only_root_may_open_is_reported_with_what_opens_it() -> None:
    ledger = Ledger()
    ledger.unopened("127.64.0.1", 80, PermissionError(errno.EACCES, "Permission denied"))

    assert "preflight doctor" in ledger.troubles[0]
