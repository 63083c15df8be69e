"""Rules of EventBridge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.declarative import ReadSpec, ResourceSpec, by, handler
from preflight.rehearsal.cloudformation.resources.handler import (
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
)

_EVENT_RULE = ResourceSpec(
    "events",
    create="PutRule",
    identify="Name",
    delete="DeleteRule",
    gone=by("Name"),
    read=ReadSpec("DescribeRule", by("Name"), "@"),
    update="PutRule",
    named="Name",
    attributes={"Arn": "Arn"},
    dropped=frozenset({"Targets"}),
)


def _put_rule(place: HandlerContext, given: Properties) -> CreatedResource:
    return _targeted(place, handler(_EVENT_RULE).create(place, given), given)


def _targeted(place: HandlerContext, made: CreatedResource, given: Properties) -> CreatedResource:
    if given.get("Targets"):
        place.call("events", "PutTargets", {"Rule": made.id, "Targets": given["Targets"]})
        place.note("Targets", "stored", "the rule is kept; no event is sent")
    return made


def _update_rule(place: HandlerContext, name: str, old: Properties, new: Properties) -> CreatedResource:
    _drop_targets(place, name, old)
    update = handler(_EVENT_RULE).update
    return _targeted(place, update(place, name, old, new) if update else CreatedResource(name), new)


def _drop_targets(place: HandlerContext, name: str, given: Properties) -> None:
    ids = [target["Id"] for target in given.get("Targets") or []]
    if ids:
        place.ask("events", "RemoveTargets", Rule=name, Ids=ids)


def _delete_rule(place: HandlerContext, name: str, given: Properties) -> None:
    _drop_targets(place, name, given)
    place.ask("events", "DeleteRule", Name=name)


def _read_rule(place: HandlerContext, name: str, _given: Properties) -> dict[str, Any]:
    targets = place.ask("events", "ListTargetsByRule", Rule=name)["Targets"]
    return {**place.ask("events", "DescribeRule", Name=name), "Targets": targets}


TYPES: Mapping[str, Handler] = {
    "AWS::Events::Rule": Handler(_put_rule, _delete_rule, _update_rule, _read_rule),
}
