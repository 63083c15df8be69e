from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from preflight.errors import UsageError
from preflight.plan import reader, resolved_stacks
from preflight.plan.resolved_stacks import ResolvedStacks
from preflight.templates import template

Make = Callable[..., ResolvedStacks]
URL = "https://b.s3.amazonaws.com/demo/child.yaml"
PARENT = f"""\
Parameters:
  Port: {{Type: Number}}
  Bucket: {{Type: String, Default: b}}
Resources:
  Net:
    Type: AWS::CloudFormation::Stack
    Properties: {{TemplateURL: !Sub "https://${{Bucket}}.s3.${{AWS::Region}}.amazonaws.com/demo/net.yaml"}}
  App:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: {URL}
      Parameters: {{Port: !Ref Port, Vpc: !GetAtt Net.Outputs.Vpc, Zone: !GetAtt Net.Outputs.Zone}}
"""
NET = """\
Resources:
  Vpc: {Type: AWS::EC2::VPC}
Outputs:
  Vpc: {Value: !Ref Vpc}
  Zone: {Value: !Sub "${AWS::Region}a"}
"""
CHILD = """\
Parameters:
  Port: {Type: Number}
  Vpc: {Type: "AWS::EC2::VPC::Id"}
  Zone: {Type: String}
Resources:
  A:
    Type: T
    Properties: {Port: !Ref Port, Vpc: !Ref Vpc, Zone: !Sub "z-${Zone}"}
"""


def only(text: str) -> str:
    return f"Resources:\n  A:\n    Type: T\n    Properties:\n      P: {text}\n"


def resolved(make_estate: Make, text: str, **given: Any) -> Any:
    return make_estate(root=text, **given).documents[0].resources["A"]["Properties"]


def test_parents_values_are_carried_into_nested_templates(make_estate: Make) -> None:
    every = make_estate(root=PARENT, net=NET, child=CHILD, parameters={"Port": "80"})

    app = next(document for document in every.documents if document.stack == "demo/App")
    assert app.resources["A"]["Properties"] == {"Port": 80, "Vpc": {"Ref": "Vpc"}, "Zone": "z-eu-west-1a"}


def test_each_stack_is_one_document(make_estate: Make) -> None:
    every = make_estate(root=PARENT, net=NET, child=CHILD, parameters={"Port": "80"})

    assert sorted(str(document.stack) for document in every.documents) == ["demo", "demo/App", "demo/Net"]


NAMED = "Resources: {T: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Ref 'AWS::StackName'}}}"


@pytest.mark.parametrize(
    ("file", "name"),
    [
        pytest.param("web", "web", id="a name that a stack can have"),
        pytest.param("01_web.service", "web-service", id="characters that no stack's name has"),
        pytest.param("microservices-orders", "microse-8907", id="too many characters"),
        pytest.param("1_", "stack", id="nothing that a stack's name has"),
    ],
)
def test_without_a_plan_a_stack_has_a_short_name_that_aws_takes(make_estate: Make, file: str, name: str) -> None:
    assert make_estate(has_plan=False, **{file: NAMED}).documents[0].resources["T"]["Properties"] == {"TopicName": name}


def test_without_a_plan_an_export_is_imported_by_the_name_that_a_stack_named_like_the_file_has(make_estate: Make) -> None:
    names = ("microservices-orders", "microservices-payments")
    export = "Resources: {}\nOutputs: {A: {Value: %s, Export: {Name: !Sub '${AWS::StackName}-Url'}}}"

    every = make_estate(has_plan=False, **{name: export % name for name in names})

    assert [every.exports[f"{name}-Url"][1] for name in names] == list(names)
    assert len(every.exports) == 4


def test_a_nested_stack_is_called_as_aws_calls_it(make_estate: Make) -> None:
    parent = "Resources: {App: {Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: child.yaml}}}"

    child = make_estate(root=parent, child=NAMED).documents[1]

    assert re.fullmatch("demo-App-[A-Z0-9]{13}", child.resources["T"]["Properties"]["TopicName"])


