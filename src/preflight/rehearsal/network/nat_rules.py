"""The rules of iptables in the namespace of a task, by table. Pure.

Connections to ports that a task reaches are redirected to its relay, by a chain that changes as ports open and close.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network

REACHABLE = "REACHABLE"  # the chain
Rules = dict[str, list[str]]


def redirect(address: str, *, to: str, port: int | None = None, protocol: str = "tcp", chain: str = "OUTPUT") -> str:
    """Returns the rule that redirects packets for an address or block, or for one of its ports."""
    ports = "" if port is None else f" --dport {port}"
    return f"--append {chain} --destination {address} --protocol {protocol}{ports} --jump DNAT --to-destination {to}"


def of_task(
    address: str,
    blocks: list[IPv4Network],
    *,
    resolvers: Iterable[str],
    dns_server: str,
    relayed: Iterable[str],
    relay: str,
) -> Rules:
    """Returns the rules of a task with that address in a VPC with those blocks.

    DNS queries to `resolvers` go to the DNS server, connections to the blocks `relayed` to the relay; the rest of the VPC
    refuses connections unless the chain of reachable ports redirects them.
    """
    return {
        "nat": [
            f":{REACHABLE} - [0:0]",
            f"--append OUTPUT --destination {address} --jump RETURN",
            *(redirect(resolver, to=dns_server, port=53, protocol="udp") for resolver in resolvers),
            *(redirect(block, to=relay) for block in relayed),
            f"--append OUTPUT --protocol tcp --jump {REACHABLE}",
        ],
        "filter": [
            "--append OUTPUT --match conntrack --ctstate ESTABLISHED,RELATED --jump ACCEPT",
            f"--append OUTPUT --destination {address} --jump ACCEPT",
            *(
                f"--append OUTPUT --destination {b} --protocol tcp --jump REJECT --reject-with tcp-reset"
                for b in blocks
            ),
            *(f"--append OUTPUT --destination {block} --jump REJECT" for block in blocks),
        ],
    }


def of_reachable_ports(ports: Iterable[tuple[str, int]], *, relay: str) -> Rules:
    """Returns the chain that redirects connections to these addresses and ports to the relay."""
    rules = [redirect(address, to=relay, port=port, chain=REACHABLE) for address, port in sorted(ports)]
    return {"nat": [f":{REACHABLE} - [0:0]", *rules]}
