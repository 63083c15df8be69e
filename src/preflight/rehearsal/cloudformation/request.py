"""What a client asks for, read and held against everything that AWS checks before it answers.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from preflight.rehearsal import acting
from preflight.rehearsal.account import Account
from preflight.rehearsal.cloudformation import parameter_types, rules_section, template_source, template_validation
from preflight.rehearsal.cloudformation.parameter_types import Values
from preflight.rehearsal.cloudformation.stack import StackInput
from preflight.rehearsal.iam.roles import Roles
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.protocol import Refusal
from preflight.templates import functions, language_extensions, parameters, schemas
from preflight.templates.functions import FunctionResolver, ResolutionContext, ResolveError

NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
NAME_PATTERN = "[a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*"
SERVICE = "cloudformation.amazonaws.com"
MAX_TAGS = 50


class RequestReader:
    """Turns what a client sends into requests that hold."""

    def __init__(self, account: Account, zones: Callable[[str], list[str]], book: Ledger) -> None:
        self._account = account
        self._zones = zones
        self._book = book
        self._roles = Roles(account)

    def request(
        self,
        region: str,
        given: Mapping[str, Any],
        name: str,
        *,
        former: StackInput | None = None,
        is_change_set: bool = False,
    ) -> StackInput:
        """A request whose template, parameters and capabilities hold; `former` is what the stack has now.

        Raises:
            Refusal: they do not.
        """
        with acting.acting_as(acting.through(SERVICE)):
            body = former.body if former and given.get("UsePreviousTemplate") else self.body(given, region)
            asked = self._values(given, former)
            try:
                data, parameters = self._processed(body, asked, region, name, given, is_change_set=is_change_set)
                self._check_static(data, parameters, region, name)
            except ResolveError as error:
                raise template_validation.refuse(error.message) from None
        self.check_role(given.get("RoleARN"), region)
        return StackInput(
            body=body,
            data=data,
            parameters=parameters,
            given=asked,
            tags=_tags(given, former),
            capabilities=list(given.get("Capabilities") or []),
            on_failure=given.get("OnFailure") or ("DO_NOTHING" if given.get("DisableRollback") else "ROLLBACK"),
            is_protected=former.is_protected if former else bool(given.get("EnableTerminationProtection")),
            token=given.get("ClientRequestToken"),
            role=given.get("RoleARN") or (former.role if former else None),
            timeout=given.get("TimeoutInMinutes"),
            notifications=list(given.get("NotificationARNs") or []),
            is_new_removed=bool(given.get("RetainExceptOnCreate")),
            is_validated=not given.get("DisableValidation"),
        )

    def body(self, given: Mapping[str, Any], region: str) -> str:
        """The text of the template that a request brings or points to; S3 is asked in the caller's name."""
        with acting.acting_as(acting.through(SERVICE)):
            return template_source.body_of(given, self._account, region)

    @staticmethod
    def _values(given: Mapping[str, Any], former: StackInput | None) -> dict[str, str]:
        asked = {}
        for parameter in given.get("Parameters") or []:
            key = parameter.get("ParameterKey", "")
            if parameter.get("UsePreviousValue"):
                if former is None:
                    msg = f"Invalid input for parameter key {key}. Cannot specify usePreviousValue as true for a parameter key not in the previous template"
                    raise template_validation.refuse(msg)
                if key in former.given:
                    asked[key] = former.given[key]
            else:
                asked[key] = parameter.get("ParameterValue", "")
        return asked

    def _processed(
        self,
        body: str,
        asked: Mapping[str, str],
        region: str,
        name: str,
        given: Mapping[str, Any],
        *,
        is_change_set: bool,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The template after its transforms, and the values of its parameters."""
        data = template_source.read(body)
        self._check_macros(data)
        template_validation.check_sections(data)
        for parameter in (data.get("Parameters") or {}).values():
            if not parameter_types.is_type(str(parameter["Type"])):
                msg = f"{template_validation.FORMAT}Unrecognized parameter type: {parameter['Type']}"
                raise template_validation.refuse(msg)
        template_validation.check_transform(data, given.get("Capabilities") or [], is_change_set=is_change_set)
        values = Values(self._account, region, self._book.note).looked_up(
            data.get("Parameters") or {}, parameters.parameter_values(data, asked)
        )
        if language_extensions.is_used(data):
            data = language_extensions.expanded(data, self.scope(data, values, region, name))
        template_validation.check(data, is_type=lambda kind: schemas.exists(kind, region))
        template_validation.check_capabilities(data, given.get("Capabilities") or [])
        return data, values

    def _check_macros(self, data: Mapping[str, Any]) -> None:
        """Other macros are not applied here, so nothing can be said of a template that needs one."""
        unknown = [name for name in language_extensions.transforms(data) if name != language_extensions.NAME]
        unknown += ["Fn::Transform"] if language_extensions.includes(data) else []
        if unknown:
            msg = f"the transform {unknown[0]} is not applied by the rehearsal. Next: rehearse the transformed template"
            self._book.trouble(msg)
            raise Refusal("InternalFailure", msg, status=500)

    def _check_static(self, data: dict[str, Any], parameters: dict[str, Any], region: str, name: str) -> None:
        """Hold conditions, rules, references and functions against what is known before any resource exists."""
        scope = self.scope(data, parameters, region, name)
        resolver = FunctionResolver(scope)
        template_validation.check_conditions(data)
        for condition in data.get("Conditions") or {}:
            resolver.condition(condition)
        self._check_rules(data, scope)
        template_validation.check_references(data, resolver)
        for logical, resource in template_validation.resources_that_exist(data, resolver).items():
            resolver.value(resource.get("Properties") or {}, ("Resources", logical, "Properties"))

    def _check_rules(self, data: dict[str, Any], scope: ResolutionContext) -> None:
        for function in rules_section.asks_account(data.get("Rules")):
            msg = f"{function} in the section Rules is not evaluated by the rehearsal. Next: take the rule out, or use an assertion over parameter values"
            self._book.trouble(msg)
            raise Refusal("InternalFailure", msg, status=500)
        said = rules_section.broken(data, scope)
        if said is not None:
            raise template_validation.refuse(said)

    def scope(self, data: dict[str, Any], values: dict[str, Any], region: str, name: str) -> ResolutionContext:
        """What a template is evaluated with before it has a stack."""
        pseudo = parameters.pseudo_parameters(
            region=region, account=self._account.id, stack_name=name, stack_id=f"arn:{name}"
        )
        keep = functions.KEEP
        return ResolutionContext(data, values, pseudo, self._zones, imported=lambda _name: keep)

    def check_role(self, arn: str | None, region: str) -> None:
        """CloudFormation assumes the role that it is to work with.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html.

        Raises:
            Refusal: it cannot.
        """
        with acting.acting_as(None):
            is_trusted = not arn or self._roles.trusts(arn, region, SERVICE, source="cloudformation")
        if not is_trusted:
            raise template_validation.refuse(f"Role {arn} is invalid or cannot be assumed")


def _tags(given: Mapping[str, Any], former: StackInput | None) -> dict[str, str]:
    if former is not None and "Tags" not in given:
        return former.tags
    tags = {tag.get("Key", ""): tag.get("Value", "") for tag in given.get("Tags") or []}
    if len(tags) > MAX_TAGS:
        msg = f"1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to {MAX_TAGS}"
        raise template_validation.refuse(msg)
    reserved = [key for key in tags if key.lower().startswith("aws:")]
    if reserved:
        raise template_validation.refuse(
            f"Tag key {reserved[0]} is invalid: aws: prefixed tag key names are not allowed for external use."
        )
    return tags


def check_name(name: str, *, at: str = "stackName") -> None:
    """Hold the name of a stack or change set against its pattern.

    Raises:
        Refusal: it does not fit.
    """
    most = 128
    if not NAME.fullmatch(name):
        pattern = NAME_PATTERN if at == "stackName" else "[a-zA-Z][-a-zA-Z0-9]*"
        constraint = f"Member must satisfy regular expression pattern: {pattern}"
    elif len(name) > most:
        constraint = f"Member must have length less than or equal to {most}"
    else:
        return
    msg = f"1 validation error detected: Value '{name}' at '{at}' failed to satisfy constraint: {constraint}"
    raise template_validation.refuse(msg)
