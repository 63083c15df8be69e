"""What CloudFormation says is led back to a line of the template."""

from __future__ import annotations

import pytest

from preflight.templates import error_location, template

TEXT = """\
Transform: AWS::LanguageExtensions
Parameters:
  Stage: {Type: String}
Conditions:
  Live: !Equals [!Ref Stage, live]
Mappings:
  Sizes: {a: {b: c}}
Resources:
  Logs:
    Type: AWS::Logs::LogGroup
    Properties:
      LogGroupName: !Sub "${Nobody}-logs"
      RetentionInDays: 8
  Topic:
    Type: AWS::SNS::Tpoic
    DependsOn: Elsewhere
  Fn::ForEach::Queues:
    - Name
    - [One, Two]
    - Queue${Name}:
        Type: AWS::SQS::Queue
Outputs:
  Other:
    Value: !GetAtt Logs.Nmae
"""
FOUND = template.parse(TEXT)


@pytest.mark.parametrize(
    ("message", "line", "resource"),
    [
        pytest.param("Parameters: [Stage] must have values", 3, None, id="a parameter"),
        pytest.param("Parameter 'Stage' must be one of AllowedValues", 3, None, id="a parameter in quotes"),
        pytest.param("Unresolved resource dependencies [Nobody] in the Resources block", 12, "Logs", id="a Sub of nothing"),
        pytest.param("Unresolved resource dependencies [Elsewhere] in the Resources block", 16, "Topic", id="DependsOn nothing"),
        pytest.param("Circular dependency between resources: [Logs, Topic]", 9, "Logs", id="a circle"),
        pytest.param("Unrecognized resource types: [AWS::SNS::Tpoic]", 15, "Topic", id="a type"),
        pytest.param("unresolved condition dependency Live in Fn::If", 5, None, id="a condition"),
        pytest.param("Unable to get mapping for Sizes::x::y", 7, None, id="a mapping"),
        pytest.param("[Error] /Outputs/Other/Value: Requested attribute", 24, None, id="an output"),
        pytest.param("[/Resources/Topic] Every Resources object must contain a Type member.", 14, "Topic", id="a path"),
        pytest.param("No idea", 1, None, id="nothing named"),
    ],
)  # fmt: skip
def test_a_refusal_is_led_to_its_line(message: str, line: int, resource: str | None) -> None:
    path = error_location.of_message(FOUND, message)

    assert FOUND.line(*path) == line
    assert error_location.resource_of(path) == resource


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        pytest.param(
            "X with message:\n#/RetentionInDays: 8 is not a valid enum value", "RetentionInDays", id="a value"
        ),
        pytest.param("#/A/0/B: expected type: String, found: Boolean", "A.0.B", id="deep"),
        pytest.param("#: extraneous key [Nmae] is not permitted", "Nmae", id="an unknown one"),
        pytest.param("#: required key [Type] not found", None, id="a missing one"),
        pytest.param("something else", None, id="none"),
    ],
)
def test_the_validator_names_a_property(reason: str, name: str | None) -> None:
    assert error_location.property_of(reason) == name


def test_what_a_loop_made_lies_in_the_loop() -> None:
    assert error_location.line(FOUND, "Resources", "QueueOne") == 20
    assert error_location.line(FOUND, "Resources", "Logs") == 9


EXPORTS = template.parse("""\
Resources: {}
Outputs:
  Address: {Value: a, Export: {Name: web-address}}
  Name:
    Value: b
    Export: {Name: !Sub "${Prefix}-name"}
""")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        pytest.param("web-address", 3, id="a name that is written out"),
        pytest.param("web-name", 6, id="a name that is put together"),
        pytest.param("gone", 2, id="an output that is gone"),
    ],
)
def test_an_export_in_use_is_found_among_the_outputs(name: str, line: int) -> None:
    path = error_location.of_message(EXPORTS, f"Export {name} cannot be updated as it is in use by other")

    assert EXPORTS.line(*path) == line
