"""Fargate stacks of CDK, each with features of `aws-ecs` or `aws-ecs-patterns` that the others lack."""

from __future__ import annotations

from collections.abc import Callable

import aws_cdk as cdk
from aws_cdk import Duration, NestedStack, Stack
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ecs_patterns as patterns
from aws_cdk import aws_efs as efs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_servicediscovery as cloud_map
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from constructs import Construct  # noqa: TC002 - as the imports above

IMAGE = ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:1.28")
USER = '{"user":"app"}'
Build = Callable[[Stack], None]


def vpc_of(scope: Construct, **options: object) -> ec2.Vpc:
    return ec2.Vpc(scope, "Vpc", max_azs=2, nat_gateways=1, **options)


def cluster_of(scope: Construct, **options: object) -> ecs.Cluster:
    return ecs.Cluster(scope, "Cluster", vpc=vpc_of(scope), **options)


def task_of(scope: Construct, port: int = 80, **options: object) -> ecs.FargateTaskDefinition:
    task = ecs.FargateTaskDefinition(scope, "Task", **{"cpu": 256, "memory_limit_mib": 512, **options})
    task.add_container("web", image=IMAGE, logging=ecs.LogDrivers.aws_logs(stream_prefix="web"), port_mappings=[ecs.PortMapping(container_port=port, name="web")])
    return task


def web_image() -> patterns.ApplicationLoadBalancedTaskImageOptions:
    return patterns.ApplicationLoadBalancedTaskImageOptions(image=IMAGE, environment={"A": "1"})


def balanced(stack: Stack) -> None:
    service = patterns.ApplicationLoadBalancedFargateService(
        stack, "Web", cluster=cluster_of(stack), task_image_options=web_image(), desired_count=2, public_load_balancer=False,
        health_check_grace_period=Duration.seconds(90), idle_timeout=Duration.seconds(120), enable_execute_command=True,
    )
    service.target_group.configure_health_check(path="/healthz", healthy_http_codes="200,302", interval=Duration.seconds(15))
    service.target_group.set_attribute("deregistration_delay.timeout_seconds", "10")


def network_balanced(stack: Stack) -> None:
    image = patterns.NetworkLoadBalancedTaskImageOptions(image=IMAGE, container_port=8080)
    service = patterns.NetworkLoadBalancedFargateService(stack, "Web", cluster=cluster_of(stack), task_image_options=image, listener_port=443)
    service.service.connections.allow_from_any_ipv4(ec2.Port.tcp(8080))


def queue(stack: Stack) -> None:
    dead = sqs.Queue(stack, "Dead", retention_period=Duration.days(14))
    work = sqs.Queue(stack, "Work", visibility_timeout=Duration.minutes(5), dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=3))
    patterns.QueueProcessingFargateService(
        stack, "Worker", cluster=cluster_of(stack), image=IMAGE, queue=work, max_scaling_capacity=5,
        scaling_steps=[scaling.ScalingInterval(upper=0, change=-1), scaling.ScalingInterval(lower=100, change=+2)],
    )


def scheduled(stack: Stack) -> None:
    patterns.ScheduledFargateTask(
        stack, "Nightly", cluster=cluster_of(stack), schedule=scaling.Schedule.cron(minute="0", hour="3"),
        scheduled_fargate_task_image_options=patterns.ScheduledFargateTaskImageOptions(image=IMAGE, memory_limit_mib=1024, cpu=512),
    )


def event_target(stack: Stack) -> None:
    rule = events.Rule(stack, "Rule", event_pattern=events.EventPattern(source=["aws.s3"]))
    override = targets.ContainerOverride(container_name="web", environment=[targets.TaskEnvironmentVariable(name="KEY", value=events.EventField.from_path("$.detail.object.key"))])
    rule.add_target(targets.EcsTask(cluster=cluster_of(stack), task_definition=task_of(stack), container_overrides=[override], subnet_selection=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)))


def many_groups(stack: Stack) -> None:
    patterns.ApplicationMultipleTargetGroupsFargateService(
        stack, "Web", cluster=cluster_of(stack), memory_limit_mib=1024, cpu=512,
        task_image_options=patterns.ApplicationLoadBalancedTaskImageProps(image=IMAGE, container_ports=[80, 8080]),
        target_groups=[patterns.ApplicationTargetProps(container_port=80), patterns.ApplicationTargetProps(container_port=8080, path_pattern="admin/*", priority=10)],
    )


