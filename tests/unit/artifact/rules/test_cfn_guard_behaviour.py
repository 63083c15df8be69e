"""Canaries: what cfn-guard 3.1.1 does where one would not expect it, so that another version cannot change verdicts unseen.

The rules are written around these. When one of these tests fails, read the rules again before anything else.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from preflight.comply.cfn_guard_binary import Binary
from preflight.system import processes

pytestmark = pytest.mark.guard
STRUCTURED = ("--structured", "-o", "json", "--show-summary", "none")
EACH = "let found = Resources.*[ Type == 'T' ]\nlet res = Resources\nrule R when %found !empty { %found { <> } }"
PLAIN = "let found = Resources.*[ Type == 'T' ]\nlet res = Resources\n<>"
HOLDS = "rule R { Resources exists }"
BREAKS = "rule R { Resources not exists }"
IF = {"Fn::If": ["C", [{"P": True}], {"Ref": "AWS::NoValue"}]}
PASS, FAIL, SKIP = "PASS", "FAIL", "SKIP"


def one(**properties: Any) -> dict[str, Any]:
    return {"Resources": {"A": {"Type": "T", "Properties": properties}}}


def two(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    return {"Resources": {"A": {"Type": "T", "Properties": first}, "B": {"Type": "T", "Properties": second}}}


def written(folder: Path, rule: str, template: str | dict[str, Any]) -> tuple[str, str]:
    rules, data = folder / "r.guard", folder / "t.yaml"
    rules.write_text(rule)
    data.write_text(template if isinstance(template, str) else json.dumps(template))
    return str(rules), str(data)


def verdict(guard: Binary, folder: Path, rule: str, template: str | dict[str, Any]) -> str:
    """The verdict of rule R, or the exit code and the beginning of what was said instead."""
    rules, data = written(folder, rule, template)
    done = processes.run(str(guard.path), "validate", *STRUCTURED, "-r", rules, "-d", data, timeout=60)
    if done.code not in {0, 19} or done.stderr:
        return f"exit {done.code}"
    answer = json.loads(done.stdout)[0]
    if "R" in answer["compliant"]:
        return PASS
    return SKIP if "R" in answer["not_applicable"] else FAIL


VALUES = [
    pytest.param(EACH, "Properties.X == 'a'", one(X={"Ref": "P"}), FAIL, id="a comparison with a function fails"),
    pytest.param(EACH, "Properties.X != 'a'", one(X={"Ref": "P"}), FAIL, id="an inequality with a function fails as well"),
    pytest.param(EACH, "Properties.X not IN ['a']", one(X={"Ref": "P"}), PASS, id="a deny-list lets a function pass"),
    pytest.param(EACH, "Properties.X exists", one(X={"Ref": "AWS::NoValue"}), PASS, id="what AWS::NoValue takes away exists"),
    pytest.param(EACH, "when Properties.X is_string { Properties.X == 'b' }", one(X={"Ref": "P"}), SKIP, id="a when on the type skips a function"),
    pytest.param(EACH, "Properties.C[*] { P not exists }", one(C=[IF]), PASS, id="what is inside Fn::If is not seen"),
    pytest.param(EACH, "Properties.C[*] { P not exists }", one(C=IF), PASS, id="a list by Fn::If is one entry without properties"),
    pytest.param(EACH, "Properties.X[ keys == /^(Ref$|Fn::)/ ] !empty", one(X=IF), PASS, id="a filter over keys tells a function"),
    pytest.param(EACH, "Properties.X[ keys == /^(Ref$|Fn::)/ ] empty", one(X={"Reference": 1}), PASS, id="a filter over keys tells a map from a function"),
    pytest.param(EACH, "Properties.X == 256", one(X="256"), FAIL, id="a quoted number is not the number"),
    pytest.param(EACH, "Properties.X IN r[2, 120]", one(X="60"), FAIL, id="a quoted number is in no range"),
    pytest.param(EACH, "Properties.X IN r[2, 120]", one(X=60.0), FAIL, id="a fraction is in no range of whole numbers"),
    pytest.param(EACH, "Properties.X IN [256, '512', /^a+$/]", one(X="aa"), PASS, id="numbers, strings and patterns mix in one list"),
    pytest.param(EACH, "Properties.X[*] == 'a'", one(X="a"), PASS, id="a single value is a list of one"),
    pytest.param(EACH, "let x = parse_string(Properties.X)\n%x == '80'", one(X=80), PASS, id="parse_string makes a number a string"),
    pytest.param(EACH, "let x = parse_string(Properties.X)\n%x == '80'", one(X={"Ref": "P"}), SKIP, id="parse_string leaves nothing of a function"),
    pytest.param(EACH, "let x = parse_int(Properties.X)\n%x == 80", one(X="abc"), "exit 255", id="parse_int of a word ends the run"),
    pytest.param(EACH, "Properties.X empty", one(X=None), "exit 255", id="empty on null ends the run"),
    pytest.param(EACH, "Properties.X empty", one(X=7), "exit 255", id="empty on a number ends the run"),
    pytest.param(EACH, "let x = some Properties.L[*]\n%x empty", one(L=[7]), FAIL, id="empty on a variable counts what it holds"),
    pytest.param(EACH, "Properties.FooBar exists", one(**{"foo-bar": 1}), PASS, id="a key is found in another case of letters"),
]
ABSENCE = [
    pytest.param(EACH, "Properties.X == 'a'", one(), FAIL, id="a comparison with what is absent fails"),
    pytest.param(EACH, "Properties.X not IN ['a']", one(), FAIL, id="a deny-list fails on what is absent"),
    pytest.param(EACH, "Properties.L == 'a'", one(L=[]), PASS, id="a comparison with an empty list passes"),
    pytest.param(EACH, "Properties.L[*] == 'a'", one(L=[]), FAIL, id="a comparison with the entries of an empty list fails"),
    pytest.param(EACH, "Properties.L[*] { X exists }", one(), FAIL, id="a block over an absent list fails"),
    pytest.param(EACH, "let names = some Properties.L[*]\nProperties.X IN %names", one(X="a", L=[]), SKIP, id="being in an empty selection skips and does not fail"),
    pytest.param(EACH, "let x = parse_string(Properties.X)\nwhen %x == /a/ { Properties.Y exists }", one(X={"Ref": "P"}), SKIP, id="a when on an empty variable skips"),
    pytest.param(EACH, "let x = parse_string(Properties.X)\nwhen %x == /a/\n     Properties.X exists { Properties.Y exists }", one(X={"Ref": "P"}), FAIL, id="a when on an empty variable and one thing more does not skip"),
    pytest.param(EACH, "let own = Properties.L[ this != 'z' ]\n%own[1] not exists", one(L=["a", "b", "c"]), PASS, id="an index into a variable looks into each entry"),
    pytest.param(EACH, "Properties.L[1] not exists", one(L=["a", "b", "c"]), FAIL, id="an index into a property looks into the list"),
    pytest.param(EACH, "Properties.L[*][ X == 1 ] { Y exists }", one(L=[{"X": 1}]), SKIP, id="a filter after an index selects nothing"),
    pytest.param(EACH, "Properties.L[ X == 1 ] { Y exists }", one(L={"X": 1}), SKIP, id="a filter on a single map selects nothing"),
    pytest.param(EACH, "when Properties.C[*].M !empty { Properties.C[*].M[*] == 'a' }", one(C=[{"M": ["b"]}, {}]), SKIP, id="a when over several skips where one lacks it"),
    pytest.param(PLAIN, "let x = %found.Properties.X.Ref\nrule R when %x !empty { %x == 'a' }", two({"X": {"Ref": "b"}}, {}), SKIP, id="a variable without some skips where one lacks it"),
    pytest.param(PLAIN, "let x = some %found.Properties.X.Ref\nrule R when %x !empty { %x == 'a' }", two({"X": {"Ref": "b"}}, {}), FAIL, id="a variable with some takes those that have it"),
    pytest.param(PLAIN, "rule R { some %found.Properties.X[*] == 1 }", two({"X": [1]}, {"X": [2]}), PASS, id="some over several resources is content with one"),
    pytest.param(PLAIN, "rule R { %found { some Properties.X[*] == 1 } }", two({"X": [1]}, {"X": [2]}), FAIL, id="some in a block is asked of each resource"),
    pytest.param(EACH, "some Properties.S[*] { E == 1\nA == 2 }", one(S=[{"E": 1, "A": 3}, {"E": 4, "A": 2}]), FAIL, id="a block with some wants one entry that fits in all"),
    pytest.param(EACH, "let x = Resources.B\n%x exists", two({}, {}), FAIL, id="a block does not see the other resources"),
    pytest.param(EACH, "let name = Properties.X.Ref\n%res.%name.Type == 'T'", one(X={"Ref": "A"}), PASS, id="a block sees the other resources by a variable of the file"),
    pytest.param(PLAIN, "rule R when %found !empty { %found { Properties.X exists } }", {"Resources": {}}, SKIP, id="a rule over no resource skips"),
    pytest.param(PLAIN, "rule R { %found.Properties.X not exists }", {"Resources": {}}, PASS, id="a bare clause over no resource passes"),
    pytest.param("<>", "rule R { AWS::X::Y { Properties.X exists } }", {"Parameters": {}}, "exit 255", id="a type block over a template without resources ends the run"),
]
NEGATION = [
    pytest.param(EACH, "not Properties.X == 'a'", one(X="a"), PASS, id="not before a comparison is dropped"),
    pytest.param(EACH, "not Properties.X == 'a'", one(X="b"), FAIL, id="not before a comparison is dropped, so another value fails"),
    pytest.param(EACH, "Properties.X != Properties.Y", one(X="a", Y="b"), FAIL, id="two properties that differ are not unequal"),
    pytest.param(EACH, "let y = Properties.Y\nProperties.X not IN %y", one(X="a", Y="b"), PASS, id="two properties that differ are not in each other"),
    pytest.param(EACH, "let y = Properties.Y\nProperties.X IN %y", one(X="80", Y="8080"), FAIL, id="part of a string is not in the string"),
    pytest.param(EACH, "Properties.X == Properties.Y", one(X={"Ref": "P"}, Y={"Ref": "P"}), PASS, id="two equal functions are equal"),
    pytest.param(EACH, "Properties.X !empty", one(X=False), PASS, id="no boolean is empty"),
    pytest.param(EACH, "Properties.X == 1 or\nProperties.Y == 1\nProperties.Z == 1", one(X=1, Z=2), FAIL, id="or binds tighter than a new line"),
    pytest.param(EACH, "!(Properties.X == 1)", one(X=1), "exit 5", id="a negated bracket does not parse"),
    pytest.param(EACH, "Properties.L[*] { X == 1 } <<m>>", one(L=[]), "exit 5", id="a message after a block does not parse"),
    pytest.param(PLAIN, "rule OTHER when %found empty { Resources exists }\nrule R {\n  OTHER\n}", one(), FAIL, id="a rule that names a skipped rule fails"),
    pytest.param(PLAIN, "rule OTHER when %found empty { Resources exists }\nrule R when OTHER { Resources exists }", one(), SKIP, id="a rule when a skipped rule skips"),
    pytest.param(EACH, "Properties.X == /(?i)^a(?!c)/", one(X="Ab"), PASS, id="patterns know case and what must not follow"),
    pytest.param(EACH, "Properties.X == /(/", one(X="a"), "exit 5", id="a wrong pattern does not parse"),
]
YAML = [
    pytest.param("Properties.X == true", "X: True", FAIL, id="True is no boolean"),
    pytest.param("Properties.X == 'True'", "X: True", PASS, id="True is a string"),
    pytest.param("Properties.X == true", "X: yes", FAIL, id="yes is no boolean"),
    pytest.param("Properties.X == true", "X: true", PASS, id="true is a boolean"),
    pytest.param("Properties.X.'Fn::GetAtt' == 'A.Arn'", "X: !GetAtt A.Arn", PASS, id="the short form of GetAtt is one string"),
    pytest.param("Properties.X.'Fn::GetAtt'[0] == 'A'", "X: !GetAtt [A, Arn]", PASS, id="the short form of GetAtt with a list is a list"),
    pytest.param("Properties.X.Ref == 'P'", "X: !Ref P", PASS, id="the short form of Ref is a map"),
    pytest.param("Properties.X == 'a'", "X: !Length a", PASS, id="a tag that is not known is lost"),
    pytest.param("Properties.X == 'b'", "X: a, X: b", PASS, id="the last of two equal keys is taken"),
    pytest.param("Properties.X is_int", "X: 012345678901", PASS, id="an account id with a zero becomes a number"),
]


@pytest.mark.parametrize(("frame", "clause", "template", "wanted"), [*VALUES, *ABSENCE, *NEGATION])
def test_validate_says(
    guard: Binary, tmp_path: Path, frame: str, clause: str, template: dict[str, Any], wanted: str
) -> None:
    assert verdict(guard, tmp_path, frame.replace("<>", clause), template) == wanted


@pytest.mark.parametrize(("clause", "properties", "wanted"), YAML)
def test_validate_reads_yaml_so_that(
    guard: Binary, tmp_path: Path, clause: str, properties: str, wanted: str
) -> None:
    template = f"Resources: {{A: {{Type: T, Properties: {{{properties}}}}}}}"

    assert verdict(guard, tmp_path, EACH.replace("<>", clause), template) == wanted


@pytest.mark.parametrize(
    ("suppressed", "wanted"),
    [
        pytest.param(["R"], SKIP, id="an exact member waives"),
        pytest.param(["OTHER"], FAIL, id="another member does not waive"),
        pytest.param([], SKIP, id="an empty list waives every rule"),
        pytest.param([{"id": "OTHER"}], SKIP, id="a list of maps waives every rule"),
    ],
)
def test_in_the_waiver_idiom_of_the_registry(
    guard: Binary, tmp_path: Path, suppressed: list[Any], wanted: str
) -> None:
    template = one()
    template["Resources"]["A"]["Metadata"] = {"guard": {"SuppressedRules": suppressed}}
    rule = """let found = Resources.*[ Type == 'T'
      Metadata.guard.SuppressedRules not exists or
      Metadata.guard.SuppressedRules.* != "R" ]
    rule R when %found !empty { %found.Properties.X exists }"""

    assert verdict(guard, tmp_path, rule, template) == wanted


@pytest.mark.parametrize(
    ("suppressed", "wanted"),
    [
        pytest.param(["R"], SKIP, id="an exact member waives"),
        pytest.param(["OTHER"], FAIL, id="another member does not waive"),
        pytest.param([], FAIL, id="an empty list waives nothing"),
        pytest.param([{"id": "OTHER"}], FAIL, id="a list of maps waives nothing"),
        pytest.param("R", FAIL, id="a single value waives nothing"),
        pytest.param({"R": True}, FAIL, id="a map waives nothing"),
    ],
)
def test_in_the_waiver_idiom_of_this_pack(
    guard: Binary, tmp_path: Path, suppressed: Any, wanted: str
) -> None:
    template = one()
    template["Resources"]["A"]["Metadata"] = {"guard": {"SuppressedRules": suppressed}}
    clause = "let waived = Metadata.guard.SuppressedRules[ this == 'R' ]\nwhen %waived empty { Properties.X exists }"

    assert verdict(guard, tmp_path, EACH.replace("<>", clause), template) == wanted


@pytest.mark.parametrize(
    ("rule", "template", "code"),
    [
        pytest.param(HOLDS, one(), 0, id="a rule that holds ends with 0"),
        pytest.param(BREAKS, one(), 19, id="a rule that does not hold ends with 19"),
        pytest.param("rule R {", one(), 5, id="a rule that does not parse ends with 5"),
        pytest.param("# nothing", one(), 0, id="a file without rules ends with 0"),
        pytest.param(BREAKS, "a word", 0, id="a template that is a word ends with 0"),
        pytest.param(BREAKS, "", 255, id="an empty template ends with 255"),
        pytest.param(BREAKS, "Resources: [", 255, id="a template that does not parse ends with 255"),
        pytest.param(HOLDS, "A: &a {b: 1}\nResources: *a", 255, id="an anchor ends with 255"),
    ],
)
def test_the_exit_code_is_known(
    guard: Binary, tmp_path: Path, rule: str, template: str | dict[str, Any], code: int
) -> None:
    rules, data = written(tmp_path, rule, template)

    done = processes.run(str(guard.path), "validate", *STRUCTURED, "-r", rules, "-d", data, timeout=60)

    assert done.code == code


def test_a_folder_without_rules_ends_with_0(guard: Binary, tmp_path: Path) -> None:
    _, data = written(tmp_path, BREAKS, one())
    (tmp_path / "none").mkdir()

    done = processes.run(str(guard.path), "validate", *STRUCTURED, "-r", str(tmp_path / "none"), "-d", data, timeout=60)

    assert done.code == 0


def test_a_rule_that_does_not_parse_hides_behind_one_that_does_not_hold(
    guard: Binary, tmp_path: Path
) -> None:
    rules, data = written(tmp_path, BREAKS, one())
    (tmp_path / "bad.guard").write_text("rule B {")

    done = processes.run(
        str(guard.path), "validate", *STRUCTURED, "-r", rules, str(tmp_path / "bad.guard"), "-d", data, timeout=60
    )

    assert done.code == 19
    assert done.stderr


def test_one_template_that_does_not_parse_ends_the_run_for_all(guard: Binary, tmp_path: Path) -> None:
    rules, data = written(tmp_path, HOLDS, one())
    (tmp_path / "bad.yaml").write_text("Resources: [")

    done = processes.run(
        str(guard.path), "validate", *STRUCTURED, "-r", rules, "-d", data, str(tmp_path / "bad.yaml"), timeout=60
    )

    assert done.code == 255
    assert done.stdout == ""


def test_two_rules_of_one_name_in_two_files_answer_twice(guard: Binary, tmp_path: Path) -> None:
    rules, data = written(tmp_path, HOLDS, one())
    (tmp_path / "s.guard").write_text(BREAKS)

    done = processes.run(
        str(guard.path), "validate", *STRUCTURED, "-r", rules, str(tmp_path / "s.guard"), "-d", data, timeout=60
    )

    answer = json.loads(done.stdout)[0]
    assert answer["compliant"] == ["R"]
    assert [found["Rule"]["name"] for found in answer["not_compliant"]] == ["R"]


def test_lines_are_counted_from_zero(guard: Binary, tmp_path: Path) -> None:
    rules, data = written(tmp_path, "rule R { Resources.A.X == 2 }", "Resources:\n  A:\n    X: 1\n")

    done = processes.run(str(guard.path), "validate", *STRUCTURED, "-r", rules, "-d", data, timeout=60)

    assert "[L:2,C:7]" in done.stdout


def cases(*expected: tuple[str, str], text: str = "{Resources: {A: {Type: T, Properties: {X: True}}}}") -> str:
    return "\n".join(
        f"- name: n\n  input: {text}\n  expectations: {{rules: {{{rule}: {verdict}}}}}" for rule, verdict in expected
    )


@pytest.mark.parametrize(
    ("rule", "tests", "code"),
    [
        pytest.param(HOLDS, cases(("R", PASS)), 0, id="a case that fits ends with 0"),
        pytest.param(HOLDS, cases(("R", FAIL)), 7, id="a case that does not fit ends with 7"),
        pytest.param("rule R {", cases(("R", PASS)), 1, id="a rule that does not parse ends with 1"),
        pytest.param(HOLDS, cases(("R", "pass")), 255, id="a verdict in lower case ends with 255"),
        pytest.param(HOLDS, cases(("NOT_THERE", PASS)), 0, id="a case of a rule that is not there ends with 0"),
        pytest.param(HOLDS, "[]", 0, id="no case at all ends with 0"),
        pytest.param(EACH.replace("<>", "Properties.X == true"), cases(("R", PASS)), 0, id="True is a boolean, unlike in validate"),
    ],
)
def test_of_the_command_test(
    guard: Binary, tmp_path: Path, rule: str, tests: str, code: int
) -> None:
    (tmp_path / "r.guard").write_text(rule)
    (tmp_path / "r_tests.yaml").write_text(tests)

    done = processes.run(
        str(guard.path), "test", "-r", str(tmp_path / "r.guard"), "-t", str(tmp_path / "r_tests.yaml"), timeout=60
    )

    assert done.code == code
