/** How AWS answers: ids, ARNs and endpoints by type. What is not here is made up by answers.ts. */
import type { Context, TypeAnswers } from "../answers.ts";
import { digest, isAsset } from "../wire.ts";

const arn = (service: string, resource: string, place = "{region}:{account}"): string =>
  `arn:aws:${service}:${place}:${resource}`;

const invoke = (context: Context): string =>
  `arn:aws:apigateway:${context.region}:lambda:path/2015-03-31/functions/` +
  `arn:aws:lambda:${context.region}:${context.account}:function:${context.props.name}/invocations`;

const codeDigest = ({ props }: Context): string => {
  const code =
    isAsset(props.code) && props.code.hash ? String(props.code.hash) : digest(props.code);
  return Buffer.from(code, "hex").toString("base64");
};

const version = ({ props }: Context): string => (props.publish === true ? "1" : "$LATEST");

const onDefaultBus = (name: unknown): boolean => (name ?? "default") === "default";

/** A load balancer's or target group's ARN ends in its suffix. */
const suffix = ({ props }: Context): string => String(props.arn).split(":").slice(5).join(":");

/** An EC2 id such as `vpc-0123456789abcdef0`, and the ARN that ends in it. */
const ec2 = (prefix: string, kind: string, outputs: TypeAnswers["outputs"] = {}): TypeAnswers => ({
  id: `${prefix}-{hex17}`,
  outputs: { arn: arn("ec2", `${kind}/{id}`), ...outputs },
});

/** What decides about a task definition, as a number that is as good as the next. */
const revision = ({ props }: Context): number =>
  Number.parseInt(
    digest([props.containerDefinitions, props.cpu, props.memory, props.taskRoleArn]).slice(0, 6),
    16,
  );

const owned = { ownerId: "{account}" };

/** A setting of another resource, which carries that resource's id and is overwritten by a put. */
const setting = (of: string): TypeAnswers => ({ id: `{${of}}`, puts: true });

const apiChild = (length: number): TypeAnswers => ({ id: `{hex${length}}` });

