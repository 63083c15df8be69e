"""What Elastic Load Balancing refuses of the values of a rule's conditions."""

from __future__ import annotations

from collections.abc import Iterator

import regex

from preflight.aws.constraints import (
    Constraint,
    Predicate,
    each,
    equal,
    length,
    matches,
    needs,
    network,
    present,
    value,
)

_API = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference"
_CONDITION = f"{_API}/API_RuleCondition.html"
CONFIGS = {
    "host-header": "HostHeaderConfig",
    "path-pattern": "PathPatternConfig",
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}
_HOST = Predicate(
    lambda actual: (
        regex.fullmatch(r"[\w.*?-]+", str(actual), regex.ASCII) is not None and bool(regex.search(r"[.*?]", str(actual)))
    ),
    ("www.example.com", "*.example.com"),
    ("http://www.example.com/", "www.example.com:80", "a b.example", "localhost"),
)
_PATH = matches(r"[^\s\\<>^`{}|#\[\]]*", taken=("/a/*", "*.png", "/a%20b"), refused=("/a b", "/a#b", "/{id}"))
_METHOD = matches(r"[A-Z_-]{1,40}", taken=("GET", "a".upper() * 40), refused=("get", "GET*", "A" * 41))
_HEADER = matches(r"[!#$%&'*+.^_`|~\w-]+", taken=("User-Agent", "X-A_b"), refused=("User Agent", "X:"))
_BROADCAST = "255.255.255.255/32"
_ADDRESSES = Predicate(
    lambda actual: actual != _BROADCAST and (network(4, 0, 32).fits(actual) or network(6, 0, 128).fits(actual)),
    ("10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"),
    ("10.0.0.0/33", "10.*", "example.com", _BROADCAST),
)


def _texts() -> Iterator[Constraint]:
    """The values of a condition have the form of its field."""
    invalid = "The value '{value}' is not valid for the '%s' condition"
    long = "The '%s' value is too long; the limit is '128'"
    host, path, header = "host-header", "path-pattern", "http-header"
    for field, name, predicate, sentence in (
        *((f, n, length(0, 128), long % f) for f in (host, path) for n in ("Values", f"{CONFIGS[f]}.Values")),
        *((f, f"{CONFIGS[f]}.RegexValues", length(0, 128), long % f) for f in (host, path, header)),
        (header, "HttpHeaderConfig.Values", length(0, 128), long % header),
        *((host, n, _HOST, invalid % host) for n in ("Values", "HostHeaderConfig.Values")),
        *((path, n, _PATH, invalid % path) for n in ("Values", "PathPatternConfig.Values")),
        (
            "http-request-method",
            "HttpRequestMethodConfig.Values",
            _METHOD,
            "The 'http-request-method' value is invalid; the allowed characters are A-Z, hyphen and underscore",
        ),
        (
            "source-ip",
            "SourceIpConfig.Values",
            _ADDRESSES,
            "The value '{value}' is not a valid CIDR block for the 'source-ip' condition",
        ),
    ):
        yield Constraint(
            each(name, predicate),
            "ValidationError",
            sentence,
            _CONDITION,
            at="Conditions[]",
            when=equal("Field", field),
        )


_HEADER_NAME = "Conditions[].HttpHeaderConfig"
_QUERY = "Conditions[].QueryStringConfig.Values[]"
ROWS: tuple[Constraint, ...] = (
    *_texts(),
    Constraint(
        value("HttpHeaderName", length(1, 40)),
        "ValidationError",
        "The 'HttpHeaderName' value is too long; the limit is '40'",
        f"{_API}/API_HttpHeaderConditionConfig.html",
        at=_HEADER_NAME,
    ),
    Constraint(
        value("HttpHeaderName", _HEADER),
        "ValidationError",
        "The 'HttpHeaderName' value '{value}' has characters that are not valid in the name of a header",
        f"{_API}/API_HttpHeaderConditionConfig.html",
        at=_HEADER_NAME,
    ),
    Constraint(
        value("HttpHeaderName", matches(r"(?i)(?!host$).*", taken=("Hostname",), refused=("Host", "host"))),
        "ValidationError",
        "The 'HttpHeaderName' value cannot be '{value}'; use a 'host-header' condition",
        f"{_API}/API_HttpHeaderConditionConfig.html",
        at=_HEADER_NAME,
    ),
    Constraint(
        needs("HttpHeaderName"),
        "ValidationError",
        "A 'HttpHeaderName' must be specified in 'HttpHeaderConfig'",
        f"{_API}/API_HttpHeaderConditionConfig.html",
        at=_HEADER_NAME,
    ),
    Constraint(
        needs("Value"),
        "ValidationError",
        "A 'Value' must be specified in 'QueryStringKeyValuePair'",
        f"{_API}/API_QueryStringKeyValuePair.html",
        at=_QUERY,
    ),
    *(
        Constraint(
            value(name, length(0, 128)),
            "ValidationError",
            f"The '{name}' value is too long; the limit is '128'",
            f"{_API}/API_QueryStringConditionConfig.html",
            at=_QUERY,
        )
        for name in ("Key", "Value")
    ),
    Constraint(
        present(1, 1, "Values", "IpAddressType"),
        "ValidationError",
        "A 'source-ip' value must be specified",
        f"{_API}/API_SourceIpConditionConfig.html",
        at="Conditions[].SourceIpConfig",
    ),
)
