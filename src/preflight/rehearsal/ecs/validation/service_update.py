"""What UpdateService does not change. Pure.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-external.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/windows-considerations.html.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.rehearsal.ecs.validation import Request, deployment_configuration, runtime_platform, service_connect

BY_CODE_DEPLOY = {
    "taskDefinition": "task definition",
    "networkConfiguration": "network parameters",
    "platformVersion": "platform version",
}
BY_TASK_SETS = {
    **BY_CODE_DEPLOY,
    "loadBalancers": "load balancers",
    "capacityProviderStrategy": "capacity provider strategy",
}


def refusals(old: Request, new: Request, request: Request) -> Iterator[str]:
    """What is asked of a service that CodeDeploy or a task set has to change."""
    controller = deployment_configuration.controller_of(old)
    if controller == "CODE_DEPLOY":
        fixed = BY_CODE_DEPLOY
        reason = "on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new deployment."
    elif controller == "EXTERNAL":  # in the words that https://github.com/pipe-cd/pipecd/pull/6384 quotes
        fixed, reason = BY_TASK_SETS, "on services with a EXTERNAL deployment controller."
    else:
        return
    for key, words in fixed.items():
        if (new.get(key) or None) != (old.get(key) or None):
            yield f"Unable to update {words} {reason}"
    if request.get("forceNewDeployment"):
        yield f"Cannot force a new deployment {reason}"


def definitions(old: Request, new: Request, before: Request, after: Request) -> Iterator[str]:
    """What cannot differ between the task definitions before and after."""
    if runtime_platform.is_windows(before) != runtime_platform.is_windows(after):
        yield "The platform family of a service cannot be updated."
    exposed = service_connect.exposed(old) & service_connect.exposed(new)
    earlier, later = service_connect.named_ports(before), service_connect.named_ports(after)
    for name in sorted(exposed & set(earlier) & set(later)):
        for key in ("appProtocol", "protocol"):
            if earlier[name].get(key) != later[name].get(key):
                yield f"{key} is immutable in a Service Connect service, and changed for the port {name}."
