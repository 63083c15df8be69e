from __future__ import annotations

import json
from unittest import mock

import pytest

from preflight.deploy.template_bucket import Bucket


@pytest.mark.parametrize(
    ("region", "arn"),
    [
        pytest.param("eu-west-1", "arn:aws:s3:::b", id="most regions"),
        pytest.param("cn-north-1", "arn:aws-cn:s3:::b", id="China"),
        pytest.param("us-gov-west-1", "arn:aws-us-gov:s3:::b", id="GovCloud"),
    ],
)
def test_its_policy_names_it_in_the_partition_of_its_region(region: str, arn: str) -> None:
    session = mock.Mock(region=region)

    Bucket(session, "b").make({})

    policy = json.loads(session.client.return_value.put_bucket_policy.call_args.kwargs["Policy"])
    assert policy["Statement"][0]["Resource"] == [arn, f"{arn}/*"]
