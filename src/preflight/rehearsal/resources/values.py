"""Where deployments keep values: Systems Manager parameters, Secrets Manager secrets, S3, SNS, KMS, alarms."""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.resources.handler import Handler, Made, Place, Properties

PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


def _create_parameter(place: Place, given: Properties) -> Made:
    name = given.get("Name") or place.name(most=512)
    tags = {tag: str(value) for tag, value in {**place.tags, **(given.get("Tags") or {})}.items()}
    plain = {key: value for key, value in given.items() if key not in {"Tags", "Name"}}
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    place.call("ssm", "PutParameter", {"Name": name, **plain, **({"Tags": listed} if listed else {})})
    return Made(name, {"Type": given["Type"], "Value": given["Value"]})


def _update_parameter(place: Place, name: str, _old: Properties, new: Properties) -> Made:
    plain = {key: value for key, value in new.items() if key not in {"Tags", "Name"}}
    place.call("ssm", "PutParameter", {"Name": name, **plain, "Overwrite": True})
    return Made(name, {"Type": new["Type"], "Value": new["Value"]})


def _delete_parameter(place: Place, name: str, _given: Properties) -> None:
    place.ask("ssm", "DeleteParameter", Name=name)


def _create_secret(place: Place, given: Properties) -> Made:
    value = given.get("SecretString")
    if value is None and "GenerateSecretString" in given:
        value = generated(given["GenerateSecretString"])
    asked = {"Name": given.get("Name") or place.name(most=256)}
    asked |= {key: given[key] for key in ("Description", "KmsKeyId") if key in given}
    tags = place.all_tags(given.get("Tags"))
    made = place.ask(
        "secretsmanager",
        "CreateSecret",
        **asked,
        **({"SecretString": value} if value is not None else {}),
        **({"Tags": tags} if tags else {}),
    )
    for key in given:
        place.note(key, "stored")
    return Made(made["ARN"], {"Id": made["ARN"]})


def generated(rules: Mapping[str, Any]) -> str:
    """A secret made by the rules of GenerateSecretString.

    Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html.
    """
    kinds = (
        ("ExcludeLowercase", string.ascii_lowercase),
        ("ExcludeUppercase", string.ascii_uppercase),
        ("ExcludeNumbers", string.digits),
        ("ExcludePunctuation", PUNCTUATION),
    )
    letters = "".join(letters for rule, letters in kinds if not rules.get(rule))
    letters = "".join(letter for letter in letters if letter not in str(rules.get("ExcludeCharacters", "")))
    password = "".join(secrets.choice(letters or "x") for _ in range(int(rules.get("PasswordLength") or 32)))
    if not rules.get("GenerateStringKey"):
        return password
    return json.dumps({**json.loads(rules.get("SecretStringTemplate") or "{}"), rules["GenerateStringKey"]: password})


def _delete_secret(place: Place, arn: str, _given: Properties) -> None:
    place.ask("secretsmanager", "DeleteSecret", SecretId=arn, ForceDeleteWithoutRecovery=True)


def _create_bucket(place: Place, given: Properties) -> Made:
    name = given.get("BucketName") or place.name(most=63, is_lower=True)
    where = {} if place.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": place.region}}
    place.ask("s3", "CreateBucket", Bucket=name, **where)
    if "BucketName" in given:
        place.note("BucketName", "stored")
    for key in given:
        if key != "BucketName":
            place.note(key, "ignored", "only the bucket itself is made")
    domain = f"{name}.s3.{place.region}.amazonaws.com"
    attributes = {"Arn": f"arn:aws:s3:::{name}", "DomainName": f"{name}.s3.amazonaws.com", "RegionalDomainName": domain}
    return Made(name, {**attributes, "WebsiteURL": f"http://{name}.s3-website-{place.region}.amazonaws.com"})


def _delete_bucket(place: Place, name: str, _given: Properties) -> None:
    place.ask("s3", "DeleteBucket", Bucket=name)


def _create_topic(place: Place, given: Properties) -> Made:
    name = given.get("TopicName") or place.name(most=256)
    arn = place.ask("sns", "CreateTopic", Name=name)["TopicArn"]
    for subscription in given.get("Subscription") or []:
        place.call("sns", "Subscribe", {"TopicArn": arn, **subscription})
    for key in given:
        place.note(key, "stored" if key in {"TopicName", "Subscription"} else "ignored")
    return Made(arn, {"TopicArn": arn, "TopicName": name})


def _delete_topic(place: Place, arn: str, _given: Properties) -> None:
    place.ask("sns", "DeleteTopic", TopicArn=arn)


def _create_key(place: Place, given: Properties) -> Made:
    policy = json.dumps(given["KeyPolicy"], default=str) if "KeyPolicy" in given else None
    asked = {"Description": given.get("Description", ""), **({"Policy": policy} if policy else {})}
    made = place.ask("kms", "CreateKey", **asked)["KeyMetadata"]
    for key in given:
        place.note(key, "stored" if key in {"KeyPolicy", "Description"} else "ignored")
    return Made(made["KeyId"], {"Arn": made["Arn"], "KeyId": made["KeyId"]})


def _delete_key(place: Place, key: str, given: Properties) -> None:
    place.ask("kms", "ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=int(given.get("PendingWindowInDays") or 30))


def _create_certificate(place: Place, given: Properties) -> Made:
    plain = {
        key: value
        for key, value in given.items()
        if key in {"DomainName", "SubjectAlternativeNames", "ValidationMethod"}
    }
    arn = place.call("acm", "RequestCertificate", plain)["CertificateArn"]
    for key in given:
        if key not in plain:
            place.note(key, "ignored", "the certificate is issued at once")
    return Made(arn, {"CertificateArn": arn, "Id": arn})


def _delete_certificate(place: Place, arn: str, _given: Properties) -> None:
    place.ask("acm", "DeleteCertificate", CertificateArn=arn)


TYPES = {
    "AWS::CertificateManager::Certificate": Handler(_create_certificate, _delete_certificate),
    "AWS::SSM::Parameter": Handler(_create_parameter, _delete_parameter, _update_parameter),
    "AWS::SecretsManager::Secret": Handler(_create_secret, _delete_secret),
    "AWS::S3::Bucket": Handler(_create_bucket, _delete_bucket),
    "AWS::SNS::Topic": Handler(_create_topic, _delete_topic),
    "AWS::KMS::Key": Handler(_create_key, _delete_key),
}
