"""Updates, each one change away from a deployment that works, with the right verdict for each."""

from __future__ import annotations

from dataclasses import dataclass

FARGATE, VPC, ECR, PAGE, PLAN = "cfn/fa-018-fargate.yaml", "cfn/fa-018-vpc.yaml", "cfn/fa-018-ecr.yaml", "docker/index.html", "preflight.yaml"
APP, DATA, SHIFTED = "app.yaml", "data.yaml", "shifted.yaml"
REPLACED = "UPDATE_LOSES_DATA"
RENAMED = "UPDATE_CHANGES_IDENTITY"
FAILED = "UPDATE_FAILED"
NAMED = "cannot update a stack when a custom-named resource requires replacing"


@dataclass(frozen=True)
class Case:
    """One change of a file; `check` is the finding that names it (None: there is no error), `said` is in its message.

    `renamed` is what the plan calls by another name from then on.
    """

    id: str
    file: str
    old: str
    new: str
    check: str | None = None
    said: str = ""
    renamed: tuple[str, str] | None = None

    @property
    def base(self) -> str:
        """The deployment that is changed."""
        return {APP: "balanced", DATA: "data", SHIFTED: "shifted"}.get(self.file, "own")


CORRECT = (
    Case("another page in the image", PAGE, "fa-018 index.html", "another page"),
    Case("logs kept for another time", FARGATE, "RetentionInDays: 365", "RetentionInDays: 400"),
    Case("more tasks", FARGATE, "DesiredCount: 1", "DesiredCount: 2"),
    Case("a read-only volume more", FARGATE, "              ContainerPath: /tmp\n          PortMappings", "              ContainerPath: /tmp\n          Environment: [{Name: A, Value: b}]\n          PortMappings"),
    Case("a tag of the network", VPC, "Type: AWS::EC2::InternetGateway", "Type: AWS::EC2::InternetGateway\n    Metadata: {why: changed}"),
    Case("fewer images are kept", ECR, '"countNumber": 10', '"countNumber": 5'),
    Case("another version of the task", APP, 'Default: "1"', 'Default: "2"'),
    Case("another health check", APP, "HealthCheckPath: /", "HealthCheckPath: /index.html"),
    Case("another port of the target group, which has no name", APP, "      Port: 80\n      VpcId: !Ref VPC\n      HealthCheckPath", "      Port: 8080\n      VpcId: !Ref VPC\n      HealthCheckPath"),
    Case("another priority of the rule", APP, "Priority: 10", "Priority: 20"),
    Case("another description of the task's security group", APP, "HTTP from the load balancer", "HTTP from the balancer"),
    Case("one more subnet rule", APP, "CidrIp: 0.0.0.0/0}]", "CidrIp: 0.0.0.0/0}, {IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0}]"),
    Case("a key that is kept when it leaves the stack", DATA, "  Key:\n    Type: AWS::KMS::Key\n    DeletionPolicy: Retain\n", "  OtherKey:\n    Type: AWS::KMS::Key\n"),
    Case("another time-out of the queue", DATA, "VisibilityTimeout: 30", "VisibilityTimeout: 60"),
    Case("nothing at all", DATA, "Resources:", "Resources:  # a comment"),
    Case("another route table of a subnet", APP, "  RoutesA:\n    Type: AWS::EC2::SubnetRouteTableAssociation\n    Properties: {RouteTableId: !Ref Routes,", "  OtherRoutes: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref VPC}}\n  OtherRoute: {Type: AWS::EC2::Route, DependsOn: Attachment, Properties: {RouteTableId: !Ref OtherRoutes, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}}\n  RoutesA:\n    Type: AWS::EC2::SubnetRouteTableAssociation\n    DependsOn: OtherRoute\n    Properties: {RouteTableId: !Ref OtherRoutes,"),
    Case("another version beside the former one", SHIFTED, 'Default: "1"', 'Default: "2"'),
    Case("a canary instead of blue and green", SHIFTED, "Strategy: BLUE_GREEN", "Strategy: CANARY\n        CanaryConfiguration: {CanaryPercent: 10, CanaryBakeTimeInMinutes: 5}"),
    Case("another priority of the rule that traffic is shifted by", SHIFTED, "Priority: 10", "Priority: 20"),
    Case("no test rule, as the production rule has both groups by now", SHIFTED, "            TestListenerRule: !Ref TestRule\n", ""),
    Case("rolled again", SHIFTED, "Strategy: BLUE_GREEN\n        BakeTimeInMinutes: 5", "Strategy: ROLLING"),
    Case("a policy of the role taken away and another", APP, "RoleName: balanced-execution", "RoleName: balanced-execution\n      Description: starts tasks"),
)

