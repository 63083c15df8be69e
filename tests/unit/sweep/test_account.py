from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from unittest import mock

import pytest

from preflight import errors
from preflight.deploy import run_tags as tags
from preflight.deploy.targets import account
from preflight.sweep import account as cleaning
from preflight.sweep import leftovers

MARK = tags.Mark("0a1b2c3d", "fa-018", dt.datetime(2030, 1, 1, tzinfo=dt.timezone.utc))
WANTED = cleaning.Wanted(None, ("eu-west-1", "us-east-1"), None, "0a1b2c3d", is_dry=False)


def test_a_region_that_cannot_be_asked_keeps_no_other_from_being_cleaned() -> None:
    gone: list[str] = []

    def found(_self: leftovers.Leftovers) -> Iterator[leftovers.Leftover]:
        return iter([leftovers.Leftover("bucket", "b", MARK)])

    def remove(_self: leftovers.Leftovers, one: leftovers.Leftover) -> list[str]:
        gone.append(one.name)
        return []

    trouble = errors.AccountError("no answer")
    with (
        mock.patch.object(account.Account, "session", side_effect=[trouble, mock.Mock()]),
        mock.patch.multiple(leftovers.Leftovers, found=found, remove=remove),
        pytest.raises(errors.AccountError, match="eu-west-1: no answer"),
    ):
        cleaning.clean(WANTED, lambda _: None)

    assert gone == ["b"]
