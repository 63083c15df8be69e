"""Certificates of AWS Certificate Manager."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response, only, without
from preflight.rehearsal.cloudformation.resources.declarative import deleter
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler

_STORED = {"DomainName", "SubjectAlternativeNames", "ValidationMethod", "Tags"}


def _create_certificate(context: HandlerContext, properties: Properties) -> CreatedResource:
    members = only(properties, *sorted(_STORED))
    tags = context.user_tags(properties.get("Tags"))
    request = {**without(members, "Tags"), **({"Tags": tags} if tags else {})}
    arn = context.submit("acm", "RequestCertificate", request)["CertificateArn"]
    for key in properties:
        context.record(key, "stored" if key in _STORED else "ignored", "the certificate is issued at once")
    return CreatedResource(arn, {"CertificateArn": arn, "Id": arn})


def _update_certificate(context: HandlerContext, arn: str, _old: Properties, new: Properties) -> CreatedResource:
    tags = context.user_tags(new.get("Tags"))
    if tags:
        context.call("acm", "AddTagsToCertificate", CertificateArn=arn, Tags=tags)
    return CreatedResource(arn, {"CertificateArn": arn, "Id": arn})


def _read_certificate(context: HandlerContext, arn: str, properties: Properties) -> Response:
    certificate = context.call("acm", "DescribeCertificate", CertificateArn=arn)["Certificate"]
    tags = context.call("acm", "ListTagsForCertificate", CertificateArn=arn)["Tags"]
    options = certificate.get("DomainValidationOptions") or [{}]
    return {
        **certificate,
        "ValidationMethod": options[0].get("ValidationMethod") or properties.get("ValidationMethod"),
        "Tags": tags,
    }


TYPES: Mapping[str, Handler] = {
    "AWS::CertificateManager::Certificate": Handler(
        _create_certificate,
        deleter("acm", "DeleteCertificate", "CertificateArn"),
        _update_certificate,
        _read_certificate,
    ),
}