WARNED = (
    Case("all tasks stopped first", APP, "MinimumHealthyPercent: 100, MaximumPercent: 200}", "MinimumHealthyPercent: 0, MaximumPercent: 100}\n      PlatformVersion: 1.4.0", "UPDATE_STOPS_ALL_TASKS"),
    Case("another name of a service", APP, "ServiceName: web", "ServiceName: web2", "UPDATE_REPLACES_SERVICE", "ServiceName", ("service: web,", "service: web2,")),
    Case("another elastic address", DATA, "  Address:\n", "  OtherAddress:\n", RENAMED, "removes"),
    Case("another namespace", APP, "Name: balanced.internal", "Name: other.internal", RENAMED, "Name"),
    Case("a file system replaced and the old one kept", DATA, "Type: AWS::EFS::FileSystem\n    Properties: {Encrypted: true}", "Type: AWS::EFS::FileSystem\n    UpdateReplacePolicy: Retain\n    Properties: {Encrypted: false}", REPLACED, "is kept"),
    Case("a queue replaced and the old one kept", DATA, "Type: AWS::SQS::Queue\n    Properties: {VisibilityTimeout: 30}", "Type: AWS::SQS::Queue\n    UpdateReplacePolicy: Retain\n    Properties: {VisibilityTimeout: 30, FifoQueue: true}", REPLACED, "is kept"),
    Case("a secret of another name and the old one kept", DATA, "Type: AWS::SecretsManager::Secret\n    Properties: {Name: data/password,", "Type: AWS::SecretsManager::Secret\n    UpdateReplacePolicy: Retain\n    Properties: {Name: data/secret,", REPLACED, "is kept"),
    Case("a bucket of another name and the old one kept", DATA, "Type: AWS::S3::Bucket\n    Properties: {BucketName: data-objects}", "Type: AWS::S3::Bucket\n    UpdateReplacePolicy: Retain\n    Properties: {BucketName: data-things}", REPLACED, "is kept"),
)

