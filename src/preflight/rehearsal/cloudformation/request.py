"""Reads a request and checks all that AWS checks before it answers.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from preflight.model import JsonObject
from preflight.rehearsal import acting
from preflight.rehearsal.account import Account
from preflight.rehearsal.cloudformation import (
    capabilities,
    live_references,
    parameter_types,
    rules_section,
    template_source,
    template_validation,
)
from preflight.rehearsal.cloudformation.live_references import Template
from preflight.rehearsal.cloudformation.parameter_types import ParameterLookup
from preflight.rehearsal.cloudformation.stack import StackInput
from preflight.rehearsal.iam.roles import Roles
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.protocol import Refusal
from preflight.templates import intrinsic_functions, language_extensions, parameters, schemas, serverless
from preflight.templates.intrinsic_functions import FunctionResolver, ResolutionContext, ResolveError
from preflight.templates.parameters import UndecidedPatternError

ApiRequest = Mapping[str, Any]  # the members of a request
NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
NAME_PATTERN = "[a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*"
SERVICE = "cloudformation.amazonaws.com"
MAX_TAGS = 50


class RequestReader:
    """Reads the requests of clients of one account."""

    def __init__(self, account: Account, zones: Callable[[str], list[str]], ledger: Ledger) -> None:
        self._account = account
        self._zones = zones
        self._ledger = ledger
        self._roles = Roles(account)

    def read(
        self,
        region: str,
        request: ApiRequest,
        name: str,
        *,
        former: StackInput | None = None,
        is_change_set: bool = False,
    ) -> StackInput:
        """Returns a valid request; `former` is what the stack has now.

        Raises:
            Refusal: its template, parameters or capabilities are not valid.
        """
        with acting.acting_as(acting.through(SERVICE)):
            body = former.template_body if former and request.get("UsePreviousTemplate") else self.body(request, region)
            texts = self._parameter_texts(request, former)
            with self._refusals(name):
                original = template_source.parse(body)
                self._check_macros(original, is_update=former is not None)
                template, parameters = self._processed(original, texts, region, name, request, is_change_set=is_change_set)
                self._check_static(template, parameters, region, name)
        self.check_role(request.get("RoleARN"), region)
        return StackInput(
            template_body=body,
            template=template,
            parameters=parameters,
            parameter_texts=texts,
            tags=_tags(request, former),
            capabilities=list(request.get("Capabilities") or []),
            on_failure=request.get("OnFailure") or ("DO_NOTHING" if request.get("DisableRollback") else "ROLLBACK"),
            is_protected=former.is_protected if former else bool(request.get("EnableTerminationProtection")),
            token=request.get("ClientRequestToken"),
            role=request.get("RoleARN") or (former.role if former else None),
            timeout_minutes=request.get("TimeoutInMinutes"),
            notifications=list(request.get("NotificationARNs") or []),
            retains_except_on_create=bool(request.get("RetainExceptOnCreate")),
            is_validated=not request.get("DisableValidation"),
        )

    @contextlib.contextmanager
    def _refusals(self, name: str) -> Iterator[None]:
        """Refuse a stack whose template or parameters cannot be evaluated in the block.

        Raises:
            Refusal: in AWS's words, or InternalFailure if it is not known whether AWS refuses it.
        """
        try:
            yield
        except UndecidedPatternError as error:
            self._ledger.trouble(f"stack {name}: {error.message}. Next: write a pattern without nested repetitions")
            raise Refusal("InternalFailure", error.message, status=500) from None
        except ResolveError as error:
            raise template_validation.refuse(error.message) from None

    def body(self, request: ApiRequest, region: str) -> str:
        """Returns the text of the template that a request contains or points to; S3 is read as the caller."""
        with acting.acting_as(acting.through(SERVICE)):
            return template_source.template_body(request, self._account, region)

    @staticmethod
    def _parameter_texts(request: ApiRequest, former: StackInput | None) -> dict[str, str]:
        texts = {}
        for parameter in request.get("Parameters") or []:
            key = parameter.get("ParameterKey", "")
            if parameter.get("UsePreviousValue"):
                if former is None:
                    msg = f"Invalid input for parameter key {key}. Cannot specify usePreviousValue as true for a parameter key not in the previous template"
                    raise template_validation.refuse(msg)
                if parameter.get("ParameterValue"):
                    msg = f"Invalid input for parameter key {key}. Cannot specify usePreviousValue as true and non empty value for a parameter"
                    raise template_validation.refuse(msg)
                default = ((former.template.get("Parameters") or {}).get(key) or {}).get("Default")
                if key in former.parameter_texts or default is not None:  # the default of then, whatever that of the new template is
                    texts[key] = former.parameter_texts.get(key, intrinsic_functions.as_text(default))
            else:
                texts[key] = parameter.get("ParameterValue", "")
        return texts

    def _processed(
        self,
        template: Template,
        texts: Mapping[str, str],
        region: str,
        name: str,
        request: ApiRequest,
        *,
        is_change_set: bool,
    ) -> tuple[Template, JsonObject]:
        """Returns the template after its transforms, and the values of its parameters."""
        template_validation.check_sections(_without_globals(template))
        for parameter in (template.get("Parameters") or {}).values():
            if not parameter_types.is_type(str(parameter["Type"])):
                msg = f"{template_validation.FORMAT}Unrecognized parameter type: {parameter['Type']}"
                raise template_validation.refuse(msg)
        capabilities.check_transform(template, request.get("Capabilities") or [], is_change_set=is_change_set)
        values = ParameterLookup(self._account, region, self._ledger).resolve(
            template.get("Parameters") or {}, parameters.parameter_values(template, texts)
        )
        if language_extensions.is_used(template):
            template = language_extensions.expanded(template, self.context(template, values, region, name))
        if serverless.changes(template):
            template = self._transformed(template, values, region)
        template_validation.check(template, is_type=lambda kind: schemas.exists(kind, region))
        capabilities.check_capabilities(template, request.get("Capabilities") or [])
        return template, values

    def _transformed(self, template: Template, values: JsonObject, region: str) -> JsonObject:
        try:
            return serverless.transformed(template, values, region)
        except ResolveError as error:
            raise template_validation.refuse(error.message) from None
        except Exception as error:  # noqa: BLE001 - whatever broke in the library says nothing about the template
            msg = f"the transform {serverless.NAME} broke: {error!r}. Next: rehearse the transformed template"
            self._ledger.trouble(msg)
            raise Refusal("InternalFailure", msg, status=500) from None

    def _check_macros(self, template: Template, *, is_update: bool) -> None:
        """Refuses a template that needs another macro, because none is applied here.

        That of blue/green deployments by CodeDeploy changes nothing of a template whose stack is created.
        Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/blue-green.html.
        """
        supported = {language_extensions.NAME, serverless.NAME} | (set() if is_update else {language_extensions.BLUE_GREEN})
        unknown = [name for name in language_extensions.transforms(template) if name not in supported]
        unknown += ["Fn::Transform"] if language_extensions.includes(template) else []
        if unknown:
            msg = f"the transform {unknown[0]} is not applied by the rehearsal. Next: rehearse the transformed template"
            self._ledger.trouble(msg)
            raise Refusal("InternalFailure", msg, status=500)

    def _check_static(self, template: Template, parameters: JsonObject, region: str, name: str) -> None:
        """Checks conditions, rules, references and functions as far as is possible before any resource exists."""
        context = self.context(template, parameters, region, name)
        resolver = FunctionResolver(context)
        template_validation.check_conditions(template)
        for condition in template.get("Conditions") or {}:
            resolver.condition(condition)
        self._check_rules(template, context)
        template_validation.check_references(template, resolver)
        for logical, resource in live_references.resources_that_exist(template, resolver).items():
            resolver.value(resource.get("Properties") or {}, ("Resources", logical, "Properties"))

    def _check_rules(self, template: Template, context: ResolutionContext) -> None:
        for function in rules_section.account_functions(template.get("Rules")):
            msg = f"{function} in the section Rules is not evaluated by the rehearsal. Next: remove the rule, or use an assertion over parameter values"
            self._ledger.trouble(msg)
            raise Refusal("InternalFailure", msg, status=500)
        message = rules_section.failed_assertion(template, context)
        if message is not None:
            raise template_validation.refuse(message)

    def context(self, template: Template, values: JsonObject, region: str, name: str) -> ResolutionContext:
        """Returns what a template is evaluated with before it has a stack."""
        pseudo = parameters.pseudo_parameters(region=region, account=self._account.id, stack_name=name)
        keep = intrinsic_functions.KEEP
        return ResolutionContext(template, values, pseudo, self._zones, imported=lambda _name: keep)

    def check_role(self, arn: str | None, region: str) -> None:
        """Checks that CloudFormation can assume a role.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html.

        Raises:
            Refusal: it cannot assume the role.
        """
        with acting.acting_as(None):
            is_trusted = not arn or self._roles.trusts(arn, region, SERVICE, source="cloudformation")
        if not is_trusted:
            raise template_validation.refuse(f"Role {arn} is invalid or cannot be assumed")


def _tags(request: ApiRequest, former: StackInput | None) -> dict[str, str]:
    if former is not None and "Tags" not in request:
        return former.tags
    tags = {tag.get("Key", ""): tag.get("Value", "") for tag in request.get("Tags") or []}
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
    """Checks the name of a stack or change set.

    Raises:
        Refusal: the name does not match the pattern.
    """
    max_length = 128
    if not NAME.fullmatch(name):
        pattern = NAME_PATTERN if at == "stackName" else "[a-zA-Z][-a-zA-Z0-9]*"
        constraint = f"Member must satisfy regular expression pattern: {pattern}"
    elif len(name) > max_length:
        constraint = f"Member must have length less than or equal to {max_length}"
    else:
        return
    msg = f"1 validation error detected: Value '{name}' at '{at}' failed to satisfy constraint: {constraint}"
    raise template_validation.refuse(msg)


def _without_globals(template: Template) -> Template:
    """Returns a template without the section that only SAM knows."""
    return {key: value for key, value in template.items() if key != serverless.GLOBALS or not serverless.is_used(template)}
