"""What Elastic Load Balancing refuses of redirects, fixed responses and the authentication of users."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from preflight.aws import constraints, unresolved
from preflight.aws.constraints import (
    Constraint,
    Fault,
    Object,
    Predicate,
    Test,
    between,
    equal,
    lacks,
    matches,
    needs,
    one_of,
    unequal,
    value,
)

_API = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference"
_REDIRECT, _FIXED, _OIDC, _COGNITO = (
    f"{_API}/API_{name}ActionConfig.html"
    for name in ("Redirect", "FixedResponse", "AuthenticateOidc", "AuthenticateCognito")
)
_REFUSED = "InvalidLoadBalancerAction"
_SAME = {"Protocol": "#{protocol}", "Host": "#{host}", "Port": "#{port}", "Path": "/#{path}"}
_WORD = re.compile(r"#\{([^}]*)\}?")
_URL = matches(
    r"https://[^/\s]+(/\S*)?",
    taken=("https://idp.example/authorize", "https://idp.example:8443/authorize"),
    refused=("http://idp.example/authorize", "idp.example"),
)


def _loop(part: Object) -> Iterator[Fault]:
    """A redirect changes protocol, host, port or path."""
    if all((constraints.get(part, name) or same) == same for name, same in _SAME.items()):
        yield Fault(())


def _words(*words: str, pattern: str = ".*", taken: tuple[str, ...], refused: tuple[str, ...]) -> Predicate:
    """A text of a pattern with reserved keywords, each once, and no others."""
    compiled = re.compile(pattern, re.DOTALL)

    def fits(value: object) -> bool:
        used = _WORD.findall(str(value))
        return compiled.fullmatch(str(value)) is not None and set(used) <= set(words) and len(used) == len(set(used))

    return Predicate(fits, taken, refused)


def _extra_params(part: Object) -> Iterator[Fault]:
    """A request for authentication has ten extra parameters at most."""
    value = constraints.get(part, "AuthenticationRequestExtraParams")
    if isinstance(value, Mapping) and len(value) > 10 and not unresolved.is_function(value):
        yield Fault(("AuthenticationRequestExtraParams",), len(value))


def _params(number: int) -> Object:
    return {"AuthenticationRequestExtraParams": {str(n): "x" for n in range(number)}}


_PORT = matches(
    r"#\{port\}|0*([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])",
    taken=("1", "65535", "#{port}"),
    refused=("0", "65536", "https"),
)
_PATH = _words(
    *("host", "path", "port"),
    pattern=r"/.*",
    taken=("/abc", "/#{path}"),
    refused=("abc", "/#{query}", "/#{path}/#{path}"),
)
_HOST = _words(
    "host", pattern=r"[^/\s]+", taken=("www.example.com", "www.#{host}"), refused=("#{path}.example.com", "http://a")
)
_QUERY = _words("protocol", "host", "port", "path", "query", taken=("#{query}&a=b",), refused=("#{fragment}",))
_TYPES = ("text/html", "application/json", "application/javascript", "text/css", "text/plain")
_TIMES = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html"

_REDIRECTS = (
    Constraint(
        Test(
            _loop,
            ({"Protocol": "HTTPS"}, {"Port": "443"}, {"Host": "www.#{host}"}, {"Path": "/new"}),
            ({"Query": "a=b"}, {**_SAME}),
        ),
        _REFUSED,
        "The redirect configuration is not valid because it creates a loop.",
        _REDIRECT,
        cure="Change the protocol, the host, the port or the path.",
    ),
    Constraint(
        value("Port", _PORT),
        _REFUSED,
        "The Port parameter must be a number between 1 and 65535, or '#{port}'.",
        _REDIRECT,
    ),
    Constraint(
        value("Path", _PATH),
        _REFUSED,
        "The Path parameter must be a valid path, should start with a '/', and may contain up to one of each of these placeholders: '#{path}', '#{host}', '#{port}'.",
        _REDIRECT,
    ),
    Constraint(
        value("Host", _HOST),
        _REFUSED,
        "The Host parameter must be a valid hostname, and may contain up to one '#{host}' placeholder.",
        _REDIRECT,
    ),
    Constraint(
        value("Query", _QUERY),
        _REFUSED,
        "The Query parameter may contain up to one of each of these placeholders: '#{protocol}', '#{host}', '#{port}', '#{path}', '#{query}'.",
        _REDIRECT,
    ),
)
_RESPONSES = (
    Constraint(
        value("ContentType", one_of(*_TYPES)),
        _REFUSED,
        f"The ContentType must be one of:{', '.join(repr(kind) for kind in _TYPES)}",
        _FIXED,
    ),
)
_SESSIONS = (
    Constraint(
        value("SessionTimeout", between(1, 604800)),
        _REFUSED,
        "The session timeout '{value}' must be between 1 and 604800 seconds",
        _TIMES,
    ),
    Constraint(
        Test(_extra_params, (_params(10),), (_params(11),)),
        _REFUSED,
        "A maximum of 10 extra parameters can be specified for authentication requests, not {value}",
        _OIDC,
    ),
)
_PROVIDERS = (
    *(
        Constraint(
            value(name, _URL), _REFUSED, f"The {name} '{{value}}' must be a full URL that begins with https://", _OIDC
        )
        for name in ("Issuer", "AuthorizationEndpoint", "TokenEndpoint", "UserInfoEndpoint")
    ),
    Constraint(
        lacks("ClientSecret"),
        _REFUSED,
        "You cannot both specify a client secret and set UseExistingClientSecret to true",
        _OIDC,
        when=equal("UseExistingClientSecret", "true"),
        cure="Remove one of them.",
    ),
    Constraint(
        needs("ClientSecret"),
        _REFUSED,
        "You must either specify a client secret or set UseExistingClientSecret to true",
        _OIDC,
        when=unequal("UseExistingClientSecret", "true", default="false", example="false"),
    ),
    *_SESSIONS,
)
_USER_POOLS = (
    Constraint(
        value(
            "UserPoolArn",
            matches(
                r"arn:[\w-]+:cognito-idp:.+",
                taken=("arn:aws:cognito-idp:eu-west-1:123456789012:userpool/a",),
                refused=("eu-west-1_a",),
            ),
        ),
        _REFUSED,
        "The UserPoolArn '{value}' is not a valid ARN of a user pool",
        _COGNITO,
    ),
    *_SESSIONS,
)
_BY_CONFIG = {
    "RedirectConfig": _REDIRECTS,
    "FixedResponseConfig": _RESPONSES,
    "AuthenticateOidcConfig": _PROVIDERS,
    "AuthenticateCognitoConfig": _USER_POOLS,
}


def rows(at: str) -> tuple[Constraint, ...]:
    """Returns the rows about the configurations of the actions at a path."""
    return tuple(replace(row, at=f"{at}.{config}") for config, table in _BY_CONFIG.items() for row in table)
