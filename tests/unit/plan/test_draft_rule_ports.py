from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from preflight.plan.draft import rule_ports
from preflight.plan.draft.parameter_values import DraftValue
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from tests.unit import growth

MakeEstate = Callable[..., ResolvedStacks]
NUMBER = 25


def rule(port: Any, cidr: str = "10.0.0.0/16", to_port: Any = None) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port if to_port is None else to_port, "CidrIp": cidr}


def ports(make_estate: MakeEstate, rules: Sequence[dict[str, Any]], *names: str) -> list[str]:
    """The ports of parameters that all begin with 8080."""
    document = document_with(make_estate, rules, names)
    values = rule_ports.with_distinct(document, guesses(names))
    return [values[name].text for name in names]


def document_with(make_estate: MakeEstate, rules: Sequence[dict[str, Any]], names: Iterable[str]) -> ResolvedTemplate:
    group = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "Group", "SecurityGroupIngress": list(rules)}}
    text = json.dumps({"Parameters": {name: {"Type": "Number"} for name in names}, "Resources": {"Group": group}})
    return make_estate(has_plan=False, root=text).documents[0]


def guesses(names: Iterable[str]) -> dict[str, DraftValue]:
    return {name: DraftValue("8080", "a guess") for name in names}


FIRST, SECOND = {"Ref": "First"}, {"Ref": "Second"}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param([rule(FIRST), rule(SECOND)], ["8081", "8080"], id="two parameters for one permission"),
        pytest.param([rule(FIRST), rule(8080)], ["8081", "8080"], id="a parameter beside a number"),
        pytest.param([rule(FIRST), rule(8080), rule(8081)], ["8082", "8080"], id="the next port is there too"),
        pytest.param([rule(FIRST), rule(SECOND, "10.1.0.0/16")], ["8080", "8080"], id="permissions for different networks"),
        pytest.param([rule(FIRST), rule(FIRST)], ["8080", "8080"], id="one parameter twice, which no port makes right"),
        pytest.param([rule(FIRST), rule(FIRST, "10.1.0.0/16"), rule(8080, "10.1.0.0/16")], ["8081", "8080"], id="one parameter in two rules"),
    ],
)
def test_ports_of_a_security_group_differ_if_they_can(make_estate: MakeEstate, rules: Sequence[dict[str, Any]], expected: list[str]) -> None:
    assert ports(make_estate, rules, "First", "Second") == expected


def test_every_port_is_taken_if_there_are_more_parameters_than_ports(make_estate: MakeEstate) -> None:
    names = [f"P{number}" for number in range(NUMBER)]

    assert set(ports(make_estate, [rule({"Ref": name}) for name in names], *names)) == set(rule_ports.PORTS)


def test_the_time_grows_with_the_rules_and_not_with_their_pairs(make_estate: MakeEstate) -> None:
    def work(number: int) -> Callable[[], object]:
        names = [f"P{n}" for n in range(number)]
        document = document_with(make_estate, [rule({"Ref": name}) for name in names], names)
        return lambda: rule_ports.with_distinct(document, guesses(names))

    assert growth.ratio(work(NUMBER), work(8 * NUMBER)) < 24  # 8, or 64 if each rule is compared with each
