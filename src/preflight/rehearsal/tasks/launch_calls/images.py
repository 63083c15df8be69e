"""Images of a task: the registry's token, the permission to pull, and whether the image exists.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html and
https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from botocore.exceptions import ClientError

from preflight.aws import iam_policy_evaluation, partitions, reachability
from preflight.aws.iam_policy_evaluation import Policies, Policy
from preflight.container_engine import image_names
from preflight.errors import ToolBrokeError
from preflight.rehearsal.containers.task_spec import ContainerSpec
from preflight.rehearsal.ecs.validation import runtime_platform, task_definition
from preflight.rehearsal.services import ecr_pull_through_cache
from preflight.rehearsal.services.ecr_registry import Registry
from preflight.rehearsal.tasks.launch_calls import caller as callers
from preflight.rehearsal.tasks.launch_calls import secrets
from preflight.rehearsal.tasks.launch_calls.absent_images import AbsentImages
from preflight.rehearsal.tasks.launch_calls.caller import ExecutionRoleCaller, LaunchFailedError

PULL_ACTIONS = ("ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage")
PULL = "CannotPullContainerError: pull image manifest has been retried"
LAYERS = "arn:{partition}:s3:::prod-{region}-starport-layer-bucket/*"


@dataclass(frozen=True)
class ImageReference:
    """An image of ECR: its region, repository and reference (tag or digest)."""

    account: str
    region: str
    repository: str
    reference: str


def ecr_image(name: str) -> ImageReference | None:
    """Returns the parts of an ECR image name, or None for an image of another registry."""
    if not task_definition.ECR_IMAGE.match(name):
        return None
    host, _, path = name.partition("/")
    repository, _, reference = path.partition("@") if "@" in path else path.partition(":")
    parts = host.replace("dkr-ecr", "dkr.ecr").split(".")
    region = parts[parts.index("ecr") + 1] if "ecr" in parts else parts[3]
    return ImageReference(parts[0], region, repository.partition(":")[0], reference or "latest")


def full_name(image: str) -> str:
    """Returns an image name with its registry and tag, as containerd writes it."""
    name, at, digest = image.partition("@")
    name = image_names.qualified(name)
    has_tag = ":" in name.rpartition("/")[2]
    return f"{name}{at}{digest}" if at or has_tag else f"{name}:latest"


def authorize(caller: ExecutionRoleCaller, containers: tuple[ContainerSpec, ...]) -> None:
    """Check that ECR gives a token to the execution role, and that the secrets of other registries can be read.

    Raises:
        LaunchFailedError: one of these is refused.
    """
    for container in containers:
        if container.registry_secret:
            secrets.value(caller, container.registry_secret)
    if not any(ecr_image(container.image) for container in containers):
        return
    if caller.blocker_to("ecr.api"):
        raise LaunchFailedError(
            f"{callers.AUTH}The task cannot pull registry auth from Amazon ECR: There is a connection issue "
            "between the task and Amazon ECR. Check your task network configuration. operation error "
            "ECR: GetAuthorizationToken, exceeded maximum number of attempts, 3, https response error "
            "StatusCode: 0, RequestID: , request send failed, Post "
            f'"https://api.ecr.{caller.task.region}.{caller.suffix}/": i/o timeout'
        )
    denied = caller.denial("ecr:GetAuthorizationToken")
    if denied:
        raise LaunchFailedError(
            f"{callers.AUTH}execution resource retrieval failed: unable to retrieve ecr registry auth: service call "
            f"has been retried 1 time(s): AccessDeniedException: {denied}"
        )


def find(
    caller: ExecutionRoleCaller, registry: Registry, container: ContainerSpec, absent: AbsentImages
) -> str | None:
    """Check that the task reaches the registry, may pull the image, and gets it for its platform.

    Returns None, or what may push an image on AWS that the registry does not have here.

    Raises:
        LaunchFailedError: it does not.
        ToolBrokeError: the image is in another account's registry.
    """
    image = ecr_image(container.image)
    if image is None:
        _check_internet(caller, container.image)
        return None
    if not partitions.is_region(image.region):
        _check_host(container.image, absent)
        return None
    if caller.blocker_to("ecr.dkr"):
        raise LaunchFailedError(
            f"{PULL} 5 time(s): failed to resolve ref {container.image}: failed to do request: Head: dial tcp: i/o timeout"
        )
    _check_pull(caller, image, container.image)
    is_replaced = absent.replacements.of(container.image) is not None
    digest = _digest(caller, registry, image, is_replaced=is_replaced)
    if digest is None and not is_replaced and _is_cached(caller, image):
        _check_import(caller, image, container.image)
        return None
    origin = None
    if digest is not None:
        _check_platform(caller, registry.platforms(digest))
    elif not is_replaced:
        origin = absent.origin(image.repository, caller.service, exists=_has_repository(caller, image))
        if origin is None:
            raise LaunchFailedError(f"{PULL} 7 time(s): failed to resolve ref {container.image}: not found")
    _check_layers(caller, image)
    return origin


def _check_internet(caller: ExecutionRoleCaller, name: str) -> None:
    """Refuse an image of another registry if the task does not reach the internet."""
    is_cut_off = reachability.to_internet(caller.network, caller.interface) is not None
    if is_cut_off and not reachability.has_ipv6_way_out(caller.network, caller.interface):
        msg = f"{PULL} 5 time(s): failed to resolve ref {full_name(name)}: failed to do request: Head: dial tcp: i/o timeout"
        raise LaunchFailedError(msg)


def _check_host(name: str, absent: AbsentImages) -> None:
    """Refuse an image whose registry has no address, unless another runs in its place."""
    if absent.replacements.of(name) is None:
        host = name.partition("/")[0]
        msg = f"{PULL} 5 time(s): failed to resolve ref {name}: failed to do request: Head: dial tcp: lookup {host}: no such host"
        raise LaunchFailedError(msg)


def _check_platform(caller: ExecutionRoleCaller, platforms: Collection[str]) -> None:
    """Check that the image, if it says for which platforms it is, is for that of the task."""
    platform = runtime_platform.wanted(caller.task.definition.api)
    if platforms and platform not in platforms:
        msg = f"{PULL} 7 time(s): image Manifest does not contain descriptor matching platform '{platform}'"
        raise LaunchFailedError(msg)


def _check_pull(caller: ExecutionRoleCaller, image: ImageReference, name: str) -> None:
    """Check that the role's policies or that of the repository allow the pull, and that neither denies it.

    Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html.
    """
    arn = f"arn:{caller.partition}:ecr:{image.region}:{image.account}:repository/{image.repository}"
    policy = _repository_policy(caller, image)
    for action in PULL_ACTIONS:
        denied = caller.denial(action, arn, has_grant=_grants(caller, policy, action, arn))
        denied = denied or _repository_denies(caller, policy, action, arn)
        if denied:
            raise LaunchFailedError(f"{PULL} 1 time(s): failed to resolve ref {name}: denied: {denied}")


def _repository_policy(caller: ExecutionRoleCaller, image: ImageReference) -> Policy | None:
    try:
        response = caller.client("ecr", image.region).get_repository_policy(repositoryName=image.repository)
    except ClientError:
        return None  # there is no policy, or no repository, which is checked next
    return iam_policy_evaluation.document(response["policyText"])


def _session(caller: ExecutionRoleCaller) -> str:
    return caller.roles.session(callers.role_of(caller.task) or "", caller.task.id, caller.task.region)


def _grants(caller: ExecutionRoleCaller, policy: Policy | None, action: str, arn: str) -> bool:
    """Whether a resource's policy grants the action to the role or to everyone, not just to the account."""
    if policy is None:
        return False
    names = {callers.role_of(caller.task) or "", _session(caller)}
    return iam_policy_evaluation.grants(policy, names, caller.request(action, arn))