def network_groups(stack: Stack) -> None:
    service = patterns.NetworkMultipleTargetGroupsFargateService(
        stack, "Web", cluster=cluster_of(stack), task_image_options=patterns.NetworkLoadBalancedTaskImageProps(image=IMAGE, container_ports=[80, 81]),
        load_balancers=[patterns.NetworkLoadBalancerProps(name="lb", listeners=[patterns.NetworkListenerProps(name="a", port=80), patterns.NetworkListenerProps(name="b", port=81)])],
        target_groups=[patterns.NetworkTargetProps(container_port=80, listener="a"), patterns.NetworkTargetProps(container_port=81, listener="b")],
    )
    service.service.connections.allow_from_any_ipv4(ec2.Port.tcp_range(80, 81))


def alarms(stack: Stack) -> None:
    service = ecs.FargateService(
        stack, "Web", cluster=cluster_of(stack, container_insights_v2=ecs.ContainerInsights.ENHANCED), task_definition=task_of(stack),
        circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True), min_healthy_percent=100, max_healthy_percent=200,
    )
    cloudwatch.Alarm(stack, "Cpu", metric=service.metric_cpu_utilization(), threshold=90, evaluation_periods=3, alarm_name="cdk-twenty-cpu", treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING)
    service.enable_deployment_alarms(["cdk-twenty-cpu"], behavior=ecs.AlarmBehavior.ROLLBACK_ON_ALARM)


def files(stack: Stack) -> None:
    cluster = cluster_of(stack)
    system = efs.FileSystem(stack, "Files", vpc=cluster.vpc, encrypted=True, lifecycle_policy=efs.LifecyclePolicy.AFTER_30_DAYS, throughput_mode=efs.ThroughputMode.ELASTIC)
    point = system.add_access_point("Data", path="/data", create_acl=efs.Acl(owner_uid="1000", owner_gid="1000", permissions="750"), posix_user=efs.PosixUser(uid="1000", gid="1000"))
    task = task_of(stack)
    task.add_volume(name="data", efs_volume_configuration=ecs.EfsVolumeConfiguration(file_system_id=system.file_system_id, transit_encryption="ENABLED", authorization_config=ecs.AuthorizationConfig(access_point_id=point.access_point_id, iam="ENABLED")))
    task.default_container.add_mount_points(ecs.MountPoint(container_path="/data", source_volume="data", read_only=False))
    system.grant_root_access(task.task_role)
    service = ecs.FargateService(stack, "Web", cluster=cluster, task_definition=task)
    system.connections.allow_default_port_from(service)


def secrets(stack: Stack) -> None:
    key = kms.Key(stack, "Key", enable_key_rotation=True)
    login = secretsmanager.Secret(stack, "Login", encryption_key=key, generate_secret_string=secretsmanager.SecretStringGenerator(secret_string_template=USER, generate_string_key="password", exclude_punctuation=True))
    flag = ssm.StringParameter(stack, "Flag", string_value="on")
    task = ecs.FargateTaskDefinition(stack, "Task")
    task.add_container("web", image=IMAGE, logging=ecs.LogDrivers.aws_logs(stream_prefix="w", log_retention=logs.RetentionDays.ONE_WEEK), secrets={"PASSWORD": ecs.Secret.from_secrets_manager(login, "password"), "FLAG": ecs.Secret.from_ssm_parameter(flag)})
    ecs.FargateService(stack, "Web", cluster=cluster_of(stack), task_definition=task)


def connected(stack: Stack) -> None:
    cluster = cluster_of(stack, default_cloud_map_namespace=ecs.CloudMapNamespaceOptions(name="internal", use_for_service_connect=True))
    options = ecs.ServiceConnectProps(services=[ecs.ServiceConnectService(port_mapping_name="web", dns_name="api", port=8080, idle_timeout=Duration.minutes(5))], log_driver=ecs.LogDrivers.aws_logs(stream_prefix="proxy"))
    service = ecs.FargateService(stack, "Api", cluster=cluster, task_definition=task_of(stack), service_connect_configuration=options)
    service.node.add_dependency(cluster)


def discovered(stack: Stack) -> None:
    cluster = cluster_of(stack)
    names = cluster.add_default_cloud_map_namespace(name="svc.local", type=cloud_map.NamespaceType.DNS_PRIVATE)
    service = ecs.FargateService(stack, "A", cluster=cluster, task_definition=task_of(stack), cloud_map_options=ecs.CloudMapOptions(name="a", cloud_map_namespace=names, dns_ttl=Duration.seconds(10)))
    again = ecs.FargateTaskDefinition(stack, "Second")
    container = again.add_container("srv", image=IMAGE, port_mappings=[ecs.PortMapping(container_port=9000)])
    other = ecs.FargateService(stack, "B", cluster=cluster, task_definition=again, cloud_map_options=ecs.CloudMapOptions(name="b", dns_record_type=cloud_map.DnsRecordType.SRV, container=container, container_port=9000))
    other.connections.allow_from(service, ec2.Port.tcp(9000))


