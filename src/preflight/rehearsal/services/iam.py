"""What IAM refuses and moto does not. Each check cites AWS's page and the moto file it corrects."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import moto.backends
from moto.iam import policy_validation

from preflight.aws import iam_policy_evaluation, partitions
from preflight.aws.refusals import iam_policy_documents, iam_policy_principals
from preflight.aws.unresolved import STANDIN
from preflight.rehearsal.account import Account
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.protocol import Call, Refusal
from preflight.rehearsal.services import ServiceEmulation, refusal_tables
from preflight.rehearsal.services.iam_managed_policies import ManagedPolicies

_ROLE_POLICY_BYTES = 10_240
_TRUST = "AssumeRolePolicyDocument"


def _create_role(policies: ManagedPolicies, account: Account, call: Call) -> None:
    """Refuses a name that is taken, whatever its case, and what the role names and does not exist.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html (names are not distinguished by case);
    moto/iam/models.py.
    """
    backend = _backend(account, call.region)
    name, boundary = str(call.parameters.get("RoleName")), call.parameters.get("PermissionsBoundary")
    if any(role.name.lower() == name.lower() for role in list(backend.roles.values())):
        raise Refusal("EntityAlreadyExists", f"Role with name {name} already exists.")
    _need_principals(account, call, call.parameters.get(_TRUST))
    policies.accept(str(boundary), call.region)
    if boundary and boundary not in backend.managed_policies:
        raise Refusal("NoSuchEntity", f"Scope ARN: {boundary} does not exist or is not attachable.")


def _update_trust(account: Account, call: Call) -> None:
    document = call.parameters.get("PolicyDocument")
    refusal_tables.check("AWS::IAM::Role", {_TRUST: document})
    _need_principals(account, call, document)


def _need_principals(account: Account, call: Call, document: Any) -> None:
    _check_partition(call, document)
    missing = next(missing_principals(account, call.region, document), None)
    if missing is not None:
        raise Refusal("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{missing}"')


def missing_principals(account: Account, region: str, document: Any) -> Iterator[str]:
    """Yields the roles and users of this account that a policy names as principals, and that do not exist.

    A policy keeps the id of whom it names, so AWS looks each one up when the policy is written:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html.
    """
    backend, policy = _backend(account, region), iam_policy_evaluation.document(document) or {}
    arns = {entity.arn for entities in (backend.roles, backend.users) for entity in list(entities.values())}
    of_account = re.compile(rf"arn:[a-z-]+:iam::{account.id}:(user|role)/(?!aws-service-role/).+")
    for _, statement in iam_policy_documents.statements(policy):
        for _, arn in iam_policy_principals.principals(statement, "AWS"):
            if of_account.fullmatch(arn) and arn not in arns:
                yield arn


def _check_partition(call: Call, document: Any) -> None:
    """No principal is of another partition: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html."""
    own = partitions.partition_of(call.region)[0]
    for _, statement in iam_policy_documents.statements(iam_policy_evaluation.document(document) or {}):
        for _, arn in iam_policy_principals.principals(statement, "AWS"):
            if arn.startswith("arn:") and arn.split(":")[1] != own:
                raise Refusal("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{arn}"')


def _put_role_policy(account: Account, call: Call) -> None:
    """Refuses an inline policy with which a role has more of them than IAM keeps.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html; moto/iam/models.py.
    """
    _policy(account, call)
    name, roles = call.parameters.get("RoleName"), list(_backend(account, call.region).roles.values())
    policies: Mapping[str, str] = next((role.policies for role in roles if role.name == name), {})
    documents = {**policies, call.parameters["PolicyName"]: call.parameters["PolicyDocument"]}
    if sum(map(iam_policy_documents.size, documents.values())) > _ROLE_POLICY_BYTES:
        raise Refusal("LimitExceeded", f"Maximum policy size of {_ROLE_POLICY_BYTES} bytes exceeded for role {name}")


def _policy(_account: Account, call: Call) -> None:
    """Refuses a policy with a resource of another partition than the account's.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html; moto/iam/policy_validation.py.
    """
    own = partitions.partition_of(call.region)[0]
    for _, statement in iam_policy_documents.statements(iam_policy_evaluation.document(call.parameters.get("PolicyDocument")) or {}):
        for _, arn in iam_policy_documents.texts(statement, "Resource", "NotResource"):
            partition = arn.split(":")[1] if arn.startswith("arn:") else own
            if partition != own and "*" not in partition:
                raise Refusal("MalformedPolicyDocument", f'Partition "{partition}" is not valid for resource "{arn}".')


def _attached(policies: ManagedPolicies, account: Account, call: Call) -> None:
    """Refuses a managed policy of another partition: https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachUserPolicy.html."""
    arn = str(call.parameters.get("PolicyArn"))
    if not arn.startswith(f"arn:{partitions.partition_of(call.region)[0]}:"):
        raise Refusal("InvalidInput", f"ARN {arn} is not valid.")
    if _has_entity(_backend(account, call.region), call):
        policies.accept(arn, call.region)


def _has_entity(backend: Any, call: Call) -> bool:
    """Whether the role, user or group of a request exists."""
    entities = {"RoleName": backend.roles, "UserName": backend.users, "GroupName": backend.groups}
    return any(call.parameters[key] in {entity.name for entity in list(of_kind.values())} for key, of_kind in entities.items() if key in call.parameters)


def _backend(account: Account, region: str) -> Any:
    return moto.backends.get_backend("iam")[account.id][partitions.partition_of(region)[0]]


@functools.cache
def take_stand_ins() -> None:
    """Let policies name stand-ins, whose values have no form: moto takes none in the place of an ARN (moto/iam/policy_validation.py)."""
    for validator in (policy_validation.IAMPolicyDocumentValidator, policy_validation.IAMTrustPolicyDocumentValidator):
        validator.validate = _unless_with_stand_in(validator.validate)


def _unless_with_stand_in(validate: Callable[[Any], None]) -> Callable[[Any], None]:
    return lambda validator: None if STANDIN in str(validator._policy_document) else validate(validator)  # noqa: SLF001 - moto has no other name for it


def service(account: Account, ledger: Ledger) -> ServiceEmulation:
    """Returns IAM, whose managed policies are loaded at the first request."""
    policies = ManagedPolicies(account, ledger)
    attached = functools.partial(_attached, policies)
    return ServiceEmulation(
        "iam",
        checks={
            "CreateRole": functools.partial(_create_role, policies),
            "UpdateAssumeRolePolicy": _update_trust,
            "PutRolePolicy": _put_role_policy,
            **dict.fromkeys(("CreatePolicy", "CreatePolicyVersion", "PutGroupPolicy", "PutUserPolicy"), _policy),
            **dict.fromkeys(("AttachGroupPolicy", "AttachRolePolicy", "AttachUserPolicy"), attached),
        },
        before=lambda region, _request: policies.load(region),
    )
