import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { physicalPrefix } from "../shared/naming.ts";
import { type Transform, transformed } from "../shared/transform.ts";

export interface BucketTransforms {
  readonly bucket?: Transform<aws.s3.BucketArgs>;
  readonly lifecycle?: Transform<aws.s3.BucketLifecycleConfigurationArgs>;
}

/** How long an overwritten or deleted object can be brought back, in days. */
const noncurrentDays = 30;
/** When parts of an upload that was never finished are removed, in days. */
const unfinishedDays = 7;
/** How long a browser may keep the answer to a preflight, in seconds: an hour. */
const preflightSeconds = 3_600;

export interface BucketOptions {
  /** Refuse to delete it. Default: true */
  readonly protect?: boolean;
  /** Origins whose pages may use signed URLs: the edge's. Default: none */
  readonly origins?: readonly string[];
  /** After how many days objects are removed. Default: never */
  readonly expireDays?: pulumi.Input<number>;
  /** What others may do: statements of its policy. Default: nothing */
  readonly allows?: (arn: pulumi.Output<string>) => readonly object[];
  readonly transform?: BucketTransforms;
}

/** A bucket that is closed to the public, encrypted, versioned, TLS only, and tidied. */
export const privateBucket = (
  name: string,
  options: BucketOptions,
  parent: pulumi.Resource,
): aws.s3.Bucket => bucketWithPolicy(name, options, parent).bucket;

/** A {@link privateBucket} with its policy, for what has to wait for that. */
export function bucketWithPolicy(name: string, options: BucketOptions, parent: pulumi.Resource) {
  const { protect = true, origins = [], expireDays, allows, transform } = options;
  const bucket = new aws.s3.Bucket(
    name,
    transformed(transform?.bucket, name, {
      bucketPrefix: physicalPrefix(name, "bucketPrefix"),
      forceDestroy: !protect,
    }),
    { parent, protect },
  );
  const of = { bucket: bucket.bucket };
  const closed = new aws.s3.BucketPublicAccessBlock(
    `${name}-private`,
    {
      ...of,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
    { parent },
  );
  new aws.s3.BucketOwnershipControls(
    `${name}-owner`,
    { ...of, rule: { objectOwnership: "BucketOwnerEnforced" } },
    { parent },
  );
  new aws.s3.BucketServerSideEncryptionConfiguration(
    `${name}-encryption`,
    { ...of, rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] },
    { parent },
  );
  const versioning = new aws.s3.BucketVersioning(
    `${name}-versions`,
    { ...of, versioningConfiguration: { status: "Enabled" } },
    { parent },
  );
  new aws.s3.BucketLifecycleConfiguration(
    `${name}-lifecycle`,
    transformed(transform?.lifecycle, `${name}-lifecycle`, {
      ...of,
      rules: [
        {
          id: "tidy",
          status: "Enabled",
          filter: { prefix: "" },
          noncurrentVersionExpiration: { noncurrentDays },
          abortIncompleteMultipartUpload: { daysAfterInitiation: unfinishedDays },
          // Days, or what is left of a deleted object once its versions are gone: S3 takes one of both.
          expiration:
            expireDays === undefined ? { expiredObjectDeleteMarker: true } : { days: expireDays },
        },
      ],
    }),
    // A rule on noncurrent versions needs versions.
    { parent, dependsOn: versioning },
  );
  const all = pulumi.interpolate`${bucket.arn}/*`;
  const policy = new aws.s3.BucketPolicy(
    `${name}-tls`,
    {
      ...of,
      policy: allows
        ? pulumi.jsonStringify({
            Version: "2012-10-17",
            Statement: [tlsOnlyStatement("s3:*", bucket.arn, all), ...allows(bucket.arn)],
          })
        : tlsOnly("s3:*", bucket.arn, all),
    },
    // Two changes of a bucket's access at once are refused.
    { parent, dependsOn: closed },
  );
  if (origins.length > 0)
    new aws.s3.BucketCorsConfiguration(
      `${name}-cors`,
      {
        ...of,
        corsRules: [
          {
            allowedOrigins: [...origins],
            allowedMethods: ["GET", "HEAD", "POST"],
            allowedHeaders: ["content-type"],
            exposeHeaders: ["etag"],
            maxAgeSeconds: preflightSeconds,
          },
        ],
      },
      { parent },
    );
  return { bucket, policy };
}

/**
 * Refuses everybody, the owner too, over a connection without encryption.
 * @param actions such as "s3:*": it denies, so a wildcard makes it stricter
 */
export const tlsOnlyStatement = (
  actions: string | readonly string[],
  ...resources: pulumi.Input<string>[]
) => ({
  Sid: "TlsOnly",
  Effect: "Deny",
  Principal: "*",
  Action: actions,
  Resource: resources,
  Condition: { Bool: { "aws:SecureTransport": "false" } },
});

/** A resource policy of {@link tlsOnlyStatement} alone. */
export const tlsOnly = (
  actions: string | readonly string[],
  ...resources: pulumi.Input<string>[]
): pulumi.Output<string> =>
  pulumi.jsonStringify({
    Version: "2012-10-17",
    Statement: tlsOnlyStatement(actions, ...resources),
  });
