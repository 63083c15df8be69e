"""The service of a subscription filter's destination, also when a stand-in made up its ARN."""

from __future__ import annotations

import pytest

from preflight.aws.refusals import catalog
from preflight.aws.unresolved import STANDIN


@pytest.mark.parametrize(
    ("service", "sentences"),
    [
        pytest.param("kinesis", ["destinationArn for vendor kinesis cannot be used without roleArn"], id="a stream"),
        pytest.param("kinesisfirehose", ["destinationArn for vendor firehose cannot be used without roleArn"], id="Firehose"),
        pytest.param("opensearchservice", [], id="another type"),
    ],
)
def test_the_type_of_a_stand_in_is_known(service: str, sentences: list[str]) -> None:
    arn = f"arn:aws:{service}:eu-west-1:123456789012:{STANDIN}-Stream"
    properties = {"LogGroupName": "/web", "FilterPattern": "", "DestinationArn": arn}

    assert [refused.message for refused in catalog.of_resource("AWS::Logs::SubscriptionFilter", properties)] == sentences
