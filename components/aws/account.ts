import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/** Where a stack is deployed to. */
export interface Account {
  /** "aws", or that of another part of the world. */
  readonly partition: string;
  readonly region: string;
  readonly id: string;
}

/**
 * The account that a component's provider deploys to.
 * @param parent whose provider is asked
 */
export function accountOf(parent: pulumi.Resource): pulumi.Output<Account> {
  const opts = { parent };
  return pulumi
    .all([
      aws.getPartitionOutput({}, opts),
      aws.getRegionOutput({}, opts),
      aws.getCallerIdentityOutput({}, opts),
    ])
    .apply(([{ partition }, { region }, { accountId: id }]) => ({ partition, region, id }));
}