def _repository_denies(caller: ExecutionRoleCaller, policy: Policy | None, action: str, arn: str) -> str | None:
    """Returns AWS's sentence if the policy of the repository denies the pull explicitly, or None."""
    session = _session(caller)
    names = {callers.role_of(caller.task) or "", session, caller.account.id}
    if policy is None or not iam_policy_evaluation.denies(policy, names, caller.request(action, arn)):
        return None
    return f"User: {session} is not authorized to perform: {action} on resource: {arn} with an explicit deny in a resource-based policy"


def _digest(
    caller: ExecutionRoleCaller, registry: Registry, image: ImageReference, *, is_replaced: bool
) -> str | None:
    if image.account != caller.account.id and is_replaced:
        return None
    if image.account != caller.account.id:
        msg = (
            f"the image {image.repository} is in the registry of account {image.account}, which the rehearsal "
            f"(account {caller.account.id}) cannot reach. Next: write the account as ${{AWS::AccountId}}, push the image in a step, or name one that runs in its place under `images` of the plan"
        )
        raise ToolBrokeError(msg)
    return registry.digest(image.repository, image.reference, image.region)


def _is_cached(caller: ExecutionRoleCaller, image: ImageReference) -> bool:
    """Whether ECR imports the image from another registry at its first pull.

    Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-working-pulling.html.
    """
    rules = caller.client("ecr", image.region).describe_pull_through_cache_rules()["pullThroughCacheRules"]
    return any(ecr_pull_through_cache.covers(rule["ecrRepositoryPrefix"], image.repository) for rule in rules)


