"""The network of image builds: the internet, but neither this machine nor link-local addresses.

The build runs in the network namespace of a container on the engine's own network, with its pulls and
downloads; rules in that namespace keep it from the addresses of this machine, among them the gateway, and
from link-local ones, such as a cloud's metadata service.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from preflight.container_engine import engine as engines
from preflight.container_engine import pause_image
from preflight.container_engine.engine import Engine
from preflight.errors import ToolBrokeError
from preflight.system import iptables, processes, run_folders

MODES = ("restricted", "none")
LINK_LOCAL = "169.254.0.0/16"
_OWN = re.compile(r"\|-- ([0-9.]+)\n\s+/32 host LOCAL")


@contextlib.contextmanager
def namespace(engine: Engine, run: str, *, is_closed: bool = False) -> Iterator[Path]:
    """Yields the network namespace for a build, without any network if it `is_closed`; it ends with the block.

    Raises:
        ToolBrokeError: it cannot be made.
    """
    labels = [f"--label={engines.RUN_LABEL}={run}", f"--label={engines.OWNER_LABEL}={run_folders.owner_name()}"]
    network = ("--network=none",) if is_closed else ()
    holder = f"preflight-build-{run}-{secrets.token_hex(4)}"  # known before it is made: the engine may be stopped in between
    try:
        engine.must("run", "--detach", f"--name={holder}", *network, *labels, pause_image.IMAGE)
        pid = engine.must("inspect", "--type", "container", "--format", "{{.State.Pid}}", holder)
        path = Path(f"/proc/{pid}/ns/net")
        if not is_closed:
            _restrict(path, Path(f"/proc/{pid}/net/if_inet6"))
        yield path
    finally:
        made = engine.run("ps", "--all", "--quiet", "--no-trunc", "--filter", f"name={holder}").stdout.split()
        engine.run("kill", holder)  # it ignores SIGTERM, and `rm` would wait for it
        engine.run("rm", "--force", holder)
        engines.end_monitors(engine, made)


def _restrict(path: Path, addresses: Path) -> None:
    _add(path, "filter", rules(own_addresses(), resolvers()))
    _close_ipv6(path, addresses)


def close_machine(path: Path) -> None:
    """Keep a task that may reach the network from this machine and from link-local addresses.

    The rules stand where addresses have been translated already: those of the task's own endpoints are not link-local there.
    """
    of_tasks = [rule.replace("-A OUTPUT", "-A POSTROUTING").replace("REJECT", "DROP") for rule in rules(own_addresses(), resolvers())]
    _add(path, "mangle", of_tasks)


def _add(path: Path, table: str, added: Sequence[str]) -> None:
    completed = iptables.add(path, {table: added})
    if completed.code != 0:
        raise ToolBrokeError(str(completed))


def own_addresses(fib_trie: str = "") -> list[str]:
    """Returns this machine's IPv4 addresses, but for those of loopback."""
    found = _OWN.findall(fib_trie or Path("/proc/net/fib_trie").read_text(encoding="utf-8"))
    return sorted({address for address in found if not ipaddress.ip_address(address).is_loopback})


def rules(own: Sequence[str], nameservers: list[str]) -> list[str]:
    """Returns the rules of iptables: DNS of this machine's resolvers, and nothing else of its `own` addresses. Pure."""
    dns = [f"-d {server} -p {protocol} --dport 53 -j ACCEPT" for server in nameservers for protocol in ("udp", "tcp")]
    closed = [f"-d {address} -j REJECT" for address in (LINK_LOCAL, *own)]
    return [f"-A OUTPUT {rule}" for rule in (*dns, *closed)]


def resolvers(file: Path = Path("/etc/resolv.conf")) -> list[str]:
    """Returns the IPv4 addresses of the nameservers that a container of this machine can use."""
    try:
        words = [line.split() for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return []
    servers = [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]
    return [name for name in servers if re.fullmatch(r"[0-9.]+", name) and not name.startswith("127.")]


def _close_ipv6(path: Path, addresses: Path) -> None:
    """Let no packet of IPv6 out: this machine answers at a link-local address."""
    completed = processes.run("nsenter", f"--net={path}", "ip6tables", "-P", "OUTPUT", "DROP", timeout=30)
    if completed.code != 0 and addresses.is_file() and addresses.read_text(encoding="utf-8").strip():
        raise ToolBrokeError(str(completed))
