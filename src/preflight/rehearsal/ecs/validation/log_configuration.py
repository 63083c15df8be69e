"""Log drivers, and FireLens, the router behind one of them. Pure.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_FirelensConfiguration.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/firelens-taskdef.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from preflight.rehearsal.ecs.validation import Request

ON_FARGATE = ("awslogs", "splunk", "awsfirelens")
REQUIRED = {"awslogs": ("awslogs-group", "awslogs-region"), "splunk": ("splunk-token", "splunk-url")}
AWSLOGS = frozenset(
    {
        "awslogs-create-group", "awslogs-datetime-format", "awslogs-group", "awslogs-multiline-pattern",
        "awslogs-region", "awslogs-stream-prefix", "max-buffer-size", "mode",
    }
)
MAX_BUFFER = 536870912
MODES = ("blocking", "non-blocking")


def refusals(log: Request, *, is_on_fargate: bool) -> Iterator[str]:
    """What is wrong with one log configuration, of a container or of Service Connect."""
    driver, options = str(log.get("logDriver")), log.get("options") or {}
    if not log:
        return
    if is_on_fargate and driver not in ON_FARGATE:
        yield f"{driver} is not a valid log driver. Must be one of [{', '.join(ON_FARGATE)}]"
    secret = [option.get("name") for option in log.get("secretOptions") or []]
    missing = [key for key in REQUIRED.get(driver, ()) if not options.get(key) and key not in secret]
    if missing:
        yield f"Log driver {driver} requires options: {', '.join(missing)}"
    if driver == "awslogs":
        yield from _awslogs(options, is_on_fargate=is_on_fargate)
    if "mode" in options and options["mode"] not in MODES:
        yield f"Invalid value for log option mode: {options['mode']}. Must be one of [{', '.join(MODES)}]"
    limit = options.get("log-driver-buffer-limit", "0")
    if driver == "awsfirelens" and not (limit.isdigit() and int(limit) <= MAX_BUFFER):
        yield f"The log-driver-buffer-limit must be between 0 and {MAX_BUFFER}."


def _awslogs(options: Request, *, is_on_fargate: bool) -> Iterator[str]:
    unknown = sorted(set(options) - AWSLOGS)
    if unknown:
        yield f"Log driver awslogs disallows options: {', '.join(unknown)}"
    if is_on_fargate and not options.get("awslogs-stream-prefix"):
        yield "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs."
    if options.get("awslogs-create-group", "true") != "true":
        yield "Log driver awslogs option 'awslogs-create-group' should only be set to 'true', else omit option."
    if options.get("awslogs-datetime-format") and options.get("awslogs-multiline-pattern"):
        yield "You cannot configure both the awslogs-datetime-format and awslogs-multiline-pattern options."


def firelens(containers: Sequence[Request], *, is_on_fargate: bool) -> Iterator[str]:
    """What is wrong between the log router of a task and the containers that use it."""
    routers = [c for c in containers if c.get("firelensConfiguration")]
    users = [c for c in containers if (c.get("logConfiguration") or {}).get("logDriver") == "awsfirelens"]
    if routers and not users:
        yield "When a firelensConfiguration object is specified, at least one container has to be configured with the awsfirelens log driver"
    if users and not routers:
        yield "When a container is configured with the awsfirelens log driver, one container must have a firelensConfiguration"
    if len(routers) > 1:
        yield "Only one container of a task definition can have a firelensConfiguration"
    for router in routers:
        yield from _router(router["firelensConfiguration"].get("options") or {}, is_on_fargate=is_on_fargate)


def _router(options: Request, *, is_on_fargate: bool) -> Iterator[str]:
    kind, place = options.get("config-file-type"), options.get("config-file-value")
    if options.get("enable-ecs-log-metadata", "true") not in {"true", "false"}:
        yield "The FireLens option enable-ecs-log-metadata must be true or false."
    if kind is not None and kind not in {"s3", "file"}:
        yield "The FireLens option config-file-type must be s3 or file."
    if kind == "s3" and is_on_fargate:
        yield "Tasks using the Fargate launch type only support the file configuration file type for FireLens."
    if (kind is None) != (place is None):
        yield "The FireLens options config-file-type and config-file-value must be specified together."
