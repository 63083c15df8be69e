"""What has to hold before a container of a task can start, checked in the order of AWS.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from preflight import errors, reachability, resolve, vpc
from preflight.rehearsal import account as accounts
from preflight.rehearsal import roles
from preflight.rehearsal.fargate import contract, launch, permissions
from preflight.rehearsal.services.ecs import state as states

NOT_ASSUMED = (
    "ECS was unable to assume the role '{role}' that was provided for this task. Please verify that "
    "the role being passed has the proper trust relationship and permissions and that your IAM user "
    "has permissions to pass this role."
)
AUTH = "ResourceInitializationError: unable to pull secrets or registry auth: "
LOGGER = "ResourceInitializationError: failed to validate logger args: "
PULL_ACTIONS = ("ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage")


class LaunchFailedError(Exception):
    """A task that AWS would not start; `reason` is the stopped reason."""

    def __init__(self, reason: str, *, is_task_made: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_task_made = is_task_made


@dataclass(frozen=True)
class Image:
    """An image of ECR: its region, repository and reference (tag or digest)."""

    account: str
    region: str
    repository: str
    reference: str


def ecr_image(name: str) -> Image | None:
    """The parts of an ECR image name, None for an image of another registry."""
    if not contract.ECR_IMAGE.match(name):
        return None
    host, _, path = name.partition("/")
    repository, _, reference = path.partition("@") if "@" in path else path.partition(":")
    parts = host.replace("dkr-ecr", "dkr.ecr").split(".")
    region = parts[parts.index("ecr") + 1] if "ecr" in parts else parts[3]
    return Image(parts[0], region, repository.partition(":")[0], reference or "latest")


class Admission:
    """Checks tasks against the account's roles, networks, secrets and log groups."""

    def __init__(self, account: accounts.Account, *, digest: Callable[[str, str, str], str | None]) -> None:
        self._account = account
        self._roles = roles.Roles(account)
        self._digest = digest

    def assume(self, task: states.Task) -> None:
        """The execution role and the task role can be assumed.

        Raises:
            LaunchFailedError: one cannot; no task is made then.
        """
        for key in ("executionRoleArn", "taskRoleArn"):
            role = self._role(task, key)
            if role and not self._roles.trusts_tasks(role, task.region):
                raise LaunchFailedError(NOT_ASSUMED.format(role=role), is_task_made=False)

    @staticmethod
    def _role(task: states.Task, key: str) -> str | None:
        return task.api["overrides"].get(key) or task.definition.api.get(key)

    def prepare(
        self, task: states.Task, plan: launch.TaskPlan, face: reachability.Interface
    ) -> dict[str, dict[str, str]]:
        """Secrets of each container by name, once every call before the pull succeeded.

        Raises:
            LaunchFailedError: AWS would stop the task here.
        """
        network = vpc.describe(self._account.client("ec2", task.region), face.vpc)
        visit = _Visit(self, task, face, network)
        secrets = {c.name: {n: visit.secret(ref) for n, ref in c.secrets.items()} for c in plan.containers}
        for container in plan.containers:
            if ecr_image(container.image):
                visit.registry_auth()
        for container in plan.containers:
            visit.logger(container)
        for container in plan.containers:
            visit.image(container)
        return secrets

    def policies(self, task: states.Task) -> permissions.Policies:
        """What the execution role may do."""
        role = self._role(task, "executionRoleArn")
        return self._roles.policies(role, task.region) if role else permissions.Policies()

    def denial(self, task: states.Task, action: str, resource: str, policies: permissions.Policies) -> str | None:
        """AWS's denial sentence for a call by the execution role, None where it is allowed."""
        request = permissions.Request(
            action,
            resource,
            {
                "aws:requestedregion": task.region,
                "aws:securetransport": "true",
                "aws:principalaccount": self._account.id,
                "aws:resourceaccount": self._account.id,
            },
        )
        if permissions.allows(policies, request):
            return None
        role = self._role(task, "executionRoleArn") or "none"
        who = self._roles.session(role, task.id)
        why = permissions.why_not(policies, request)
        return f"User: {who} is not authorized to perform: {action} on resource: {resource} {why}"

    def client(self, service: str, region: str) -> Any:
        """A client of the pretended account."""
        return self._account.client(service, region)

    def digest(self, image: Image) -> str | None:
        """Digest of an image that was pushed, None where it was not."""
        if image.account != self._account.id:
            msg = (
                f"the image {image.repository} lies in the registry of account {image.account}, which the rehearsal "
                f"(account {self._account.id}) cannot ask. Next: write the account as ${{AWS::AccountId}}, or push the image in a step"
            )
            raise errors.ToolBrokeError(msg)
        return self._digest(image.repository, image.reference, image.region)