def scaled(stack: Stack) -> None:
    service = patterns.ApplicationLoadBalancedFargateService(stack, "Web", cluster=cluster_of(stack), task_image_options=web_image())
    count = service.service.auto_scale_task_count(min_capacity=1, max_capacity=10)
    count.scale_on_cpu_utilization("Cpu", target_utilization_percent=60, scale_in_cooldown=Duration.minutes(2))
    count.scale_on_memory_utilization("Memory", target_utilization_percent=70)
    count.scale_on_request_count("Requests", requests_per_target=1000, target_group=service.target_group)
    count.scale_on_schedule("Morning", schedule=scaling.Schedule.cron(hour="8", minute="0"), min_capacity=4)
    count.scale_on_metric("Errors", metric=service.load_balancer.metrics.http_code_target(elb.HttpCodeTarget.TARGET_5XX_COUNT), scaling_steps=[scaling.ScalingInterval(upper=1, change=-1), scaling.ScalingInterval(lower=10, change=1), scaling.ScalingInterval(lower=50, change=3)])


def fire_lens(stack: Stack) -> None:
    task = ecs.FargateTaskDefinition(stack, "Task", memory_limit_mib=1024, cpu=512)
    task.add_firelens_log_router("router", image=ecs.ContainerImage.from_registry("public.ecr.aws/aws-observability/aws-for-fluent-bit:stable"), firelens_config=ecs.FirelensConfig(type=ecs.FirelensLogRouterType.FLUENTBIT, options=ecs.FirelensOptions(enable_ecs_log_metadata=True)), logging=ecs.LogDrivers.aws_logs(stream_prefix="router"), memory_reservation_mib=50)
    task.add_container("web", image=IMAGE, logging=ecs.LogDrivers.firelens(options={"Name": "cloudwatch", "region": stack.region, "log_group_name": "web", "auto_create_group": "true", "log_stream_prefix": "w-"}))
    ecs.FargateService(stack, "Web", cluster=cluster_of(stack), task_definition=task)


def arm(stack: Stack) -> None:
    platform = ecs.RuntimePlatform(cpu_architecture=ecs.CpuArchitecture.ARM64, operating_system_family=ecs.OperatingSystemFamily.LINUX)
    task = task_of(stack, cpu=1024, memory_limit_mib=4096, ephemeral_storage_gib=100, runtime_platform=platform)
    ecs.FargateService(stack, "Web", cluster=cluster_of(stack), task_definition=task, assign_public_ip=True, vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC), availability_zone_rebalancing=ecs.AvailabilityZoneRebalancing.ENABLED)


def audited(stack: Stack) -> None:
    key = kms.Key(stack, "Key")
    group = logs.LogGroup(stack, "Exec", encryption_key=key)
    bucket = s3.Bucket(stack, "Bucket", encryption_key=key)
    execute = ecs.ExecuteCommandConfiguration(kms_key=key, logging=ecs.ExecuteCommandLogging.OVERRIDE, log_configuration=ecs.ExecuteCommandLogConfiguration(cloud_watch_log_group=group, cloud_watch_encryption_enabled=True, s3_bucket=bucket, s3_encryption_enabled=True, s3_key_prefix="exec"))
    ecs.FargateService(stack, "Web", cluster=cluster_of(stack, execute_command_configuration=execute), task_definition=task_of(stack), enable_execute_command=True)


def spot(stack: Stack) -> None:
    cluster = cluster_of(stack, enable_fargate_capacity_providers=True)
    cluster.add_default_capacity_provider_strategy([ecs.CapacityProviderStrategy(capacity_provider="FARGATE", base=1, weight=1), ecs.CapacityProviderStrategy(capacity_provider="FARGATE_SPOT", weight=4)])
    ecs.FargateService(stack, "Web", cluster=cluster, task_definition=task_of(stack), capacity_provider_strategies=[ecs.CapacityProviderStrategy(capacity_provider="FARGATE_SPOT", weight=1)])


def sidecar(stack: Stack) -> None:
    task = ecs.FargateTaskDefinition(stack, "Task", memory_limit_mib=1024, cpu=512)
    seed = task.add_container("seed", image=IMAGE, essential=False, command=["true"], stop_timeout=Duration.seconds(30))
    linux = ecs.LinuxParameters(stack, "Linux", init_process_enabled=True)
    web = task.add_container("web", image=IMAGE, linux_parameters=linux, readonly_root_filesystem=True, user="101", working_directory="/srv", docker_labels={"team": "web"}, health_check=ecs.HealthCheck(command=["CMD-SHELL", "curl -f http://localhost/ || exit 1"], interval=Duration.seconds(10), retries=3, start_period=Duration.seconds(20), timeout=Duration.seconds(5)), start_timeout=Duration.minutes(2))
    web.add_ulimits(ecs.Ulimit(name=ecs.UlimitName.NOFILE, soft_limit=65_535, hard_limit=65_535))
    web.add_container_dependencies(ecs.ContainerDependency(container=seed, condition=ecs.ContainerDependencyCondition.SUCCESS))
    ecs.FargateService(stack, "Web", cluster=cluster_of(stack), task_definition=task)


