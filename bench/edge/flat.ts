/** The edge of the preview's benchmark as one would write it without components: the baseline. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

export interface FlatArgs {
  readonly names: readonly string[];
  readonly archive: string;
  readonly tableArn: string;
  readonly tableName: string;
  readonly issuer: string;
  readonly clientId: string;
}

export function flatEdge(args: FlatArgs): void {
  const api = new aws.apigatewayv2.Api("edge", { name: "bench-edge", protocolType: "HTTP" });
  const authorizer = new aws.apigatewayv2.Authorizer("edge-tokens", {
    name: "tokens",
    apiId: api.id,
    authorizerType: "JWT",
    identitySources: ["$request.header.Authorization"],
    jwtConfiguration: { issuer: args.issuer, audiences: [args.clientId] },
  });
  const routes = args.names.flatMap((name) => flatWorkload(name, args, api, authorizer));
  const logs = new aws.cloudwatch.LogGroup("edge-access-logs", {
    name: "/aws/vendedlogs/bench-edge",
    retentionInDays: 14,
  });
  new aws.apigatewayv2.Stage(
    "edge-stage",
    {
      apiId: api.id,
      name: "$default",
      autoDeploy: true,
      accessLogSettings: { destinationArn: logs.arn, format: '{"id":"$context.requestId"}' },
      defaultRouteSettings: { throttlingRateLimit: 100, throttlingBurstLimit: 200 },
    },
    { dependsOn: routes },
  );
}

function flatWorkload(
  name: string,
  args: FlatArgs,
  api: aws.apigatewayv2.Api,
  authorizer: aws.apigatewayv2.Authorizer,
): aws.apigatewayv2.Route[] {
  const logs = new aws.cloudwatch.LogGroup(`${name}-logs`, {
    name: `/aws/lambda/bench-${name}`,
    retentionInDays: 14,
  });
  const role = new aws.iam.Role(`${name}-role`, {
    name: `bench-${name}`,
    assumeRolePolicy: JSON.stringify({
      Version: "2012-10-17",
      Statement: {
        Effect: "Allow",
        Action: "sts:AssumeRole",
        Principal: { Service: "lambda.amazonaws.com" },
      },
    }),
  });
  const policy = new aws.iam.RolePolicy(`${name}-policy`, {
    name: "uses",
    role: role.name,
    policy: logs.arn.apply((arn) =>
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Allow",
            Action: ["dynamodb:GetItem", "dynamodb:PutItem"],
            Resource: args.tableArn,
          },
          {
            Effect: "Allow",
            Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
            Resource: `${arn}:*`,
          },
        ],
      }),
    ),
  });
  const fn = new aws.lambda.Function(
    `${name}-function`,
    {
      name: `bench-${name}`,
      role: role.arn,
      architectures: ["arm64"],
      runtime: "nodejs24.x",
      handler: "index.handler",
      code: new pulumi.asset.FileArchive(args.archive),
      memorySize: 256,
      timeout: 3,
      environment: {
        variables: {
          SPILLWAY_TABLE_CATALOG: args.tableName,
          SPILLWAY_TOKEN_ISSUER: args.issuer,
          SPILLWAY_TOKEN_AUDIENCE: args.clientId,
          SPILLWAY_TOKEN_JWKS: `${args.issuer}/.well-known/jwks.json`,
        },
      },
      tracingConfig: { mode: "Active" },
      loggingConfig: { logFormat: "JSON", logGroup: logs.name },
    },
    { dependsOn: [logs, policy] },
  );
  const integration = new aws.apigatewayv2.Integration(`edge-${name}`, {
    apiId: api.id,
    integrationType: "AWS_PROXY",
    integrationMethod: "POST",
    integrationUri: fn.invokeArn,
    payloadFormatVersion: "2.0",
  });
  return ["GET", "POST"].map((method) => {
    new aws.lambda.Permission(`${name}-${method}`, {
      action: "lambda:InvokeFunction",
      function: fn.name,
      principal: "apigateway.amazonaws.com",
      sourceArn: pulumi.interpolate`${api.executionArn}/*/${method}/${name}`,
    });
    return new aws.apigatewayv2.Route(`${name}-${method}-route`, {
      apiId: api.id,
      routeKey: `${method} /${name}`,
      target: pulumi.interpolate`integrations/${integration.id}`,
      authorizationType: "JWT",
      authorizerId: authorizer.id,
    });
  });
}
