from __future__ import annotations

from pathlib import Path

import pytest

from preflight.errors import UsageError
from preflight.templates import template
from preflight.templates.template import UnreadableError


def test_short_forms_become_long_forms() -> None:
    read = template.parse("A: !GetAtt X.Outputs.Y\nB: !Ref P\nC: !Sub 'a${B}'\nD: !If [C, 1, !Ref AWS::NoValue]\n")

    assert read.data == {
        "A": {"Fn::GetAtt": ["X", "Outputs.Y"]},
        "B": {"Ref": "P"},
        "C": {"Fn::Sub": "a${B}"},
        "D": {"Fn::If": ["C", 1, {"Ref": "AWS::NoValue"}]},
    }


def test_dates_stay_text_and_numbers_become_numbers() -> None:
    read = template.parse("A: 2012-10-17\nB: 80\nC: '80'\nD: true\nE: 12:30\n")

    assert read.data == {"A": "2012-10-17", "B": 80, "C": "80", "D": True, "E": "12:30"}


def test_line_is_that_of_the_part_or_of_the_nearest_part_above() -> None:
    read = template.parse("Resources:\n  A:\n    Type: T\n    Properties:\n      B:\n        - C: 1\n")

    lines = [
        read.line("Resources", "A", "Properties", "B", 0, "C"),
        read.line("Resources", "A", "Properties", "Nope"),
        read.line("Nope"),
    ]
    assert lines == [6, 4, 1]


def test_json_is_read_with_lines() -> None:
    read = template.parse('{\n"Resources": {\n\t"A": {"Type": "T"}}}')

    assert read.data == {"Resources": {"A": {"Type": "T"}}}
    assert read.line("Resources", "A") == 3


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        pytest.param("A: [", 2, "YAML not well-formed", id="an open list"),
        pytest.param('{"A": 1,}', 1, "JSON not well-formed", id="JSON with a comma too many"),
        pytest.param("just text", 1, "unsupported structure", id="a scalar"),
        pytest.param("", 1, "unsupported structure", id="nothing"),
        pytest.param("- A\n- B\n", 1, "unsupported structure", id="a list"),
        pytest.param("A: &x {B: 1}\nC: *x\n", 1, "aliases are not allowed", id="an alias"),
        pytest.param("A: {<<: {B: 1}}\n", 1, "plain text", id="a merge key"),
        pytest.param("A: !Nope 1\n", 1, "not CloudFormation's", id="an unknown tag"),
        pytest.param("A: 1\nB: !!binary aGk=\n", 2, "not CloudFormation's", id="a tag of YAML's own"),
        pytest.param("[" * 20_000, None, "not well-formed", id="nested without end in YAML"),
        pytest.param('{"A":' * 20_000, 1, "nested too deeply", id="nested without end in JSON"),
        pytest.param(b"A: \xff\n", 1, "not UTF-8", id="bytes that are no text"),
        pytest.param("A: x\x00y\n", 1, "not well-formed", id="a control character"),
        pytest.param("A: " + "x" * 1_100_000, 1, "1048576", id="more than AWS reads"),
    ],
)
def test_what_is_no_template_is_unreadable_with_its_line(text: str | bytes, line: int | None, word: str) -> None:
    with pytest.raises(UnreadableError, match=word) as caught:
        template.parse(text)

    assert line is None or caught.value.line == line


def test_nothing_in_a_template_is_run(tmp_path: Path) -> None:
    """moto's own parser would run this: it loads templates with `yaml.Loader`."""
    proof = tmp_path / "proof"

    with pytest.raises(UnreadableError):
        template.parse(f'A: !!python/object/apply:os.system ["touch {proof}"]\n')

    assert not proof.exists()


def test_an_alias_bomb_is_refused_at_once() -> None:
    bomb = "a: &a [x, x, x, x]\n" + "".join(
        f"{n}: &{n} [*{p}, *{p}, *{p}, *{p}]\n" for p, n in zip("abcdefghij", "bcdefghijk", strict=True)
    )

    with pytest.raises(UnreadableError, match="aliases"):
        template.parse(bomb)


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        template.load(tmp_path / "nope.yaml")


@pytest.mark.parametrize("text", ["A: 1\nB: 2\nA: 3\n", '{"A": 1,\n"B": 2,\n"A": 3}'], ids=["YAML", "JSON"])
def test_the_last_of_two_keys_counts(text: str) -> None:
    read = template.parse(text)

    assert read.data == {"A": 3, "B": 2}
    assert read.replaced_keys == [(("A",), 1)]
    assert read.line("A") == 3
