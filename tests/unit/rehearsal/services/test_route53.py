from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

ZONE = """\
Resources: {Zone: {Type: AWS::Route53::HostedZone, Properties: {Name: example.com}}}
Outputs: {Zone: {Value: !Ref Zone}}
"""
TAKES_ZONE = """\
Parameters: {Zone: {Type: AWS::Route53::HostedZone::Id, AllowedPattern: "Z.+"}}
Resources: {Record: {Type: AWS::Route53::RecordSet, Properties: {HostedZoneId: !Ref Zone, Name: www.example.com, Type: A, TTL: "60", ResourceRecords: [192.0.2.1]}}}
"""


def test_the_id_of_a_hosted_zone_has_the_form_of_aws(deploy: Callable[..., dict[str, Any]]) -> None:
    zone = deploy(ZONE)["Outputs"][0]["OutputValue"]

    assert re.fullmatch("Z[A-Z0-9]{20}", zone)
    taken = deploy(TAKES_ZONE, name="t", Parameters=[{"ParameterKey": "Zone", "ParameterValue": zone}])
    assert taken["StackStatus"] == "CREATE_COMPLETE"


def test_two_hosted_zones_have_two_ids(client: Callable[[str], Any]) -> None:
    ids = {client("route53").create_hosted_zone(Name="example.com", CallerReference=reference)["HostedZone"]["Id"] for reference in "ab"}

    assert len(ids) == 2