export const aws: Record<string, TypeAnswers> = {
  "aws:apigatewayv2/api:Api": {
    id: "{hex10}",
    outputs: {
      apiEndpoint: "https://{id}.execute-api.{region}.amazonaws.com",
      arn: "arn:aws:apigateway:{region}::/apis/{id}",
      executionArn: arn("execute-api", "{id}"),
      ipAddressType: "ipv4",
    },
  },
  "aws:apigatewayv2/stage:Stage": {
    id: "{name}",
    key: "{apiId}/{name}",
    outputs: {
      arn: "arn:aws:apigateway:{region}::/apis/{apiId}/stages/{name}",
      executionArn: arn("execute-api", "{apiId}/{name}"),
      invokeUrl: ({ props, region }) =>
        `https://${props.apiId}.execute-api.${region}.amazonaws.com/` +
        (props.name === "$default" ? "" : props.name),
    },
  },
  "aws:apigatewayv2/route:Route": { ...apiChild(7), key: "{apiId}/{routeKey}" },
  "aws:apigatewayv2/integration:Integration": {
    ...apiChild(7),
    outputs: {
      timeoutMilliseconds: 30000,
      integrationResponseSelectionExpression: ({ props }) =>
        // biome-ignore lint/suspicious/noTemplateCurlyInString: AWS's own expression
        props.integrationType === "AWS_PROXY" ? "" : "${integration.response.statuscode}",
    },
  },
  "aws:apigatewayv2/authorizer:Authorizer": {
    ...apiChild(6),
    outputs: {
      authorizerResultTtlInSeconds: ({ props }) => (props.authorizerType === "REQUEST" ? 300 : 0),
    },
  },
  "aws:apigatewayv2/vpcLink:VpcLink": {
    id: "{hex6}",
    outputs: { arn: "arn:aws:apigateway:{region}::/vpclinks/{id}" },
  },
  "aws:apigatewayv2/domainName:DomainName": {
    id: "{domainName}",
    outputs: {
      arn: "arn:aws:apigateway:{region}::/domainnames/{domainName}",
      apiMappingSelectionExpression: "$request.basepath",
    },
  },
  "aws:apigatewayv2/apiMapping:ApiMapping": { id: "{hex6}" },
  "aws:lambda/function:Function": {
    id: "{name}",
    outputs: {
      arn: arn("lambda", "function:{name}"),
      invokeArn: invoke,
      qualifiedArn: (c) =>
        `arn:aws:lambda:${c.region}:${c.account}:function:${c.props.name}:${version(c)}`,
      qualifiedInvokeArn: (c) => invoke(c).replace("/invocations", `:${version(c)}/invocations`),
      responseStreamingInvokeArn: (c) =>
        invoke(c)
          .replace("2015-03-31", "2021-11-15")
          .replace("/invocations", "/response-streaming-invocations"),
      architectures: () => ["x86_64"],
      codeSha256: codeDigest,
      sourceCodeHash: codeDigest,
      sourceCodeSize: 1024,
      version,
      lastModified: "{now}",
      loggingConfig: ({ props }) => ({ logFormat: "Text", logGroup: `/aws/lambda/${props.name}` }),
      ephemeralStorage: () => ({ size: 512 }),
      tracingConfig: () => ({ mode: "PassThrough" }),
    },
    changes: { "*": ["lastModified"], code: ["codeSha256", "sourceCodeHash", "sourceCodeSize"] },
  },
  "aws:lambda/permission:Permission": {
    id: "{statementId}",
    key: "{function}/{qualifier}/{statementId}",
  },
  // Each is a call of its own: one that replaces another has the same input.
  "aws:lambda/invocation:Invocation": { id: "invocation-{hex32}" },
  "aws:lambda/alias:Alias": {
    id: arn("lambda", "function:{functionName}:{name}"),
    outputs: {
      arn: arn("lambda", "function:{functionName}:{name}"),
      invokeArn:
        "arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/arn:aws:lambda:{region}:{account}:function:{functionName}:{name}/invocations",
    },
  },
  "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": {
    id: "{functionName},{qualifier}",
    puts: true,
  },
  "aws:lambda/eventSourceMapping:EventSourceMapping": {
    id: "{uuid}",
    outputs: {
      uuid: "{id}",
      arn: arn("lambda", "event-source-mapping:{id}"),
      functionArn: ({ props, region, account }) => {
        const name = String(props.functionName);
        return name.startsWith("arn:")
          ? name
          : `arn:aws:lambda:${region}:${account}:function:${name}`;
      },
      state: "Enabled",
      stateTransitionReason: "USER_INITIATED",
    },
  },
  "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": {
    id: ({ props }) => [props.functionName, props.qualifier].filter(Boolean).join(":"),
    puts: true,
  },
  "aws:lambda/layerVersion:LayerVersion": {
    id: arn("lambda", "layer:{layerName}:{hex4}"),
    outputs: {
      arn: "{id}",
      layerArn: arn("lambda", "layer:{layerName}"),
      version: "1",
      codeSha256: codeDigest,
      createdDate: "{now}",
      sourceCodeSize: 1024,
    },
  },
  "aws:iam/role:Role": {
    id: "{name}",
    outputs: {
      arn: ({ props, account }) => `arn:aws:iam::${account}:role${props.path ?? "/"}${props.name}`,
      uniqueId: ({ id }) => `AROA${digest(id).slice(0, 17).toUpperCase()}`,
      createDate: "{now}",
    },
  },
  "aws:iam/rolePolicy:RolePolicy": { id: "{role}:{name}", puts: true },
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {
    id: "{role}/{policyArn}",
    puts: true,
  },
  "aws:iam/policy:Policy": {
    id: ({ props, account }) => `arn:aws:iam::${account}:policy${props.path ?? "/"}${props.name}`,
    outputs: { arn: "{id}", policyId: "ANPA{hex17}", attachmentCount: 0 },
  },
  "aws:cloudwatch/logGroup:LogGroup": {
    id: "{name}",
    outputs: { arn: arn("logs", "log-group:{name}"), logGroupClass: "STANDARD" },
  },
  "aws:cloudwatch/logMetricFilter:LogMetricFilter": { id: "{name}", key: "{logGroupName}/{name}" },
  "aws:cloudwatch/logDeliverySource:LogDeliverySource": {
    id: "{name}",
    outputs: { arn: arn("logs", "delivery-source:{name}"), service: "cloudfront" },
  },
  "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": {
    id: "{name}",
    outputs: { arn: arn("logs", "delivery-destination:{name}"), deliveryDestinationType: "S3" },
  },
  "aws:cloudwatch/logDelivery:LogDelivery": {
    id: "{hex16}",
    outputs: { arn: arn("logs", "delivery:{id}") },
  },
  "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": { id: "{policyName}", puts: true },
  "aws:cloudwatch/metricAlarm:MetricAlarm": {
    id: "{name}",
    outputs: { arn: arn("cloudwatch", "alarm:{name}") },
    puts: true,
  },
  "aws:cloudwatch/dashboard:Dashboard": {
    id: "{dashboardName}",
    outputs: { dashboardArn: arn("cloudwatch", "dashboard/{dashboardName}", ":{account}") },
    puts: true,
  },
  "aws:cloudwatch/eventBus:EventBus": {
    id: "{name}",
    outputs: { arn: arn("events", "event-bus/{name}") },
  },
  "aws:cloudwatch/eventRule:EventRule": {
    id: ({ props }) =>
      onDefaultBus(props.eventBusName) ? String(props.name) : `${props.eventBusName}/${props.name}`,
    outputs: {
      arn: ({ props, region, account }) =>
        `arn:aws:events:${region}:${account}:rule/${onDefaultBus(props.eventBusName) ? "" : `${props.eventBusName}/`}${props.name}`,
    },
    puts: true,
  },
  "aws:cloudwatch/eventTarget:EventTarget": {
    id: "{rule}-{targetId}",
    key: "{eventBusName}/{rule}/{targetId}",
    puts: true,
  },
  "aws:budgets/budget:Budget": {
    id: "{account}:{name}",
    outputs: {
      accountId: "{account}",
      arn: "arn:aws:budgets::{account}:budget/{name}",
      timePeriodStart: "2026-01-01_00:00",
    },
  },
  "aws:costexplorer/anomalyMonitor:AnomalyMonitor": {
    id: "arn:aws:ce::{account}:anomalymonitor/{uuid}",
    outputs: { arn: "{id}" },
  },
  "aws:costexplorer/anomalySubscription:AnomalySubscription": {
    id: "arn:aws:ce::{account}:anomalysubscription/{uuid}",
    outputs: { arn: "{id}", accountId: "{account}" },
  },
  "aws:cognito/userPool:UserPool": {
    id: "{region}_{hex9}",
    outputs: {
      arn: arn("cognito-idp", "userpool/{id}"),
      endpoint: "cognito-idp.{region}.amazonaws.com/{id}",
      creationDate: "{now}",
      lastModifiedDate: "{now}",
      userPoolTier: "ESSENTIALS",
    },
    changes: { "*": ["lastModifiedDate"] },
  },
  "aws:cognito/userPoolClient:UserPoolClient": {
    id: "{hex26}",
    outputs: {
      clientSecret: ({ props, id }) => (props.generateSecret === true ? digest(id) : ""),
      preventUserExistenceErrors: "LEGACY",
      enableTokenRevocation: true,
      authSessionValidity: 3,
      refreshTokenValidity: 30,
    },
  },
  "aws:cognito/userPoolDomain:UserPoolDomain": {
    id: "{domain}",
    outputs: { cloudfrontDistribution: "{hex13}.cloudfront.net", awsAccountId: "{account}" },
  },
  "aws:cognito/riskConfiguration:RiskConfiguration": setting("userPoolId"),
  "aws:dynamodb/table:Table": {
    id: "{name}",
    outputs: {
      arn: arn("dynamodb", "table/{name}"),
      streamLabel: ({ props }) => (props.streamEnabled === true ? "2026-01-01T00:00:00.000" : ""),
      streamArn: ({ props, region, account }) =>
        props.streamEnabled === true
          ? `arn:aws:dynamodb:${region}:${account}:table/${props.name}/stream/2026-01-01T00:00:00.000`
          : "",
    },
    changes: { streamEnabled: ["streamArn", "streamLabel"] },
  },
  "aws:s3/bucket:Bucket": {
    id: "{bucket}",
    madeName: (name) => name.toLowerCase(),
    outputs: {
      arn: "arn:aws:s3:::{bucket}",
      bucketDomainName: "{bucket}.s3.amazonaws.com",
      bucketRegionalDomainName: "{bucket}.s3.{region}.amazonaws.com",
      bucketRegion: "{region}",
      hostedZoneId: "Z3AQBSTGFYJSTF",
      requestPayer: "BucketOwner",
      websiteDomain: "s3-website.{region}.amazonaws.com",
      websiteEndpoint: "{bucket}.s3-website.{region}.amazonaws.com",
    },
  },
  "aws:s3/bucketVersioning:BucketVersioning": setting("bucket"),
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": setting("bucket"),
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration":
    setting("bucket"),
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": setting("bucket"),
  "aws:s3/bucketPolicy:BucketPolicy": setting("bucket"),
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": setting("bucket"),
  "aws:s3/bucketNotification:BucketNotification": setting("bucket"),
  "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": setting("bucket"),
  "aws:sqs/queue:Queue": {
    id: "https://sqs.{region}.amazonaws.com/{account}/{name}",
    outputs: {
      arn: arn("sqs", "{name}"),
      url: "{id}",
      sqsManagedSseEnabled: true,
      kmsDataKeyReusePeriodSeconds: 300,
      // With none set the service answers an empty text.
      policy: "",
      redrivePolicy: "",
      redriveAllowPolicy: "",
    },
  },
  "aws:sqs/queuePolicy:QueuePolicy": setting("queueUrl"),
  "aws:sqs/redrivePolicy:RedrivePolicy": setting("queueUrl"),
  "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": setting("queueUrl"),
  "aws:sns/topic:Topic": {
    id: arn("sns", "{name}"),
    outputs: { arn: "{id}", owner: "{account}" },
    puts: true,
  },
  "aws:sns/topicSubscription:TopicSubscription": {
    id: "{topic}:{uuid}",
    outputs: { arn: "{id}", ownerId: "{account}", confirmationWasAuthenticated: true },
  },
  "aws:sns/topicPolicy:TopicPolicy": { ...setting("arn"), outputs: { owner: "{account}" } },
  "aws:secretsmanager/secret:Secret": {
    id: arn("secretsmanager", "secret:{name}-{hex6}"),
    outputs: { arn: "{id}" },
  },
  "aws:secretsmanager/secretVersion:SecretVersion": {
    id: "{secretId}|{uuid}",
    outputs: {
      arn: "{secretId}",
      secretArn: "{secretId}",
      versionId: ({ id }) => id.split("|")[1],
      versionStages: () => ["AWSCURRENT"],
    },
  },
  "aws:kms/key:Key": {
    id: "{uuid}",
    outputs: { keyId: "{id}", arn: arn("kms", "key/{id}") },
  },
  "aws:kms/alias:Alias": {
    id: "{name}",
    madeName: (name) => `alias/${name}`,
    outputs: { arn: arn("kms", "{name}"), targetKeyArn: arn("kms", "key/{targetKeyId}") },
  },
  "aws:ec2/vpc:Vpc": ec2("vpc", "vpc", {
    ...owned,
    defaultSecurityGroupId: "sg-{hex17}",
    defaultRouteTableId: "rtb-{hex17}",
    mainRouteTableId: "rtb-{hex17}",
    defaultNetworkAclId: "acl-{hex17}",
    dhcpOptionsId: "dopt-{hex17}",
  }),
  "aws:ec2/subnet:Subnet": ec2("subnet", "subnet", {
    ...owned,
    availabilityZone: "{region}a",
    availabilityZoneId: "az1",
  }),
  "aws:ec2/securityGroup:SecurityGroup": ec2("sg", "security-group", {
    ...owned,
    vpcId: "vpc-{hex17}",
  }),
  "aws:ec2/routeTable:RouteTable": ec2("rtb", "route-table", owned),
  "aws:ec2/routeTableAssociation:RouteTableAssociation": { id: "rtbassoc-{hex17}" },
  "aws:ec2/route:Route": { id: "r-{hex17}", outputs: { state: "active", origin: "CreateRoute" } },
  "aws:ec2/internetGateway:InternetGateway": ec2("igw", "internet-gateway", owned),
  "aws:ec2/natGateway:NatGateway": {
    id: "nat-{hex17}",
    outputs: { publicIp: "203.0.113.10", privateIp: "10.0.0.10" },
  },
  "aws:ec2/eip:Eip": ec2("eipalloc", "elastic-ip", {
    allocationId: "{id}",
    publicIp: "203.0.113.10",
    domain: "vpc",
  }),
  "aws:ec2/vpcEndpoint:VpcEndpoint": ec2("vpce", "vpc-endpoint", {
    ...owned,
    state: "available",
    prefixListId: "pl-{hex8}",
  }),
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ec2("sgr", "security-group-rule", {
    securityGroupRuleId: "{id}",
  }),
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": ec2("sgr", "security-group-rule", {
    securityGroupRuleId: "{id}",
  }),
  "aws:lb/loadBalancer:LoadBalancer": {
    id: arn("elasticloadbalancing", "loadbalancer/app/{name}/{hex16}"),
    outputs: {
      arn: "{id}",
      arnSuffix: suffix,
      dnsName: "{name}-{hex10}.{region}.elb.amazonaws.com",
      zoneId: "Z215JYRZR1TBD5",
      vpcId: "vpc-{hex17}",
    },
  },
  "aws:lb/targetGroup:TargetGroup": {
    id: arn("elasticloadbalancing", "targetgroup/{name}/{hex16}"),
    outputs: { arn: "{id}", arnSuffix: suffix },
  },
  "aws:lb/targetGroupAttachment:TargetGroupAttachment": { id: "{targetGroupArn}-{hex26}" },
  "aws:lb/listener:Listener": {
    id: ({ props }) =>
      `${String(props.loadBalancerArn).replace(":loadbalancer/", ":listener/")}/${digest(props.port).slice(0, 16)}`,
    outputs: { arn: "{id}" },
  },
  "aws:ec2/launchTemplate:LaunchTemplate": ec2("lt", "launch-template", {
    latestVersion: 1,
    defaultVersion: 1,
  }),
  "aws:autoscaling/group:Group": {
    id: "{name}",
    outputs: { arn: arn("autoscaling", "autoScalingGroup:{uuid}:autoScalingGroupName/{name}") },
  },
  "aws:iam/instanceProfile:InstanceProfile": {
    id: "{name}",
    outputs: { arn: "arn:aws:iam::{account}:instance-profile/{name}", uniqueId: "AIPA{hex17}" },
  },
  "aws:cloudfront/vpcOrigin:VpcOrigin": {
    id: "vo_{hex22}",
    outputs: { arn: "arn:aws:cloudfront::{account}:vpcorigin/{id}" },
  },
  "aws:cloudfront/function:Function": {
    id: "{name}",
    outputs: { arn: "arn:aws:cloudfront::{account}:function/{name}", status: "UNASSOCIATED" },
  },
  "aws:cloudfront/distribution:Distribution": {
    // AWS's are capitals.
    id: "E{hex13}",
    outputs: {
      arn: "arn:aws:cloudfront::{account}:distribution/{id}",
      domainName: "d{hex13}.cloudfront.net",
      hostedZoneId: "Z2FDTNDATAQYW2",
      status: "Deployed",
    },
  },
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": {
    id: "sg-{hex17}",
    key: "{vpcId}",
    outputs: { arn: arn("ec2", "security-group/{id}"), ...owned, name: "default" },
    puts: true,
  },
  "aws:rds/instance:Instance": {
    id: "db-{hex26}",
    key: "{identifier}",
    outputs: {
      arn: arn("rds", "db:{identifier}"),
      // AWS's are capitals.
      resourceId: ({ id }) => id.toUpperCase().replace("DB-", "db-"),
      address: "{identifier}.{hex13}.{region}.rds.amazonaws.com",
      endpoint: "{address}:{port}",
      engineVersionActual: "{engineVersion}.4",
      masterUserSecrets: ({ props, region, account }) =>
        props.manageMasterUserPassword === true
          ? [
              {
                secretArn: `arn:aws:secretsmanager:${region}:${account}:secret:rds!${props.identifier}-AbCdEf`,
                secretStatus: "active",
                kmsKeyId: `arn:aws:kms:${region}:${account}:key/0000`,
              },
            ]
          : [],
      status: "available",
    },
  },
  "aws:rds/proxy:Proxy": {
    id: "{name}",
    outputs: {
      arn: arn("rds", "db-proxy:prx-{hex17}"),
      endpoint: "{name}.proxy-{hex13}.{region}.rds.amazonaws.com",
    },
  },
  "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup": {
    id: "{dbProxyName}",
    outputs: { arn: arn("rds", "target-group:prx-tg-{hex17}"), name: "default" },
    puts: true,
  },
  "aws:rds/proxyTarget:ProxyTarget": {
    id: "{dbProxyName}/{targetGroupName}/RDS_INSTANCE/{dbInstanceIdentifier}",
    outputs: { type: "RDS_INSTANCE", port: 5432 },
  },
  "aws:rds/parameterGroup:ParameterGroup": {
    id: "{name}",
    outputs: { arn: arn("rds", "pg:{name}") },
  },
  "aws:rds/subnetGroup:SubnetGroup": {
    id: "{name}",
    outputs: { arn: arn("rds", "subgrp:{name}") },
  },
  "aws:elasticache/replicationGroup:ReplicationGroup": {
    id: "{replicationGroupId}",
    outputs: {
      arn: arn("elasticache", "replicationgroup:{replicationGroupId}"),
      primaryEndpointAddress: "master.{replicationGroupId}.{hex6}.use1.cache.amazonaws.com",
      readerEndpointAddress: "replica.{replicationGroupId}.{hex6}.use1.cache.amazonaws.com",
      engineVersionActual: "{engineVersion}.1",
    },
  },
  "aws:elasticache/subnetGroup:SubnetGroup": {
    id: "{name}",
    outputs: { arn: arn("elasticache", "subnetgroup:{name}") },
  },
  "aws:elasticache/user:User": {
    id: "{userId}",
    outputs: { arn: arn("elasticache", "user:{userId}") },
  },
  "aws:elasticache/userGroup:UserGroup": {
    id: "{userGroupId}",
    outputs: { arn: arn("elasticache", "usergroup:{userGroupId}") },
  },
  "aws:ecs/cluster:Cluster": {
    id: arn("ecs", "cluster/{name}"),
    outputs: { arn: "{id}" },
  },
  "aws:ecs/capacityProvider:CapacityProvider": {
    id: arn("ecs", "capacity-provider/{name}"),
    outputs: { arn: "{id}" },
  },
  "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": { id: "{clusterName}", puts: true },
  "aws:ecs/taskDefinition:TaskDefinition": {
    // Each is a revision of its family, by its content: the new one is there before the old one goes.
    id: (c) =>
      `arn:aws:ecs:${c.region}:${c.account}:task-definition/${c.props.family}:${revision(c)}`,
    outputs: {
      arn: "{id}",
      arnWithoutRevision: arn("ecs", "task-definition/{family}"),
      revision: ({ id }) => Number(id.split(":").at(-1)),
    },
    puts: true,
  },
  "aws:ecs/service:Service": {
    id: ({ props }) => `${String(props.cluster).replace(":cluster/", ":service/")}/${props.name}`,
    outputs: { arn: "{id}", platformVersion: "LATEST" },
  },
  "aws:appautoscaling/target:Target": {
    id: "{resourceId}",
    key: "{serviceNamespace}/{resourceId}/{scalableDimension}",
    outputs: { arn: arn("application-autoscaling", "scalable-target/{hex17}") },
    puts: true,
  },
  "aws:appautoscaling/policy:Policy": {
    id: "{name}",
    key: "{resourceId}/{name}",
    outputs: {
      arn: arn("autoscaling", "scalingPolicy:{uuid}:resource/ecs/{resourceId}:policyName/{name}"),
    },
    puts: true,
  },
  "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace": {
    id: "ns-{hex16}",
    outputs: { arn: arn("servicediscovery", "namespace/{id}"), hostedZone: "Z{hex13}" },
  },
  "aws:servicediscovery/service:Service": {
    id: "srv-{hex16}",
    outputs: { arn: arn("servicediscovery", "service/{id}") },
  },
  "aws:xray/group:Group": {
    id: arn("xray", "group/{groupName}/{hex10}"),
    outputs: { arn: "{id}" },
  },
  "aws:kinesis/stream:Stream": { id: arn("kinesis", "stream/{name}"), outputs: { arn: "{id}" } },
  "aws:scheduler/schedule:Schedule": {
    id: ({ props }) => `${props.groupName || "default"}/${props.name}`,
    outputs: {
      groupName: "default",
      arn: ({ props, region, account }) =>
        `arn:aws:scheduler:${region}:${account}:schedule/${props.groupName || "default"}/${props.name}`,
    },
  },
  "aws:scheduler/scheduleGroup:ScheduleGroup": {
    id: "{name}",
    outputs: {
      arn: arn("scheduler", "schedule-group/{name}"),
      state: "ACTIVE",
      creationDate: "{now}",
      lastModificationDate: "{now}",
    },
  },
  "aws:sesv2/emailIdentity:EmailIdentity": {
    id: "{emailIdentity}",
    outputs: {
      arn: arn("ses", "identity/{emailIdentity}"),
      identityType: ({ props }) =>
        String(props.emailIdentity).includes("@") ? "EMAIL_ADDRESS" : "DOMAIN",
      // Until somebody follows the link in the mail, or sets the DNS records.
      verificationStatus: "PENDING",
      verifiedForSendingStatus: false,
    },
  },
  "aws:sfn/stateMachine:StateMachine": {
    id: arn("states", "stateMachine:{name}"),
    outputs: { arn: "{id}", status: "ACTIVE", creationDate: "{now}", revisionId: "{uuid}" },
    changes: { definition: ["revisionId"] },
  },
  "aws:ecr/repository:Repository": {
    id: "{name}",
    madeName: (name) => name.toLowerCase(),
    outputs: {
      arn: arn("ecr", "repository/{name}"),
      registryId: "{account}",
      repositoryUrl: "{account}.dkr.ecr.{region}.amazonaws.com/{name}",
    },
  },
  "aws:ecr/lifecyclePolicy:LifecyclePolicy": {
    ...setting("repository"),
    outputs: { registryId: "{account}" },
  },
};
