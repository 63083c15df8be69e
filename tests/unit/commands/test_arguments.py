from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from preflight import cli
from preflight.system import processes


@pytest.mark.parametrize(
    ("args", "message"),
    [
        pytest.param(["chek"], "unknown command 'chek'. Did you mean 'check'? Next: `preflight --help` lists them", id="a command"),
        pytest.param(["xyzzy"], "unknown command 'xyzzy'. Next: `preflight --help` lists them", id="a command like no other"),
        pytest.param(["check", "--containrs", "off"], "unknown option '--containrs'. Did you mean '--containers'?", id="an option"),
        pytest.param(["lint", "--formt=json"], "unknown option '--formt'. Did you mean '--format'?", id="an option with its value, and no path"),
        pytest.param(["rules", "--strict"], "unknown option '--strict'. Next: `preflight rules --help` lists them", id="an option of another command"),
        pytest.param(["che\x1bck"], "unknown command 'che\\x1bck'", id="a command with a control character"),
    ],
)
def test_what_is_mistyped_gets_the_nearest_name(args: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(args)

    assert code == 2
    assert message in capsys.readouterr().err


def test_no_command_at_all_prints_what_there_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["preflight"])

    with pytest.raises(SystemExit) as exit_:
        cli.main()

    assert exit_.value.code == 2
    assert "write a plan for the templates of a folder" in capsys.readouterr().err


@pytest.mark.parametrize("args", [["rules", "--form", "json"], ["rules", "--", "--no-rule"]], ids=["the beginning of an option", "after two hyphens"])
def test_what_argparse_takes_is_no_mistake(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(args)

    assert "unknown option" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param("che", {"check"}, id="a command"),
        pytest.param("check --sev", {"--severity"}, id="an option"),
        pytest.param("check --severity war", {"warning"}, id="a value"),
        pytest.param("lint templ", {"template.yaml"}, id="a file"),
    ],
)
def test_bash_completes(words: str, expected: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "template.yaml").touch()
    assert cli.main(["completion", "bash"]) == 0
    (tmp_path / "completion.sh").write_text(capsys.readouterr().out)
    count = len(words.split())
    script = f"cd {tmp_path}; . ./completion.sh; COMP_WORDS=(preflight {words}); COMP_CWORD={count}; _shtab_preflight; printf '%s\\n' \"${{COMPREPLY[@]}}\""

    done = processes.run("bash", "-c", script, timeout=20)

    assert set(done.stdout.split()) == expected


def test_the_script_for_zsh_is_one_of_zsh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", "zsh"]) == 0

    script = capsys.readouterr().out
    assert script.startswith("#compdef preflight")
    if shutil.which("zsh"):
        (tmp_path / "_preflight").write_text(script)
        assert processes.run("zsh", "-n", str(tmp_path / "_preflight"), timeout=20).code == 0


def test_help_does_not_import_what_a_mistake_needs() -> None:
    script = "import sys; sys.argv=['preflight','--help']\nfrom preflight import cli\ntry: cli.main()\nexcept SystemExit: pass\nprint([m for m in ('difflib','shtab') if m in sys.modules], file=sys.stderr)"

    assert processes.run(sys.executable, "-c", script, timeout=60).stderr.strip() == "[]"
