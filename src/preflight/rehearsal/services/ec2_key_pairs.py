"""Public keys in each format that EC2 imports; moto knows two of them, and fails on anything else."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from moto.ec2.models import key_pairs


def take_every_format() -> None:
    """Lets moto take keys in base64 encoded DER, and refuse what is no key with InvalidKeyPair.Format.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ImportKeyPair.html; moto/ec2/utils.py.
    """
    parse = key_pairs.public_key_parse

    def parse_any(key_material: bytes) -> Any:
        try:
            return parse(key_material)
        except (ValueError, UnsupportedAlgorithm):
            return _of_der(key_material)

    if parse.__name__ != parse_any.__name__:
        key_pairs.public_key_parse = parse_any


def _of_der(material: bytes) -> RSAPublicKey | Ed25519PublicKey:
    """Returns a key in base64 encoded DER.

    Raises:
        ValueError: it is none, or of a kind that EC2 does not know.
    """
    try:
        key = load_der_public_key(base64.b64decode(b"".join(material.split()), validate=True))
    except (binascii.Error, UnsupportedAlgorithm) as error:
        raise ValueError(str(error)) from error
    if not isinstance(key, RSAPublicKey | Ed25519PublicKey):
        raise ValueError(type(key).__name__)  # noqa: TRY004 - as moto's own parser does
    return key
