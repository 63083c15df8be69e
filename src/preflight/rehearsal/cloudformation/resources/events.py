"""Rules of EventBridge: stored, no event is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.cloudformation.resources.context import Request
from preflight.rehearsal.cloudformation.resources.declarative import (
    CallSpec,
    Change,
    ReadSpec,
    ResourceSpec,
    by_id,
    call,
    handler,
)
from preflight.rehearsal.cloudformation.resources.handler import Handler


def _put_targets(change: Change) -> Iterator[Request]:
    if change.new.get("Targets"):
        yield {"Rule": change.physical_id, "Targets": change.new["Targets"]}


def _remove_targets(change: Change) -> Iterator[Request]:
    ids = [target["Id"] for target in change.old.get("Targets") or []]
    if ids:
        yield {"Rule": change.physical_id, "Ids": ids}


_PUT_TARGETS = CallSpec("PutTargets", _put_targets, ("Targets",), "the rule is kept; no event is sent")
_REMOVE_TARGETS = CallSpec("RemoveTargets", _remove_targets)
_RULE = ResourceSpec(
    "events",
    create="PutRule",
    physical_id="Name",
    delete=(_REMOVE_TARGETS, call("DeleteRule", by_id("Name"))),
    reads=(
        ReadSpec("DescribeRule", by_id("Name")),
        ReadSpec("ListTargetsByRule", by_id("Rule"), "{Targets: Targets}"),
    ),
    update=(_REMOVE_TARGETS, "PutRule", _PUT_TARGETS),
    after_create=(_PUT_TARGETS,),
    name="Name",
    attributes={"Arn": "Arn"},
    dropped={"Targets": "it has a call of its own"},
)


TYPES: Mapping[str, Handler] = {"AWS::Events::Rule": handler(_RULE)}
