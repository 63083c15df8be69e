"""What Elastic Load Balancing refuses of the attributes of a listener."""

from __future__ import annotations

from preflight.aws.constraints import Constraint, equal, matches, setting
from preflight.aws.refusals.attributes import Attributes

_PAGE = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ListenerAttribute.html"
_ATTRIBUTES = Attributes("ListenerAttributes", "Listener", _PAGE)
_REQUEST, _RESPONSE = "routing.http.request", "routing.http.response"
_CERTIFICATE = f"{_REQUEST}.x_amzn_mtls_clientcert"
_IDLE, _RESET, _SERVER = (
    "tcp.idle_timeout.seconds",
    "send_tcp_reset.on_idle_timeout.enabled",
    f"{_RESPONSE}.server.enabled",
)
_HEADERS = (
    *(
        f"{_CERTIFICATE}{part}.header_name"
        for part in ("", "_serial_number", "_issuer", "_subject", "_validity", "_leaf")
    ),
    *(f"{_REQUEST}.x_amzn_tls_{part}.header_name" for part in ("version", "cipher_suite")),
)
_ORIGINS = ("allow_origin", "allow_methods", "allow_headers", "allow_credentials", "expose_headers", "max_age")
_OPTIONS, _FRAMES = f"{_RESPONSE}.x_content_type_options.header_value", f"{_RESPONSE}.x_frame_options.header_value"
_OF_APPLICATION = (
    *(*_HEADERS, _SERVER, _OPTIONS, _FRAMES),
    *(f"{_RESPONSE}.{part}.header_value" for part in ("strict_transport_security", "content_security_policy")),
    *(f"{_RESPONSE}.access_control_{part}.header_value" for part in _ORIGINS),
)
# What AWS adds to the HTTP headers is of requests or responses.
_FORM = r"(?!routing\.http\.)[a-z0-9_]+(\.[a-z0-9_]+)+|routing\.http\.(request|response)\.[a-z0-9_]+\.[a-z0-9_]+"
_TOKEN = matches(r"[A-Za-z0-9!#$%&'*+._^`|~-]+", taken=("X-Client_1",), refused=("X Client", "X:Client", "X-Clïent"))
_UNSUPPORTED = "Listener attribute key '{value}' is not supported for listeners with the protocol "

ROWS: tuple[Constraint, ...] = (
    _ATTRIBUTES.once(),
    *_ATTRIBUTES.keys(_IDLE, _RESET, *_OF_APPLICATION, form=_FORM),
    *(
        _ATTRIBUTES.unsupported(
            f"{_UNSUPPORTED}{name}", *keys, where=equal("Protocol", name), code="InvalidConfigurationRequest"
        )
        for name, keys in (
            ("HTTP", (_IDLE, _RESET)),
            ("HTTPS", (_IDLE, _RESET)),
            *((name, (_RESET, *_OF_APPLICATION)) for name in ("TCP", "TCP_UDP")),
            *((name, (_IDLE, _RESET, *_OF_APPLICATION)) for name in ("UDP", "TLS")),
        )
    ),
    *_ATTRIBUTES.flags(_RESET, _SERVER),
    _ATTRIBUTES.number(_IDLE, 60, 6000),
    *(
        Constraint(
            setting("ListenerAttributes", key, _TOKEN),
            "ValidationError",
            f"'{key}' value '{{value}}' is not a valid HTTP header name",
            "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/header-modification.html",
        )
        for key in _HEADERS
    ),
    *(
        Constraint(
            setting("ListenerAttributes", key, matches(rf"(?i)({pattern})?", taken=(taken, ""), refused=(refused,))),
            "ValidationError",
            f"'{key}' value '{{value}}' is not valid",
            "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/header-modification.html",
        )
        for key, pattern, taken, refused in (
            (_OPTIONS, "nosniff", "nosniff", "sniff"),
            (_FRAMES, r"DENY|SAMEORIGIN|ALLOW-FROM \S+", "DENY", "ALLOW"),
            (f"{_RESPONSE}.access_control_allow_credentials.header_value", "true", "true", "false"),
            (f"{_RESPONSE}.access_control_max_age.header_value", r"\d+", "600", "an hour"),
        )
    ),
)
