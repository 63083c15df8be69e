from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from unittest import mock

import pytest

from preflight.deploy.run_tags import RunTags
from preflight.deploy.targets.account import RealAccount
from preflight.errors import AccountError
from preflight.sweep import aws_account as cleaning
from preflight.sweep.aws_account import SweepRequest
from preflight.sweep.tagged_resources import Leftover, Leftovers

MARK = RunTags("0a1b2c3d", "fa-018", dt.datetime(2030, 1, 1, tzinfo=dt.timezone.utc))
WANTED = SweepRequest(None, ("eu-west-1", "us-east-1"), None, "0a1b2c3d", is_dry=False)


def test_a_region_that_cannot_be_asked_keeps_no_other_from_being_cleaned() -> None:
    gone: list[str] = []

    def found(_self: Leftovers) -> Iterator[Leftover]:
        return iter([Leftover("bucket", "b", MARK)])

    def remove(_self: Leftovers, one: Leftover) -> list[str]:
        gone.append(one.name)
        return []

    trouble = AccountError("no answer")
    with (
        mock.patch.object(RealAccount, "session", side_effect=[trouble, mock.Mock()]),
        mock.patch.multiple(Leftovers, found=found, remove=remove),
        pytest.raises(AccountError, match="eu-west-1: no answer"),
    ):
        cleaning.sweep_account(WANTED, lambda _: None)

    assert gone == ["b"]