def test_a_template_that_no_stack_uses_is_a_document_by_its_defaults(make_estate: Make) -> None:
    every = make_estate(root=NET, alone=only("!Ref AWS::AccountId"))

    assert [d.resources["A"]["Properties"] for d in every.documents if d.stack is None] == [{"P": "123456789012"}]


def test_without_a_plan_a_nested_template_is_found_by_its_name_beside_its_parent(make_estate: Make) -> None:
    every = make_estate(has_plan=False, root=PARENT, net=NET, child=CHILD)

    assert {document.name: bool(document.parent) for document in every.documents} == {
        "root.yaml": False,
        "net.yaml": True,
        "child.yaml": True,
    }


@pytest.mark.parametrize(
    ("declared", "value", "found"),
    [
        pytest.param("Type: String", "!Ref P", {"P": {"Ref": "P"}}, id="no value: left"),
        pytest.param("{Type: String, Default: x}", "!Ref P", {"P": "x"}, id="the default"),
        pytest.param("{Type: Number, Default: 80}", "!Ref P", {"P": 80}, id="a number stays one"),
        pytest.param("{Type: Number, Default: 1.5}", "!Ref P", {"P": "1.5"}, id="a broken number stays text"),
        pytest.param("{Type: String, Default: s, NoEcho: true}", "!Ref P", {"P": {"Ref": "P"}}, id="a secret: left"),
        pytest.param("{Type: 'AWS::SSM::Parameter::Value<String>', Default: /a}", "!Ref P", {"P": {"Ref": "P"}}, id="looked up by the account: left"),
        pytest.param("{Type: CommaDelimitedList, Default: 'a,b'}", "!Ref P", {"P": ["a", "b"]}, id="a list"),
        pytest.param("{Type: String, Default: x, AllowedValues: [y]}", "!Ref P", {"P": {"Ref": "P"}}, id="a value that is refused: left"),
        pytest.param("Type: String", '!Sub "${P}-${AWS::Region}"', {"P": {"Fn::Sub": "${P}-eu-west-1"}}, id="a text as far as it is known"),
        pytest.param("Type: String", "!If [C, 1, 2]", {"P": {"Fn::If": ["C", 1, 2]}}, id="a condition that nobody can decide"),
        pytest.param("{Type: String, Default: a}", "!If [C, 1, 2]", {"P": 1}, id="a condition that holds"),
        pytest.param("{Type: String, Default: b}", "!If [C, 1, !Ref 'AWS::NoValue']", {}, id="no value removes the property"),
        pytest.param("{Type: String, Default: b}", "[1, !If [C, 2, !Ref 'AWS::NoValue'], 3]", {"P": [1, 3]}, id="no value removes the item"),
        pytest.param("Type: String", "!GetAtt B.Arn", {"P": {"Fn::GetAtt": ["B", "Arn"]}}, id="a reference stays one"),
        pytest.param("Type: String", "!FindInMap [M, a, b]", {"P": {"Fn::FindInMap": ["M", "a", "b"]}}, id="a map that is not there: left"),
        pytest.param("Type: String", "!ImportValue x", {"P": {"Fn::ImportValue": "x"}}, id="an import: left"),
        pytest.param("Type: String", "!If [C]", {"P": {"Fn::If": ["C"]}}, id="a function that does not evaluate: left"),
        pytest.param("Type: String", "{Condition: C}", {"P": {"Condition": "C"}}, id="a map with one key Condition"),
    ],
)  # fmt: skip
def test_what_can_be_decided_is_and_the_rest_stays(make_estate: Make, declared: str, value: str, found: Any) -> None:
    declared = declared if declared.startswith("{") else f"{{{declared}}}"
    text = f"Parameters:\n  P: {declared}\nConditions:\n  C: !Equals [!Ref P, a]\n{only(value)}"

    assert resolved(make_estate, text) == found


