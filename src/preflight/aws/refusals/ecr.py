"""What ECR refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from preflight.aws import spelling
from preflight.aws.constraints import (
    Condition,
    Constraint,
    Fault,
    Object,
    Predicate,
    Test,
    equal,
    known,
    lacks,
    matches,
    needs,
    one_of,
    value,
)
from preflight.aws.refusals import ecr_lifecycle_policies, ecr_policies

SERVICE = "ecr"
_API = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference"
_GUIDE = "https://docs.aws.amazon.com/AmazonECR/latest/userguide"
_INVALID = "InvalidParameterException"
_FILTERS = "ImageTagMutabilityExclusionFilters"
_EXCLUSION = ("MUTABLE_WITH_EXCLUSION", "IMMUTABLE_WITH_EXCLUSION")
# The registries that can be cached, by the hosts that they have.
_UPSTREAMS = {
    "ecr": re.compile(r"\d{12}\.dkr[.-]ecr([.-][a-z]+)*[.-][a-z0-9-]+\..+"),
    "ecr-public": re.compile(r"public\.ecr\.aws"),
    "docker-hub": re.compile(r"registry-1\.docker\.io"),
    "quay": re.compile(r"quay\.io"),
    "k8s": re.compile(r"registry\.k8s\.io"),
    "github-container-registry": re.compile(r"ghcr\.io"),
    "gitlab-container-registry": re.compile(r"registry\.gitlab\.com"),
    "azure-container-registry": re.compile(r"[a-zA-Z0-9-]+\.azurecr\.(io|cn|us)"),
    "chainguard": re.compile(r"cgr\.dev"),
}
_HOSTS = ("public.ecr.aws", "registry-1.docker.io", "quay.io", "registry.k8s.io", "ghcr.io", "registry.gitlab.com", "cgr.dev")
_OF_DOCKER = re.compile(r"([a-z0-9-]+\.)*docker\.(io|com)")
_WITH_CREDENTIALS = {
    *("docker-hub", "github-container-registry", "gitlab-container-registry", "azure-container-registry", "chainguard"),
}
_CREDENTIALS = matches(
    r"arn:aws(-\w+)*:secretsmanager:[a-zA-Z0-9-:]+:secret:ecr-pullthroughcache/[a-zA-Z0-9/_+=.@-]+",
    taken=("arn:aws:secretsmanager:us-east-1:123456789012:secret:ecr-pullthroughcache/hub-AbCdEf",),
    refused=("arn:aws:secretsmanager:us-east-1:123456789012:secret:hub-AbCdEf",),
)
_RULE = f"{_API}/API_CreatePullThroughCacheRule.html"
_SCANNING = f"{_API}/API_RegistryScanningRule.html"


def upstream(url: str) -> str | None:
    """Returns the name of the registry at a URL, None if it cannot be cached."""
    return next((name for name, host in _UPSTREAMS.items() if host.fullmatch(url)), None)


def _may_be_upstream(url: str) -> bool:
    """Whether ECR may cache a registry that is not known here: a host that is no other name of one that is."""
    return re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", url) is not None and not _OF_DOCKER.fullmatch(url) and not spelling.is_near(url, _HOSTS)


def _other_registry(part: Object) -> Iterator[Fault]:
    url, name = known(part, "UpstreamRegistryUrl"), known(part, "UpstreamRegistry")
    if url is not None and name is not None and upstream(str(url)) not in (None, name):
        yield Fault(("UpstreamRegistry",), name)


def _needs_credentials(part: Object) -> bool:
    return upstream(str(known(part, "UpstreamRegistryUrl"))) in _WITH_CREDENTIALS


def _frequency(kind: str, default: str, *frequencies: str) -> Constraint:
    """The frequencies that a kind of scan has."""
    return Constraint(
        value("ScanFrequency", one_of(*frequencies)),
        _INVALID,
        f"Invalid scan frequency for scanType {kind}: {{value}}",
        _SCANNING,
        at="Rules[]",
        where=equal("ScanType", kind, default=default),
    )


def _settings(page: str) -> tuple[Constraint, ...]:
    """The rows of what repositories and their templates have in common."""
    prefix = "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: "
    return (
        Constraint(
            lacks("EncryptionConfiguration.KmsKey"),
            _INVALID,
            "Invalid encryption configuration: Encryption key should not be set for AES256 encryption.",
            f"{_API}/API_EncryptionConfiguration.html",
            when=_ENCRYPTED_BY_S3,
        ),
        Constraint(
            lacks(_FILTERS),
            _INVALID,
            f"{prefix}'{_FILTERS} are not allowed when imageTagMutability is set to MUTABLE or IMMUTABLE'",
            page,
            when=equal("ImageTagMutability", "MUTABLE", "IMMUTABLE", default="MUTABLE"),
            cure="Set ImageTagMutability to IMMUTABLE_WITH_EXCLUSION or MUTABLE_WITH_EXCLUSION.",
        ),
        Constraint(
            needs(_FILTERS),
            _INVALID,
            f"{prefix}'{_FILTERS} can't be null when imageTagMutability is set as MUTABLE_WITH_EXCLUSION or IMMUTABLE_WITH_EXCLUSION'",
            page,
            when=equal("ImageTagMutability", *_EXCLUSION),
        ),
    )


def _by_s3(part: Object) -> bool:
    kind, key = known(part, "EncryptionConfiguration.EncryptionType"), known(part, "EncryptionConfiguration.KmsKey")
    return bool(kind == "AES256" and key != "")


_ENCRYPTED_BY_S3 = Condition(_by_s3, {"EncryptionConfiguration": {"EncryptionType": "AES256"}})


def _upstreams() -> tuple[Constraint, ...]:
    """The registries that can be cached, and those that ECR may have added."""
    return (
        Constraint(
            value(
                "UpstreamRegistryUrl",
                Predicate(
                    lambda url: upstream(str(url)) is not None or _may_be_upstream(str(url)),
                    ("public.ecr.aws", "x.azurecr.io", "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "registry.example.com"),
                    ("https://public.ecr.aws", "docker.io", "quay", "registry.k8.io"),
                ),
            ),
            "UnsupportedUpstreamRegistryException",
            "The specified upstream registry isn't supported: {value}",
            _RULE,
            cure="Name one of the registries of the page, by its host alone.",
        ),
        Constraint(
            value(
                "UpstreamRegistryUrl",
                Predicate(
                    lambda url: upstream(str(url)) is not None or not _may_be_upstream(str(url)), ("ghcr.io",), ("registry.example.com",)
                ),
            ),
            "UnsupportedUpstreamRegistryException",
            "The upstream registry is not on the page: {value}",
            _RULE,
            is_certain=False,
        ),
    )


def _cache_rule() -> tuple[Constraint, ...]:
    return (
        *_upstreams(),
        Constraint(
            needs("CredentialArn"),
            "UnsupportedUpstreamRegistryException",
            "The specified upstream registry requires authentication. Specify a valid Secrets Manager ARN containing the upstream registry credentials.",
            _RULE,
            when=Condition(_needs_credentials, {"UpstreamRegistryUrl": "registry-1.docker.io"}),
        ),
        Constraint(
            value("CredentialArn", _CREDENTIALS),
            _INVALID,
            "Invalid parameter at 'credentialArn': the name of the secret must begin with ecr-pullthroughcache/",
            f"{_GUIDE}/pull-through-cache-creating-secret.html",
        ),
        Constraint(
            Test(
                _other_registry,
                ({"UpstreamRegistryUrl": "ghcr.io", "UpstreamRegistry": "github-container-registry"},),
                ({"UpstreamRegistryUrl": "public.ecr.aws", "UpstreamRegistry": "quay"},),
            ),
            _INVALID,
            "Upstream registry URL and entered upstream registry do not match",
            _RULE,
        ),
    )


TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::ECR::Repository": (
        *_settings(f"{_API}/API_CreateRepository.html"),
        *ecr_lifecycle_policies.rows("LifecyclePolicyText", at="LifecyclePolicy"),
        *ecr_policies.of_repository("RepositoryPolicyText"),
    ),
    "AWS::ECR::RepositoryCreationTemplate": (
        *_settings(f"{_API}/API_CreateRepositoryCreationTemplate.html"),
        *ecr_lifecycle_policies.rows("LifecyclePolicy"),
        *ecr_policies.of_repository("RepositoryPolicy"),
    ),
    "AWS::ECR::RegistryPolicy": ecr_policies.of_registry("PolicyText"),
    "AWS::ECR::PullThroughCacheRule": _cache_rule(),
    "AWS::ECR::RegistryScanningConfiguration": (
        _frequency("BASIC", "BASIC", "SCAN_ON_PUSH", "MANUAL"),
        _frequency("ENHANCED", "BASIC", "SCAN_ON_PUSH", "CONTINUOUS_SCAN"),
    ),
}
OPERATIONS: Mapping[str, str] = {
    "CreateRepository": "AWS::ECR::Repository",
    "CreateRepositoryCreationTemplate": "AWS::ECR::RepositoryCreationTemplate",
    "CreatePullThroughCacheRule": "AWS::ECR::PullThroughCacheRule",
    "PutRegistryPolicy": "AWS::ECR::RegistryPolicy",
    "PutRegistryScanningConfiguration": "AWS::ECR::RegistryScanningConfiguration",
}
