"""Orders what runs in a VPC into lanes (a load balancer or service each) and tiers (rows of subnets across zones)."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from preflight.architecture import DeployedRegion, DeployedSubnet, DeployedTask, DeployedVpc
from preflight.report.html.cards import Cards, CardText

Tier = tuple[bool, int]  # whether it is private, and which one of its kind in its zone
MOST_LANES = 40
MOST_STOPPED = 2  # tasks that are drawn of a service of which none runs
NOWHERE: Tier = (True, 99)


@dataclass(frozen=True)
class Lane:
    """A load balancer or service with its card, and its tasks or addresses by subnet."""

    name: str
    card: CardText
    subnets: tuple[str, ...]
    tasks: Mapping[str, tuple[DeployedTask, ...]] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)


def lanes_of(region: DeployedRegion, vpc: DeployedVpc) -> list[Lane]:
    """Returns the lanes of a VPC: load balancers first, then services behind the same one beside each other."""
    cards = Cards(region)
    balancers = [
        Lane(b.name, cards.load_balancer(b), tuple(b.addresses), addresses=b.addresses)
        for b in region.load_balancers
        if b.vpc == vpc.id
    ]
    fronts = {name: n for n, b in enumerate(region.load_balancers) for listener in b.listeners for name in listener.services}
    services = sorted((s for s in region.services if s.vpc == vpc.id), key=lambda s: (fronts.get(s.name, len(fronts)), s.name))
    lanes = [Lane(s.name, cards.service(s), s.subnets, _by_subnet(region.tasks, s.name)) for s in services]
    return [*balancers, *lanes][:MOST_LANES]


def _by_subnet(tasks: Iterable[DeployedTask], service: str) -> dict[str, tuple[DeployedTask, ...]]:
    own = [task for task in tasks if task.service == service]
    running = [task for task in own if task.state != "STOPPED"]
    shown = running or own[-MOST_STOPPED:]
    subnets = dict.fromkeys(task.subnet for task in shown)
    return {subnet: tuple(task for task in shown if task.subnet == subnet) for subnet in subnets}


def used_subnets(vpc: DeployedVpc, lanes: Sequence[Lane]) -> list[DeployedSubnet]:
    """Returns the subnets in which something runs or may run, by zone, public ones first."""
    used = {subnet for lane in lanes for subnet in (*lane.subnets, *lane.tasks)}
    return sorted((s for s in vpc.subnets if s.id in used), key=lambda s: (s.zone, not s.is_public, _first_address(s.cidr)))


def tiers_of(subnets: Sequence[DeployedSubnet]) -> dict[str, Tier]:
    """Returns the tier of each subnet."""
    counts: Counter[tuple[str, bool]] = Counter()
    tiers = {}
    for subnet in subnets:
        place = subnet.zone, not subnet.is_public
        tiers[subnet.id] = (not subnet.is_public, counts[place])
        counts[place] += 1
    return tiers


def rows_of(lanes: Sequence[Lane], tiers: Mapping[str, Tier]) -> list[tuple[Tier, Lane]]:
    """Returns the rows from top to bottom: a lane appears in each tier that it has subnets in."""
    places = [
        (tier, n) for n, lane in enumerate(lanes) for tier in sorted({tiers.get(s, NOWHERE) for s in lane.subnets} or {NOWHERE})
    ]
    return [(tier, lanes[n]) for tier, n in sorted(places)]


def _first_address(cidr: str) -> int:
    try:
        return int(ipaddress.ip_network(cidr).network_address)
    except ValueError:
        return 0