@pytest.mark.parametrize(
    ("condition", "is_there"),
    [
        pytest.param("!Equals [a, a]", True, id="holds"),
        pytest.param("!Equals [a, b]", False, id="does not hold"),
        pytest.param("!Equals [!Ref P, b]", True, id="may hold"),
        pytest.param("!And [!Equals [!Ref P, b], !Equals [a, b]]", False, id="one false item decides"),
        pytest.param("!Or [!Equals [!Ref P, b], !Equals [a, a]]", True, id="one true item decides"),
        pytest.param("!Not [!Condition C]", True, id="depends on itself"),
        pytest.param("[1, 2]", True, id="no condition at all"),
    ],
)
def test_a_resource_whose_condition_is_false_is_not_there(make_estate: Make, condition: str, *, is_there: bool) -> None:
    text = f"Parameters:\n  P: {{Type: String}}\nConditions:\n  C: {condition}\nResources:\n  A: {{Type: T, Condition: C}}\n"

    assert ("A" in make_estate(root=text).documents[0].resources) == is_there


def test_metadata_survives(make_estate: Make) -> None:
    text = "Resources:\n  A: {Type: T, Metadata: {guard: {SuppressedRules: [R]}, x: !Ref Nobody}}\n"

    assert make_estate(root=text).documents[0].resources["A"]["Metadata"] == {
        "guard": {"SuppressedRules": ["R"]},
        "x": {"Ref": "Nobody"},
    }


LINES = """\
Parameters:
  P: {Type: String, Default: b}
Conditions:
  C: !Equals [!Ref P, a]
Resources:
  A:
    Type: T
    Properties:
      L:
        - one
        - !If [C, two, !Ref "AWS::NoValue"]
        - N: three
      M: !If
        - C
        - N: 1
        - N: 2
      F: !FindInMap [X, a, b]
Mappings:
  X:
    a: {b: [1, 2]}
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        pytest.param(("L", 1, "N"), 12, id="past an item that is not there"),
        pytest.param(("M", "N"), 16, id="within the branch that was taken"),
        pytest.param(("F", 0), 17, id="a value from a mapping: where it is looked up"),
        pytest.param(("Nope", "X"), 8, id="what is not there: the nearest above"),
        pytest.param(("L", 7), 9, id="an item that is not there"),
    ],
)
def test_a_place_in_a_document_leads_back_to_the_source(make_estate: Make, path: tuple[str | int, ...], line: int) -> None:
    document = make_estate(root=LINES).documents[0]

    assert document.line("Resources", "A", "Properties", *path) == line


LOOP = """\
Transform: AWS::LanguageExtensions
Parameters:
  Names: {Type: CommaDelimitedList%s}
Resources:
  Fn::ForEach::All:
    - Name
    - !Ref Names
    - ${Name}Group:
        Type: T
        Properties: {P: !Ref Name}
