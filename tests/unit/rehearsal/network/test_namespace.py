from __future__ import annotations

import pytest

from preflight.rehearsal.network import namespace


def test_an_error_inside_a_namespace_is_raised_in_the_calling_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespace, "enter", lambda _pid: None)

    def act() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        namespace.within(0, act)
