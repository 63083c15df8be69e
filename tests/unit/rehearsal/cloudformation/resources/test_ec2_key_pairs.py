"""Key pairs of a stack, and parameters of another stack that are given them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Client = Callable[[str], Any]
Deploy = Callable[..., dict[str, Any]]
PAIR = {"Type": "AWS::EC2::KeyPair", "Properties": {"KeyName": "mine", "KeyType": "ed25519"}}
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f a"


def body(resource: dict[str, Any]) -> str:
    return json.dumps({"Resources": {"A": resource}, "Outputs": {"Out": {"Value": {"Ref": "A"}}}})


def taking(kind: str) -> str:
    return json.dumps({"Parameters": {"P": {"Type": kind}}, "Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "P"}}}}})


def delete(client: Client) -> None:
    client("cloudformation").delete_stack(StackName="s")
    client("cloudformation").get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1})


def test_the_private_key_is_a_parameter_until_the_stack_is_deleted(client: Client, deploy: Deploy) -> None:
    deploy(body(PAIR))
    (pair,) = client("ec2").describe_key_pairs(KeyNames=["mine"])["KeyPairs"]
    names = [parameter["Name"] for parameter in client("ssm").describe_parameters()["Parameters"]]

    delete(client)

    assert names == [f"/ec2/keypair/{pair['KeyPairId']}"]
    assert client("ssm").describe_parameters()["Parameters"] == []
    assert client("ec2").describe_key_pairs()["KeyPairs"] == []


def test_of_an_imported_key_no_private_one_is_kept(client: Client, deploy: Deploy) -> None:
    stack = deploy(body({"Type": "AWS::EC2::KeyPair", "Properties": {"KeyName": "mine", "PublicKeyMaterial": PUBLIC}}))

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert client("ssm").describe_parameters()["Parameters"] == []


def encoded(key: Any, encoding: Encoding, form: PublicFormat) -> bytes:
    text: bytes = key.public_key().public_bytes(encoding, form)
    return base64.b64encode(text) if encoding == Encoding.DER else text


def imported(client: Client, material: bytes) -> str:
    return str(client("ec2").import_key_pair(KeyName="mine", PublicKeyMaterial=material)["KeyName"])


def test_a_key_may_be_in_base64_encoded_der(client: Client) -> None:
    der = encoded(rsa.generate_private_key(65537, 2048), Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    assert imported(client, b"\n".join((der[:64], der[64:]))) == "mine"


@pytest.mark.parametrize(
    "material",
    [
        pytest.param(b"not a key", id="none"),
        pytest.param(b"bm9uZQ==", id="none in base64"),
        pytest.param(encoded(ec.generate_private_key(ec.SECP256R1()), Encoding.OpenSSH, PublicFormat.OpenSSH), id="of an elliptic curve"),
        pytest.param(encoded(ec.generate_private_key(ec.SECP256R1()), Encoding.DER, PublicFormat.SubjectPublicKeyInfo), id="of an elliptic curve in DER"),
    ],
)
def test_what_is_no_key_of_a_known_kind_is_refused(client: Client, material: bytes) -> None:
    with pytest.raises(ClientError) as refused:
        imported(client, material)

    assert refused.value.response["Error"]["Code"] == "InvalidKeyPair.Format"


@pytest.mark.parametrize(
    ("kind", "resource"),
    [
        pytest.param("AWS::EC2::KeyPair::KeyName", PAIR, id="a key pair"),
        pytest.param(
            "AWS::EC2::Instance::Id",
            {"Type": "AWS::EC2::Instance", "Properties": {"ImageId": "ami-0123456789abcdef0", "InstanceType": "t3.micro"}},
            id="an instance, which is not modelled",
        ),
        pytest.param("List<AWS::EC2::Volume::Id>", {"Type": "AWS::EC2::Volume", "Properties": {"Size": 8, "AvailabilityZone": "ap-northeast-1a"}}, id="a volume, which is not modelled"),
    ],
)
def test_a_parameter_takes_what_another_stack_created(client: Client, deploy: Deploy, kind: str, resource: dict[str, Any]) -> None:
    (output,) = deploy(body(resource))["Outputs"]

    created = client("cloudformation").create_stack(
        StackName="other", TemplateBody=taking(kind), Parameters=[{"ParameterKey": "P", "ParameterValue": output["OutputValue"]}]
    )

    assert created["StackId"]


def test_a_parameter_takes_no_key_pair_that_does_not_exist(client: Client) -> None:
    with pytest.raises(ClientError, match="parameter value mine for parameter name P does not exist"):
        client("cloudformation").create_stack(
            StackName="other", TemplateBody=taking("AWS::EC2::KeyPair::KeyName"), Parameters=[{"ParameterKey": "P", "ParameterValue": "mine"}]
        )
