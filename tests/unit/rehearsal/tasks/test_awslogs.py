from __future__ import annotations

import pytest

from preflight.rehearsal.tasks import awslogs


@pytest.mark.parametrize(
    ("moment", "found"),
    [
        pytest.param("1970-01-01T00:00:01.234567890Z", 1234, id="nanoseconds, Zulu"),
        pytest.param("1970-01-01T01:00:01.5+01:00", 1500, id="another zone"),
    ],
)
def test_the_moment_of_a_log_line(moment: str, found: int) -> None:
    assert awslogs.milliseconds(moment) == found
