"""STS: who gets temporary credentials, by the trust policy of a role, and whose they are.

A token of an identity provider is taken at its word: its signature cannot be verified without the
provider's keys, which are on the internet. Issuer, audience, expiry and the trust policy are held.
Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from preflight.aws import iam_policy_evaluation, partitions
from preflight.aws.iam_policy_evaluation import Policy, RequestContext, Value
from preflight.rehearsal import acting
from preflight.rehearsal.account import Account
from preflight.rehearsal.iam import oidc_token_claims
from preflight.rehearsal.iam.principals import Principals
from preflight.rehearsal.identity import Principal
from preflight.rehearsal.protocol import Call, Operation, Refusal
from preflight.rehearsal.services import ServiceEmulation

LEAST, HOUR, DAY_AND_HALF = 900, 3600, 129_600
ADMINISTRATOR = "user/moto"
ADMINISTRATOR_ID = "AKIAIOSFODNN7EXAMPLE"
NOT_BY_TOKEN = "Not authorized to perform sts:AssumeRoleWithWebIdentity"  # noqa: S105 - a sentence
TOO_LONG = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
CHAINED = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."


class Sts:
    """The operations that issue credentials."""

    def __init__(self, account: Account, principals: Principals) -> None:
        self._account = account
        self._principals = principals

    def operations(self) -> Mapping[str, Operation]:
        """Returns the operations by name."""
        return {
            "AssumeRole": self.assume,
            "AssumeRoleWithWebIdentity": self.assume_by_token,
            "GetCallerIdentity": self.who,
            "GetFederationToken": self.federate,
            "GetSessionToken": self.renew,
        }

    def assume(self, call: Call) -> dict[str, Any]:
        """AssumeRole."""
        arn, who = str(call.parameters["RoleArn"]), acting.principal()
        about = self._principals.context(who) if who is not None else {"aws:principalaccount": self._account.id}
        request = RequestContext("sts:AssumeRole", arn, {**about, **_context(call)})
        role = self._principals.role(arn)
        if role is None or not self._may_assume(who, _trust(role), request, call.region):
            message = (
                f"User: {self._arn(who, call.region)} is not authorized to perform: sts:AssumeRole on resource: {arn}"
            )
            raise Refusal("AccessDenied", message, status=403)
        return self._issue(call, role)

    def _may_assume(
        self, who: Principal | None, trust: Policy, request: RequestContext, region: str
    ) -> bool:
        """Whether the trust policy names a principal; if it names the account, the principal's own policies must allow it.

        Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html.
        """
        own = (who.principal, who.arn) if who is not None else (self._arn(None, region),)
        if iam_policy_evaluation.denies(trust, (*own, self._account.id), request):
            return False
        policies = self._principals.policies(who) if who is not None else None
        if policies is not None and iam_policy_evaluation.forbids(policies, request):
            return False
        is_allowed = policies is None or iam_policy_evaluation.allows(policies, request)
        return iam_policy_evaluation.grants(trust, (*own, self._account.id) if is_allowed else own, request)

    def assume_by_token(self, call: Call) -> dict[str, Any]:
        """AssumeRoleWithWebIdentity; the signature of the token is not verified."""
        arn = str(call.parameters["RoleArn"])
        partition = arn.split(":")[1] if arn.count(":") > 4 else "aws"
        claims = oidc_token_claims.claims(str(call.parameters["WebIdentityToken"]))
        provider = self._principals.provider(claims.issuer, partition)
        oidc_token_claims.check(claims, provider.client_id_list if provider else None, now=self._principals.sessions.clock())
        role = self._principals.role(arn)
        context = {**_context(call), **oidc_token_claims.context(claims, str(provider.url))} if provider else {}
        request = RequestContext("sts:AssumeRoleWithWebIdentity", arn, context)
        if role is None or provider is None or not iam_policy_evaluation.federates(_trust(role), str(provider.arn), request):
            raise Refusal("AccessDenied", NOT_BY_TOKEN, status=403)
        issued = self._issue(call, role, oidc_token_claims.context(claims, str(provider.url)))
        provided = {"Provider": str(provider.arn), "Audience": claims.audiences[0]}
        return {**issued, "SubjectFromWebIdentityToken": claims.subject, **provided}

    def _issue(
        self, call: Call, role: Any, claims: Mapping[str, Value] | None = None
    ) -> dict[str, Any]:
        is_chained = claims is None and _is_session(acting.principal())
        most, refusal = (HOUR, CHAINED) if is_chained else (int(role.max_session_duration or HOUR), TOO_LONG)
        seconds = _seconds(call, most=most, default=HOUR, refusal=refusal)
        name = str(call.parameters["RoleSessionName"])
        limits = self._limits(call)
        who = self.session_of(str(role.arn), str(role.id), name, limits)
        who = replace(who, context={**who.context, **(claims or {})})  # they stay keys of the session
        credentials = self._principals.sessions.issue(who, seconds=seconds)
        user = {"AssumedRoleId": who.id, "Arn": who.arn}
        return {"Credentials": credentials.shown(), "AssumedRoleUser": user, "PackedPolicySize": 6 if limits else None}

    @staticmethod
    def session_of(role: str, role_id: str, name: str, limits: tuple[str, ...] = ()) -> Principal:
        """Who acts with a role, in a session of that name."""
        partition, account = role.split(":")[1], role.split(":")[4]
        arn = f"arn:{partition}:sts::{account}:assumed-role/{role.rpartition('/')[2]}/{name}"
        whole = f"{role_id}:{name}"
        return Principal(arn, role, whole, limits, {"aws:userid": whole})

    def _limits(self, call: Call) -> tuple[str, ...]:
        """The session policies of a request: one of its own, and managed ones by ARN."""
        own = [str(call.parameters["Policy"])] if call.parameters.get("Policy") else []
        arns = [str(policy.get("arn") or "") for policy in call.parameters.get("PolicyArns") or []]
        return (*own, *(self._principals.managed(arn) for arn in arns))

    def who(self, call: Call) -> dict[str, Any]:
        """GetCallerIdentity."""
        who = acting.principal()
        user = who.id if who is not None else ADMINISTRATOR_ID
        return {"UserId": user, "Account": self._account.id, "Arn": self._arn(who, call.region)}

    def _arn(self, who: Principal | None, region: str) -> str:
        if who is not None:
            return who.arn
        return f"arn:{partitions.partition_of(region)[0]}:sts::{self._account.id}:{ADMINISTRATOR}"

    def renew(self, call: Call) -> dict[str, Any]:
        """GetSessionToken: a user's own rights for a while; the administrator's stay the administrator's."""
        who = acting.principal()
        _check_is_no_session(who, "GetSessionToken")
        seconds = _seconds(call, most=DAY_AND_HALF, default=12 * HOUR, refusal=TOO_LONG)
        return {"Credentials": self._principals.sessions.issue(who, seconds=seconds).shown()}

    def federate(self, call: Call) -> dict[str, Any]:
        """GetFederationToken: no more than a session policy allows, and nothing without one."""
        who, name = acting.principal(), str(call.parameters["Name"])
        _check_is_no_session(who, "GetFederationToken")
        seconds = _seconds(call, most=DAY_AND_HALF, default=12 * HOUR, refusal=TOO_LONG)
        partition = partitions.partition_of(call.region)[0]
        arn = f"arn:{partition}:sts::{self._account.id}:federated-user/{name}"
        user = f"{self._account.id}:{name}"
        principal = who
        if who is not None:
            principal = Principal(arn, who.principal, user, self._limits(call) or ("{}",), {"aws:userid": user})
        credentials = self._principals.sessions.issue(principal, seconds=seconds).shown()
        return {"Credentials": credentials, "FederatedUser": {"FederatedUserId": user, "Arn": arn}}


