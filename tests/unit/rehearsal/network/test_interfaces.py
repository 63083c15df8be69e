from __future__ import annotations

from preflight.rehearsal.network import interfaces


def test_interfaces_have_all_addresses_of_a_subnet_but_the_five_that_aws_reserves() -> None:
    taken: list[str] = []
    while (address := interfaces.free_address("10.0.0.0/28", set(taken))) is not None:
        taken.append(address)

    assert taken == [f"10.0.0.{number}" for number in range(4, 15)]