WRONG = (
    Case("a log group of another name", FARGATE, "/ecs/${Prefix}-task1", "/logs/${Prefix}-task1", REPLACED, "LogGroupName"),
    Case("a repository of another name, in use", ECR, "RepositoryName: !Ref Prefix", 'RepositoryName: !Sub "${Prefix}-other"', "UPDATE_ROLLBACK_IN_PROGRESS", "in use by"),
    Case("an export of another name, in use", ECR, "${Prefix}-repository", "${Prefix}-images", "UPDATE_ROLLBACK_IN_PROGRESS", "in use by"),
    Case("a cluster of another name", FARGATE, '"${Prefix}-cluster"', '"${Prefix}-tasks"', FAILED, NAMED, ("{prefix}-cluster", "{prefix}-tasks")),
    Case("a logical id of another name", FARGATE, "LogGroup1", "Logs1", None, "already exists"),
    Case("another network", VPC, "CidrBlock: 10.0.0.0/16", "CidrBlock: 10.1.0.0/16", FAILED),
    Case("memory that goes with no CPU", APP, 'Memory: "512"', 'Memory: "4096"', FAILED, "Invalid"),
    Case("one rule for production and test traffic", SHIFTED, "TestListenerRule: !Ref TestRule", "TestListenerRule: !Ref ProductionRule", FAILED, "both production and test listener rules"),
    Case("a listener in the place of its rule", SHIFTED, "ProductionListenerRule: !Ref ProductionRule", "ProductionListenerRule: !Ref Listener", FAILED, "invalid ARN format"),
    Case("a role that may not shift traffic, and another version", SHIFTED, "RoleArn: !GetAtt InfrastructureRole.Arn", "RoleArn: !GetAtt ExecutionRole.Arn", FAILED, "missing permissions on ECS Infrastructure Role"),
    Case("a policy of the account that is nowhere", APP, "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy", '!Sub "arn:aws:iam::${AWS::AccountId}:policy/NoSuchPolicy"', FAILED, "NoSuchPolicy"),
    Case("a target group with a name, on another port", APP, "Protocol: HTTP, Port: 80, VpcId", "Protocol: HTTP, Port: 81, VpcId", FAILED, NAMED),
    Case("a load balancer of another scheme", APP, "Scheme: internet-facing", "Scheme: internal", FAILED, "more than one load balancer"),
    Case("a rule of a priority that is taken", APP, "  Names:\n", '  Rule2:\n    Type: AWS::ElasticLoadBalancingV2::ListenerRule\n    Properties:\n      ListenerArn: !Ref Listener\n      Priority: 10\n      Conditions: [{Field: path-pattern, Values: [/b/*]}]\n      Actions: [{Type: fixed-response, FixedResponseConfig: {StatusCode: "404"}}]\n  Names:\n', None, "priority is in use"),
    Case("a subnet that overlaps with the other", APP, "CidrBlock: 10.0.1.0/24", "CidrBlock: 10.0.2.0/25", FAILED, "conflicts with another subnet"),
    Case("a file system without encryption", DATA, "Encrypted: true", "Encrypted: false", REPLACED, "Encrypted"),
    Case("a file system that leaves the stack", DATA, "  Files:\n    Type: AWS::EFS::FileSystem\n    Properties: {Encrypted: true}\n", "", REPLACED, "removes"),
    Case("another key of the table, in use", DATA, "AttributeName: id", "AttributeName: key", "UPDATE_ROLLBACK_IN_PROGRESS", "in use by"),
    Case("another key of the table, lost", DATA, "AttributeName: id", "AttributeName: key", REPLACED, "KeySchema"),
    Case("a bucket of another name", DATA, "data-objects", "data-things", REPLACED, "BucketName"),
    Case("a secret of another name", DATA, "data/password", "data/secret", REPLACED, "Name"),
    Case("a queue that becomes first-in-first-out", DATA, "{VisibilityTimeout: 30}", "{VisibilityTimeout: 30, FifoQueue: true}", REPLACED, "FifoQueue"),
    Case("an export that is removed, in use", DATA, "  Items: {Value: !Ref Items, Export: {Name: data-items}}\n", "", "UPDATE_ROLLBACK_IN_PROGRESS", "in use by"),
    Case("a role with a name, on another path", APP, "RoleName: balanced-execution", "RoleName: balanced-execution\n      Path: /web/", FAILED, NAMED),
    Case("a namespace of another logical id", APP, "  Names:\n", "  Namespace:\n", None, "already associated with a hosted zone"),
    Case("a container that the load balancer does not find", APP, "        - Name: web\n          Image", "        - Name: page\n          Image", FAILED, "does not exist"),
    Case("a reference to nothing in a nested template", FARGATE, "  Cluster:\n    Type", "  Cluster2:\n    Type", None, "[Cluster]"),
)

UNDECIDED = (
    Case("a policy of AWS that may be newer", APP, "policy/service-role/AmazonECSTaskExecutionRolePolicy", "policy/NoSuchPolicy", said="NoSuchPolicy is not among the policies of AWS"),
)
