import * as aws from "@pulumi/aws";
import * as awsx from "@pulumi/awsx";
import * as pulumi from "@pulumi/pulumi";
import type { ImageSource } from "../shared/image.ts";
import { physicalId } from "../shared/naming.ts";
import { type Transform, transformed } from "../shared/transform.ts";
import type { TaskImage } from "./container-plan.ts";

export interface WorkloadImageArgs {
  readonly source: ImageSource;
  /** Keep the registry's repository while there are images in it. Default: true */
  readonly protect?: boolean;
  readonly transform?: { readonly repository?: Transform<aws.ecr.RepositoryArgs> };
}

/** Images of earlier deployments that are kept, to go back to. */
const kept = 20;

/**
 * The one image of all workloads on containers of a kind (arm64; with a GPU, x86 with CUDA): built by
 * BuildKit, tagged by its content, in a repository whose images are scanned when they come. Tasks are
 * told its digest, and not the tag.
 * @example
 * const image = new WorkloadImage("image", { source });
 */
export class WorkloadImage extends pulumi.ComponentResource implements TaskImage {
  readonly repository: aws.ecr.Repository;
  /** With its digest, as awsx gives it. */
  readonly uri: pulumi.Output<string>;
  readonly repositoryArn: pulumi.Output<string>;

  constructor(name: string, args: WorkloadImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("spillway:aws:WorkloadImage", name, {}, opts);
    const { source, protect = true, transform } = args;
    this.repository = new aws.ecr.Repository(
      name,
      transformed(transform?.repository, name, {
        name: physicalId(name, "repository"),
        // Tasks name the digest, so that a tag that moves moves none of them. One that could not would
        // refuse every build that is not the first of its content, as awsx always pushes: ECR takes no
        // image by a tag that is there, not even the same (ECR User Guide, image tag mutability, 2026-11).
        imageTagMutability: "MUTABLE",
        imageScanningConfiguration: { scanOnPush: true },
        encryptionConfigurations: [{ encryptionType: "AES256" }],
        forceDelete: !protect,
      }),
      { parent: this },
    );
    this.repositoryArn = this.repository.arn;
    new aws.ecr.LifecyclePolicy(
      `${name}-lifecycle`,
      {
        repository: this.repository.name,
        policy: JSON.stringify({
          rules: [
            {
              rulePriority: 1,
              description: `The last ${kept} images`,
              selection: { tagStatus: "any", countType: "imageCountMoreThan", countNumber: kept },
              action: { type: "expire" },
            },
          ],
        }),
      },
      { parent: this },
    );
    const image = new awsx.ecr.Image(
      `${name}-build`,
      {
        repositoryUrl: this.repository.repositoryUrl,
        context: source.context,
        platform: source.platform,
        imageTag: source.tag,
      },
      { parent: this },
    );
    this.uri = image.imageUri;
    this.registerOutputs({ uri: this.uri });
  }
}
