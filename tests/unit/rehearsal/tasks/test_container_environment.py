from __future__ import annotations

import pytest

from preflight.rehearsal.tasks import container_environment


@pytest.mark.parametrize(
    ("at_80", "name", "value"),
    [
        pytest.param(True, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/x", id="as on Fargate"),
        pytest.param(
            False, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.2:51678/v2/credentials/x", id="by its port"
        ),
    ],
)
def test_a_container_finds_its_credentials(name: str, value: str, *, at_80: bool) -> None:
    variables = container_environment.variables(
        "c", "/v2/credentials/x", "eu-west-1", can_reach_aws=False, is_at_port_80=at_80
    )

    assert variables[name] == value


@pytest.mark.parametrize(
    ("can_reach_aws", "endpoint"),
    [
        pytest.param(True, "http://169.254.170.2:51679", id="it reaches AWS"),
        pytest.param(False, None, id="it does not"),
    ],
)
def test_a_container_that_reaches_aws_has_the_address_of_the_emulated_one(
    endpoint: str | None, *, can_reach_aws: bool
) -> None:
    variables = container_environment.variables("c", None, "eu-west-1", can_reach_aws=can_reach_aws, is_at_port_80=True)

    assert variables.get("AWS_ENDPOINT_URL") == endpoint
