"""Certificates of AWS Certificate Manager."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.declarative import tagged
from preflight.rehearsal.cloudformation.resources.handler import (
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
)

_ISSUED = {"DomainName", "SubjectAlternativeNames", "ValidationMethod", "Tags"}


def _create_certificate(place: HandlerContext, given: Properties) -> CreatedResource:
    plain = {key: value for key, value in given.items() if key in _ISSUED}
    asked = tagged(place, "acm", "RequestCertificate", plain)
    asked["Tags"] = [tag for tag in asked["Tags"] if not tag["Key"].startswith("aws:")] or None
    asked = {key: value for key, value in asked.items() if value is not None}
    arn = place.call("acm", "RequestCertificate", asked)["CertificateArn"]
    for key in given:
        place.note(key, "stored" if key in _ISSUED else "ignored", "the certificate is issued at once")
    return CreatedResource(arn, {"CertificateArn": arn, "Id": arn})


def _update_certificate(place: HandlerContext, arn: str, _old: Properties, new: Properties) -> CreatedResource:
    own = [tag for tag in place.all_tags(new.get("Tags")) if not tag["Key"].startswith("aws:")]
    if own:
        place.ask("acm", "AddTagsToCertificate", CertificateArn=arn, Tags=own)
    return CreatedResource(arn, {"CertificateArn": arn, "Id": arn})


def _delete_certificate(place: HandlerContext, arn: str, _given: Properties) -> None:
    place.ask("acm", "DeleteCertificate", CertificateArn=arn)


def _read_certificate(place: HandlerContext, arn: str, given: Properties) -> dict[str, Any]:
    found = place.ask("acm", "DescribeCertificate", CertificateArn=arn)["Certificate"]
    tags = place.ask("acm", "ListTagsForCertificate", CertificateArn=arn)["Tags"]
    options = found.get("DomainValidationOptions") or [{}]
    return {
        **found,
        "ValidationMethod": options[0].get("ValidationMethod") or given.get("ValidationMethod"),
        "Tags": tags,
    }


TYPES: Mapping[str, Handler] = {
    "AWS::CertificateManager::Certificate": Handler(
        _create_certificate, _delete_certificate, _update_certificate, _read_certificate
    ),
}
