"""The CloudFormation API: actions in, stacks at work.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html.
"""

from __future__ import annotations

import re
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from preflight import resolve, schemas
from preflight.rehearsal import account as accounts
from preflight.rehearsal import ledger, protocol
from preflight.rehearsal.cloudformation import check, graph, provision, shown, source, update
from preflight.rehearsal.cloudformation import stack as stacks
from preflight.rehearsal.resources import cloudformation as nested
from preflight.rehearsal.resources import handler as handlers

NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
NAME_PATTERN = "[a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*"


class Api:
    """The actions, over the stacks of one account."""

    def __init__(self, account: accounts.Account, types: Mapping[str, handlers.Handler], book: ledger.Ledger) -> None:
        self._account = account
        self._book = book
        self.stacks = stacks.Stacks(account.id)
        self._provisioner = provision.Provisioner(self.stacks, account, {**types, **nested.types(self)}, book)

    def close(self) -> None:
        """Stop every operation that is under way."""
        for stack in self.stacks.all():
            stack.cancel.set()

    def operations(self) -> dict[str, protocol.Operation]:
        """Every action that is modelled, by its name."""
        return {
            "CreateStack": self.create,
            "UpdateStack": self.update_stack,
            "DeleteStack": self.delete,
            "DescribeStacks": self.describe,
            "DescribeStackEvents": self.events,
            "DescribeStackResource": self.resource,
            "DescribeStackResources": self.resources,
            "ListStackResources": self.list_resources,
            "ListStacks": self.list,
            "ListExports": self.exports,
            "ListImports": self.imports,
            "GetTemplate": self.template,
            "ValidateTemplate": self.validate,
        }

    def create(self, call: protocol.Call) -> dict[str, Any]:
        """CreateStack."""
        return {"StackId": self.begin(call.region, call.given).id}

    def begin(self, region: str, given: dict[str, Any], *, parent: str | None = None) -> stacks.Stack:
        """Check a request, keep its stack, and create its resources in the background.

        Raises:
            Refusal: AWS would refuse at once; nothing is kept then.
        """
        name = given["StackName"]
        check_name(name)
        above = self.stacks.alive(region, parent) if parent else None
        request = self.request(region, given, name)
        stack = stacks.Stack(self.stacks.new_id(region, name), name, region, request, parent=parent)
        stack.root = (above.root or above.id) if above is not None else None
        self.stacks.add(stack)
        stack.say("CREATE_IN_PROGRESS", "User Initiated")
        _in_background(lambda: self._provisioner.create(stack))
        return stack

    def request(self, region: str, given: dict[str, Any], name: str) -> stacks.Request:
        """A request whose template, parameters and capabilities hold.

        Raises:
            Refusal: they do not.
        """
        body = source.body_of(given, self._account, region)
        data = source.read(body)
        check.check(data, is_type=lambda kind: schemas.exists(kind, region))
        check.check_capabilities(data, given.get("Capabilities") or [])
        self._check_transform(data)
        values = {p["ParameterKey"]: p.get("ParameterValue", "") for p in given.get("Parameters") or []}
        try:
            parameters = self._looked_up(data, resolve.parameters(data, values), region)
            scope = self._static(data, parameters, region, name)
            resolver = resolve.Resolver(scope)
            for condition in data.get("Conditions") or {}:
                resolver.condition(condition)
            check.check_references(data, resolver)
            for logical, resource in check.living(data, resolver).items():
                resolver.value(resource.get("Properties") or {}, ("Resources", logical, "Properties"))
        except resolve.ResolveError as error:
            raise check.refuse(error.message) from None
        on_failure = given.get("OnFailure") or ("DO_NOTHING" if given.get("DisableRollback") else "ROLLBACK")
        return stacks.Request(
            body=body,
            data=data,
            parameters=parameters,
            given=values,
            tags={tag["Key"]: tag["Value"] for tag in given.get("Tags") or []},
            capabilities=given.get("Capabilities") or [],
            on_failure=on_failure,
            is_protected=bool(given.get("EnableTerminationProtection")),
            token=given.get("ClientRequestToken"),
            notifications=given.get("NotificationARNs") or [],
        )

    def _looked_up(self, data: dict[str, Any], parameters: dict[str, Any], region: str) -> dict[str, Any]:
        """Parameters of a Systems Manager type hold a name; the value is what stands under it."""
        found = dict(parameters)
        for name, declared in (data.get("Parameters") or {}).items():
            if str(declared["Type"]).startswith("AWS::SSM::Parameter::Value"):
                try:
                    answer = self._account.client("ssm", region).get_parameter(Name=str(parameters[name]))
                except ClientError:
                    msg = f"Parameter {name} should either have input value or default value"
                    raise resolve.ResolveError(msg) from None
                value = answer["Parameter"]["Value"]
                found[name] = value.split(",") if resolve.LIST_TYPES.match(declared["Type"]) else value
        return found

    def _check_transform(self, data: dict[str, Any]) -> None:
        """Macros are not applied here, so nothing can be said of a template that needs one."""
        if data.get("Transform"):
            msg = f"the transform {data['Transform']} is not applied by the rehearsal. Next: rehearse the transformed template"
            self._book.trouble(msg)
            raise protocol.Refusal("InternalFailure", msg, status=500)

    def _static(self, data: dict[str, Any], parameters: dict[str, Any], region: str, name: str) -> resolve.Scope:
        pseudo = resolve.pseudo_parameters(
            region=region, account=self._account.id, stack_name=name, stack_id=f"arn:{name}"
        )
        keep = resolve.KEEP
        return resolve.Scope(data, parameters, pseudo, self._provisioner.zones, imported=lambda _name: keep)

    def find(self, region: str, name: str) -> stacks.Stack | None:
        """A stack by name or ARN."""
        return self.stacks.alive(region, name)

    def update_stack(self, call: protocol.Call) -> dict[str, Any]:
        """UpdateStack."""
        stack = self._need(call, "Stack [{}] does not exist")
        if stack.status not in UPDATABLE:
            raise check.refuse(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
        if not self.begin_update(stack, call.given):
            raise check.refuse("No updates are to be performed.")
        return {"StackId": stack.id}

    def begin_update(self, stack: stacks.Stack, given: dict[str, Any]) -> bool:
        """Begin to update a stack; whether there is anything to do.

        Raises:
            Refusal: AWS would refuse at once.
        """
        former = stack.request
        asked = {**given, "TemplateBody": former.body} if given.get("UsePreviousTemplate") else given
        kept = {p["ParameterKey"] for p in given.get("Parameters") or [] if p.get("UsePreviousValue")}
        parameters = [p for p in given.get("Parameters") or [] if p["ParameterKey"] not in kept]
        parameters += [{"ParameterKey": k, "ParameterValue": former.given[k]} for k in sorted(kept & set(former.given))]
        request = self.request(stack.region, {**asked, "Parameters": parameters}, stack.name)
        if "Tags" not in given:
            request.tags = former.tags
        is_same = (request.data, request.parameters, request.tags) == (former.data, former.parameters, former.tags)
        if is_same and not self._has_nested(request.data):
            return False
        updater = update.Updater(self._provisioner, stack, request)
        stack.status = "UPDATE_IN_PROGRESS"  # at once, so that who asks next sees it
        _in_background(lambda: self._run(stack, updater))
        return True

    @staticmethod
    def _has_nested(data: dict[str, Any]) -> bool:
        """Whether a change may lie in a nested template, behind the same URL."""
        return any(resource["Type"] == stacks.STACK for resource in data["Resources"].values())

    def _run(self, stack: stacks.Stack, updater: update.Updater) -> None:
        try:
            with stack.work:
                updater.run()
        except Exception as error:  # noqa: BLE001 - a fault of ours must not look like a finding
            traceback.print_exc()
            self._book.trouble(f"the rehearsal broke while it updated {stack.name}: {error!r}")
            stack.say("UPDATE_ROLLBACK_FAILED", "Internal Failure")

    def begin_delete(self, stack: stacks.Stack, *, retain: frozenset[str] = frozenset()) -> None:
        """Delete a stack in the background."""
        stack.status = "DELETE_IN_PROGRESS"  # at once, so that who asks next sees it
        _in_background(lambda: self._provisioner.delete(stack, retain=retain))

    def delete(self, call: protocol.Call) -> dict[str, Any]:
        """DeleteStack. An unknown stack is no error."""
        stack = self.stacks.alive(call.region, call.given["StackName"])
        if stack is None or stack.status in {"DELETE_COMPLETE", "DELETE_IN_PROGRESS"}:
            return {}
        if stack.request.is_protected:
            msg = f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
            raise check.refuse(msg)
        for output in stack.outputs.values():
            users = self.stacks.importers(stack.region, output["export"]) if output.get("export") else []
            if users:
                names = " and ".join(sorted({user.name for user in users}))
                reason = f"Export {output['export']} cannot be deleted as it is in use by {names}"
                stack.say(stack.status, reason)
                return {}
        self.begin_delete(stack, retain=frozenset(call.given.get("RetainResources") or []))
        return {}

    def _need(self, call: protocol.Call, message: str = "Stack with id {} does not exist") -> stacks.Stack:
        name = call.given.get("StackName") or ""
        stack = self.stacks.alive(call.region, name)
        if stack is None:
            raise check.refuse(message.format(name))
        return stack

    def describe(self, call: protocol.Call) -> dict[str, Any]:
        """DescribeStacks."""
        if call.given.get("StackName"):
            return {"Stacks": [shown.stack(self._need(call))]}
        alive = [s for s in self.stacks.of(call.region) if s.status != "DELETE_COMPLETE"]
        return {"Stacks": [shown.stack(stack) for stack in reversed(alive)]}

    def events(self, call: protocol.Call) -> dict[str, Any]:
        """DescribeStackEvents, newest first."""
        stack = self._need(call, "Stack [{}] does not exist")
        return {"StackEvents": [shown.event(stack, event) for event in reversed(stack.events)]}

    def resource(self, call: protocol.Call) -> dict[str, Any]:
        """DescribeStackResource."""
        stack = self._need(call, "Stack '{}' does not exist")
        name = call.given["LogicalResourceId"]
        if name not in stack.resources:
            raise check.refuse(f"Resource {name} does not exist for stack {stack.name}")
        return {"StackResourceDetail": shown.resource(stack, stack.resources[name], is_detail=True)}

    def resources(self, call: protocol.Call) -> dict[str, Any]:
        """DescribeStackResources; by physical id as well."""
        physical = call.given.get("PhysicalResourceId")
        if physical and not call.given.get("StackName"):
            for stack in self.stacks.of(call.region):
                if any(r.physical == physical for r in stack.resources.values()):
                    return {"StackResources": [shown.resource(stack, r) for r in stack.resources.values()]}
            raise check.refuse(f"Stack for {physical} does not exist")
        stack = self._need(call)
        wanted = call.given.get("LogicalResourceId")
        found = [r for r in stack.resources.values() if not wanted or r.logical == wanted]
        return {"StackResources": [shown.resource(stack, resource) for resource in found]}

    def list_resources(self, call: protocol.Call) -> dict[str, Any]:
        """ListStackResources."""
        stack = self._need(call)
        return {"StackResourceSummaries": [shown.resource(stack, r, is_detail=True) for r in stack.resources.values()]}

    def list(self, call: protocol.Call) -> dict[str, Any]:
        """ListStacks, deleted ones as well."""
        wanted = call.given.get("StackStatusFilter")
        found = [s for s in self.stacks.of(call.region) if not wanted or s.status in wanted]
        return {"StackSummaries": [shown.summary(stack) for stack in reversed(found)]}

    def exports(self, call: protocol.Call) -> dict[str, Any]:
        """ListExports."""
        found = self.stacks.exports(call.region).items()
        return {"Exports": [{"ExportingStackId": s.id, "Name": name, "Value": v} for name, (s, v) in found]}

    def imports(self, call: protocol.Call) -> dict[str, Any]:
        """ListImports."""
        name = call.given["ExportName"]
        users = self.stacks.importers(call.region, name)
        if not users:
            raise check.refuse(f"Export '{name}' is not imported by any stack.")
        return {"Imports": [user.name for user in users]}

    def template(self, call: protocol.Call) -> dict[str, Any]:
        """GetTemplate."""
        return {"TemplateBody": self._need(call).request.body, "StagesAvailable": ["Original", "Processed"]}

    def validate(self, call: protocol.Call) -> dict[str, Any]:
        """ValidateTemplate."""
        data = source.read(source.body_of(call.given, self._account, call.region))
        check.check(data, is_type=lambda kind: schemas.exists(kind, call.region))
        circle = graph.cycle(graph.edges(data["Resources"]))
        if circle:
            raise check.refuse(f"Circular dependency between resources: [{', '.join(circle)}]")
        return shown.validated(data)


def check_name(name: str) -> None:
    """Hold a stack name against its pattern.

    Raises:
        Refusal: it does not fit.
    """
    most = 128
    if not NAME.fullmatch(name):
        constraint = f"Member must satisfy regular expression pattern: {NAME_PATTERN}"
    elif len(name) > most:
        constraint = f"Member must have length less than or equal to {most}"
    else:
        return
    msg = f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: {constraint}"
    raise check.refuse(msg)


def _in_background(act: Callable[[], None]) -> None:
    threading.Thread(target=act, daemon=True, name="stack").start()
