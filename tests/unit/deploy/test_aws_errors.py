from __future__ import annotations

import pytest
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from preflight.deploy import aws_errors
from preflight.errors import AccountError


def refused(code: str, status: int = 400) -> ClientError:
    response = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "DescribeStacks")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(refused("ExpiredToken"), "renew the credentials", id="expired"),
        pytest.param(refused("InvalidClientTokenId"), "check credentials", id="unknown key"),
        pytest.param(refused("AccessDenied"), "cfn/fa-018-ci.yaml", id="denied"),
        pytest.param(refused("InternalFailure", 500), "try again", id="a fault of AWS"),
        pytest.param(EndpointConnectionError(endpoint_url="https://x"), "network", id="nobody there"),
    ],
)
def test_trouble_with_an_account_says_what_to_do_next(error: ClientError | BotoCoreError, said: str) -> None:
    with pytest.raises(AccountError) as caught, aws_errors.as_account_errors():
        raise error

    assert said in str(caught.value).partition("Next: ")[2]


@pytest.mark.parametrize(
    ("error", "is_of_account"),
    [
        pytest.param(refused("ValidationError"), False, id="a wrong template"),
        pytest.param(refused("InsufficientCapabilitiesException"), False, id="a capability is missing"),
        pytest.param(refused("Throttling"), True, id="too many requests"),
        pytest.param(refused("AccessDenied", 403), True, id="a permission is missing"),
        pytest.param(refused("InternalFailure", 500), True, id="a fault of AWS"),
    ],
)
def test_only_what_is_about_the_request_speaks_of_the_template(error: ClientError, *, is_of_account: bool) -> None:
    assert aws_errors.is_account_error(error) is is_of_account
