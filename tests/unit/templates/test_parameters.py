from __future__ import annotations

import re

import pytest

from preflight.templates import parameters
from preflight.templates.parameters import UndecidedPatternError


def test_the_id_of_a_stack_that_does_not_exist_yet_has_the_form_of_aws() -> None:
    pseudo = parameters.pseudo_parameters(region="cn-north-1", account="123456789012", stack_name="web")

    form = r"arn:aws-cn:cloudformation:cn-north-1:123456789012:stack/web/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    assert re.fullmatch(form, str(pseudo["AWS::StackId"]))


@pytest.mark.hostile(
    12,
    input="an `AllowedPattern` that backtracks",
    happens="broken off; it decides nothing",
)
def test_a_pattern_that_takes_too_long_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameters, "PATTERN_TIMEOUT", 0.05)
    declared = {"P": {"Type": "String", "AllowedPattern": "(a+)+(b+)+(c+)+d"}}
    monkeypatch.setattr("regex.fullmatch", _too_slow)

    with pytest.raises(UndecidedPatternError, match=r"took longer than 0\.05 s"):
        parameters.parameter_values({"Parameters": declared}, {"P": "a" * 40})


def _too_slow(*_args: object, **_options: object) -> None:
    raise TimeoutError
