"""The program at a terminal: its width, its colours, and what is left when it ends."""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path

import pytest
from rich import cells
from rich.console import Console

from preflight import model
from preflight.commands import progress
from preflight.commands.display import Display
from preflight.model import Progress
from preflight.system import processes
from tests.unit.commands import terminal

CURSOR_OFF, CURSOR_ON = "\x1b[?25l", "\x1b[?25h"
LONG = "A" + "bc" * 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a template that has long names and an error."""
    (tmp_path / "t.yaml").write_text(f"Resources:\n  {LONG}:\n    Type: AWS::Logs::LogGroup\n    Properties: {{RetentionInDay: 7}}\n")
    return tmp_path


@pytest.fixture
def unreadable(tmp_path: Path) -> Path:
    """A folder with a template that is no YAML, which is found at once."""
    (tmp_path / "t.yaml").write_text("Resources:\n  Group: [\n")
    return tmp_path


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(folder: Path, width: int) -> None:
    screen = terminal.run("lint", "t.yaml", folder=folder, width=width)

    assert screen.code == 1
    assert "E3002" in screen.raw
    assert screen.widest <= width


def test_what_is_drawn_after_a_resize_fits_the_new_width(folder: Path) -> None:
    length = []

    def shrink(window: int, text: str) -> bool:
        if "lint" not in text:
            return False
        terminal.resize(window, 40)
        length.append(len(text))
        return True

    screen = terminal.run("lint", "--no-cache", "t.yaml", folder=folder, width=80, act=shrink)

    assert terminal.Screen(screen.code, screen.raw[length[0] + 500 :]).widest <= 40


def test_the_display_hides_the_cursor_and_gives_it_back(unreadable: Path) -> None:
    screen = terminal.run("lint", "t.yaml", folder=unreadable)

    assert CURSOR_OFF in screen.raw
    assert screen.raw.rindex(CURSOR_ON) > screen.raw.rindex(CURSOR_OFF)


def test_ctrl_c_takes_the_display_away_and_gives_the_cursor_back(folder: Path) -> None:
    def interrupt(window: int, text: str) -> bool:
        return CURSOR_OFF in text and os.write(window, b"\x03") > 0

    screen = terminal.run("lint", "t.yaml", folder=folder, act=interrupt)

    assert screen.code == 130
    assert screen.raw.rindex(CURSOR_ON) > screen.raw.rindex(CURSOR_OFF)
    assert screen.last == "preflight: stopped; everything was cleaned up"


def test_a_finding_has_its_place_and_its_line_underlined(folder: Path) -> None:
    screen = terminal.run("lint", "t.yaml", folder=folder, width=200)

    assert f"t.yaml:4:5 {LONG}" in screen.raw
    assert "\x1b[1;4;31mProperties: {RetentionInDay: 7}\x1b[0m" in screen.raw


def test_the_last_line_is_the_verdict(unreadable: Path) -> None:
    assert terminal.run("lint", "t.yaml", folder=unreadable).last == "verdict: fail (1 error, 0 other findings)"


@pytest.mark.parametrize(
    "env",
    [
        pytest.param({"NO_COLOR": "1"}, id="NO_COLOR"),
        pytest.param({"CI": "true"}, id="CI"),
        pytest.param({"TERM": "dumb"}, id="a terminal without movements"),
        pytest.param({"PYTHONIOENCODING": "ascii"}, id="a terminal without our marks"),
    ],
)
def test_plain_text_is_as_in_a_pipe(unreadable: Path, env: dict[str, str]) -> None:
    screen = terminal.run("lint", "t.yaml", folder=unreadable, env=env)

    assert "\x1b" not in screen.raw
    assert screen.lines[0] == "preflight: lint"
    assert screen.lines[1].startswith("t.yaml:3: error: TemplateUnreadable: ")


def test_a_named_format_is_the_same_at_a_terminal(unreadable: Path) -> None:
    screen = terminal.run("lint", "t.yaml", "--format", "text", folder=unreadable, width=40)

    report = screen.raw[screen.raw.rindex(CURSOR_ON) :].partition("t.yaml:3")[2]
    assert "\x1b" not in report
    assert report.startswith(": error: TemplateUnreadable: Template format error: YAML not well-formed. (line 3, column 1)")


def test_quiet_shows_findings_and_the_verdict_only(unreadable: Path) -> None:
    screen = terminal.run("lint", "t.yaml", "--quiet", folder=unreadable)

    assert CURSOR_OFF not in screen.raw
    assert "✗ lint" not in screen.raw
    assert screen.lines[0] == "error TemplateUnreadable"


def test_quiet_is_quiet_in_a_pipe(unreadable: Path) -> None:
    done = processes.run(sys.executable, "-m", "preflight", "lint", str(unreadable / "t.yaml"), "--quiet", timeout=60)

    assert done.stderr == ""
    assert [line.split(":")[0] for line in done.stdout.splitlines() if not line.startswith("    ")] == [str(unreadable / "t.yaml"), "verdict"]


@pytest.mark.hostile(
    9,
    input="names with `[bold]` and `[link=…]`, and with sequences that a terminal obeys",
    happens="the display and the report at a terminal show them letter by letter",
)
def test_names_are_shown_and_never_taken_for_markup_or_commands_of_a_terminal(folder: Path) -> None:
    name = r'"[bold]x[/bold][link=http://evil]y[/link]:smile:\e]8;;http://evil\a\e[2J"'
    (folder / "t.yaml").write_text(f"Resources:\n  {name}: {{Type: 'AWS::Logs::LogGroup', Properties: {{RetentionInDay: 7}}}}\n")

    screen = terminal.run("lint", "t.yaml", folder=folder, width=200)

    assert r"[bold]x[/bold][link=http://evil]y[/link]:smile:\x1b]8;;http://evil\x07\x1b[2J" in screen.raw
    assert set(re.findall(r"\x1b(?!\[[0-9;]*m|\[\?25[lh]|\[2K|\[1A).{0,5}", screen.raw)) == set()


def test_the_display_shows_the_stacks_of_a_rehearsal(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("Resources:\n  Cluster: {Type: 'AWS::ECS::Cluster'}\n")
    (tmp_path / "preflight.yaml").write_text("version: 1\nname: demo\nregion: eu-west-1\nsteps: [{stack: web, template: t.yaml}]\n")

    screen = terminal.run("check", "--stage", "rehearse", "--containers", "off", folder=tmp_path)

    assert screen.code == 0
    assert "  creating stack web" in screen.lines


def test_without_a_terminal_rich_is_not_imported(unreadable: Path) -> None:
    script = f"import sys\nfrom preflight import cli\ncli.main(['lint', {str(unreadable / 't.yaml')!r}])\nprint('rich' in sys.modules)"

    done = processes.run(sys.executable, "-c", script, timeout=60)

    assert done.stdout.splitlines()[-1] == "False"


def drawn(*messages: str, width: int = 80, height: int = 30) -> list[str]:
    """The lines of the display after messages."""
    console = Console(file=io.StringIO(), width=width, height=height)
    display = Display(console, ("lint", "rehearse"), is_verbose=False)
    for message in messages:
        display(message)
    with console.capture() as capture:
        console.print(display.render())
    return [line.rstrip() for line in capture.get().splitlines()]


RUNNING = Progress("rehearse", kind="stage", name="rehearse", state="running")
STACK = Progress("creating stack web", kind="stack", name="web", state="creating")
SERVICE = Progress(kind="resource", name="Service", detail="AWS::ECS::Service", state="CREATE_IN_PROGRESS")


def task(state: str, name: str = "0a1b") -> Progress:
    return Progress(kind="task", name=name, detail="web", state=state)


def test_the_display_shows_a_task_in_its_last_state() -> None:
    lines = drawn(RUNNING, STACK, SERVICE, task("PENDING"), task("RUNNING"))

    assert lines[4:] == ["    CREATE_IN_PROGRESS  Service  AWS::ECS::Service", "    RUNNING             0a1b  web"]


def test_the_display_says_last_why_a_task_stopped() -> None:
    assert drawn(RUNNING, STACK, task("STOPPED: Essential container in task exited"))[-1] == "    STOPPED             0a1b  web  Essential container in task exited"


def test_resources_of_one_name_in_two_stacks_are_two_rows() -> None:
    lines = drawn(RUNNING, *(Progress(kind="resource", name="Role", detail=f"AWS::IAM::Role in {stack}", state="CREATE_IN_PROGRESS") for stack in "ab"))

    assert lines[-2:] == ["    CREATE_IN_PROGRESS  Role  AWS::IAM::Role in a", "    CREATE_IN_PROGRESS  Role  AWS::IAM::Role in b"]


def test_the_display_counts_what_is_ready() -> None:
    lines = drawn(RUNNING, STACK, Progress(kind="resource", name="Vpc", detail="AWS::EC2::VPC", state="CREATE_COMPLETE"), SERVICE)

    assert lines[2:4] == ["  creating stack web", "    1 of 2 resources are ready"]


def test_the_display_shows_how_a_stage_ended() -> None:
    lines = drawn(RUNNING, Progress(kind="stage", name="rehearse", detail="   2.0 s", state="fail"))

    assert lines[1] == "✗ rehearse     2.0 s"


def test_the_display_is_no_higher_than_the_terminal() -> None:
    lines = drawn(RUNNING, STACK, *(task("PENDING", str(number)) for number in range(50)), height=6)

    assert len(lines) == 5


def test_the_display_is_no_wider_than_the_terminal() -> None:
    lines = drawn(RUNNING, STACK, task("STOPPED: " + "漢字" * 60), width=40)

    assert max(map(cells.cell_len, lines)) <= 40


def test_lines_have_no_states_that_only_displays_show() -> None:
    lines: list[str] = []
    say = progress.Lines(lines.append)
    for message in (STACK, SERVICE, "log group g may be left"):
        say(message)

    assert lines == ["preflight: creating stack web", "preflight: log group g may be left"]


def test_verbose_lines_have_each_state_once() -> None:
    lines: list[str] = []
    say = progress.Lines(lines.append, is_verbose=True)
    for message in (task("PENDING"), task("PENDING"), task("RUNNING")):
        say(message)

    assert lines == ["preflight:   task 0a1b web: PENDING", "preflight:   task 0a1b web: RUNNING"]


def test_a_message_of_a_region_keeps_its_parts() -> None:
    message = model.said_in("eu-west-1", STACK)

    assert message == "eu-west-1: creating stack web"
    assert isinstance(message, Progress)
    assert message.name == "eu-west-1 web"