def routed(stack: Stack) -> None:
    cluster = cluster_of(stack)
    service = ecs.FargateService(stack, "Web", cluster=cluster, task_definition=task_of(stack))
    balancer = elb.ApplicationLoadBalancer(stack, "Balancer", vpc=cluster.vpc, internet_facing=True, drop_invalid_header_fields=True, http2_enabled=False, desync_mitigation_mode=elb.DesyncMitigationMode.STRICTEST)
    listener = balancer.add_listener("Http", port=80, default_action=elb.ListenerAction.fixed_response(404, content_type="text/plain", message_body="nothing here"))
    group = elb.ApplicationTargetGroup(stack, "Group", vpc=cluster.vpc, port=80, targets=[service], stickiness_cookie_duration=Duration.hours(1), load_balancing_algorithm_type=elb.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS)
    listener.add_action("Api", priority=5, conditions=[elb.ListenerCondition.path_patterns(["/api/*", "/v1/*"]), elb.ListenerCondition.http_request_methods(["GET", "HEAD"])], action=elb.ListenerAction.forward([group]))
    listener.add_action("Old", priority=6, conditions=[elb.ListenerCondition.host_headers(["old.example.org"])], action=elb.ListenerAction.redirect(host="new.example.org", permanent=True))
    listener.add_action("Query", priority=7, conditions=[elb.ListenerCondition.query_strings([elb.QueryStringCondition(key="debug", value="1")]), elb.ListenerCondition.source_ips(["10.0.0.0/8"])], action=elb.ListenerAction.weighted_forward([elb.WeightedTargetGroup(target_group=group, weight=10)]))


def nested(stack: Stack) -> None:
    cluster = cluster_of(stack)
    topic = sns.Topic(stack, "Topic")
    inner = NestedStack(stack, "Inner")
    task = task_of(inner)
    topic.grant_publish(task.task_role)
    task.add_to_task_role_policy(iam.PolicyStatement(actions=["s3:ListAllMyBuckets"], resources=["*"]))
    ecs.FargateService(inner, "Web", cluster=cluster, task_definition=task, service_name="twenty-inner")


def endpoints(stack: Stack) -> None:
    subnets = [ec2.SubnetConfiguration(name="public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=26), ec2.SubnetConfiguration(name="private", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=24)]
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=2, ip_addresses=ec2.IpAddresses.cidr("10.20.0.0/16"), subnet_configuration=subnets, flow_logs={"Flow": ec2.FlowLogOptions(traffic_type=ec2.FlowLogTrafficType.REJECT)})
    vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
    for name, service in (("Api", ec2.InterfaceVpcEndpointAwsService.ECR), ("Dkr", ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER), ("Logs", ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS)):
        vpc.add_interface_endpoint(name, service=service)
    ecs.FargateService(stack, "Web", cluster=ecs.Cluster(stack, "Cluster", vpc=vpc), task_definition=task_of(stack))


def tcp_https(stack: Stack) -> None:
    cluster = cluster_of(stack)
    balancer = elb.NetworkLoadBalancer(stack, "Balancer", vpc=cluster.vpc, internet_facing=True, cross_zone_enabled=True)
    service = ecs.FargateService(stack, "Web", cluster=cluster, task_definition=task_of(stack, 53), desired_count=1)
    listener = balancer.add_listener("Dns", port=53, protocol=elb.Protocol.TCP)
    listener.add_targets("Tasks", port=53, targets=[service], preserve_client_ip=True, deregistration_delay=Duration.seconds(0), health_check=elb.HealthCheck(protocol=elb.Protocol.TCP, healthy_threshold_count=2))
    service.connections.allow_from_any_ipv4(ec2.Port.tcp(53))


STACKS: tuple[Build, ...] = (
    *(balanced, network_balanced, queue, scheduled, event_target, many_groups, network_groups, alarms, files, secrets),
    *(connected, discovered, scaled, fire_lens, arm, audited, spot, sidecar, routed, nested, endpoints, tcp_https),
)

if __name__ == "__main__":
    app = cdk.App()
    for build in STACKS:
        build(Stack(app, build.__name__.replace("_", "-"), synthesizer=cdk.LegacyStackSynthesizer() if build is not nested else None))
    app.synth()
