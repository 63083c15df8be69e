"""Draws a region: cards of load balancers and services beside their tasks in zones and subnets, and who reaches whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from preflight.architecture import DeployedRegion, DeployedSubnet, DeployedVpc
from preflight.report.html import cards, lanes, lettering
from preflight.report.html.cards import Cards
from preflight.report.html.connections import Wiring, buses_of, gutter
from preflight.report.html.lanes import Lane
from preflight.report.html.shapes import Box, Label, Line, Picture

EDGE, INTERNET, ENTRANCE = 2.0, 88.0, 40.0  # the margin, and the width of the internet and of the way to the region
FRAME, HEAD, SUBNET_HEAD, GAP = 14.0, 28.0, 44.0, 12.0
PORTS = 72.0  # for the ports of lines from the internet, beside the cards
ZONE = cards.TASK_WIDTH + 4 * 8
PILL, TASK_GAP, MOST_TASKS = 26.0, 6.0, 4


def picture(region: DeployedRegion) -> Picture:
    """Returns the picture of a region."""
    return RegionPicture(region).picture()


class RegionPicture:
    """The places of everything in a region, as they are found from top to bottom."""

    def __init__(self, region: DeployedRegion) -> None:
        self._region = region
        self._cards = Cards(region)
        self._outer, self._inner = buses_of(region.connections)
        self._left = EDGE + (INTERNET + ENTRANCE if self._outer else 0)
        self._card_left = self._left + 2 * FRAME + (PORTS if self._outer else 0)
        self._zones_left = self._card_left + cards.WIDTH + gutter(self._inner)
        self._placed: dict[str, Box] = {}
        self._boxes: list[Box] = []
        self._labels: list[Label] = []

    def picture(self) -> Picture:
        """Returns everything at its place."""
        bottom, right = EDGE + HEAD + 6, self._zones_left
        for vpc in self._region.vpcs:
            frame = self._vpc(vpc, bottom)
            bottom, right = frame.bottom + GAP, max(right, frame.right)
        title = (Label(self._left + FRAME, EDGE + 19, f"Region {self._region.name}", "place"),)
        frame = Box(self._left, EDGE, right + FRAME - self._left, bottom - EDGE, "region", title)
        outside, wires = self._internet(), list(self._wires())
        return Picture(
            f"What runs in {self._region.name}",
            frame.right + EDGE,
            frame.bottom + EDGE,
            (frame, *outside, *self._boxes),
            tuple(wire for wire in wires if isinstance(wire, Line)),
            (*self._labels, *(wire for wire in wires if isinstance(wire, Label))),
        )

    def _vpc(self, vpc: DeployedVpc, top: float) -> Box:
        """Places a VPC below `top` and returns its frame."""
        own = lanes.lanes_of(self._region, vpc)
        subnets = lanes.used_subnets(vpc, own)
        zones = {zone: self._zones_left + n * (ZONE + GAP) for n, zone in enumerate(dict.fromkeys(s.zone for s in subnets))}
        right = max([*(x + ZONE for x in zones.values()), self._zones_left]) + FRAME
        at = len(self._boxes)
        bottom = self._rows(own, subnets, zones, top + HEAD + 30)
        for zone, x in zones.items():
            head = Label(x + 10, top + HEAD + 22, zone, "place")
            self._boxes.insert(at, Box(x, top + HEAD + 4, ZONE, bottom - top - HEAD, "zone", (head,)))
        bottom = self._unused(vpc, subnets, bottom + 16, right)
        name = f"VPC {vpc.name}".strip()
        title = Label(self._left + 2 * FRAME, top + 19, f"{name}  {vpc.cidr}", "place", vpc.id)
        frame = Box(self._left + FRAME, top, right - self._left - FRAME, bottom - top, "vpc", (title,), vpc.id)
        self._boxes.insert(at, frame)
        return frame

    def _rows(self, own: Sequence[Lane], subnets: Sequence[DeployedSubnet], zones: Mapping[str, float], top: float) -> float:
        """Places cards, subnets and what is in them, tier by tier, and returns where they end."""
        tiers = lanes.tiers_of(subnets)
        rows = lanes.rows_of(own, tiers)
        for tier in dict.fromkeys(tier for tier, _ in rows):
            in_tier = [subnet for subnet in subnets if tiers[subnet.id] == tier]
            at, y = len(self._boxes), top + SUBNET_HEAD
            for lane in (lane for of, lane in rows if of == tier):
                y += self._row(lane, in_tier, zones, y) + GAP
            self._boxes[at:at] = [_subnet(subnet, zones[subnet.zone] + 8, top, y - top - 4) for subnet in in_tier]
            top = y + 4
        return top

    def _row(self, lane: Lane, subnets: Sequence[DeployedSubnet], zones: Mapping[str, float], y: float) -> float:
        """Places a lane in a tier and returns how high it is; its card is where it comes up first."""
        heights = [PILL]
        if lane.name in self._placed:
            text = lettering.fit(f"{lane.name}, continued", cards.WIDTH - 20, 11)
            self._labels.append(Label(self._card_left + cards.WIDTH - 4, y + 16, text, "soft", lane.name, is_end=True))
        else:
            self._placed[lane.name] = lane.card.at(self._card_left, y)
            self._boxes.append(self._placed[lane.name])
            heights.append(lane.card.height)
        heights += [self._cell(lane, subnet.id, zones[subnet.zone] + 16, y) for subnet in subnets]
        return max(heights)

    def _cell(self, lane: Lane, subnet: str, x: float, y: float) -> float:
        """Places what a lane has in a subnet, and returns how high that is."""
        if subnet in lane.addresses:
            address = lettering.fit(lane.addresses[subnet] or "interface", cards.TASK_WIDTH - 30, 10.5, is_code=True)
            self._boxes.append(Box(x, y, cards.TASK_WIDTH, PILL, "pill", (Label(x + 14, y + 17, address, "address", lane.name),), lane.name))
            return PILL
        tasks = lane.tasks.get(subnet, ())
        for n, task in enumerate(tasks[:MOST_TASKS]):
            self._boxes.append(self._cards.task(task, x, y + n * (cards.TASK_HEIGHT + TASK_GAP)))
        height = len(tasks[:MOST_TASKS]) * (cards.TASK_HEIGHT + TASK_GAP)
        if len(tasks) > MOST_TASKS:
            self._labels.append(Label(x + 14, y + height + 12, f"and {len(tasks) - MOST_TASKS} more tasks", "soft"))
            height += 20
        return height

    def _unused(self, vpc: DeployedVpc, used: Sequence[DeployedSubnet], top: float, right: float) -> float:
        """Names the subnets in which nothing of the deployment is, in a line."""
        names = [subnet.name or subnet.id for subnet in vpc.subnets if subnet not in used]
        if not names:
            return top
        text = f"Subnets with no task: {', '.join(names)}"
        x = self._left + 2 * FRAME
        self._labels.append(Label(x, top + 8, lettering.fit(text, right - x - FRAME, 11), "soft", text))
        return top + 22

    def _internet(self) -> list[Box]:
        reached = [self._placed[bus.target] for bus in self._outer if bus.target in self._placed]
        if not reached:
            return []
        top, bottom = min(card.y for card in reached) + 4, max(card.y for card in reached) + 44
        label = Label(EDGE + INTERNET / 2, (top + bottom) / 2 + 4, "Internet", "name middle")
        return [Box(EDGE, top, INTERNET, bottom - top, "internet", (label,))]

    def _wires(self) -> Iterator[Line | Label]:
        wiring = Wiring(self._placed)
        yield from wiring.from_internet(self._outer, EDGE + INTERNET)
        yield from wiring.between(self._inner)


def _subnet(subnet: DeployedSubnet, x: float, y: float, height: float) -> Box:
    kind = "public" if subnet.is_public else "private"
    name = lettering.fit(subnet.name or subnet.id, ZONE - 40, 11.5)
    labels = (
        Label(x + 10, y + 17, name, "subnet-name", f"{subnet.name} {subnet.id}".strip()),
        Label(x + 10, y + 32, f"{kind} · {subnet.cidr}", "soft small"),
    )
    return Box(x, y, ZONE - 16, height, f"subnet {kind}", labels, subnet.id)
