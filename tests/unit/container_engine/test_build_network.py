from __future__ import annotations

from pathlib import Path

import pytest

from preflight.container_engine import build_network
from preflight.container_engine.engine import Engine
from preflight.errors import StopRequested
from preflight.system import processes
from preflight.system.processes import CompletedProcess

FIB_TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 10.88.0.1
        /32 host LOCAL
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 192.0.2.2
        /32 host LOCAL
     |-- 192.0.2.0
        /24 link UNICAST
"""


@pytest.mark.hostile(
    5,
    "build1",
    input="a RUN instruction connects to this machine or a cloud's metadata service",
    happens="refused: builds have a network of their own, or none with `--build-network none`",
)
def test_a_build_reaches_neither_this_machine_nor_link_local_addresses() -> None:
    assert build_network.rules(build_network.own_addresses(FIB_TRIE), []) == [
        "-A OUTPUT -d 169.254.0.0/16 -j REJECT",
        "-A OUTPUT -d 10.88.0.1 -j REJECT",
        "-A OUTPUT -d 192.0.2.2 -j REJECT",
    ]


def test_the_resolvers_of_this_machine_may_be_asked_wherever_they_are() -> None:
    assert build_network.rules([], ["169.254.169.253"]) == [
        "-A OUTPUT -d 169.254.169.253 -p udp --dport 53 -j ACCEPT",
        "-A OUTPUT -d 169.254.169.253 -p tcp --dport 53 -j ACCEPT",
        "-A OUTPUT -d 169.254.0.0/16 -j REJECT",
    ]


@pytest.mark.parametrize(
    ("text", "resolvers"),
    [
        pytest.param("search x\nnameserver 192.0.2.53\n", ["192.0.2.53"], id="one"),
        pytest.param("nameserver 127.0.0.53\n", [], id="on loopback, which a container cannot reach"),
        pytest.param("nameserver fe80::1%eth0\nnameserver\n", [], id="none of IPv4"),
    ],
)
def test_resolvers_are_read_from_resolv_conf(tmp_path: Path, text: str, resolvers: list[str]) -> None:
    (tmp_path / "resolv.conf").write_text(text)

    assert build_network.resolvers(tmp_path / "resolv.conf") == resolvers


class InterruptedEngine(Engine):
    """An engine that is stopped when it has made a container, and before it could say which."""

    def __init__(self) -> None:
        super().__init__("podman", "5.0.0")
        self.containers: set[str] = set()

    def must(self, *args: str, **_: object) -> str:
        self.containers |= {arg.removeprefix("--name=") for arg in args if arg.startswith("--name=")} or {"one without a name"}
        raise StopRequested(130)

    def run(self, *args: str, **_: object) -> CompletedProcess:
        if args[0] == "rm":
            self.containers -= set(args)
        return CompletedProcess(tuple(args), 0, "7ccc6b08\n" if args[0] == "ps" else "", "")


def test_a_run_that_is_stopped_while_the_network_of_its_build_is_made_removes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, ended = InterruptedEngine(), list[str]()
    monkeypatch.setattr(processes, "kill_with_children", ended.append)

    with pytest.raises(StopRequested), build_network.namespace(engine, "0a1b2c3d"):
        pass

    assert engine.containers == set()
    assert ended == ["7ccc6b08"]
