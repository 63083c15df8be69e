from __future__ import annotations

import datetime as dt
from pathlib import Path

from preflight.aws import update_losses
from preflight.model import Finding, Outcome, Severity, StageResult
from preflight.pipeline import update_waivers
from preflight.plan import reader
from preflight.templates import template

LOST = Finding("update", update_losses.LOSES_DATA, Severity.ERROR, "lost", file="t.yaml", line=2, resource="Files")
PLAN = "version: 1\nname: demo\nregion: eu-west-1\nsteps:\n  - {stack: s, template: t.yaml}\n"
REASON = "It holds nothing but a cache."


def judged(folder: Path, *, metadata: str = "", waivers: str = "", today: str = "2026-01-01") -> StageResult:
    (folder / "t.yaml").write_text(f"Resources:\n  Files:\n    Type: AWS::EFS::FileSystem\n{metadata}")
    (folder / "preflight.yaml").write_text(PLAN + waivers)
    templates = [template.load(folder / "t.yaml", name="t.yaml")]
    return update_waivers.judged([LOST], templates, reader.load(folder / "preflight.yaml"), strict=False, today=dt.date.fromisoformat(today))


def test_a_waiver_in_the_template_hides_a_loss(tmp_path: Path) -> None:
    metadata = f"    Metadata: {{guard: {{SuppressedRules: [UPDATE_LOSES_DATA], Reasons: {{UPDATE_LOSES_DATA: {REASON}}}}}}}\n"

    result = judged(tmp_path, metadata=metadata)

    assert result.outcome is Outcome.PASS
    assert [waiver.reason for waiver in result.waived] == [REASON]


def test_a_waiver_in_the_plan_hides_the_loss_of_what_is_gone(tmp_path: Path) -> None:
    waivers = f"waivers:\n  - {{rule: UPDATE_LOSES_DATA, resource: Files, reason: {REASON}, until: 2026-02-01}}\n"

    assert judged(tmp_path, waivers=waivers).outcome is Outcome.PASS
    assert judged(tmp_path, waivers=waivers, today="2026-02-02").outcome is Outcome.FAIL


def test_a_waiver_without_a_reason_hides_nothing(tmp_path: Path) -> None:
    assert judged(tmp_path, waivers="waivers:\n  - {rule: UPDATE_LOSES_DATA, resource: Files}\n").outcome is Outcome.FAIL
