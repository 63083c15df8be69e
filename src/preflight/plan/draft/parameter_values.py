"""A likely value for a parameter that has none, by its type, what it is used for, its name and its constraints. Pure."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from preflight.plan import placeholders, plan
from preflight.plan.draft import account_resources as account
from preflight.plan.draft import property_values
from preflight.plan.draft.account_template import FILE, SAMPLES
from preflight.plan.draft.uses import Use
from preflight.templates import intrinsic_functions, parameters
from preflight.templates.intrinsic_functions import ResolveError
from preflight.templates.parameters import UndecidedPatternError

_OWN = re.compile(r"(vpc|subnet|sg|eni|igw|rtb)-[0-9a-f]{6,}|arn:.*|[0-9]{12}\.dkr\.ecr\..*|")  # a default that names a thing of one account
KEY_PAIR = "AWS::EC2::KeyPair::KeyName"
_BY_TYPE = {
    "AWS::EC2::VPC::Id": account.VPC,
    "AWS::EC2::Subnet::Id": account.SUBNET,
    "List<AWS::EC2::Subnet::Id>": account.SUBNETS,
    "AWS::EC2::SecurityGroup::Id": account.SECURITY_GROUP,
    "List<AWS::EC2::SecurityGroup::Id>": account.SECURITY_GROUP,
    "AWS::EC2::AvailabilityZone::Name": "{region}{z}",
    "List<AWS::EC2::AvailabilityZone::Name>": "{region}a,{region}b",
    "AWS::Route53::HostedZone::Id": account.ZONE,
    KEY_PAIR: account.KEY_PAIR,
}
_FORMS = {  # how ids and ARNs of things begin that ECS and Elastic Load Balancing take by nothing else
    f"{{output.{name}}}": form
    for names, form in (
        ((account.CERTIFICATE, account.TARGET_GROUP, account.LISTENER, account.BALANCER), "arn:"),
        ((account.VPC,), "vpc-"),
        ((account.SUBNET, account.SUBNETS), "subnet-"),
        ((account.SECURITY_GROUP,), "sg-"),
    )
    for name in names
}
_BY_NAME = (
    (r"subnet.*cidr|cidr.*subnet", "10.0.{n}.0/24"),
    (r"cidr|ip.?range", "10.0.0.0/16"),
    (r"vpc(id)?$", f"{{output.{account.VPC}}}"),
    (r"subnet.*(s|list)$", f"{{output.{account.SUBNETS}}}"),
    (r"subnet", f"{{output.{account.SUBNET}}}"),
    (r"security.?groups?(id)?s?$|sg(id)?$", f"{{output.{account.SECURITY_GROUP}}}"),
    (r"cluster(name|arn|id)?$", f"{{output.{account.CLUSTER}}}"),
    (r"oidc.*arn", "arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com"),
    (r"cert", f"{{output.{account.CERTIFICATE}}}"),
    (r"zoneid$", f"{{output.{account.ZONE}}}"),
    (r"secret.*arn", f"{{output.{account.SECRET}}}"),
    (r"k(ms|ey).*arn", f"{{output.{account.KEY}}}"),
    (r"time.?zone", "UTC"),
    (r"(alb|elb|nlb|balancer).*dns", f"{{output.{account.BALANCER_NAME}}}"),
    (r"key.?name|key.?pair", f"{{output.{account.KEY_PAIR}}}"),
    (r"(zones|azs)$", "{region}a,{region}b"),
    (r"(zone|az)\d*$", "{region}{z}"),
    (r"domain|hostname|fqdn|zonename", "example.com"),
    (r"e?mail", "team@example.com"),
    (r"bucket", "{bucket}"),
    (r"region", "{region}"),
    (r"account", "{account}"),
    (r"tag$|version$|commit|sha$|digest", "{run}"),
    (r"password|token|secret", "Preflight-1234567"),
    (r"port", "80"),
    (r"cpu", "256"),
    (r"memory", "512"),
    (r"max", "2"),
    (r"count|desired|min|number", "1"),
    (r"path|url", "/"),
    (r"^(env|stage)|environment(type)?$", "test"),
)
_ANY = ("{prefix}", "{name}", "example/app", "1.0.0", "preflight", "Preflight1", "1", "80", "10.0.{n}.0/24", "10.0.0.0/16", "example.com", "https://example.com/", "/", "a", "true")


@dataclass(frozen=True)
class DraftValue:
    """The value of a parameter as the plan has it, and the reason for it."""

    text: str
    why: str

    @property
    def is_missing(self) -> bool:
        """Whether only the user knows the value."""
        return self.text == plan.FILL_IN


@dataclass(frozen=True)
class Numbers:
    """Sets the subnets, target groups, zones and CIDR blocks of one template apart; a region has so many `zones`."""

    zones: int = account.MOST_SUBNETS
    _counts: Counter[str] = field(default_factory=Counter)

    def filled(self, text: str) -> str:
        """Returns a text with the next number of its kind."""
        count = self._counts[_kind_of(text)]
        target_group, zone = min(count, account.MOST_TARGET_GROUPS - 1) + 1, count % self.zones
        group = min(count, account.MOST_SECURITY_GROUPS - 1) + 1 if count else ""
        for mark, number in (("{n}", count), ("{s}", zone + 1), ("{t}", target_group), ("{g}", group), ("{z}", "abc"[zone])):
            text = text.replace(mark, str(number))
        return text

    def take(self, text: str) -> None:
        """Count a text that was taken."""
        self._counts[_kind_of(text)] += 1

    def skip(self, filled: str) -> None:
        """Count a text that was filled in elsewhere."""
        numbered = re.sub(r"(Subnet|TargetGroup)[0-9](Id|Arn)", lambda match: f"{match[1]}{{{match[1][0].lower()}}}{match[2]}", filled)
        self.take(re.sub(r"SecurityGroup[0-9]?Id", "SecurityGroup{g}Id", numbered))


def _kind_of(text: str) -> str:
    return text if "{output." in text else next((mark for mark in ("{n}", "{z}") if mark in text), "")


def needs_value(declared: Mapping[str, Any], uses: Sequence[Use] = ()) -> bool:
    """Whether a stack cannot be created elsewhere without a value: there is no default, or it names what one account has."""
    default, kind = declared.get("Default"), str(declared.get("Type"))
    if default is None:
        return True
    if kind == KEY_PAIR or parameters.admits_default(declared) is False:  # such a default asks for a value
        return True
    first = intrinsic_functions.as_text(default).partition(",")[0]
    is_typed = kind in _BY_TYPE or "vpc-" in str(default) or "subnet-" in str(default)
    if first != "" and not kind.startswith("AWS::SSM::") and _is_placeholder(first, uses) and not _is_compared(declared, uses):
        return True
    is_of_account = first != "" and any("{output." in text or text.startswith(property_values.PUBLIC) for text in property_values.texts(uses))
    return (is_typed or is_of_account) and _OWN.fullmatch(first) is not None


def _is_placeholder(default: str, uses: Sequence[Use]) -> bool:
    """Whether a default is nothing that its property takes, as YOUR-CERTIFICATE-ARN: it only says what belongs there."""
    forms = [_FORMS[text] for text in property_values.texts(uses) if text in _FORMS]
    return bool(forms) and not default.startswith((*forms, "{{resolve:"))


def _is_compared(declared: Mapping[str, Any], uses: Sequence[Use]) -> bool:
    """Whether a condition compares a parameter with its default, such as `none`: the default then chooses a branch.

    A value of an AWS-specific type has to exist in the account, so that such a default is never an answer.
    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html
    """
    default = intrinsic_functions.as_text(declared.get("Default"))
    return str(declared.get("Type")) not in _BY_TYPE and any(use.compared == default for use in uses)


def propose(name: str, declared: Mapping[str, Any], *, numbers: Numbers, is_private: bool, uses: Sequence[Use] = ()) -> DraftValue:
    """Returns the first likely value that the declaration admits."""
    with contextlib.suppress(UndecidedPatternError):
        for candidate in _candidates(name, declared, uses):
            text = candidate.replace("{output.AccountSubnet", "{output.AccountPrivateSubnet") if is_private else candidate
            filled = numbers.filled(text)
            if admits(name, declared, filled):
                numbers.take(text)
                return DraftValue(filled, _why(filled, declared))
    return DraftValue(plan.FILL_IN, f"fill this in: {declared.get('Description') or declared.get('Type')}")


def admits(name: str, declared: Mapping[str, Any], text: str) -> bool:
    """Whether the declaration of a parameter admits a value, placeholders filled in.

    Raises:
        UndecidedPatternError: its pattern takes too long.
    """
    values = {**dict.fromkeys(plan.NAMES, "demo"), "region": "us-east-1", "account": placeholders.ACCOUNT, "run": "0123abcd"}
    outputs = dict.fromkeys(placeholders.outputs_in(text), "output") | SAMPLES
    try:
        parameters.parameter_values({"Parameters": {name: declared}}, {name: placeholders.with_outputs(placeholders.fill(text, values), outputs)})
    except UndecidedPatternError:
        raise
    except (ResolveError, TypeError, ValueError):
        return False
    return True


def _candidates(name: str, declared: Mapping[str, Any], uses: Sequence[Use]) -> Iterator[str]:
    kind, allowed = str(declared.get("Type")), declared.get("AllowedValues")
    if isinstance(allowed, list) and allowed:
        texts = [text for text in map(intrinsic_functions.as_text, allowed) if "{" not in text]
        yield from sorted(texts, key=lambda text: text not in set(property_values.texts(uses)))
        return
    if kind in _BY_TYPE:
        yield _BY_TYPE[kind] if "{region}" in _BY_TYPE[kind] else f"{{output.{_BY_TYPE[kind]}}}"
        return
    if kind.startswith("AWS::SSM::") or kind == "AWS::EC2::Image::Id":
        return
    yield from _untyped(name, uses)
    if "MinValue" in declared and "{" not in str(declared["MinValue"]):
        yield intrinsic_functions.as_text(declared["MinValue"])
    yield from _ANY


def _untyped(name: str, uses: Sequence[Use]) -> Iterator[str]:
    """Yields values by use and by name; the name of what a template creates is none of the account."""
    is_new = property_values.is_new_name(uses)
    texts = [*property_values.texts(uses), *(text for pattern, text in _BY_NAME if re.search(pattern, name.replace("_", ""), re.IGNORECASE))]
    yield from (text for text in texts if not (is_new and ("{output." in text or text == "{bucket}")))


def _why(text: str, declared: Mapping[str, Any]) -> str:
    if placeholders.outputs_in(text):
        return f"an output of {FILE}"
    return "the first of its allowed values" if declared.get("AllowedValues") else "a guess; correct it if it matters"
