"""The reader and docs/preflight.schema.json: the same keys, and the same verdict on right and wrong plans."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
import yaml

from preflight.errors import UsageError
from preflight.model import JsonObject
from preflight.plan import reader, rule_settings, update_settings
from preflight.plan.traffic_settings import DRILLS
from preflight.templates import template

ROOT = Path(__file__).parents[3]
SCHEMA: JsonObject = json.loads((ROOT / "docs" / "preflight.schema.json").read_text())
KEYS = {
    "": reader._TOP,
    "stack": reader._STACK,
    "image": reader._IMAGE,
    "request": reader._SMOKE,
    "schedule": reader._SCHEDULE,
    "traffic": update_settings._TRAFFIC,
    "waiver": rule_settings._WAIVER,
}
GOOD = """\
version: 1
name: demo
region: eu-west-1
rules: [rules]
templates: cfn
steps:
  - {stack: a, template: cfn/a.yaml, parameters: {Port: 80, On: true}, capabilities: [CAPABILITY_IAM]}
  - {image: "a:{run}", build: docker}
smoke:
  - {service: web, cluster: c, from: inside, get: /x, port: 8080, status: 301, contains: hello}
  - {url: "{output.Url}/x", caller: 203.0.113.5}
  - {schedule: Nightly, timeout: 1.5}
standins: {nginx: docker}
stubs: ["*/agent"]
images: {app: "nginx:1"}
egress: true
waivers: [{rule: R, resource: A, reason: because it is so, until: 2027-01-31, file: a.yaml}]
checks: {R: off, S: practice}
baseline: b.json
update: {from: origin/main..., traffic: {rate: 5, clients: 3, keepalive: false, path: /slow, hold: 0.5}}
drills: [task-lost]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("rules", "cfn", "docker"):
        (tmp_path / name).mkdir()
    (tmp_path / "cfn" / "a.yaml").write_text("Resources: {}")
    (tmp_path / "docker" / "Dockerfile").write_text("FROM scratch")
    return tmp_path


def is_read(folder: Path, text: str) -> bool:
    (folder / "preflight.yaml").write_text(text)
    try:
        reader.load(folder / "preflight.yaml")
    except UsageError:
        return False
    return True


def is_valid(text: str) -> bool:
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(template.parse(text).data)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_claims_no_address() -> None:
    assert SCHEMA["$id"] == "urn:fargate-preflight:plan"


@pytest.mark.parametrize("part", KEYS, ids=[name or "the plan" for name in KEYS])
def test_reader_and_schema_know_the_same_keys(part: str) -> None:
    known = SCHEMA["$defs"][part] if part else SCHEMA

    assert set(known["properties"]) == set(KEYS[part])


def test_the_keys_of_an_update_are_the_same() -> None:
    assert set(SCHEMA["properties"]["update"]["properties"]) == set(update_settings._KEYS)


def test_the_drills_are_the_same() -> None:
    assert tuple(SCHEMA["properties"]["drills"]["items"]["enum"]) == DRILLS


def test_the_capabilities_are_the_same() -> None:
    assert tuple(SCHEMA["$defs"]["capability"]["enum"]) == reader.CAPABILITIES