class _Visit:
    """The calls that Fargate makes for one task before its containers start."""

    def __init__(
        self, admission: Admission, task: states.Task, face: reachability.Interface, network: reachability.Network
    ) -> None:
        self._admission = admission
        self._task = task
        self._face = face
        self._network = network
        self._policies = admission.policies(task)
        self._is_authorized = False

    def _way_to(self, service: str) -> reachability.Missing | None:
        return reachability.to_service(self._network, self._face, service)

    def _denial(self, action: str, resource: str) -> str | None:
        return self._admission.denial(self._task, action, resource, self._policies)

    def secret(self, reference: str) -> str:
        """The value of a secret or parameter that a container asks for."""
        parts = reference.split(":")
        if len(parts) > 5 and parts[2] == "secretsmanager":
            return self._from_secrets_manager(reference)
        return self._from_parameter_store(reference)

    def _from_secrets_manager(self, reference: str) -> str:
        start = AUTH + "execution resource retrieval failed: unable to retrieve secret from asm: "
        parts = reference.split(":")
        arn, key = ":".join(parts[:7]), parts[7] if len(parts) > 7 else ""
        if self._way_to("secretsmanager"):
            raise LaunchFailedError(
                AUTH + "unable to retrieve secret from asm: There is a connection issue between the task "
                "and AWS Secrets Manager. Check your task network configuration."
            )
        denied = self._denial("secretsmanager:GetSecretValue", arn)
        if denied:
            raise LaunchFailedError(
                f"{start}service call has been retried 1 time(s): failed to fetch secret {arn} from secrets "
                f"manager: AccessDeniedException: {denied} status code: 400, request id: {uuid.uuid4()}"
            )
        try:
            value = self._admission.client("secretsmanager", parts[3]).get_secret_value(SecretId=arn)["SecretString"]
        except (ClientError, KeyError):
            raise LaunchFailedError(
                AUTH + "The task can't pull the secret from Secrets Manager. The task can't retrieve the "
                f"secret with ARN '{arn}' from Secrets Manager. Check whether the secret exists in the "
                "specified Region. ResourceNotFoundException: Secrets Manager can't find the specified secret."
            ) from None
        return str(value) if not key else _json_key(str(value), key)

    def _from_parameter_store(self, reference: str) -> str:
        start = AUTH + "execution resource retrieval failed: unable to retrieve secrets from ssm: "
        name = reference.partition(":parameter")[2] if reference.startswith("arn:") else reference
        path = name if name.startswith("/") else f"/{name}"
        arn = (
            reference
            if reference.startswith("arn:")
            else f"arn:{resolve.partition_of(self._task.region)[0]}:ssm:{self._task.region}:{self._task.arn.split(':')[4]}:parameter{path}"
        )
        if self._way_to("ssm"):
            raise LaunchFailedError(
                AUTH + "unable to retrieve secrets from ssm: The task cannot pull secrets from AWS Systems "
                "Manager. There is a connection issue between the task and AWS Systems Manager Parameter "
                "Store. Check your task network configuration."
            )
        denied = self._denial("ssm:GetParameters", arn)
        if denied:
            raise LaunchFailedError(
                f"{start}service call has been retried 1 time(s): AccessDeniedException: {denied} "
                f"status code: 400, request id: {uuid.uuid4()}"
            )
        ssm = self._admission.client("ssm", self._task.region)
        for candidate in (name, name.removeprefix("/")):
            found = ssm.get_parameters(Names=[candidate], WithDecryption=True)["Parameters"]
            if found:
                return str(found[0]["Value"])
        raise LaunchFailedError(
            f"{start}service call has been retried 1 time(s): InvalidParameter: invalid ssm parameters: {name}"
        )

    def registry_auth(self) -> None:
        """ECR gives a token to the execution role."""
        if self._is_authorized:
            return
        missing = self._way_to("ecr.api")
        if missing:
            raise LaunchFailedError(
                f"{AUTH}The task cannot pull registry auth from Amazon ECR: There is a connection issue "
                "between the task and Amazon ECR. Check your task network configuration. operation error "
                "ECR: GetAuthorizationToken, exceeded maximum number of attempts, 3, https response error "
                "StatusCode: 0, RequestID: , request send failed, Post "
                f'"https://api.ecr.{self._task.region}.amazonaws.com/": i/o timeout'
            )
        denied = self._denial("ecr:GetAuthorizationToken", "*")
        if denied:
            raise LaunchFailedError(
                f"{AUTH}execution resource retrieval failed: unable to retrieve ecr registry auth: service call "
                f"has been retried 1 time(s): AccessDeniedException: {denied}"
            )
        self._is_authorized = True

    def logger(self, container: launch.ContainerPlan) -> None:
        """The log driver can make its stream."""
        log = container.log or {}
        if log.get("logDriver") != "awslogs":
            return
        options = log["options"]
        group, region = options["awslogs-group"], options["awslogs-region"]
        if self._way_to("logs"):
            raise LaunchFailedError(
                f"{LOGGER}The task cannot find the Amazon CloudWatch log group defined in the task "
                "definition. There is a connection issue between the task and Amazon CloudWatch. Check "
                "your network configuration. : signal: killed"
            )
        arn = f"arn:{resolve.partition_of(region)[0]}:logs:{region}:{self._task.arn.split(':')[4]}:log-group:{group}"
        if options.get("awslogs-create-group") == "true":
            self._may_log("logs:CreateLogGroup", arn, "failed to create Cloudwatch log group")
            self._create_group(group, region)
        prefix = options.get("awslogs-stream-prefix", "ecs")
        stream = f"{prefix}/{container.name}/{self._task.id}"
        self._may_log("logs:CreateLogStream", f"{arn}:log-stream:{stream}", "failed to create Cloudwatch log stream")
        self._create_stream(group, stream, region)

    def _may_log(self, action: str, resource: str, words: str) -> None:
        denied = self._denial(action, resource)
        if denied:
            raise LaunchFailedError(
                f"{LOGGER}create stream has been retried 1 times: {words}: AccessDeniedException: {denied}"
            )

    def _create_group(self, group: str, region: str) -> None:
        logs = self._admission.client("logs", region)
        try:
            logs.create_log_group(logGroupName=group)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                raise

    def _create_stream(self, group: str, stream: str, region: str) -> None:
        try:
            self._admission.client("logs", region).create_log_stream(logGroupName=group, logStreamName=stream)
        except ClientError as error:
            raise LaunchFailedError(
                f"{LOGGER}create stream has been retried 1 times: failed to create Cloudwatch log stream: "
                "operation error CloudWatch Logs: CreateLogStream, https response error StatusCode: 400, "
                f"RequestID: {uuid.uuid4()}, {error.response['Error']['Code']}: "
                f"{error.response['Error']['Message']} : exit status 1"
            ) from None

    def image(self, container: launch.ContainerPlan) -> None:
        """The registry can be reached, lets the role pull, and has the image."""
        image = ecr_image(container.image)
        start = "CannotPullContainerError: pull image manifest has been retried"
        if image is None:
            if reachability.to_internet(self._network, self._face):
                raise LaunchFailedError(
                    f"{start} 5 time(s): failed to resolve ref {full_name(container.image)}: failed to do "
                    "request: Head: dial tcp: i/o timeout"
                )
            return
        if self._way_to("ecr.dkr"):
            raise LaunchFailedError(
                f"{start} 5 time(s): failed to resolve ref {container.image}: failed to do request: Head: dial tcp: i/o timeout"
            )
        arn = f"arn:{resolve.partition_of(image.region)[0]}:ecr:{image.region}:{image.account}:repository/{image.repository}"
        for action in PULL_ACTIONS:
            denied = self._denial(action, arn)
            if denied:
                raise LaunchFailedError(f"{start} 1 time(s): failed to resolve ref {container.image}: denied: {denied}")
        if self._admission.digest(image) is None:
            raise LaunchFailedError(f"{start} 7 time(s): failed to resolve ref {container.image}: not found")
        if self._way_to("s3"):
            raise LaunchFailedError(
                "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: "
                "httpReaderSeeker: failed open: failed to do request: dial tcp: i/o timeout"
            )


def _json_key(value: str, key: str) -> str:
    try:
        return str(json.loads(value)[key])
    except (ValueError, KeyError, TypeError):
        msg = f"{AUTH}execution resource retrieval failed: unable to retrieve secret from asm: retrieved secret from Secrets Manager did not contain json key {key}"
        raise LaunchFailedError(msg) from None


def full_name(image: str) -> str:
    """An image name with its registry and tag, as containerd writes it."""
    name, at, digest = image.partition("@")
    head, _, _rest = name.partition("/")
    if "/" not in name:
        name = f"docker.io/library/{name}"
    elif "." not in head and ":" not in head and head != "localhost":
        name = f"docker.io/{name}"
    has_tag = ":" in name.rpartition("/")[2]
    return f"{name}{at}{digest}" if at or has_tag else f"{name}:latest"
