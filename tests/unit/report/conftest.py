"""One report that has everything, and one whose every text is hostile."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from preflight.architecture import (
    DeployedConnection,
    DeployedContainer,
    DeployedListener,
    DeployedLoadBalancer,
    DeployedRegion,
    DeployedSecurityGroup,
    DeployedService,
    DeployedSubnet,
    DeployedTask,
    DeployedVpc,
    IngressRule,
    ResourceEvent,
    ServiceMessage,
)
from preflight.model import (
    BaselineEntry,
    BaselineUse,
    Deployment,
    DescribedRule,
    Finding,
    LedgerEntry,
    Outcome,
    PropertyChange,
    Report,
    ReportedWaiver,
    Severity,
    SmokeAnswer,
    StackChange,
    StageResult,
    Update,
)

HOSTILE = (
    "two\nlines\r\n::error::smuggled\r::add-mask::x ##[error]old %0A::warning::x, a:b ]]> -->"
    " <script>alert(1)</script> \"'&amp;& \x00\x1b[31m\x7f\x85\u2028\u202e\ud800\ufffe 🚀 é"
)


NOW = "2026-11-28T02:58:58.000Z"


@pytest.fixture(scope="session")
def report() -> Report:
    error = Finding(
        "comply", "RULE", Severity.ERROR, "It is wrong.", file="cfn/a b.yaml", line=7,
        resource="A", property="B", fix="Correct it.", source="https://example.com/why", why="It serves the page.",
    )  # fmt: skip
    warning = Finding("comply", "MILD", Severity.WARNING, "It could be better.", file="cfn/c.yaml", line=2)
    info = Finding("comply", "NOTE", Severity.INFO, "It is so.", resource="s.C")
    waived = (
        ReportedWaiver("W", "A", "because so", "template", "cfn/a b.yaml"),
        ReportedWaiver("X", "B", "by hand", "plan", None, "2027-01-31"),
        ReportedWaiver("Y", None, "by hand", "plan", "cfn/c.yaml", "2027-01-31"),
    )
    return Report(
        target="rehearsal",
        run="r1",
        stages=(
            StageResult("lint", Outcome.PASS, 1.25),
            StageResult("comply", Outcome.FAIL, 0.5, findings=(error, warning, info), waived=waived),
            StageResult("rehearse", Outcome.ERROR, 2.0, reason="podman does not answer"),
            StageResult("smoke", Outcome.SKIPPED, reason="nothing was deployed"),
        ),
        ledger=(LedgerEntry("s.A", "B", "stored"), LedgerEntry("s.C", None, "run", "as a container")),
        deployment=Deployment(smoke=(SmokeAnswer("web", "http://127.0.0.1/", 200, 200, 0.1),)),
        versions={"preflight": "0.1", "cfn-lint": "1.58.0"},
        notes=("a stand-in was used",),
        plan="infra/preflight.yaml",
        started="2026-11-28T02:58:40Z",
    )


@pytest.fixture(
    scope="session",
    params=[HOSTILE, HOSTILE * 100, "\U000e0001\x0b", "::", "=cmd|'/C calc'!A1"],
    ids=["every trick", "10 kB of it", "only invisible", "two colons", "a formula"],
)
def hostile(request: pytest.FixtureRequest, report: Report, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report with a hostile text everywhere."""
    return filled(report, request.param, tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="session")
def harmless(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The same report with a harmless text everywhere."""
    return filled(report, "text", tmp_path_factory.mktemp("harmless"))


def filled(report: Report, text: str, folder: Path) -> Report:
    """Returns the report with a text wherever a template, a plan, a page or a tool can bring one in."""
    source = folder / "template.yaml"
    source.write_text("\n".join([text] * 9), encoding="utf-8", errors="surrogatepass")
    finding = Finding("comply", text, Severity.ERROR, text, text, 7, text, text, text, text, text)
    warning = dataclasses.replace(finding, severity=Severity.WARNING, check="MILD", source="javascript:alert(1)")
    waiver = ReportedWaiver(text, text, text, "plan", text, text)
    change = StackChange(text, text, text, "replace", text, 7, text, (PropertyChange(text, text, text, "Always"),), text)
    return dataclasses.replace(
        report,
        stages=(
            StageResult("comply", Outcome.FAIL, 0.5, text, (finding, warning), (waiver,)),
            StageResult("rehearse", Outcome.ERROR, 2.0, text),
            StageResult("smoke", Outcome.SKIPPED, 0.0, text),
        ),
        ledger=(LedgerEntry(text, text, text, text),),
        deployment=Deployment(
            smoke=(SmokeAnswer(text, text, None, 200, 0.1),),
            regions=(hostile_region(text),),
            events=(ResourceEvent(NOW, text, text, text, "CREATE_FAILED", text), ResourceEvent(NOW, text, text, text, text)),
        ),
        versions={"preflight": text, text: text},
        notes=(text,),
        plan=text,
        files={text: source},
        update=Update(text, text, (change, dataclasses.replace(change, action="modify")), ({"target": text, "sent": 9, "failed": 1},)),
        baseline=BaselineUse(text, (finding,), (BaselineEntry(text, text, text, text, text, text),)),
        rules={text: DescribedRule(text, text, text, (text,), (text,), text)},
        rules_off=(text,),
        rules_replaced=(text,),
    )


def hostile_region(text: str) -> DeployedRegion:
    """A region whose every name is the text, as far as the account's API lets it be one."""
    subnet = DeployedSubnet(text, text, text, text, is_public=True)
    task = DeployedTask(text, text, text, text, text, "RUNNING", text, text, text, {"createdAt": NOW})
    container = DeployedContainer(text, text, (80,))
    service = DeployedService(text, text, text, 1, 1, (text,), (text,), (container,), text, text, (ServiceMessage(NOW, text),))
    listener = DeployedListener(text, 80, (text,))
    return DeployedRegion(
        text,
        (DeployedVpc(text, text, text, (subnet,)),),
        (DeployedSecurityGroup(text, text, (IngressRule(text, text, (text,)),)),),
        (DeployedLoadBalancer(text, text, text, text, True, (text,), (listener,), {text: text}),),  # noqa: FBT003 - a record
        (service,),
        (task,),
        (DeployedConnection("internet", text, 80), DeployedConnection(text, text, 80, text)),
    )