def properties(schema: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    for part in (schema, *schema["$defs"].values()):
        yield from part.get("properties", {}).items()


def test_every_key_is_described() -> None:
    assert not [name for name, known in properties(SCHEMA) if not known.get("description")]


@pytest.mark.parametrize("name", sorted({name for name, _ in properties(SCHEMA)}))
def test_every_key_is_in_the_reference(name: str) -> None:
    pages = "\n".join((ROOT / "docs" / page).read_text() for page in ("plan.md", "updates.md"))
    examples = "\n".join(re.findall(r"```yaml\n(.*?)```", pages, re.DOTALL))

    assert re.search(rf"(^|[\s{{-]){name}:", examples, re.MULTILINE)


def test_a_plan_with_every_key_is_right_for_both(folder: Path) -> None:
    assert is_read(folder, GOOD)
    assert is_valid(GOOD)


def test_the_plan_of_this_repository_is_right_for_the_schema() -> None:
    assert is_valid((ROOT / "preflight.yaml").read_text())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("egress: true\n", "", id="no egress"),
        pytest.param("from: origin/main..., ", "", id="an update from what the caller says"),
        pytest.param("traffic: {rate: 5, clients: 3, keepalive: false, path: /slow, hold: 0.5}", "traffic: off", id="no traffic"),
        pytest.param("[CAPABILITY_IAM]", "CAPABILITY_NAMED_IAM", id="a single capability"),
        pytest.param("rules: [rules]", "rules:", id="an empty list"),
        pytest.param("standins: {nginx: docker}", "standins:", id="an empty map"),
        pytest.param("parameters: {Port: 80, On: true}", "parameters: ~", id="no parameters"),
    ],
)
def test_what_is_right_is_right_for_both(folder: Path, old: str, new: str) -> None:
    assert old in GOOD
    assert is_read(folder, GOOD.replace(old, new))
    assert is_valid(GOOD.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("version: 1", "version: 2", id="another version"),
        pytest.param("version: 1\n", "", id="no version"),
        pytest.param("name: demo", "name: Demo", id="a name in upper case"),
        pytest.param("region: eu-west-1", "region: here", id="no region"),
        pytest.param("rules: [rules]", "rules: rules", id="a text for a list"),
        pytest.param("rules: [rules]", "rules: [1]", id="a folder that is a number"),
        pytest.param("baseline: b.json", "baselin: b.json", id="an unknown key"),
        pytest.param("{stack: a, ", "{", id="a stack without a name"),
        pytest.param("{stack: a, ", "{stack: a, parameter: {}, ", id="an unknown key of a stack"),
        pytest.param("Port: 80", "Port: [80]", id="a parameter that is a list"),
        pytest.param("Port: 80", "Port: ~", id="a parameter that is nothing"),
        pytest.param("[CAPABILITY_IAM]", "[CAPABILITY_ALL]", id="an unknown capability"),
        pytest.param(", build: docker", "", id="nothing to build"),
        pytest.param("{service: web, cluster: c", "{cluster: c", id="neither service nor url"),
        pytest.param("{service: web,", "{service: web, url: 'http://x',", id="service and url"),
        pytest.param("from: inside", "from: outside", id="from nowhere"),
        pytest.param("from: inside", "from: inside, caller: 203.0.113.5", id="a caller inside"),
        pytest.param("caller: 203.0.113.5", "from: inside", id="a url from inside"),
        pytest.param("caller: 203.0.113.5", "caller: 203.0.113.500", id="no address"),
        pytest.param("get: /x", "get: x", id="a path without a slash"),
        pytest.param("port: 8080", "port: '8080'", id="a port that is text"),
        pytest.param("status: 301", "status: true", id="a status that is a boolean"),
        pytest.param("contains: hello", "contains: 1", id="a text that is a number"),
        pytest.param("timeout: 1.5", "timeout: 0", id="no time"),
        pytest.param("{schedule: Nightly", "{schedule: Nightly, port: 80", id="a schedule with a port"),
        pytest.param("{nginx: docker}", "[nginx]", id="stand-ins that are a list"),
        pytest.param('["*/agent"]', '[" "]', id="a blank pattern"),
        pytest.param('{app: "nginx:1"}', "{app: }", id="an image that is nothing"),
        pytest.param("egress: true", "egress: 1", id="egress that is a number"),
        pytest.param("{rule: R, ", "{rule: '', ", id="a waiver of no rule"),
        pytest.param("until: 2027-01-31", "until: soon", id="no date"),
        pytest.param("reason: because it is so", "reasn: because it is so", id="an unknown key of a waiver"),
        pytest.param("S: practice", "S: gold", id="an unknown tier"),
        pytest.param("origin/main...", "--help", id="an update from an option"),
        pytest.param("rate: 5", "rate: 500", id="more requests than there may be"),
        pytest.param("clients: 3", "clients: 3.5", id="half a client"),
        pytest.param("keepalive: false", "keepalive: 0", id="keepalive that is a number"),
        pytest.param("path: /slow", "path: slow", id="a path of traffic without a slash"),
        pytest.param("hold: 0.5", "holt: 0.5", id="an unknown key of traffic"),
        pytest.param("[task-lost]", "[all-lost]", id="an unknown drill"),
    ],
)
def test_what_is_wrong_is_wrong_for_both(folder: Path, old: str, new: str) -> None:
    assert old in GOOD
    assert not is_read(folder, GOOD.replace(old, new))
    assert not is_valid(GOOD.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("template: cfn/a.yaml", "template: cfn/b.yaml", id="a file that is not there"),
        pytest.param('"a:{run}"', '"a:{rum}"', id="an unknown placeholder"),
        pytest.param("  - {image", "  - {stack: a, template: cfn/a.yaml}\n  - {image", id="a name twice"),
        pytest.param("until: 2027-01-31", "until: 2027-02-31", id="a day that no month has"),
    ],
)
def test_only_the_reader_sees_what_is_in_files_and_between_keys(folder: Path, old: str, new: str) -> None:
    assert old in GOOD
    assert not is_read(folder, GOOD.replace(old, new))
    assert is_valid(GOOD.replace(old, new))


def test_an_editor_reads_off_as_a_boolean() -> None:
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid(yaml.safe_load(GOOD.replace("2027-01-31", '"2027-01-31"')))
