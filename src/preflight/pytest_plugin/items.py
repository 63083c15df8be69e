"""A plan as test items: one for each of its stages."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from preflight import model
from preflight.errors import MistakesError, PreflightError
from preflight.model import Outcome
from preflight.pipeline.stages import STAGES
from preflight.pytest_plugin import session


class PlanFile(pytest.File):
    """A plan: its stages are test items."""

    def collect(self) -> Iterable[pytest.Item]:
        """Yields an item for each stage; for `update` only if the options or the plan say from where."""
        has_update = session.has_update(self.config, self.path)
        for stage in STAGES if has_update else [name for name in STAGES if name != "update"]:
            yield StageItem.from_parent(self, name=stage)


class StageItem(pytest.Item):
    """One stage of a plan; the first one to run runs all that the session has selected."""

    is_stage_of_plan = True

    def runtest(self) -> None:
        """Fail with the stage's findings.

        Raises:
            StageFailedError: the stage did not pass.
        """
        result = session.results(self.config, self.path, self._selected())[self.name]
        if result.outcome == Outcome.SKIPPED.value:
            pytest.skip(model.visible(result.reason))
        if result.outcome != Outcome.PASS.value:
            raise StageFailedError(result.text)

    def _selected(self) -> tuple[str, ...]:
        """Returns the stages of this plan that the session runs."""
        names = {item.name for item in self.session.items if isinstance(item, StageItem) and item.path == self.path}
        return tuple(stage for stage in STAGES if stage in names)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:  # noqa: ARG002 - pytest's signature
        """Returns the findings; a traceback only for an internal error."""
        if isinstance(excinfo.value, StageFailedError):
            return str(excinfo.value)
        if isinstance(excinfo.value, MistakesError):
            return "\n".join(map(model.visible, excinfo.value.mistakes))
        if isinstance(excinfo.value, PreflightError):
            return model.visible(str(excinfo.value))
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Returns where the item comes from."""
        return self.path, None, f"{self.path.name}: {self.name}"


class StageFailedError(Exception):
    """A stage did not pass; the text says why."""