def _check_import(caller: ExecutionRoleCaller, image: ImageReference, name: str) -> None:
    """Check that the role may import the image, and create the repository unless it or a template for it exists.

    With a VPC endpoint, the first pull needs a route to the internet all the same.
    Sources: https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html and
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html.
    """
    arn = f"arn:{caller.partition}:ecr:{image.region}:{image.account}:repository/{image.repository}"
    actions = ["ecr:BatchImportUpstreamImage"]
    if not _has_repository_or_template(caller, image):
        actions.append("ecr:CreateRepository")
    for action in actions:
        denied = caller.denial(action, arn, has_grant=_registry_grants(caller, image, action, arn))
        if denied:
            raise LaunchFailedError(f"{PULL} 1 time(s): failed to resolve ref {name}: denied: {denied}")
    is_private = next(iter(reachability.endpoints(caller.network, caller.interface, "ecr.dkr")), None) is not None
    if is_private and reachability.to_internet(caller.network, caller.interface):
        raise LaunchFailedError(
            f"{PULL} 5 time(s): failed to resolve ref {name}: i/o timeout: the first pull through a cache by a "
            "VPC endpoint needs a route to the internet"
        )


def _has_repository_or_template(caller: ExecutionRoleCaller, image: ImageReference) -> bool:
    """Whether the repository exists, or a template with which ECR creates it."""
    ecr = caller.client("ecr", image.region)
    templates = ecr.describe_repository_creation_templates()["repositoryCreationTemplates"]
    if any(
        "PULL_THROUGH_CACHE" in (template.get("appliedFor") or [])
        and ecr_pull_through_cache.covers(template["prefix"], image.repository)
        for template in templates
    ):
        return True
    return _has_repository(caller, image)


def _has_repository(caller: ExecutionRoleCaller, image: ImageReference) -> bool:
    try:
        caller.client("ecr", image.region).describe_repositories(repositoryNames=[image.repository])
    except ClientError:
        return False
    return True


def _registry_grants(caller: ExecutionRoleCaller, image: ImageReference, action: str, arn: str) -> bool:
    """Whether the policy of the registry or of the repository grants the action to the role."""
    try:
        registry_policy = iam_policy_evaluation.document(caller.client("ecr", image.region).get_registry_policy()["policyText"])
    except ClientError:
        registry_policy = None
    return any(_grants(caller, policy, action, arn) for policy in (registry_policy, _repository_policy(caller, image)))


def _check_layers(caller: ExecutionRoleCaller, image: ImageReference) -> None:
    """Check that the task gets the layers from S3, through the gateway endpoint if there is one."""
    start = (
        "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReaderSeeker: failed open: "
    )
    if caller.blocker_to("s3"):
        raise LaunchFailedError(f"{start}failed to do request: dial tcp: i/o timeout")
    endpoint = next(iter(reachability.endpoints(caller.network, caller.interface, "s3")), None)
    policy = iam_policy_evaluation.document(endpoint.get("PolicyDocument")) if endpoint is not None else None
    layers = LAYERS.format(partition=caller.partition, region=image.region)
    request = caller.request("s3:GetObject", layers)
    if policy is not None and not iam_policy_evaluation.allows(Policies((policy,)), request):
        raise LaunchFailedError(
            f"{start}unexpected status code 403 Forbidden: the policy of the S3 endpoint does not allow s3:GetObject on {layers}"
        )
