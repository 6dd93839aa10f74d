/** What a mocked provider is asked to make up an answer for. */
export interface Made {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

const region = "eu-central-1";
const account = "123456789012";
const arn = (service: string, resource: string) =>
  `arn:aws:${service}:${region}:${account}:${resource}`;

/**
 * What AWS would answer, for the outputs that programs build on: ARNs of the right form, URLs.
 * A type that is not here gets an ARN made of its token; say more in `options.outputs`.
 */
export function plausibleOutputs({ type, name: logical, inputs }: Made): Record<string, unknown> {
  if (type === "awsx:ecr:Image")
    return { imageUri: `${inputs.repositoryUrl}@sha256:${inputs.imageTag}` };
  if (!type.startsWith("aws:")) return {};
  const name = String(inputs.name ?? logical);
  const [, path = "", resource = ""] = type.split(":");
  const service = path.split("/")[0] ?? "";
  switch (type) {
    case "aws:lambda/function:Function": {
      const own = arn("lambda", `function:${name}`);
      return { name, arn: own, version: "1", qualifiedArn: `${own}:1`, invokeArn: invoke(own) };
    }
    case "aws:lambda/alias:Alias": {
      const own = arn("lambda", `function:${inputs.functionName}:${name}`);
      return { name, arn: own, invokeArn: invoke(own) };
    }
    case "aws:apigatewayv2/api:Api":
      return {
        id: `${logical}-id`,
        apiEndpoint: `https://${logical}-id.execute-api.${region}.amazonaws.com`,
        executionArn: arn("execute-api", `${logical}-id`),
      };
    case "aws:apigatewayv2/stage:Stage":
      return { invokeUrl: `https://${inputs.apiId}.execute-api.${region}.amazonaws.com/` };
    case "aws:cloudwatch/logGroup:LogGroup":
      return { name, arn: arn("logs", `log-group:${name}`) };
    case "aws:cognito/userPool:UserPool": {
      const id = `${region}_${logical}`;
      return {
        id,
        arn: arn("cognito-idp", `userpool/${id}`),
        endpoint: `cognito-idp.${region}.amazonaws.com/${id}`,
      };
    }
    case "aws:dynamodb/table:Table": {
      const own = arn("dynamodb", `table/${name}`);
      const fed = inputs.streamEnabled === true;
      return { name, arn: own, streamArn: fed ? `${own}/stream/2026-01-01T00:00:00.000` : "" };
    }
    case "aws:ec2/launchTemplate:LaunchTemplate":
      return { name, arn: arn("ec2", `launch-template/${logical}`), latestVersion: 1 };
    case "aws:sns/topic:Topic":
      return { name, arn: arn("sns", name) };
    case "aws:cloudwatch/eventBus:EventBus":
      return { name, arn: arn("events", `event-bus/${name}`) };
    case "aws:cloudwatch/eventRule:EventRule":
      return { name, arn: arn("events", `rule/${inputs.eventBusName}/${name}`) };
    case "aws:cloudfront/distribution:Distribution":
      return {
        arn: `arn:aws:cloudfront::${account}:distribution/${logical}-id`,
        domainName: `${logical}.cloudfront.net`,
      };
    case "aws:lb/loadBalancer:LoadBalancer":
      return {
        name,
        arn: arn("elasticloadbalancing", `loadbalancer/app/${name}/0123`),
        dnsName: `internal-${name}.${region}.elb.amazonaws.com`,
      };
    case "aws:lb/listener:Listener":
      return {
        arn: `${inputs.loadBalancerArn}/${logical}`.replace(":loadbalancer/", ":listener/"),
      };
    case "aws:lb/targetGroup:TargetGroup": {
      const suffix = `targetgroup/${name}/4567`;
      return { name, arn: arn("elasticloadbalancing", suffix), arnSuffix: suffix };
    }
    case "aws:ecr/repository:Repository":
      return {
        name,
        arn: arn("ecr", `repository/${name}`),
        repositoryUrl: `${account}.dkr.ecr.${region}.amazonaws.com/${name}`,
      };
    case "aws:ecs/cluster:Cluster":
      return { name, arn: arn("ecs", `cluster/${name}`) };
    case "aws:ecs/taskDefinition:TaskDefinition":
      return { arn: arn("ecs", `task-definition/${inputs.family}:1`) };
    case "aws:ecs/service:Service":
      return { name };
    case "aws:rds/instance:Instance":
      return {
        arn: arn("rds", `db:${inputs.identifier}`),
        resourceId: `db-${logical.toUpperCase()}`,
        address: `${inputs.identifier}.rds.amazonaws.com`,
        masterUserSecrets: [{ secretArn: arn("secretsmanager", `secret:rds!${logical}-AbCdEf`) }],
      };
    case "aws:rds/proxy:Proxy":
      return {
        name,
        arn: arn("rds", `db-proxy:prx-${logical}`),
        endpoint: `${name}.proxy-1a2b.${region}.rds.amazonaws.com`,
      };
    case "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup":
      return { name: "default" };
    case "aws:elasticache/replicationGroup:ReplicationGroup":
      return {
        arn: arn("elasticache", `replicationgroup:${inputs.replicationGroupId}`),
        primaryEndpointAddress: `master.${inputs.replicationGroupId}.cache.amazonaws.com`,
      };
    case "aws:elasticache/user:User":
      return { arn: arn("elasticache", `user:${inputs.userId}`) };
    case "aws:scheduler/scheduleGroup:ScheduleGroup":
      return { name, arn: arn("scheduler", `schedule-group/${name}`) };
    case "aws:scheduler/schedule:Schedule":
      return { name, arn: arn("scheduler", `schedule/${inputs.groupName}/${name}`) };
    case "aws:sesv2/emailIdentity:EmailIdentity":
      return { arn: arn("ses", `identity/${inputs.emailIdentity}`) };
    case "aws:sfn/stateMachine:StateMachine":
      return { name, arn: arn("states", `stateMachine:${name}`) };
    case "aws:iam/role:Role":
      return { name, arn: `arn:aws:iam::${account}:role/${name}` };
    case "aws:s3/bucket:Bucket": {
      const bucket = String(inputs.bucket ?? `${inputs.bucketPrefix ?? logical}1a2b3c`);
      return { id: bucket, bucket, arn: `arn:aws:s3:::${bucket}` };
    }
    case "aws:secretsmanager/secret:Secret":
      return { arn: arn("secretsmanager", `secret:${inputs.namePrefix ?? name}AbCdEf`) };
    case "aws:sqs/queue:Queue": {
      const url = `https://sqs.${region}.amazonaws.com/${account}/${name}`;
      return { name, id: url, url, arn: arn("sqs", name) };
    }
    default:
      return { arn: arn(service, `${resource.toLowerCase()}/${name}`) };
  }
}

const invoke = (functionArn: string) =>
  `arn:aws:apigateway:${region}:lambda:path/2015-03-31/functions/${functionArn}/invocations`;

/** What AWS would answer to who and where we are: for `options.invoke`. */
export function awsInvoke(token: string): Record<string, unknown> {
  switch (token) {
    case "aws:index/getCallerIdentity:getCallerIdentity":
      return { accountId: account };
    case "aws:index/getAvailabilityZones:getAvailabilityZones":
      // Not in their order, and more than are asked for.
      return { names: ["c", "a", "d", "b"].map((zone) => region + zone) };
    case "aws:ec2/getSecurityGroup:getSecurityGroup":
      return { id: "cloudfront-group-id" };
    case "aws:index/getPartition:getPartition":
      return { partition: "aws" };
    case "aws:index/getRegion:getRegion":
      return { region };
    default:
      throw new Error(`awsInvoke has no answer for ${token}; add one`);
  }
}
