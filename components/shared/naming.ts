import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";

/**
 * Longest physical names, in characters (AWS service quotas: Lambda, IAM, SQS, SNS, EventBridge and
 * its Scheduler, Kinesis, Step Functions, DynamoDB, CloudWatch, CloudFront, Budgets, Cost Explorer, API Gateway,
 * Cognito, EC2, ECS, ECR, Elastic Load Balancing, RDS, ElastiCache, Secrets Manager and S3). Prefixes
 * leave room for the provider's own 26.
 */
export const nameLimits = {
  function: 64,
  role: 64,
  queue: 80,
  topic: 256,
  bus: 256,
  rule: 64,
  stream: 128,
  schedule: 64,
  scheduleGroup: 64,
  stateMachine: 80,
  alarm: 255,
  dashboard: 255,
  // After "Spillway/".
  metricSpace: 246,
  budget: 100,
  anomaly: 1024,
  table: 255,
  logGroup: 512,
  api: 128,
  userPool: 128,
  securityGroup: 255,
  cluster: 255,
  taskFamily: 255,
  capacityProvider: 255,
  autoScalingGroup: 255,
  launchTemplate: 128,
  instanceProfile: 128,
  loadBalancer: 32,
  database: 56,
  proxy: 60,
  cache: 40,
  repository: 256,
  // Before ".internal", as one label.
  namespace: 63,
  edgeFunction: 64,
  vpcOrigin: 64,
  logDelivery: 60,
  secretPrefix: 486,
  bucketPrefix: 37,
  // A logical name that the provider ends with 8 characters of its own.
  permission: 92,
} as const;

const hashLength = 6;

/**
 * A name of at most `max` characters: cut where it must be, and then ended by a hash of the whole,
 * so that two long names stay two.
 * @example
 * shorten("storefront-prod-edge-webhookEvents", 24); // "storefront-prod-e-58b97a"
 */
export function shorten(name: string, max: number): string {
  return name.length <= max ? name : hashed(name, name, max);
}

/**
 * A name of letters, digits, "_" and "-" alone, for any text: where characters are lost, a hash of
 * the whole is gained.
 * @example
 * plain("edge-GET /users/{id}", 92); // "edge-GET-users-id-61c00e"
 */
export function plain(text: string, max: number): string {
  const kept = text.replace(/[^\w-]+/g, "-").replace(/-+$/, "");
  return kept === text ? shorten(text, max) : hashed(kept, text, max);
}

function hashed(name: string, whole: string, max: number): string {
  const hash = createHash("sha256").update(whole).digest("hex").slice(0, hashLength);
  return `${name.slice(0, max - hashLength - 1).replace(/-+$/, "")}-${hash}`;
}

/**
 * The name that the cloud sees: project, stack and logical name, so that stacks share an account.
 * @param logical the Pulumi name of the resource
 * @param kind whose limit holds
 */
export const physicalName = (logical: string, kind: keyof typeof nameLimits): string =>
  shorten(`${pulumi.getProject()}-${pulumi.getStack()}-${logical}`, nameLimits[kind]);

/**
 * As {@link physicalName}, for what takes small letters, digits and single "-" alone, and a letter
 * first: databases, caches, load balancers, repositories.
 */
export function physicalId(
  logical: string,
  kind: "database" | "cache" | "loadBalancer" | "namespace" | "proxy" | "repository",
): string {
  const name = `${pulumi.getProject()}-${pulumi.getStack()}-${logical}`;
  const kept = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "");
  return kept === name ? shorten(name, nameLimits[kind]) : hashed(kept, name, nameLimits[kind]);
}

/** The beginning of a name that the provider completes, for names that must never come twice. */
export const physicalPrefix = (logical: string, kind: "secretPrefix" | "bucketPrefix"): string => {
  const name = `${pulumi.getProject()}-${pulumi.getStack()}-${logical}`;
  const allowed = kind === "bucketPrefix" ? name.toLowerCase().replace(/[^a-z0-9-]/g, "-") : name;
  return `${shorten(allowed, nameLimits[kind] - 1)}-`;
};