"""


def test_loops_are_unrolled_and_lead_back_to_the_loop(make_estate: Make) -> None:
    document = make_estate(root=LOOP % ", Default: 'A,B'").documents[0]

    assert list(document.resources) == ["AGroup", "BGroup"]
    assert document.line("Resources", "BGroup", "Properties", "P") == 8


def test_a_loop_that_cannot_be_unrolled_is_noted(make_estate: Make) -> None:
    assert not make_estate(root=LOOP % "").documents[0].is_expanded


def test_a_template_that_nests_itself_ends(make_estate: Make) -> None:
    text = "Resources:\n  S: {Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: https://b/demo/root.yaml}}\n"

    assert len(make_estate(root=text).documents) == 1


def test_nesting_that_explodes_is_refused(make_estate: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolved_stacks, "MAX_DOCUMENTS", 50)
    two = "Resources:\n" + "".join(
        f"  S{n}: {{Type: 'AWS::CloudFormation::Stack', Properties: {{TemplateURL: https://b/demo/%s.yaml}}}}\n" for n in (1, 2)
    )

    with pytest.raises(UsageError, match="more than 50 nested stacks"):
        make_estate(root=two % ("a1", "a1"), **{f"a{n}": two % (f"a{n + 1}", f"a{n + 1}") for n in range(1, 8)})


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Parameters: [1]\nConditions: x\nMappings: 3\nOutputs: [a]\nResources: [b]\n", id="sections that are no maps"),
        pytest.param("Resources: {A: 1, B: [x], C: {Type: [y], Condition: {a: b}, Properties: text}}\n", id="resources that are none"),
        pytest.param("Parameters: {P: 1, Q: [2], R: {Type: {a: b}, Default: [1]}}\nResources: {A: {Type: T}}\n", id="parameters that are none"),
        pytest.param("Resources: {S: {Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: [1], Parameters: text}}}\n", id="a nested stack without a template"),
        pytest.param("Outputs: {O: {Value: !GetAtt S.Outputs.X, Export: text}, P: {Export: {Name: [a]}}}\nResources: {S: {Type: 'AWS::CloudFormation::Stack'}}\n", id="outputs of nothing"),
        pytest.param("Resources: {S: {Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: !GetAtt S.Outputs.X, Parameters: {A: !GetAtt S.Outputs.Y}}}}\n", id="a stack that needs itself"),
        pytest.param(only("{'Fn::Sub': [1, 2, 3]}"), id="a function with the wrong arguments"),
        pytest.param(only("{'Fn::Cidr': ['x', 99999999999, {}]}"), id="a block that is none"),
        pytest.param(only("{'Fn::Select': [{}, 'x']}"), id="an index that is a map"),
        pytest.param("Transform: [1, {Name: [x]}]\n" + only("1"), id="transforms of odd types"),
        pytest.param("Transform: AWS::LanguageExtensions\nResources: {'Fn::ForEach::X': 1}\n", id="a loop that is none"),
    ],
)  # fmt: skip
def test_odd_templates_are_documents_too(make_estate: Make, text: str) -> None:
    assert [len(make_estate(root=text, has_plan=has).documents) for has in (True, False)] == [1, 1]


def test_an_output_of_an_earlier_step_is_not_known_yet(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(
        "Parameters: {P: {Type: String, Default: x}}\nResources: {T: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Ref P}}}\n"
    )
    step = "{stack: web, template: t.yaml, parameters: {P: '{output.Name}'}}"
    (tmp_path / "preflight.yaml").write_text(f"version: 1\nname: web\nregion: us-east-1\nsteps: [{step}]\n")
    plan = reader.load(tmp_path / "preflight.yaml")

    stacks = resolved_stacks.of_plan(plan, {path: template.load(path) for path in plan.template_files()}, run="r")

    assert stacks.documents[0].resources["T"]["Properties"] == {"TopicName": {"Ref": "P"}}


def test_an_application_of_sam_nests_the_template_at_its_location(tmp_path: Path) -> None:
    (tmp_path / "vpc.yaml").write_text("Resources: {Topic: {Type: 'AWS::SNS::Topic'}}\nOutputs: {Name: {Value: net}}\n")
    (tmp_path / "top.yaml").write_text(
        "Resources:\n  Vpc: {Type: 'AWS::Serverless::Application', Properties: {Location: ./vpc.yaml}}\n"
        "  User: {Type: T, Properties: {Name: !GetAtt Vpc.Outputs.Name}}\n"
    )
    every = resolved_stacks.of_templates({tmp_path / name: template.load(tmp_path / name) for name in ("top.yaml", "vpc.yaml")})

    top = next(document for document in every.documents if document.path.name == "top.yaml")
    assert list(top.children) == ["Vpc"]
    assert top.resources["User"]["Properties"]["Name"] == "net"
