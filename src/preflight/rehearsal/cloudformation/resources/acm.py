"""Certificates of AWS Certificate Manager."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response, only
from preflight.rehearsal.cloudformation.resources.declarative import tagged
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler

_ISSUED = {"DomainName", "SubjectAlternativeNames", "ValidationMethod", "Tags"}


def _create_certificate(context: HandlerContext, properties: Properties) -> CreatedResource:
    plain = only(properties, *sorted(_ISSUED))
    request = tagged(context, "acm", "RequestCertificate", plain)
    request["Tags"] = [tag for tag in request["Tags"] if not tag["Key"].startswith("aws:")] or None
    request = {key: value for key, value in request.items() if value is not None}
    arn = context.submit("acm", "RequestCertificate", request)["CertificateArn"]
    for key in properties:
        context.record(key, "stored" if key in _ISSUED else "ignored", "the certificate is issued at once")
    return CreatedResource(arn, {"CertificateArn": arn, "Id": arn})


def _update_certificate(context: HandlerContext, arn: str, _old: Properties, new: Properties) -> CreatedResource:
    own = [tag for tag in context.all_tags(new.get("Tags")) if not tag["Key"].startswith("aws:")]
    if own:
        context.call("acm", "AddTagsToCertificate", CertificateArn=arn, Tags=own)
    return CreatedResource(arn, {"CertificateArn": arn, "Id": arn})


def _delete_certificate(context: HandlerContext, arn: str, _properties: Properties) -> None:
    context.call("acm", "DeleteCertificate", CertificateArn=arn)


def _read_certificate(context: HandlerContext, arn: str, properties: Properties) -> Response:
    found = context.call("acm", "DescribeCertificate", CertificateArn=arn)["Certificate"]
    tags = context.call("acm", "ListTagsForCertificate", CertificateArn=arn)["Tags"]
    options = found.get("DomainValidationOptions") or [{}]
    return {
        **found,
        "ValidationMethod": options[0].get("ValidationMethod") or properties.get("ValidationMethod"),
        "Tags": tags,
    }


TYPES: Mapping[str, Handler] = {
    "AWS::CertificateManager::Certificate": Handler(
        _create_certificate, _delete_certificate, _update_certificate, _read_certificate
    ),
}
