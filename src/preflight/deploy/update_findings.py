"""What an update loses or interrupts, as findings. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.aws import update_losses
from preflight.aws.update_losses import Loss
from preflight.model import Finding, JsonObject, Severity, StackChange

BEHAVIOURS = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html"
POLICIES = {
    "replace": "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatereplacepolicy.html",
    "remove": "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html",
}
DEPLOYMENT = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html"
SERVICE = "AWS::ECS::Service"
WITHOUT_TASKS = {"AvailabilityZoneRebalancing", "DesiredCount", "DeploymentConfiguration", "EnableECSManagedTags", "EnableExecuteCommand", "HealthCheckGracePeriodSeconds", "PropagateTags", "Tags"}


def of_change(change: StackChange, after: JsonObject) -> Iterator[Finding]:
    """Yields what one change loses or interrupts; `after` has the properties of the resource after it."""
    loss = update_losses.of(change.type)
    if change.action in POLICIES and loss is not None:
        yield from _of_loss(change, loss)
    if change.type == SERVICE and change.action == "replace":
        yield _replaced_service(change)
    if change.type == SERVICE and change.action == "modify" and _stops_all_tasks(change, after):
        yield _stopped_tasks(change)


def _of_loss(change: StackChange, loss: Loss) -> Iterator[Finding]:
    is_kept = change.policy in {"Retain", "ReplaceAndRetain"}
    has_snapshot = change.policy in {"Snapshot", "ReplaceAndSnapshot"}
    if change.action == "remove" and is_kept:
        return
    check = update_losses.LOSES_DATA if loss.is_data else update_losses.CHANGES_IDENTITY
    is_error = loss.is_data and not is_kept and not has_snapshot
    yield _finding(
        change,
        check,
        Severity.ERROR if is_error else Severity.WARNING,
        f"{_act(change)}{_lost(loss, is_kept=is_kept, has_snapshot=has_snapshot)}",
        fix=_cure(change, loss, is_kept=is_kept),
        source=POLICIES[change.action],
    )


def _act(change: StackChange) -> str:
    where = f" ({change.was})" if change.was and change.action == "remove" else ""
    if change.action == "remove":
        return f"the update removes this {change.type}{where}"
    names = [item.name for item in change.properties if item.recreation != "Never"]
    cause = f", because {' and '.join(names)} cannot be changed in place" if names else ""
    return f"the update replaces this {change.type}{cause}"


def _lost(loss: Loss, *, is_kept: bool, has_snapshot: bool) -> str:
    if is_kept:
        return f": the new one does not have {loss.what}; the old one is kept, and no longer belongs to the stack"
    if has_snapshot:
        return f": {loss.what} are left in a snapshot only, and whatever uses them does not find it"
    return f", and AWS deletes {loss.what}" if loss.is_data else f": clients that know {loss.what} no longer find anything there"


def _cure(change: StackChange, loss: Loss, *, is_kept: bool) -> str:
    names = [item.name for item in change.properties if item.recreation != "Never"]
    back = f"Leave {' and '.join(names)} as {'it is' if len(names) == 1 else 'they are'}" if names else "Leave the resource in the template"
    attribute = "UpdateReplacePolicy" if change.action == "replace" else "DeletionPolicy"
    if change.action == "remove":
        keep = f"deploy {attribute}: Retain with it first, which keeps it outside the stack"
    elif is_kept:
        keep = "move the data to the new one, then delete the old one"
    else:
        keep = f"set {attribute}: Retain, which keeps the old one outside the stack" + (", and move the data" if loss.is_data else "")
    return f"{back}; or {keep}; or waive the check with a reason, if this is intended."


def _replaced_service(change: StackChange) -> Finding:
    message = f"{_act(change)}: new tasks start in a service of its own, without the deployment circuit breaker's way back, and the old service ends with all its tasks"
    return _finding(change, update_losses.REPLACES_SERVICE, Severity.WARNING, message, fix=_cure_of_service(change), source=BEHAVIOURS)


def _cure_of_service(change: StackChange) -> str:
    names = [item.name for item in change.properties if item.recreation != "Never"]
    return f"Leave {' and '.join(names) or 'the logical id'} as it is, or plan for the replacement of the service."


def _stops_all_tasks(change: StackChange, after: JsonObject) -> bool:
    """Whether a change starts new tasks, and the service may stop all old ones first."""
    configuration = after.get("DeploymentConfiguration") or {}
    minimum = configuration.get("MinimumHealthyPercent") if isinstance(configuration, dict) else None
    has_tasks = str(after.get("DesiredCount", 1)) != "0" and after.get("SchedulingStrategy") != "DAEMON"
    has_new_tasks = any(item.name not in WITHOUT_TASKS for item in change.properties)
    return has_new_tasks and has_tasks and str(minimum) == "0" and configuration.get("Strategy", "ROLLING") == "ROLLING"


def _stopped_tasks(change: StackChange) -> Finding:
    message = "the update starts new tasks, and MinimumHealthyPercent 0 lets ECS stop every running task before they run: requests fail meanwhile"
    fix = "Set MinimumHealthyPercent to 100 and MaximumPercent to 200, which start the new tasks first."
    return _finding(change, update_losses.STOPS_ALL_TASKS, Severity.WARNING, message, fix=fix, source=DEPLOYMENT, property_name="DeploymentConfiguration")


def _finding(change: StackChange, check: str, severity: Severity, message: str, *, fix: str, source: str, property_name: str | None = None) -> Finding:
    names = [item.name for item in change.properties if item.recreation != "Never"]
    return Finding(
        "update",
        check,
        severity,
        message,
        file=change.file,
        line=change.line,
        resource=change.resource,
        property=property_name or (names[0] if names else None),
        fix=fix,
        source=source,
    )
