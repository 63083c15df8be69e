"""The stages and the targets of a run, by name."""

from __future__ import annotations

from collections.abc import Collection

STAGES = ("lint", "comply", "rehearse", "update", "smoke")  # update: only if the plan or the caller says from where
LIVE_STAGES = ("rehearse", "update", "smoke")  # those that deploy something
TARGETS = ("rehearsal", "aws")


def is_live(stages: Collection[str]) -> bool:
    """Whether one of the stages deploys something."""
    return not set(LIVE_STAGES).isdisjoint(stages)
