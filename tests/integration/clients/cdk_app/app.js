// A Fargate service behind a load balancer, whose image is an asset; memory comes from the context.
const path = require('path');
const cdk = require('aws-cdk-lib');
const ec2 = require('aws-cdk-lib/aws-ec2');
const ecs = require('aws-cdk-lib/aws-ecs');
const patterns = require('aws-cdk-lib/aws-ecs-patterns');

const app = new cdk.App();
const env = { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION };
const stack = new cdk.Stack(app, 'Web', { env });
const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2, natGateways: 1 });
const image = ecs.ContainerImage.fromAsset(path.join(__dirname, 'web'), { buildArgs: { BASE: process.env.BASE } });
new patterns.ApplicationLoadBalancedFargateService(stack, 'Service', {
  vpc,
  cpu: 256,
  memoryLimitMiB: Number(app.node.tryGetContext('memory')),
  desiredCount: 1,
  minHealthyPercent: 100,
  circuitBreaker: { rollback: true },
  taskImageOptions: { image },
});
