"""What Elastic Load Balancing refuses of a trust store and of its revocations."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.aws.constraints import Constraint, Predicate, needs, value

SERVICE = "elasticloadbalancing"
_API = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference"
_SOME = value("RevocationContents", Predicate(lambda contents: contents != [], ([{"S3Bucket": "b", "S3Key": "k"}],), ([],)))

TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::ElasticLoadBalancingV2::TrustStore": tuple(
        Constraint(
            needs(name),
            "ValidationError",
            f"{name} must be specified: a trust store is created from the bundle of a bucket",
            f"{_API}/API_CreateTrustStore.html",
        )
        for name in ("CaCertificatesBundleS3Bucket", "CaCertificatesBundleS3Key")
    ),
    "AWS::ElasticLoadBalancingV2::TrustStoreRevocation": (
        *(
            Constraint(
                test,
                "ValidationError",
                "Revocation contents must be specified",
                f"{_API}/API_AddTrustStoreRevocations.html",
            )
            for test in (needs("RevocationContents"), _SOME)
        ),
        *(
            Constraint(
                needs(name),
                "ValidationError",
                f"{name} must be specified for a revocation file",
                f"{_API}/API_RevocationContent.html",
                at="RevocationContents[]",
            )
            for name in ("S3Bucket", "S3Key")
        ),
    ),
}
OPERATIONS: Mapping[str, str] = {}