def _trust(role: Any) -> Policy:
    return iam_policy_evaluation.document(role.assume_role_policy_document) or {}


def _is_session(who: Principal | None) -> bool:
    return who is not None and ":assumed-role/" in who.arn


def _check_is_no_session(who: Principal | None, operation: str) -> None:
    """What only users may ask.

    Raises:
        Refusal: a role asks.
    """
    if _is_session(who):
        raise Refusal("AccessDenied", f"Cannot call {operation} with session credentials", status=403)


def _context(call: Call) -> dict[str, Value]:
    members = (("sts:externalid", "ExternalId"), ("sts:rolesessionname", "RoleSessionName"))
    keys = {key: str(call.parameters[member]) for key, member in members if call.parameters.get(member)}
    return {**keys, "aws:requestedregion": call.region, "aws:securetransport": "true"}


def _seconds(call: Call, *, most: int, default: int, refusal: str) -> int:
    """How long credentials are to be good for.

    Raises:
        Refusal: shorter than a quarter of an hour, or longer than `most`.
    """
    duration = call.parameters.get("DurationSeconds")
    seconds = default if duration is None else int(duration)
    if seconds < LEAST:
        msg = f"1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to {LEAST}"
        raise Refusal("ValidationError", msg)
    if seconds > most:
        raise Refusal("ValidationError", refusal)
    return seconds


def service(account: Account, principals: Principals) -> ServiceEmulation:
    """Returns STS, which issues credentials for the principals of an account."""
    return ServiceEmulation("sts", operations=Sts(account, principals).operations())
