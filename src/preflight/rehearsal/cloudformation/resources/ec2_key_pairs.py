"""Key pairs of EC2, and the parameter of Systems Manager that keeps the private key of one that AWS makes.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-key-pairs.html#create-key-pair-cloudformation.
"""

from __future__ import annotations

from collections.abc import Mapping

from preflight.aws.unresolved import STANDIN
from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler

_STORED = {"KeyName", "KeyType", "PublicKeyMaterial", "Tags"}


def _create(context: HandlerContext, properties: Properties) -> CreatedResource:
    name, material = str(properties["KeyName"]), str(properties.get("PublicKeyMaterial") or "")
    tags = [{"ResourceType": "key-pair", "Tags": context.all_tags(properties.get("Tags"))}]
    is_imported = bool(material) and STANDIN not in material
    if is_imported:
        pair = context.call("ec2", "ImportKeyPair", KeyName=name, PublicKeyMaterial=material.encode(), TagSpecifications=tags)
    else:
        pair = context.call("ec2", "CreateKeyPair", KeyName=name, KeyType=properties.get("KeyType") or "rsa", TagSpecifications=tags)
    context.identify(name)
    if not material:
        context.call("ssm", "PutParameter", Name=_parameter(pair["KeyPairId"]), Value=pair["KeyMaterial"], Type="SecureString", Tier="Standard")
    for key in properties:
        context.record(key, "stored" if key in _STORED else "ignored", "no instance is started")
    return CreatedResource(name, {"KeyPairId": pair["KeyPairId"], "KeyFingerprint": pair["KeyFingerprint"]})


def _parameter(pair: str) -> str:
    return f"/ec2/keypair/{pair}"


def _delete(context: HandlerContext, name: str, properties: Properties) -> None:
    pair = context.call("ec2", "DescribeKeyPairs", KeyNames=[name])["KeyPairs"][0]
    context.call("ec2", "DeleteKeyPair", KeyName=name)
    if not properties.get("PublicKeyMaterial"):
        context.call("ssm", "DeleteParameter", Name=_parameter(pair["KeyPairId"]))


def _read(context: HandlerContext, name: str, properties: Properties) -> Response:
    pair = context.call("ec2", "DescribeKeyPairs", KeyNames=[name])["KeyPairs"][0]
    material = {"PublicKeyMaterial": properties["PublicKeyMaterial"]} if "PublicKeyMaterial" in properties else {}
    return {**pair, **material}


TYPES: Mapping[str, Handler] = {"AWS::EC2::KeyPair": Handler(_create, _delete, None, _read)}
