from __future__ import annotations

import json
from pathlib import Path

import pytest

from preflight.errors import MistakesError, UsageError
from preflight.plan import plan, reader
from preflight.plan.plan import Plan
from preflight.plan.traffic_settings import DRILLS, TrafficSettings
from preflight.traffic import drills

GOOD = """\
version: 1
name: demo
region: eu-west-1
rules: [rules]
templates: cfn
steps:
  - stack: "{prefix}"
    template: cfn/a.yaml
    parameters: {Port: 80, On: true, Tag: "{run}"}
    capabilities: [CAPABILITY_IAM]
  - image: "{prefix}:{run}"
    build: docker
smoke:
  - service: web
    cluster: c
    contains: hello
standins: {nginx: docker}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("rules", "cfn", "docker"):
        (tmp_path / name).mkdir()
    (tmp_path / "cfn" / "a.yaml").write_text("Resources: {}")
    (tmp_path / "docker" / "Dockerfile").write_text("FROM scratch")
    return tmp_path


def load(folder: Path, text: str) -> Plan:
    path = folder / "preflight.yaml"
    path.write_text(text)
    return reader.load(path)


def test_a_plan_is_read_with_defaults(folder: Path) -> None:
    read = load(folder, GOOD)

    assert read.stacks[0].parameters == {"Port": "80", "On": "true", "Tag": "{run}"}
    assert read.smoke[0].status == 200
    assert read.smoke[0].get == "/"
    assert read.template_files() == [folder / "cfn" / "a.yaml"]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        pytest.param("smoke:", "update: {from: ./old}\nsmoke:", 13, "only the option --from takes a folder", id="an update from a folder"),
        pytest.param("smoke:", "update: {from: --help}\nsmoke:", 13, "expected a git revision", id="an update from an option"),
        pytest.param("smoke:", "update: {from: main, traffic: {rate: 1000}}\nsmoke:", 13, "rate: expected a number from 0.1 to 200", id="too much traffic"),
        pytest.param("smoke:", "update: {traffic: {clients: 1.5}}\nsmoke:", 13, "clients: expected a number", id="half a client"),
        pytest.param("smoke:", "update: {traffic: {keepalive: often}}\nsmoke:", 13, "expected true or false", id="keepalive as text"),
        pytest.param("smoke:", "update: {traffic: {path: page}}\nsmoke:", 13, "begins with a slash", id="a path without a slash"),
        pytest.param("smoke:", "drills: [task-lots]\nsmoke:", 13, "drills: expected task-lost, zone-lost, bad-image, scale, delete, found 'task-lots'", id="an unknown drill"),
        pytest.param("smoke:", "update: {form: main}\nsmoke:", 13, "unknown key 'form', did you mean 'from'", id="an unknown key of updates"),
        pytest.param("standins", "standinz", 17, "unknown key 'standinz', did you mean 'standins'", id="unknown key"),
        pytest.param("    cluster: c", "    clustr: c", 15, "unknown key 'clustr'", id="unknown key below"),
        pytest.param("version: 1", "version: 2", 1, "expected 1, found 2", id="another version"),
        pytest.param("cfn/a.yaml", "cfn/b.yaml", 8, "there is no such file", id="missing template"),
        pytest.param("build: docker", "build: cfn", 12, "no Dockerfile", id="nothing to build"),
        pytest.param("rules: [rules]", "rules: [nope]", 4, "there is no such file or folder", id="missing rules"),
        pytest.param("templates: cfn", "templates: rules", 5, "holds none", id="a folder without templates"),
        pytest.param(
            '"{prefix}:{run}"', '"{prefx}:{run}"', 11, "unknown placeholder {prefx}", id="unknown placeholder"
        ),
        pytest.param("[CAPABILITY_IAM]", "[CAPABILITY_X]", 10, "expected CAPABILITY_IAM", id="unknown capability"),
        pytest.param("service: web", "service: web\n    url: http://x", 14, "a service, a url or a schedule", id="both"),
        pytest.param("    contains: hello", "    status: ok", 16, "expected a number", id="a status that is no number"),
        pytest.param("    contains: hello", "    status: 99", 16, "expected a number from 200 to 599", id="a status that no answer has"),
        pytest.param("    contains: hello", "    port: 65536", 16, "expected a number from 1 to 65535", id="a port that there is not"),
        pytest.param("    contains: hello", f"    port: {'9' * 4000}", 16, "bits", id="a port of thousands of digits"),
        pytest.param("    contains: hello", '    get: "/\\r\\nX: y"', 16, "without spaces", id="a path with another header"),
        pytest.param("smoke:", "smoke:\n  - {schedule: S, timeout: .nan}", 14, "timeout: expected a number of seconds up to 3600", id="a timeout that is no number"),
        pytest.param("smoke:", "smoke:\n  - {schedule: S, timeout: 1e300}", 14, "timeout: expected", id="a timeout without an end"),
        pytest.param("smoke:", 'images: {"{foo}-app": "x:1"}\nsmoke:', 13, "unknown placeholder {foo}", id="an image by an unknown placeholder"),
        pytest.param("name: demo", "name: Demo_1", 2, "expected lower-case", id="a name that AWS would refuse"),
        pytest.param("smoke:", "smoke: [", 14, "cannot be read", id="no YAML"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(folder: Path, old: str, new: str, line: int, said: str) -> None:
    assert old in GOOD

    with pytest.raises(UsageError) as caught:
        load(folder, GOOD.replace(old, new))

    message = str(caught.value)
    assert said in message
    assert f"preflight.yaml:{line}:" in message


def test_all_mistakes_are_reported_at_once_in_the_order_of_their_lines(folder: Path) -> None:
    wrong = GOOD.replace("name: demo", "name: Demo_1").replace("cfn/a.yaml", "cfn/b.yaml").replace("cluster: c", "clustr: c\n    port: x") + "waivers: [{rul: R}]\n"

    with pytest.raises(MistakesError) as caught:
        load(folder, wrong)

    lines = [int(mistake.partition("preflight.yaml:")[2].partition(":")[0]) for mistake in caught.value.mistakes]
    assert lines == [2, 8, 15, 16, 19, 19, 19]


def test_a_value_that_is_still_to_be_filled_in_is_named(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"preflight\.yaml:9: parameters: Port: `preflight init` found no value"):
        load(folder, GOOD.replace("Port: 80", f"Port: {plan.FILL_IN}"))


def test_a_name_stands_in_one_step_only(folder: Path) -> None:
    twice = GOOD.replace("smoke:", '  - stack: "{prefix}"\n    template: cfn/a.yaml\nsmoke:')

    with pytest.raises(UsageError, match="occurs twice here"):
        load(folder, twice)


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param([{"ParameterKey": "A", "ParameterValue": "1"}], id="list of keys and values"),
        pytest.param({"Parameters": {"A": "1"}}, id="map under Parameters"),
        pytest.param(["A=1"], id="list of assignments"),
    ],
)
def test_parameter_files_have_any_of_the_shapes_of_aws(folder: Path, shape: object) -> None:
    (folder / "p.json").write_text(json.dumps(shape))

    read = load(folder, GOOD.replace('{Port: 80, On: true, Tag: "{run}"}', "p.json"))

    assert read.stacks[0].parameters == {"A": "1"}


def test_a_parameter_file_of_no_known_shape_is_refused(folder: Path) -> None:
    (folder / "p.json").write_text('{"A": 1}')

    with pytest.raises(UsageError, match="has none of AWS's shapes"):
        load(folder, GOOD.replace('{Port: 80, On: true, Tag: "{run}"}', "p.json"))


@pytest.mark.parametrize("value", [{"Fn::GetArtifactAtt": ["a", "b"]}, ["subnet-1", "subnet-2"], None], ids=["a map", "a list", "nothing"])
@pytest.mark.parametrize("shape", ["keys and values", "a map under Parameters"])
def test_a_value_of_a_parameter_file_is_text(folder: Path, shape: str, value: object) -> None:
    rows = {"keys and values": [{"ParameterKey": "A", "ParameterValue": value}], "a map under Parameters": {"Parameters": {"A": value}}}
    (folder / "p.json").write_text(json.dumps(rows[shape]))

    with pytest.raises(UsageError, match=r"p\.json: A: expected text, which is all that the AWS CLI takes"):
        load(folder, GOOD.replace('{Port: 80, On: true, Tag: "{run}"}', "p.json"))


def test_the_nearest_plan_upwards_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(folder, GOOD)
    monkeypatch.chdir(folder / "cfn")

    assert plan.find(None) == folder / "preflight.yaml"


def test_a_folder_without_a_plan_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such plan"):
        plan.find(tmp_path)


def test_a_plan_in_a_folder_below_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "infra").mkdir()
    (folder / "infra" / "preflight.yaml").write_text(GOOD)
    monkeypatch.chdir(folder)

    with pytest.raises(UsageError, match=r"Next: preflight check infra$"):
        plan.find(None)


def test_a_folder_of_templates_only_gets_a_plan_by_init(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)

    with pytest.raises(UsageError, match=r"`preflight init` writes one for a\.yaml"):
        plan.find(None)


def test_a_folder_without_templates_is_not_the_one_for_a_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match="go to the folder of your CloudFormation templates"):
        plan.find(None)


def test_a_misspelt_name_of_a_plan_gets_the_nearest_file(folder: Path) -> None:
    load(folder, GOOD)

    with pytest.raises(UsageError, match=r"did you mean 'preflight\.yaml'"):
        plan.find(folder / "prefligth.yaml")


def test_a_template_is_no_plan(folder: Path) -> None:
    with pytest.raises(UsageError, match="is a CloudFormation template, not a plan"):
        load(folder, "Resources: {B: {Type: 'AWS::S3::Bucket'}}")


def test_the_plan_of_this_repository_is_read(root: Path) -> None:
    read = reader.load(root / "preflight.yaml")

    assert [step.name for step in read.steps] == ["{prefix}-ecr", "{prefix}:{run}", "{prefix}"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param(
            "    contains: hello", '    get: "@example.com/"', "begins with a slash", id="a path that would be a host"
        ),
        pytest.param("service: web", "url: file:///etc/passwd", "begins with http", id="a URL that is a file"),
        pytest.param("region: eu-west-1", "region: eu west", "expected the name of a region", id="no region"),
    ],
)
def test_a_question_cannot_lead_elsewhere(folder: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load(folder, GOOD.replace(old, new))


def test_a_capability_may_stand_alone_and_braces_are_text(folder: Path) -> None:
    read = load(
        folder,
        GOOD.replace("[CAPABILITY_IAM]", "CAPABILITY_IAM").replace("contains: hello", "contains: '{\"status\": 1}'"),
    )

    assert read.stacks[0].capabilities == ("CAPABILITY_IAM",)
    assert read.smoke[0].contains == '{"status": 1}'


def test_a_question_from_inside_and_one_of_a_caller(folder: Path) -> None:
    inside = load(folder, GOOD.replace("    cluster: c\n", "    from: inside\n")).smoke[0]
    caller = load(folder, GOOD.replace("    cluster: c\n", "    caller: 203.0.113.5\n")).smoke[0]

    assert inside.is_inside
    assert inside.cluster == "default"
    assert not caller.is_inside
    assert caller.caller == "203.0.113.5"


def test_a_schedule_is_run_instead_of_a_question(folder: Path) -> None:
    entry = load(folder, GOOD.replace("smoke:\n", "smoke:\n  - schedule: Nightly\n    timeout: 300\n")).smoke[0]

    assert entry.schedule == "Nightly"
    assert entry.timeout == 300
    assert entry.service is None


def test_stubs_images_and_egress_are_read(folder: Path) -> None:
    read = load(folder, GOOD + "stubs: ['*/agent']\nimages: {'{prefix}-app': 'nginx:1'}\negress: true\n")

    assert read.stubs == ("*/agent",)
    assert read.images == {"{prefix}-app": "nginx:1"}
    assert read.has_egress


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param("    cluster: c\n", "    from: outside\n", "from: expected internet or inside", id="from where"),
        pytest.param("    cluster: c\n", "    caller: here\n", "caller: expected an IPv4 address", id="no address"),
        pytest.param("    cluster: c\n", "    caller: 10\n", "caller: expected an IPv4 address", id="a number"),
        pytest.param(
            "    cluster: c\n", "    from: inside\n    caller: 203.0.113.5\n", "caller: only a caller on the internet", id="both"
        ),
        pytest.param("    cluster: c\n", "    port: true\n", "port: expected a number from 1 to 65535, found True", id="a port that is a boolean"),
        pytest.param("smoke:\n", "smoke:\n  - schedule: x\n    timeout: 0\n", "timeout: expected a number of seconds", id="no time"),
        pytest.param("smoke:\n", "smoke:\n  - schedule: x\n    port: 80\n", "unknown key 'port'", id="a schedule with a port"),
        pytest.param("standins", "stubs: [1]\nstandins", "stubs: expected the pattern", id="no pattern"),
        pytest.param("standins", "images: [nginx]\nstandins", "images: expected a map", id="images in a list"),
        pytest.param("standins", "images: {app: 1}\nstandins", "app: expected text, found 1", id="an image that is a number"),
        pytest.param("standins", "images: {app: '{x}'}\nstandins", "unknown placeholder {x}", id="an image with an unknown part"),
        pytest.param("standins", "egress: maybe\nstandins", "egress: expected true or false", id="perhaps"),
    ],
)
def test_odd_questions_are_refused(folder: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load(folder, GOOD.replace(old, new, 1))


@pytest.mark.parametrize(
    ("more", "line", "said"),
    [
        pytest.param("waivers: text", 18, "waivers: expected a list", id="waivers that are none"),
        pytest.param("checks: {R: gold}", 18, "R: expected on, off", id="a switch that is none"),
    ],
)
def test_what_the_plan_says_of_rules_is_held_against_its_form(folder: Path, more: str, line: int, said: str) -> None:
    with pytest.raises(UsageError, match=f"preflight.yaml:{line}: .*{said}"):
        load(folder, GOOD + more + "\n")


def test_the_plan_says_which_rules_are_off(folder: Path) -> None:
    read = load(folder, GOOD + "checks: {R: off}\n")

    assert [(switch.rule, switch.to) for switch in read.policy.switches] == [("R", "off")]


@pytest.mark.hostile
def test_the_stand_ins_of_a_plan_are_dropped_unless_the_caller_allows_them(root: Path) -> None:
    read = reader.load(root / plan.FILE)

    assert read.with_standins((), allows_own=False).standins == {}
    assert read.with_standins((), allows_own=True).standins == read.standins


def test_a_stand_in_of_the_caller_takes_the_place_of_the_plans(root: Path, tmp_path: Path) -> None:
    read = reader.load(root / plan.FILE)

    allowed = read.with_standins([f"nginx={tmp_path}"], allows_own=True)

    assert allowed.standins == {"nginx": tmp_path}


@pytest.mark.parametrize("text", [pytest.param("nginx", id="no folder"), pytest.param("=docker", id="no image")])
def test_a_stand_in_of_another_form_is_a_usage_error(root: Path, text: str) -> None:
    with pytest.raises(UsageError, match="expected IMAGE=DIR"):
        reader.load(root / plan.FILE).with_standins([text], allows_own=False)


def test_a_plan_names_the_revision_that_updates_start_from(folder: Path) -> None:
    read = load(folder, f"{GOOD}update: {{from: origin/main...}}\n")

    assert read.update.traffic == TrafficSettings()
    assert read.update.origin == "origin/main..."


def test_traffic_is_switched_off_or_set(folder: Path) -> None:
    off = load(folder, f"{GOOD}update: {{traffic: off}}\n")
    slow = load(folder, f"{GOOD}update: {{traffic: {{rate: 1, hold: 5, path: /slow}}}}\n")

    assert off.update.traffic is None
    assert slow.update.traffic == TrafficSettings(rate=1, hold=5, path="/slow")


def test_a_plan_asks_for_drills(folder: Path) -> None:
    assert load(folder, f"{GOOD}drills: [zone-lost, task-lost, zone-lost]\n").drills == ("zone-lost", "task-lost")


def test_a_drill_of_a_plan_is_one_that_exists() -> None:
    assert (*drills.DRILLS, "delete") == DRILLS


def test_a_drill_needs_a_smoke_entry_with_a_service(folder: Path) -> None:
    without = GOOD.partition("smoke:")[0] + "smoke: [{url: 'http://x/'}]\n"

    assert load(folder, without + "drills: [delete]\n").drills == ("delete",)
    with pytest.raises(UsageError, match="drills: no smoke entry names a service"):
        load(folder, without + "drills: [task-lost]\n")
