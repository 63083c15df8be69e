"""What a stopped reason of ECS means, and what fixes it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from preflight.aws.refusals import catalog

GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/"
PULL = GUIDE + "task_cannot_pull_image.html"
INIT = GUIDE + "resource-initialization-error.html"
ROLE = GUIDE + "task_execution_IAM_role.html"
INFRASTRUCTURE_DENIED = (
    "Allow {action} to the infrastructure role (RoleArn of AdvancedConfiguration); "
    "AmazonECSInfrastructureRolePolicyForLoadBalancers allows all that ECS calls."
)
INFRASTRUCTURE_TRUST = "Create the role, with a trust policy that allows sts:AssumeRole to ecs.amazonaws.com."
POLICIES, MANAGED = "Policies", "ManagedPolicyArns"  # where a role says what it may do


@dataclass(frozen=True)
class Diagnosis:
    """The kind of failure: which resource is at fault, what fixes it, and whether it can recover by itself."""

    check: str
    at: str
    property: str | None
    fix: str
    source: str
    heals: bool = False
    is_network: bool = False


def _not_mounted(fix: str) -> Diagnosis:
    return Diagnosis("FileSystemNotMounted", "definition", "Volumes", fix, GUIDE + "efs-volumes.html")


_KNOWN: tuple[tuple[str, Diagnosis], ...] = (
    (
        r"^the rehearsal could not go on|^internal error in the emulated account",
        Diagnosis("NotRehearsed", "machine", None, "Nothing is known to be wrong with the template: this machine could not run the task.", ""),
    ),
    (
        r"no container instance met all of its requirements",
        Diagnosis(
            "NotOnFargate",
            "service",
            "LaunchType",
            "Set LaunchType: FARGATE, or a strategy of Fargate's capacity providers.",
            GUIDE + "service-event-messages-list.html",
        ),
    ),
    (
        r"unable to stop or start tasks during a deployment",
        Diagnosis(
            "DeploymentStuck",
            "service",
            "DeploymentConfiguration",
            "Lower MinimumHealthyPercent or raise MaximumPercent, so that one task more or less is allowed.",
            GUIDE + "service-event-messages-list.html",
        ),
    ),
    (
        r"unable to assume the configured ECS Infrastructure Role",
        Diagnosis(
            "RoleNotAssumed",
            "role",
            "AssumeRolePolicyDocument",
            INFRASTRUCTURE_TRUST,
            GUIDE + "infrastructure_IAM_role.html",
        ),
    ),
    (
        r"unable to assume the role",
        Diagnosis(
            "RoleNotAssumed",
            "role",
            "AssumeRolePolicyDocument",
            "Create the role, with a trust policy that allows sts:AssumeRole to ecs-tasks.amazonaws.com.",
            ROLE,
        ),
    ),
    (
        r"is not authorized to perform: secretsmanager:GetSecretValue on resource: \S+:secret:(?P<name>\S+)-\w{6}\b",
        Diagnosis(
            "AccessDenied",
            "role",
            POLICIES,
            "Allow secretsmanager:GetSecretValue on {name}-?????? to the execution role: the ARN of a secret ends with a hyphen and six characters of its own.",
            ROLE,
        ),
    ),
    (
        r"is not authorized to perform: ssm:GetParameters\b",
        Diagnosis(
            "AccessDenied",
            "role",
            POLICIES,
            "Allow ssm:GetParameters to the execution role: ECS calls it, not ssm:GetParameter.",
            ROLE,
        ),
    ),
    (
        r"is not authorized to perform: (?P<action>elasticloadbalancing:\w+)",
        Diagnosis("AccessDenied", "role", POLICIES, INFRASTRUCTURE_DENIED, GUIDE + "AmazonECSInfrastructureRolePolicyForLoadBalancers.html"),
    ),
    (
        r"unable to manage the ELB resources due to missing permissions",
        Diagnosis(
            "RoleNotAssumed",
            "role",
            "AssumeRolePolicyDocument",
            INFRASTRUCTURE_TRUST,
            GUIDE + "AmazonECSInfrastructureRolePolicyForLoadBalancers.html",
        ),
    ),
    (
        r"is not authorized to perform: (?P<action>[\w-]+:\w+)",
        Diagnosis("AccessDenied", "role", POLICIES, "Allow {action} to the execution role.", ROLE),
    ),
    (
        r"connection issue|i/o timeout|dial tcp|cannot find the Amazon CloudWatch log group",
        Diagnosis(
            "NoRoute",
            "service",
            "NetworkConfiguration",
            "Give the task a route to the registry and to AWS: a public IP with a route to an internet gateway, a NAT gateway, or VPC endpoints.",
            INIT,
            is_network=True,
        ),
    ),
    (
        r"specified log group does not exist",
        Diagnosis(
            "LogGroupMissing",
            "definition",
            "ContainerDefinitions.0.LogConfiguration",
            "Add an AWS::Logs::LogGroup of that name, or correct awslogs-group.",
            INIT,
        ),
    ),
    (
        r"looking for beginning of|unexpected end of JSON",
        Diagnosis(
            "SecretNotJson",
            "definition",
            "ContainerDefinitions.0.Secrets",
            "ValueFrom asks for a key: write the secret as a JSON object with that key (in double quotes), or remove the key from ValueFrom.",
            GUIDE + "secrets-envvar-secrets-manager.html",
        ),
    ),
    (
        r"did not contain json key (?P<key>\S+)",
        Diagnosis(
            "SecretMissing",
            "definition",
            "ContainerDefinitions.0.Secrets",
            "Add the key {key} to the JSON object of the secret, or correct the key in ValueFrom.",
            GUIDE + "secrets-envvar-secrets-manager.html",
        ),
    ),
    (
        r"Secrets Manager|invalid ssm parameters|did not contain json key",
        Diagnosis(
            "SecretMissing",
            "definition",
            "ContainerDefinitions.0.Secrets",
            "Create the secret or parameter before the stack, or correct ValueFrom.",
            INIT,
        ),
    ),
    (
        r"does not contain descriptor matching platform",
        Diagnosis(
            "PlatformMismatch",
            "definition",
            "RuntimePlatform",
            "Build the image for the platform of the task, or set RuntimePlatform to that of the image.",
            PULL,
        ),
    ),
    (
        r"CannotPullContainerError",
        Diagnosis(
            "CannotPullContainerError",
            "definition",
            "ContainerDefinitions.0.Image",
            "Name an image and a tag that the registry has; an image of your own is pushed before the stack is created.",
            PULL,
        ),
    ),
    (
        r"CannotStartContainerError|CannotCreateContainerError",
        Diagnosis(
            "CannotStartContainerError",
            "definition",
            "ContainerDefinitions.0",
            "Correct EntryPoint, Command, User or WorkingDirectory: the image has no such thing.",
            GUIDE + "stopped-task-error-codes.html",
        ),
    ),
    (
        r"Essential container in task exited",
        Diagnosis(
            "EssentialContainerExited",
            "definition",
            "ContainerDefinitions.0",
            "Make the container keep running: see its exit code and its last log lines.",
            GUIDE + "stopped-task-error-codes.html",
            heals=True,
        ),
    ),
    (
        r"failed container health checks",
        Diagnosis(
            "HealthCheckFailed",
            "definition",
            "ContainerDefinitions.0.HealthCheck",
            "Correct the health check's command, or give the container more time with StartPeriod.",
            GUIDE + "healthcheck.html",
        ),
    ),
    (
        r"failed ELB health checks",
        Diagnosis(
            "TargetUnhealthy",
            "target",
            "HealthCheckPath",
            "Make the container answer the health check of the target group (path, port, matcher) in time; HealthCheckGracePeriodSeconds of the service gives it more.",
            "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html",
        ),
    ),
    (
        r"download env files",
        Diagnosis(
            "EnvironmentFileMissing",
            "definition",
            "ContainerDefinitions.0.EnvironmentFiles",
            "Upload the file before the stack is created, and allow s3:GetObject and s3:GetBucketLocation to the execution role.",
            GUIDE + "use-environment-file.html",
        ),
    ),
    (
        r"EFS utils.*has no folder",
        _not_mounted(
            "Use an access point with CreationInfo (OwnerUid, OwnerGid, Permissions), which creates the folder, or mount a folder that exists: a new file system has only /."
        ),
    ),
    (
        r"EFS utils.*enableDns",
        _not_mounted("Set EnableDnsSupport and EnableDnsHostnames of the VPC: a file system is mounted by its DNS name."),
    ),
    (
        r"EFS utils.*access denied by server",
        _not_mounted(
            "Let the policy of the file system allow elasticfilesystem:ClientMount to the task, and name an access point that exists."
        ),
    ),
    (
        r"EFS utils",
        _not_mounted(
            "Give the file system a mount target in the zone of each subnet of the service, and let its security group admit tcp port 2049 from the tasks."
        ),
    ),
    (
        r"Access to KMS is not allowed",
        Diagnosis(
            "AccessDenied",
            "definition",
            "ExecutionRoleArn",
            "Allow kms:Decrypt on the key to the execution role.",
            ROLE,
        ),
    ),
    (
        r"network interface provisioning",
        Diagnosis(
            "NoAddress",
            "service",
            "NetworkConfiguration",
            "Use a larger subnet, or more of them.",
            GUIDE + "fargate-task-networking.html",
        ),
    ),
)
_UNKNOWN = Diagnosis(
    "TaskStopped", "service", None, "See the reason that ECS gives.", GUIDE + "stopped-task-errors.html", heals=True
)


def of(reason: str, containers: tuple[str, ...] = ()) -> Diagnosis:
    """The diagnosis for a stopped reason."""
    text = "\n".join((reason, *containers))
    for pattern, diagnosis in _KNOWN:
        match = re.search(pattern, text)
        if match:
            return _filled(diagnosis, match.groupdict())
    return _UNKNOWN


_NOT_WRITABLE = re.compile(r"permission denied|EACCES|EPERM|operation not permitted|read-only file system|EROFS", re.IGNORECASE)


def of_volume(log: tuple[str, ...], paths: tuple[str, ...]) -> Diagnosis | None:
    """Returns the diagnosis for a container whose log says that it may not write to a volume, or None.

    `paths` are the paths at which the container has its volumes.
    """
    if not any(path in line for line in log if _NOT_WRITABLE.search(line) for path in paths):
        return None
    return Diagnosis(
        "VolumeNotWritable",
        "definition",
        "ContainerDefinitions.0.MountPoints",
        "Only root may write to a new volume: create the folder in the Dockerfile, give it to the user of the container and declare it as VOLUME, or on EFS set PosixUser and CreationInfo of an access point and allow elasticfilesystem:ClientWrite.",
        GUIDE + "bind-mounts.html",
        heals=True,
    )


_LOGS: tuple[tuple[str, str], ...] = (
    (
        r"bind.*:(?P<port>80|443|\d{1,3})\b.*[Pp]ermission denied|EACCES.*:(?P<other>\d{1,3})\b",
        "Only root may listen on a port below 1024: let the application listen on a higher one, and change the port mapping with it, or run the container as root.",
    ),
    (
        r"AccessDenied|not authorized to perform|UnauthorizedOperation",
        "AWS denied a call of the application: allow it to the task role (TaskRoleArn). Containers have no other; the execution role is Fargate's.",
    ),
)


def of_log(log: tuple[str, ...]) -> str | None:
    """Returns the advice for what a container that ended wrote last, None if nothing of it is known."""
    return next((fix for pattern, fix in _LOGS if re.search(pattern, "\n".join(log))), None)


_EXIT_CODE = re.compile(r"^(?P<name>[\w-]+): exit code (?P<code>\d+)")
_KILLED = ("137", "143")  # by SIGKILL and SIGTERM, as ECS ends the other containers of a task
_CODES: tuple[tuple[str, str], ...] = (
    (r"codes: \[3\d\d", "The application redirects the health check: set HealthCheckPath to a page that it answers itself (no redirect to HTTPS), or add the code to Matcher."),
    (r"codes: \[4(00|21)", "The health check sends the task's address in the header Host: make the application accept any host at HealthCheckPath, for example with its list of allowed hosts."),
    (r"codes: \[40[13]", "HealthCheckPath requires a login: make it public, or name a page that is."),
    (r"codes: \[404", "The application has no page at HealthCheckPath: name one that it has."),
    (r"codes: \[5\d\d", "The application fails at HealthCheckPath: see its log lines."),
)


def of_exit(containers: tuple[str, ...]) -> str | None:
    """Returns the advice for a task of which containers ended without an error; None if one of them failed."""
    codes = {match["name"]: match["code"] for text in containers if (match := _EXIT_CODE.match(text))}
    ended = [name for name, code in codes.items() if code == "0"]
    if not ended or set(codes.values()) - {"0", *_KILLED}:
        return None
    names = " or ".join(ended)
    return f"Container {names} ended by itself, with exit code 0, and is essential, as containers are by default: set Essential: false if it is meant to end, or keep its program in the foreground."


_NO_PROGRAM = re.compile(r"its health check ended with .*?\b(?:ba|da)?sh: (?:line )?(?:\d+: )?(?P<program>[\w./-]+): (?:command )?not found", re.DOTALL)


def of_health_check(containers: tuple[str, ...]) -> str | None:
    """Returns the advice for a health check whose program the image does not have, None for any other."""
    match = next(filter(None, map(_NO_PROGRAM.search, containers)), None)
    if match is None:
        return None
    program = match["program"]
    return f"The image has no {program}: install it in the Dockerfile, or let the health check use a program that the image has."


def of_health_codes(text: str) -> str | None:
    """Returns the advice for the status codes that targets answered to the health check, None without any."""
    return next((fix for pattern, fix in _CODES if re.search(pattern, text)), None)


def _filled(diagnosis: Diagnosis, values: dict[str, str]) -> Diagnosis:
    if not values:
        return diagnosis
    return replace(diagnosis, fix=diagnosis.fix.format(**values))


# What a task could not reach, by what its stopped reason says; the first one that fits.
_SERVICES: tuple[tuple[str, str], ...] = (
    (r"registry auth from Amazon ECR|retrieve ecr registry auth|api\.ecr\.", "ecr.api"),
    (r"CloudWatch log group|Cloudwatch log stream|failed to validate logger args", "logs"),
    (r"Parameter Store|secrets? from ssm", "ssm"),
    (r"Secrets Manager|secrets? from asm", "secretsmanager"),
    (r"failed to copy|download env files", "s3"),
    (r"failed to resolve ref \S*\.dkr[.-]ecr\.", "ecr.dkr"),
)
EVERY_SERVICE = ("ecr.api", "ecr.dkr", "s3", "logs", "secretsmanager", "ssm")


def services(reason: str) -> tuple[str, ...]:
    """The service that a task could not reach; all that Fargate calls where the reason names none."""
    blocked = next((service for pattern, service in _SERVICES if re.search(pattern, reason)), None)
    return (blocked,) if blocked else EVERY_SERVICE


def is_of_internet(reason: str) -> bool:
    """Whether what a task could not reach is a registry on the internet."""
    return "failed to resolve ref" in reason and services(reason) == EVERY_SERVICE


_ID = r"(?:subnet|vpc|sg|rtb|igw|eni|fs)-[0-9a-f]{8,17}"
_STACKS: tuple[tuple[str, str | None, str], ...] = (
    (r"Requires capabilities : \[(?P<name>\w+)\]", None, "Add {name} to `capabilities` of the step in the plan."),
    (
        r"belong to different networks",
        "RouteTableId",
        "Add DependsOn: the AWS::EC2::VPCGatewayAttachment of the gateway.",
    ),
    (
        r"does not have an associated load balancer",
        "LoadBalancers",
        "Add DependsOn: the listener (or listener rule) that forwards to the target group.",
    ),
    (
        rf"(?P<name>\b{_ID}(?:, ?{_ID}){{0,20}})\b['\]]? (?:does not|do not) exist",
        None,
        "No stack of the plan creates {name}. Make what your account has a parameter, with an output of an earlier stack for its value; `preflight init` writes a stack that stands for the account.",
    ),
    (
        r"Could not resolve the dynamic reference \{\{resolve:(?:ssm|ssm-secure|secretsmanager):(?P<name>arn(?::[^:}]*){6}|[^:}]+)",
        None,
        "Create {name} in an earlier stack of the plan, and refer to it by its name or by an output; `preflight init` writes a stack that stands for the account.",
    ),
    (r"No export named (?P<name>\S+) found", None, "Create the stack that exports {name} first, or correct the name."),
    (r"network mode .awsvpc", "NetworkMode", "Set NetworkMode: awsvpc."),
    (
        r"No Fargate configuration exists",
        "Cpu",
        "Choose a pair of Cpu and Memory from https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html",
    ),
    (r"execution role ARN", "ExecutionRoleArn", "Set ExecutionRoleArn."),
    (r"Unresolved resource dependencies \[(?P<name>[^\]]+)\]", None, "Declare {name}, or correct the reference."),
    (r"Circular dependency", None, "Break the cycle: remove one of the references."),
    (
        r"Parameters: \[(?P<name>[^\]]+)\] must have values",
        None,
        "Give {name} under `parameters` of the step in the plan, or a Default in the template; `preflight init --force` writes a plan with what can be known.",
    ),
    (r"Parameters: \[(?P<name>[^\]]+)\] do not exist", None, "Remove {name}, or declare it under Parameters."),
    (
        r"extraneous key \[(?P<name>[^\]]+)\]",
        None,
        "Remove {name}, or spell it as the resource type's reference does.",
    ),
    (r"required key \[(?P<name>[^\]]+)\] not found", None, "Set {name}."),
    (r"(?P<name>\S+) is not a valid enum value", None, "Use one of the values that the reference lists, not {name}."),
    (
        r"Unrecognized resource types: \[(?P<name>[^\]]+)\]",
        None,
        "Correct the type {name}: there is none of that name.",
    ),
    (
        r"parameter value (?P<name>\S+) for parameter name",
        None,
        "{name} is not in this account: create it in an earlier step of the plan and pass its output; `preflight init --force` writes both.",
    ),
    (
        r"Export (?P<name>\S+) cannot be (?:updated|deleted) as it is in use by",
        None,
        "Leave {name} as it is until no stack imports it: add the new value under another export name, let the importing stacks use that, then remove this one.",
    ),
    (
        r"custom-named resource requires replacing",
        None,
        "Give the resource another name, or leave the name to CloudFormation.",
    ),
    (r"in two different Availability Zones must be specified", "Subnets", "Name subnets of two zones."),
    (r"has no internet gateway", None, "Attach an internet gateway to the VPC, or set Scheme: internal."),
    (
        r"both enableDnsSupport and enableDnsHostnames",
        "PrivateDnsEnabled",
        "Set EnableDnsSupport and EnableDnsHostnames of the VPC.",
    ),
    (r"Invalid principal in policy", "AssumeRolePolicyDocument", "Name a service such as ecs-tasks.amazonaws.com."),
    (
        r"KMS Key Id could not be found or is not allowed",
        "KmsKeyId",
        "Let the key's policy allow logs.<region>.amazonaws.com to use it.",
    ),
    (
        r"Please check S3bucket permission",
        "LoadBalancerAttributes",
        "Let the bucket's policy allow s3:PutObject to logdelivery.elasticloadbalancing.amazonaws.com (or the account of Elastic Load Balancing in the region), encrypt the bucket by keys of S3, and add DependsOn: the policy.",
    ),
    (
        r"SUCCESS or COMPLETE condition cannot be an essential",
        "ContainerDefinitions",
        "Set Essential: false for the container that DependsOn waits for; a container is essential by default.",
    ),
    (
        r"awsfirelens log driver, one container must have",
        "ContainerDefinitions",
        "Add FirelensConfiguration to the container of the log router, or choose another LogDriver.",
    ),
    (
        r"firelensConfiguration object is specified, at least one",
        "ContainerDefinitions",
        "Set LogDriver: awsfirelens for the containers whose output the router is to have, or remove FirelensConfiguration.",
    ),
    (
        r"service registry of DNS type SRV",
        "ServiceRegistries",
        "Set ContainerName and ContainerPort, or Port, in ServiceRegistries.",
    ),
    (
        r"service registry of DNS type A\b",
        "ServiceRegistries",
        "Remove ContainerName, ContainerPort and Port from ServiceRegistries, or give the Cloud Map service SRV records.",
    ),
    (
        r"serviceRegistries do not require a value",
        "ServiceRegistries",
        "Remove ContainerName and ContainerPort from ServiceRegistries, or give the Cloud Map service SRV records.",
    ),
    (
        r"grace period is only valid for services configured to use load balancers",
        "HealthCheckGracePeriodSeconds",
        "Remove HealthCheckGracePeriodSeconds, or add LoadBalancers to the service.",
    ),
    (
        r"Volumes \[(?P<name>[^\]]+)\] are not referenced by any",
        "Volumes",
        "Mount {name} by MountPoints of a container, or remove it from Volumes.",
    ),
    (
        r"EC2 launch type do not support EphemeralStorage",
        "EphemeralStorage",
        "Set RequiresCompatibilities: [FARGATE], or remove EphemeralStorage.",
    ),
    (
        r"Certificate '(?P<name>arn:[^:]+:acm:[^']+)' not found",
        "Certificates",
        "Name a certificate in the region of the load balancer: {name} is in another one, and ACM's certificates serve one region each.",
    ),
    (
        r"Fn::Select +cannot select nonexistent value",
        None,
        "The list has fewer items. If it comes from Fn::GetAZs, the region has fewer zones than the template takes: take fewer, or another region.",
    ),
    (r"platform version does not exist", "PlatformVersion", "Set PlatformVersion: LATEST, or remove it."),
    (
        r"(?P<name>arn:\S+:policy/\S+) does not exist or is not attachable",
        "ManagedPolicyArns",
        "Correct {name}: managed policies of AWS for services begin with arn:aws:iam::aws:policy/service-role/.",
    ),
    (r"[Pp]riority .*in use", "Priority", "Give each rule of a listener a priority of its own."),
    (r"already exists", None, "Choose another name, or leave the name to CloudFormation."),
    (r"invalid networking configuration.*is not authorized to perform: (?P<action>[\w-]+:\w+)", "LoadBalancers", INFRASTRUCTURE_DENIED),
    (r"invalid networking configuration.*missing permissions on ECS Infrastructure Role", "LoadBalancers", INFRASTRUCTURE_TRUST),
    (
        r"testListenerRule is required when|is not associated with either productionListenerRule",
        "LoadBalancers",
        "Forward to both target groups in the production listener rule, the alternate one with weight 0, or name a TestListenerRule that forwards to it.",
    ),
    (
        r"should have exactly one target group serving traffic",
        "LoadBalancers",
        "Give one target group of the production listener rule the weight 100, and the other one 0.",
    ),
    (
        r"has an invalid ARN format. Must be RuleArn for ALB",
        "LoadBalancers",
        "Name an AWS::ElasticLoadBalancingV2::ListenerRule; only a network load balancer has the listener itself.",
    ),
    (
        r"Replication destination cannot be the same as the source registry",
        "ReplicationConfiguration",
        "Name another region than the stack's as destination, or another account's registry.",
    ),
    (
        r"capacity provider is in use and cannot be removed",
        "CapacityProviders",
        "Set DependsOn in each service of the cluster to the association of its capacity providers: services are then deleted first.",
    ),
    (r"Circuit Breaker was triggered|did not stabilize", None, "See why its tasks stopped."),
)


def of_stack(reason: str, kind: str = "") -> tuple[str | None, str]:
    """Property and fix for what CloudFormation says of a stack, or of a resource of type `kind`."""
    for pattern, name, fix in _STACKS:
        match = re.search(pattern, reason)
        if match:
            return name, fix.format(**match.groupdict())
    row = catalog.of_reason(kind, reason)
    if row is not None and row.cure:
        return None, row.cure
    return None, _see(kind)


def _see(kind: str) -> str:
    """Returns the advice for a refusal that is not known here: the page of the resource's type."""
    parts = kind.lower().split("::")
    if len(parts) != 3 or parts[0] != "aws":
        return "Correct what the reason names."
    page = f"aws-resource-{parts[1]}-{parts[2]}.html"
    return f"Correct what the reason names, by https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/{page}"
