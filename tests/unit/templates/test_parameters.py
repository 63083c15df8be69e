from __future__ import annotations

import re

from preflight.templates import parameters


def test_the_id_of_a_stack_that_does_not_exist_yet_has_the_form_of_aws() -> None:
    pseudo = parameters.pseudo_parameters(region="cn-north-1", account="123456789012", stack_name="web")

    form = r"arn:aws-cn:cloudformation:cn-north-1:123456789012:stack/web/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    assert re.fullmatch(form, str(pseudo["AWS::StackId"]))
