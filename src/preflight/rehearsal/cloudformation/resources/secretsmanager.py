"""Secrets of Secrets Manager."""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response, only
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler

PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


def _create_secret(context: HandlerContext, properties: Properties) -> CreatedResource:
    value = properties.get("SecretString")
    if value is None and "GenerateSecretString" in properties:
        value = generate_secret(properties["GenerateSecretString"])
    request = {"Name": properties.get("Name") or context.generate_name(max_length=256)}
    request |= only(properties, "Description", "KmsKeyId")
    tags = context.all_tags(properties.get("Tags"))
    secret = context.call(
        "secretsmanager",
        "CreateSecret",
        **request,
        **({"SecretString": value} if value is not None else {}),
        **({"Tags": tags} if tags else {}),
    )
    for key in properties:
        is_stored = key in {"Name", "Description", "KmsKeyId", "SecretString", "GenerateSecretString", "Tags"}
        context.record(key, "stored" if is_stored else "ignored")
    return CreatedResource(secret["ARN"], {"Id": secret["ARN"]})


def generate_secret(rules: Mapping[str, Any]) -> str:
    """Returns a secret that follows the rules of GenerateSecretString.

    Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html.
    """
    alphabets = (
        ("ExcludeLowercase", string.ascii_lowercase),
        ("ExcludeUppercase", string.ascii_uppercase),
        ("ExcludeNumbers", string.digits),
        ("ExcludePunctuation", PUNCTUATION),
    )
    letters = "".join(letters for rule, letters in alphabets if not rules.get(rule))
    letters = "".join(letter for letter in letters if letter not in str(rules.get("ExcludeCharacters", "")))
    password = "".join(secrets.choice(letters or "x") for _ in range(int(rules.get("PasswordLength") or 32)))
    if not rules.get("GenerateStringKey"):
        return password
    return json.dumps({**json.loads(rules.get("SecretStringTemplate") or "{}"), rules["GenerateStringKey"]: password})


def _delete_secret(context: HandlerContext, arn: str, _properties: Properties) -> None:
    context.call("secretsmanager", "DeleteSecret", SecretId=arn, ForceDeleteWithoutRecovery=True)


def _update_secret(context: HandlerContext, arn: str, _old: Properties, new: Properties) -> CreatedResource:
    changed = only(new, "Description", "KmsKeyId", "SecretString")
    context.submit("secretsmanager", "UpdateSecret", {"SecretId": arn, **changed})
    return CreatedResource(arn, {"Id": arn})


def _read_secret(context: HandlerContext, arn: str, properties: Properties) -> Response:
    secret = context.call("secretsmanager", "DescribeSecret", SecretId=arn)
    has_value = any("AWSCURRENT" in stages for stages in secret.get("VersionIdsToStages", {}).values())
    value = context.call("secretsmanager", "GetSecretValue", SecretId=arn)["SecretString"] if has_value else None
    return {
        **secret,
        "SecretString": value,
        "GenerateSecretString": properties.get("GenerateSecretString") if value else None,
    }


TYPES: Mapping[str, Handler] = {
    "AWS::SecretsManager::Secret": Handler(_create_secret, _delete_secret, _update_secret, _read_secret),
}
