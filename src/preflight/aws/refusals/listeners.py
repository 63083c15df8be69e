"""What Elastic Load Balancing refuses of a listener and of its further certificates."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.aws.constraints import (
    Constraint,
    count,
    each,
    equal,
    lacks,
    matches,
    needs,
    no,
    one_of,
    unequal,
    value,
)
from preflight.aws.refusals import listener_actions, listener_attributes

SERVICE = "elasticloadbalancing"
_API = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference"
_PAGE, _MUTUAL = f"{_API}/API_CreateListener.html", f"{_API}/API_MutualAuthenticationAttributes.html"
_GUIDE = "https://docs.aws.amazon.com/elasticloadbalancing/latest"
_PLAIN = ("HTTP", "TCP", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC")
_NETWORK = ("TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC")
_LISTED = (
    r"ELBSecurityPolicy-(2015-05|2016-08|TLS-1-0-2015-0[45]|TLS-1-1-2017-01|TLS-1-2-2017-01|TLS-1-2-Ext-2018-06|FS-2018-06"
    r"|FS-1-[12]-2019-08|FS-1-2-Res-2019-08|FS-1-2-Res-2020-10"
    r"|TLS13-1-[0-3](-(Res|Ext[0-2]))?(-RFC9151(-INTEROP\d)?)?(-FIPS)?(-PQ)?-(2021-06|2023-0[47]|2025-09))"
)
_OLD = ("ELBSecurityPolicy-2016-08", "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09", "ELBSecurityPolicy-TLS13-1-2-FIPS-2023-04")
# A policy ends with its month; one of a month to come may be new.
_NEWER = r"ELBSecurityPolicy-[A-Za-z0-9-]+-20(2[6-9]|[3-9]\d)-(0[1-9]|1[0-2])"
_NEW = "ELBSecurityPolicy-TLS14-1-4-2027-03"
_POLICIES = matches(
    rf"{_LISTED}|{_NEWER}",
    taken=(*_OLD, _NEW),
    refused=("ELBSecurityPolicy-TLS-1-2", "ELBSecurityPolicy-TLS13-1-2-2021-07", "TLS-1-2-2017-01", "ELBSecurityPolicy-New"),
)
_CERTIFICATE = matches(
    r"arn:[\w-]+:(acm:[\w-]+:\d+:certificate/.+|iam::\d+:server-certificate/.+)",
    taken=("arn:aws:acm:eu-west-1:123456789012:certificate/a", "arn:aws:iam::123456789012:server-certificate/a"),
    refused=("a", "arn:aws:s3:::a", "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/a"),
)
_STORE = matches(
    r"arn:[\w-]+:elasticloadbalancing:[\w-]+:\d+:truststore/.+",
    taken=("arn:aws:elasticloadbalancing:eu-west-1:123456789012:truststore/a/0123456789abcdef",),
    refused=("a", "arn:a", "arn:aws:s3:::a"),
)

_CERTIFICATES = (
    *(
        Constraint(
            needs("Certificates"),
            "ValidationError",
            f"A certificate must be specified for {protocol} listeners",
            _PAGE,
            when=equal("Protocol", protocol),
        )
        for protocol in ("HTTPS", "TLS")
    ),
    Constraint(
        count("Certificates", 1, 1),
        "ValidationError",
        "Exactly one certificate must be specified for HTTPS and TLS listeners, not {value}",
        _PAGE,
        when=equal("Protocol", "HTTPS", "TLS"),
        cure="Add further certificates as AWS::ElasticLoadBalancingV2::ListenerCertificate.",
    ),
    *(
        Constraint(
            count("Certificates", 0, 0),
            "ValidationError",
            f"A certificate cannot be specified for {protocol} listeners",
            _PAGE,
            when=equal("Protocol", protocol),
        )
        for protocol in _PLAIN
    ),
    *(
        Constraint(
            lacks("SslPolicy"),
            "ValidationError",
            f"An SSL policy cannot be specifed for {protocol} listeners",
            _PAGE,
            when=equal("Protocol", protocol),
            cure="Remove SslPolicy.",
        )
        for protocol in _PLAIN
    ),
    Constraint(
        value("SslPolicy", _POLICIES),
        "SSLPolicyNotFound",
        "SSL policy '{value}' not found",
        f"{_GUIDE}/application/describe-ssl-policies.html",
    ),
    Constraint(
        value("SslPolicy", matches(rf"{_LISTED}|(?!{_NEWER}$).*", taken=_OLD, refused=(_NEW,))),
        "SSLPolicyNotFound",
        "SSL policy '{value}' is not on the page",
        f"{_GUIDE}/application/describe-ssl-policies.html",
        is_certain=False,
    ),
    Constraint(
        value("CertificateArn", _CERTIFICATE),
        "ValidationError",
        "'{value}' is not a valid certificate ARN",
        _PAGE,
        at="Certificates[]",
    ),
)
_NEGOTIATION = (
    Constraint(
        lacks("AlpnPolicy", shows="Protocol"),
        "ValidationError",
        "An ALPN policy cannot be specified for {value} listeners",
        _PAGE,
        when=unequal("Protocol", "TLS", example="TCP"),
        cure="Remove AlpnPolicy.",
    ),
    Constraint(count("AlpnPolicy", 1, 1), "ValidationError", "Only one ALPN policy can be specified", _PAGE),
    Constraint(
        each("AlpnPolicy", one_of("HTTP1Only", "HTTP2Only", "HTTP2Optional", "HTTP2Preferred", "None")),
        "ALPNPolicyNotSupported",
        "The specified ALPN policy '{value}' is not supported",
        _PAGE,
    ),
    Constraint(
        value("MutualAuthentication.Mode", one_of("off")),
        "ValidationError",
        "Mutual authentication can be specified only for HTTPS and TLS listeners",
        _MUTUAL,
        when=unequal("Protocol", "HTTPS", "TLS", example="HTTP"),
        cure="Remove MutualAuthentication.",
    ),
    Constraint(
        value("MutualAuthentication.Mode", one_of("off", "passthrough", "verify")),
        "ValidationError",
        "Mutual authentication mode '{value}' must be one of 'off, passthrough, verify'",
        _MUTUAL,
    ),
    Constraint(
        value("MutualAuthentication.Mode", one_of("off", "verify")),
        "ValidationError",
        "Mutual authentication mode '{value}' must be one of 'off, verify' for TLS listeners",
        _MUTUAL,
        when=equal("Protocol", "TLS"),
    ),
    Constraint(
        needs("TrustStoreArn"),
        "ValidationError",
        "A trust store ARN must be specified when the mutual authentication mode is 'verify'",
        _MUTUAL,
        at="MutualAuthentication",
        when=equal("Mode", "verify"),
    ),
    Constraint(
        value("TrustStoreArn", _STORE),
        "ValidationError",
        "'{value}' is not a valid trust store ARN",
        _MUTUAL,
        at="MutualAuthentication",
    ),
    Constraint(
        lacks("TrustStoreArn", shows="Mode"),
        "ValidationError",
        "A trust store ARN cannot be specified when the mutual authentication mode is '{value}'",
        _MUTUAL,
        at="MutualAuthentication",
        when=equal("Mode", "off", "passthrough"),
    ),
    *(
        Constraint(
            value(name, no(one_of(text))),
            "ValidationError",
            f"{name} can be {text} only when the mutual authentication mode is 'verify'",
            _MUTUAL,
            at="MutualAuthentication",
            when=equal("Mode", "off", "passthrough"),
        )
        for name, text in (("IgnoreClientCertificateExpiry", "true"), ("AdvertiseTrustStoreCaNames", "on"))
    ),
)
_ACTIONS = (
    Constraint(
        value("Type", one_of("forward")),
        "InvalidLoadBalancerAction",
        "Actions of type '{value}' are not supported for listeners of network load balancers",
        _PAGE,
        at="DefaultActions[]",
        where=equal("Protocol", *_NETWORK),
    ),
    Constraint(
        value("Type", no(one_of(*listener_actions.AUTHENTICATIONS))),
        "InvalidLoadBalancerAction",
        "Actions of type '{value}' are supported only for HTTPS listeners",
        f"{_API}/API_Action.html",
        at="DefaultActions[]",
        where=equal("Protocol", "HTTP"),
    ),
    Constraint(
        value("RedirectConfig.Protocol", no(one_of("HTTP"))),
        "InvalidLoadBalancerAction",
        "You cannot redirect from HTTPS to HTTP",
        f"{_API}/API_RedirectActionConfig.html",
        at="DefaultActions[]",
        where=equal("Protocol", "HTTPS"),
    ),
    Constraint(
        value("ForwardConfig.TargetGroupStickinessConfig.Enabled", no(one_of("true"))),
        "InvalidLoadBalancerAction",
        "Target group stickiness is not supported for TLS listeners",
        f"{_GUIDE}/network/load-balancer-listeners.html",
        at="DefaultActions[]",
        where=equal("Protocol", "TLS"),
    ),
)

TYPES: Mapping[str, tuple[Constraint, ...]] = {
    "AWS::ElasticLoadBalancingV2::Listener": (
        *(
            *_CERTIFICATES,
            *_NEGOTIATION,
            *_ACTIONS,
            *listener_actions.rows("DefaultActions"),
            *listener_attributes.ROWS,
        ),
    ),
    "AWS::ElasticLoadBalancingV2::ListenerCertificate": (
        Constraint(
            count("Certificates", 1, 1),
            "ValidationError",
            "You can specify one certificate per call, not {value}",
            f"{_API}/API_AddListenerCertificates.html",
            cure="Declare one resource for each certificate.",
        ),
        _CERTIFICATES[-1],
    ),
}
OPERATIONS: Mapping[str, str] = {
    "CreateListener": "AWS::ElasticLoadBalancingV2::Listener",
    "AddListenerCertificates": "AWS::ElasticLoadBalancingV2::ListenerCertificate",
}
