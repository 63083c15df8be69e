from __future__ import annotations

from collections.abc import Callable

import pytest

from preflight.comply.cross_template_rules import container_resources
from preflight.plan.resolved_stacks import ResolvedStacks


def definition(containers: str, size: str = "Cpu: 512, Memory: 1024") -> str:
    return f"""\
Parameters:
  P: {{Type: String}}
Resources:
  T:
    Type: AWS::ECS::TaskDefinition
    Properties: {{{size}, ContainerDefinitions: {containers}}}
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(definition("[{Name: a, Cpu: 256, Memory: 512}, {Name: b, Cpu: 256, MemoryReservation: 512}]"), [], id="they fit"),
        pytest.param(definition("[{Name: a, Memory: 1025}]"), ["ContainerDefinitions.0.Memory"], id="a limit over the task's"),
        pytest.param(definition("[{Name: a, Memory: '2048'}]", "Cpu: 512, Memory: 1 GB"), ["ContainerDefinitions.0.Memory"], id="the task's in GB"),
        pytest.param(definition("[{Name: a, Cpu: 300}, {Name: b, Cpu: 300}]"), ["Cpu"], id="the sum of CPU"),
        pytest.param(definition("[{Name: a, Cpu: 300}, {Name: b, Cpu: 300}]", "Cpu: 1 vCPU, Memory: 2048"), [], id="the task's in vCPU"),
        pytest.param(definition("[{Name: a, Memory: 1024}, {Name: b, MemoryReservation: 512}]"), [], id="a hard limit does not add up"),
        pytest.param(definition("[{Name: a, MemoryReservation: 600}, {Name: b, MemoryReservation: 600}]"), ["Memory"], id="the sum of reservations"),
        pytest.param(definition("[{Name: a, Memory: 512, MemoryReservation: 513}]"), ["ContainerDefinitions.0.MemoryReservation"], id="a reservation over the limit"),
        pytest.param(definition("[{Name: a, Memory: 512, MemoryReservation: 512}]"), [], id="a reservation that is the limit"),
        pytest.param(definition("[{Name: a, Memory: 9999}]", "Cpu: !Ref P, Memory: !Ref P"), [], id="a task of unknown size"),
        pytest.param(definition("[{Name: a, Memory: !Ref P}]"), [], id="a limit that is not known"),
        pytest.param(definition("[!Ref P, 3, [x], {Name: [y], Memory: {a: b}, Cpu: [1]}]"), [], id="containers that are none"),
        pytest.param(definition("text", "Cpu: [1], Memory: {a: b}"), [], id="sizes that are none"),
    ],
)  # fmt: skip
def test_containers_fit_into_their_task(make_estate: Callable[..., ResolvedStacks], text: str, found: list[str]) -> None:
    assert [offence.property for offence in container_resources.check(make_estate(root=text))] == found
