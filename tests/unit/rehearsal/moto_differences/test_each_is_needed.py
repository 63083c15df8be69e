"""Each correction is needed, because bare moto does otherwise, and it is made.

When moto comes to do as AWS does, the first of the two tests says so, and the correction goes.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.rehearsal.moto_differences.differences import ALL, Correction

Client = Callable[[str], Any]
EACH = pytest.mark.parametrize("correction", [pytest.param(correction, id=correction.id) for correction in ALL])


@EACH
def test_bare_moto_does_otherwise(bare: Client, correction: Correction) -> None:
    assert correction.act(bare) == correction.moto


@EACH
def test_the_rehearsal_does_as_aws(ours: Client, correction: Correction) -> None:
    assert correction.act(ours) == correction.ours


@pytest.mark.parametrize("path", sorted({correction.moto_file for correction in ALL}))
def test_the_file_of_moto_is_there(path: str) -> None:
    found = importlib.util.find_spec("moto")

    assert found is not None
    assert found.origin is not None
    assert (Path(found.origin).parent / path).is_file()
