"""The certificate of encrypted listeners: created on first use, and kept in memory."""

from __future__ import annotations

import datetime as dt
import functools
import ssl
import tempfile
from pathlib import Path


@functools.cache
def tls_context() -> ssl.SSLContext:
    """Returns TLS with a self-signed certificate of this run."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "certificate.pem"
        path.write_bytes(_certificate())
        context.load_cert_chain(path)
    return context


def _certificate() -> bytes:
    """Returns a private key and a certificate signed with it, in PEM."""
    from cryptography import x509  # noqa: PLC0415 - slow to import, and few deployments have an HTTPS listener
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - as above

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "rehearsal")])
    now = dt.datetime.now(dt.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private_key = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private_key + certificate.public_bytes(serialization.Encoding.PEM)
