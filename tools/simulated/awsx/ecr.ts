/** awsx's container registry components, without Docker: an image is named, not built. */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { digest } from "../wire.ts";

interface Rule {
  description?: string;
  maximumAgeLimit?: number;
  maximumNumberOfImages?: number;
  tagPrefixList?: string[];
  tagStatus: string;
}

interface RepositoryArgs extends aws.ecr.RepositoryArgs {
  lifecyclePolicy?: { rules?: Rule[]; skip?: boolean };
}

/** A repository, and the lifecycle policy that awsx adds unless told to skip it. */
export class Repository extends pulumi.ComponentResource {
  readonly repository: aws.ecr.Repository;
  readonly lifecyclePolicy: aws.ecr.LifecyclePolicy | undefined;
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: RepositoryArgs, opts: pulumi.ComponentResourceOptions) {
    super("awsx:ecr:Repository", name, {}, opts);
    const { lifecyclePolicy, ...own } = args;
    const lowered = name.toLowerCase();
    this.repository = new aws.ecr.Repository(lowered, own, { parent: this });
    this.url = this.repository.repositoryUrl;
    if (!lifecyclePolicy?.skip) {
      const rules = lifecyclePolicy?.rules ?? [{ tagStatus: "untagged", maximumNumberOfImages: 1 }];
      this.lifecyclePolicy = new aws.ecr.LifecyclePolicy(
        lowered,
        {
          repository: this.repository.name,
          policy: JSON.stringify({ rules: rules.map(ruleJson) }),
        },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}

function ruleJson(rule: Rule, index: number) {
  const byAge = rule.maximumAgeLimit !== undefined;
  return {
    rulePriority: index + 1,
    description: rule.description,
    selection: {
      tagStatus: rule.tagStatus,
      tagPrefixList: rule.tagPrefixList,
      countType: byAge ? "sinceImagePushed" : "imageCountMoreThan",
      countUnit: byAge ? "days" : undefined,
      countNumber: byAge ? rule.maximumAgeLimit : rule.maximumNumberOfImages,
    },
    action: { type: "expire" },
  };
}

interface ImageArgs {
  repositoryUrl: pulumi.Input<string>;
  [other: string]: unknown;
}

/** An image by its digest, which here follows from what would be built, not from a build. */
export class Image extends pulumi.ComponentResource {
  readonly imageUri: pulumi.Output<string>;

  constructor(name: string, args: ImageArgs, opts: pulumi.ComponentResourceOptions) {
    super("awsx:ecr:Image", name, {}, opts);
    const { repositoryUrl, ...build } = args;
    this.imageUri = pulumi
      .all([repositoryUrl, build])
      .apply(([url, what]) => `${url}@sha256:${digest(what)}`);
    this.registerOutputs({});
  }
}
