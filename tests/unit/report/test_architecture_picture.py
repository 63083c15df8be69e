"""The picture of a region: nothing lies upon anything else, and every text stays in its box."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from preflight.architecture import DeployedConnection, DeployedRegion
from preflight.report.html import architecture_picture, lettering
from preflight.report.html.shapes import Box, Label
from tests.unit.report.regions import REGIONS, twelve

FRAMES = {"region", "vpc", "zone", "subnet"}
SIZES = {"name": 13.5, "beside": 12, "place": 12, "code": 10.5, "address": 10.5}


@pytest.fixture(params=list(REGIONS.values()), ids=list(REGIONS))
def region(request: pytest.FixtureRequest) -> DeployedRegion:
    return request.param  # type: ignore[no-any-return] # as declared


def kind(box: Box) -> str:
    return box.look.split()[0]


def overlap(one: Box, other: Box) -> bool:
    return one.x < other.right and other.x < one.right and one.y < other.bottom and other.y < one.bottom


def contains(outer: Box, inner: Box) -> bool:
    return outer.x <= inner.x and inner.right <= outer.right and outer.y <= inner.y and inner.bottom <= outer.bottom


def extent(label: Label) -> tuple[float, float]:
    size = SIZES.get(label.look.split()[0] if label.look else "", 11)
    width = lettering.width(label.text, size, is_code="code" in label.look or label.look == "address")
    if "middle" in label.look:
        return label.x - width / 2, label.x + width / 2
    return (label.x - width, label.x) if label.is_end else (label.x, label.x + width)


def test_no_card_or_task_lies_upon_another(region: DeployedRegion) -> None:
    solid = [box for box in architecture_picture.picture(region).boxes if kind(box) not in FRAMES]

    assert not [(one.title, other.title) for one, other in itertools.combinations(solid, 2) if overlap(one, other)]


def test_every_task_lies_in_one_subnet(region: DeployedRegion) -> None:
    boxes = architecture_picture.picture(region).boxes
    subnets = [box for box in boxes if kind(box) == "subnet"]

    assert [sum(contains(subnet, box) for subnet in subnets) for box in boxes if kind(box) == "task"] == [1] * sum(
        kind(box) == "task" for box in boxes
    )


def test_a_task_lies_in_the_subnet_that_it_runs_in(region: DeployedRegion) -> None:
    boxes = architecture_picture.picture(region).boxes
    subnets = {box.title: box for box in boxes if kind(box) == "subnet"}
    places = {f"task {task.id} of {task.service}: {task.state}": task.subnet for task in region.tasks}

    assert not [box.title for box in boxes if kind(box) == "task" and not contains(subnets[places[box.title]], box)]


def test_subnets_and_zones_do_not_overlap(region: DeployedRegion) -> None:
    boxes = architecture_picture.picture(region).boxes

    for frame in ("subnet", "zone"):
        own = [box for box in boxes if kind(box) == frame]
        assert not [(one.title, other.title) for one, other in itertools.combinations(own, 2) if overlap(one, other)]


def test_every_text_fits_its_box(region: DeployedRegion) -> None:
    boxes = architecture_picture.picture(region).boxes
    labels = [(box, label, *extent(label)) for box in boxes for label in box.labels]

    assert not [label.text for box, label, left, right in labels if left < box.x or right > box.right]


def test_no_two_texts_of_a_box_overlap(region: DeployedRegion) -> None:
    for box in architecture_picture.picture(region).boxes:
        rows = itertools.groupby(sorted(box.labels, key=lambda label: label.y), key=lambda label: label.y)
        extents = [sorted(map(extent, labels)) for _, labels in rows]
        assert not [row for row in extents if any(a[1] > b[0] for a, b in itertools.pairwise(row))], box.title


def test_everything_lies_in_the_picture(region: DeployedRegion) -> None:
    picture = architecture_picture.picture(region)

    assert not [box.title for box in picture.boxes if box.x < 0 or box.y < 0 or box.right > picture.width or box.bottom > picture.height]


def test_ports_beside_cards_do_not_overlap(region: DeployedRegion) -> None:
    ports = [label for label in architecture_picture.picture(region).labels if "port" in label.look]

    clashes = [(a, b) for a, b in itertools.combinations(ports, 2) if a.x == b.x and abs(a.y - b.y) < 11]
    assert not clashes


def test_what_is_blocked_is_drawn_as_blocked() -> None:
    lines = architecture_picture.picture(twelve()).lines

    assert [line.title for line in lines if "blocked" in line.look] == ["blocked"]


def test_each_connection_is_a_line_that_ends_at_its_target() -> None:
    lines = [line.title for line in architecture_picture.picture(twelve()).lines]

    assert lines.count("service-a reaches service-c at port 8080") == 1
    assert "shop-web-alb reaches service-l at port 8080" in lines


def test_a_connection_to_something_that_is_not_drawn_is_left_out() -> None:
    region = replace(REGIONS["the article's"], connections=(DeployedConnection("a", "b", 80), DeployedConnection("internet", "b", 80)))

    assert architecture_picture.picture(region).lines == ()


def test_a_region_without_services_is_an_empty_frame() -> None:
    assert [kind(box) for box in architecture_picture.picture(DeployedRegion("eu-west-1")).boxes] == ["region"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("short", "short", id="as it is"),
        pytest.param("a-very-long-name-of-something", "a-very…ething", id="without its middle"),
        pytest.param("Service-RV3NOG", "Servic…V3NOG", id="capitals and digits, which are wide"),
        pytest.param("負荷分散装置の名前はここ", "負荷分…はここ", id="wide letters"),
    ],
)
def test_a_text_is_shortened_to_its_room(text: str, shown: str) -> None:
    assert lettering.fit(text, 86, 11) == shown
