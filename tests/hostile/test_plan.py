"""What the plan of a checkout may ask for, and only the caller may allow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hostile.conftest import PLAN, Ended

pytestmark = pytest.mark.hostile
STANDIN = "#!/bin/sh\ntouch RAN; touch {0}/RAN\n"
FAKE_PODMAN = """\
#!/bin/sh
case "$1 $2" in
  "version "*) echo 4.9.4 ;;
  "pull "*) echo "Error: dial tcp: lookup registry.invalid: no such host" >&2; exit 125 ;;
  "image inspect") case "$*" in *preflight-pause*) echo linux/amd64 ;; *) exit 125 ;; esac ;;
  "inspect "*) echo 0 ;;
  *) echo made ;;
esac
"""


@pytest.mark.hostile(
    1,
    "standin",
    input="`standins` of a plan name a program in the checkout, for an image whose registry does not answer",
    happens="exit code 2 and how to allow it; the program runs only with `--standin` or `--allow-standins`, with no variable but PATH",
)
@pytest.mark.parametrize("name", ["registry.invalid/x", "x"])
def test_a_stand_in_of_a_plan_does_not_run(
    checkout: Path, tmp_path: Path, preflight: Callable[..., Ended], name: str
) -> None:
    programs = tmp_path / "programs"
    for file, text in ((programs / "podman", FAKE_PODMAN), (checkout / "evil" / "build", STANDIN.format(tmp_path))):
        file.parent.mkdir()
        file.write_text(text)
        file.chmod(0o755)
    (checkout / "evil" / "Dockerfile").write_text("FROM scratch\nCOPY rootfs /\n")
    (checkout / "img").mkdir()
    (checkout / "img" / "Dockerfile").write_text(f"FROM {name}:1\n")
    (checkout / "t.yaml").write_text("Resources: {R: {Type: AWS::ECR::Repository, Properties: {RepositoryName: probe}}}\n")
    steps = PLAN + '  - {image: "probe:1", build: img}\n' + f"standins: {{{name}: evil}}\n"
    (checkout / "preflight.yaml").write_text(steps)

    path = f"{programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    env = {"PATH": path, "PREFLIGHT_ENGINE": "podman", "XDG_CACHE_HOME": str(tmp_path / "cache"), "MY_CI_TOKEN": "secret"}
    ended = preflight("check", "--stage", "rehearse", env=env)

    assert not list(tmp_path.rglob("RAN"))
    assert ended.returncode == 2
    assert "--allow-standins" in ended.stdout + ended.stderr


@pytest.mark.hostile(
    5,
    input="`egress: true` in a plan asks for the engine's network",
    happens="exit code 2 without the caller's `--allow-egress`; link-local addresses and this machine stay closed with it",
)
@pytest.mark.parametrize("word", ["true", "yes", "on", "True"])
def test_egress_needs_the_consent_of_the_caller(checkout: Path, preflight: Callable[..., Ended], word: str) -> None:
    (checkout / "preflight.yaml").write_text(f"{PLAN}egress: {word}\n")

    ended = preflight("check", "--stage", "rehearse", "--containers", "off")

    assert ended.returncode == 2
    assert "--allow-egress" in ended.stderr or "egress: expected true or false" in ended.stderr


@pytest.mark.parametrize(
    "more",
    [
        pytest.param("allow_egress: true\n", id="egress"),
        pytest.param("allow-standins: true\n", id="stand-ins"),
        pytest.param("allow_rule_changes: true\n", id="rules"),
        pytest.param("build_network: host\n", id="the network of builds"),
        pytest.param("target: aws\n", id="the account"),
        pytest.param("output_dir: /etc\n", id="the folder of reports"),
        pytest.param("format: github\n", id="a format"),
        pytest.param("privileged: true\n", id="privileges"),
    ],
)
def test_no_option_of_the_caller_can_be_given_by_a_plan(checkout: Path, preflight: Callable[..., Ended], more: str) -> None:
    (checkout / "preflight.yaml").write_text(PLAN + more)

    ended = preflight("check", "--stage", "lint")

    assert ended.returncode == 2
    assert more.partition(":")[0] in ended.stderr


@pytest.mark.hostile(
    1,
    input="a file of the checkout has the name of an option, as `--standin=nginx=evil`, `--target=aws` or `-h`, and a hook or a shell passes it",
    happens="exit code 2 and the name of the file; nothing is checked by half",
)
@pytest.mark.parametrize("name", ["--standin=nginx=evil", "--allow-standins", "--target=aws", "--output-dir=out", "-h", "--help"])
@pytest.mark.parametrize("command", ["hook-check", "hook-lint", "lint"])
def test_a_file_is_no_option(checkout: Path, preflight: Callable[..., Ended], name: str, command: str) -> None:
    (checkout / name).touch()

    ended = preflight(command, "t.yaml", name)

    assert ended.returncode == 2
    assert f"{name} is an option, and a file here has that name" in ended.stderr


def test_what_follows_two_dashes_is_a_file(checkout: Path, preflight: Callable[..., Ended]) -> None:
    (checkout / "--quiet").touch()

    assert preflight("hook-lint", "--", "--quiet").returncode == 0
