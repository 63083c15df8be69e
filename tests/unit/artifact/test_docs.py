"""The pages for people: links lead somewhere, commands are ones that the program takes, and examples are valid.

What the commands do is tested by the integration tests: those of the tutorial run as they stand there.
"""

from __future__ import annotations

import configparser
import itertools
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from preflight import cli
from preflight.commands import arguments
from preflight.comply.cross_template_rules import catalog
from tests.integration.mistakes import runtime, templates

ROOT = Path(__file__).parents[3]
PAGES = [*(ROOT / name for name in ("README.md", "README.ja.md", "SECURITY.md", "CONTRIBUTING.md")), *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)\s]*)\)")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:preflight|tox) [^`]+)`")
PLAN_SCHEMA = json.loads((ROOT / "docs" / "preflight.schema.json").read_text(encoding="utf-8"))


def of_pages(pattern: re.Pattern[str]) -> Iterator[Any]:
    for page in PAGES:
        for match in pattern.finditer(page.read_text(encoding="utf-8")):
            yield pytest.param(page, match[1], id=f"{page.name}: {match[1][:70]}")


def blocks(language: str) -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for name, text in BLOCK.findall(page.read_text(encoding="utf-8")):
            if name == language:
                yield page, text


def commands(program: str, lines: Iterable[tuple[Path, str]]) -> list[Any]:
    """Returns the arguments of each command of a program."""
    return [
        pytest.param(shlex.split(words), id=f"{page.name}: {words}")
        for page, line in lines
        for words in re.findall(rf"(?<![\w/.-]){program} ([^|&)>]+)", line.partition(" # ")[0])
    ]


EXAMPLES = [(page, line[2:]) for page, text in blocks("console") for line in text.splitlines() if line.startswith("$ ")]
MENTIONS = [param.values for param in of_pages(INLINE)]


def examples() -> Iterator[Any]:
    for page, text in blocks("yaml"):
        yield pytest.param(json.loads(json.dumps(yaml.safe_load(text), default=str)), id=f"{page.name}: {text[:40]!r}")


PLANS = [param for param in examples() if isinstance(param.values[0], dict) and set(param.values[0]) <= set(PLAN_SCHEMA["properties"])]
HOOKS = [param for param in examples() if "preflight-comply" in str(param.values[0])]


@pytest.mark.parametrize(("page", "link"), list(of_pages(LINK)))
def test_a_link_leads_to_a_file_and_to_a_heading_of_it(page: Path, link: str) -> None:
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page

    assert target.is_relative_to(ROOT)
    assert target.exists()
    if anchor:
        headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("words", commands("preflight", EXAMPLES))
def test_the_program_takes_a_command_of_an_example(words: list[str]) -> None:
    assert arguments.parse(*cli._parser(), words).module


@pytest.mark.parametrize("words", commands("preflight", MENTIONS))
def test_a_command_of_a_sentence_and_its_options_are_there(words: list[str]) -> None:
    _, known = cli._parser()
    options = {word.partition("=")[0] for word in words[1:] if word.startswith("--")}

    assert words[0] in {*known, "--help", "--version"}
    assert options <= set(known[words[0]]._option_string_actions) if words[0] in known else not options


@pytest.mark.parametrize("words", commands("tox", [*EXAMPLES, *MENTIONS]))
def test_an_environment_of_tox_is_there(words: list[str]) -> None:
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")

    for option, name in itertools.pairwise(words):
        if option == "-e":
            assert {f"testenv:{environment}" for environment in name.split(",")} <= set(tox)


@pytest.mark.parametrize("example", PLANS)
def test_a_part_of_a_plan_is_valid(example: dict[str, Any]) -> None:
    jsonschema.validate(example, {**PLAN_SCHEMA, "required": []})


@pytest.mark.parametrize("example", HOOKS)
def test_a_hook_of_pre_commit_is_there_and_takes_its_arguments(example: Any) -> None:
    offered = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))}

    for hook in example["repos"][0]["hooks"] if isinstance(example, dict) else example:
        assert hook["id"] in offered
        assert arguments.parse(*cli._parser(), [hook["id"].replace("preflight-", "hook-"), *hook.get("args", [])]).hook


def test_the_pages_count_the_mistakes_and_the_rules_that_there_are() -> None:
    mistakes = len(templates.MISTAKES) + len(runtime.MISTAKES)
    guard_rules = len(list((ROOT / "rules").glob("*/*.guard")))

    assert f"Of {mistakes} deliberate mistakes" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"{guard_rules} cfn-guard rules and {len(catalog.CHECKS)} rules in Python" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_there_are_examples_of_each_kind() -> None:
    assert len(PLANS) >= 5
    assert len(HOOKS) == 2
