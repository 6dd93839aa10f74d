import { createHmac } from "node:crypto";
import { S3Client } from "@aws-sdk/client-s3";
import { createPresignedPost } from "@aws-sdk/s3-presigned-post";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { objectStore } from "../../../runtime/adapters/aws/object-store.ts";
import { objectUrls } from "../../../runtime/adapters/aws/object-urls.ts";
import { objectStoreContract } from "../suites/object-store.ts";
import { emulator } from "./emulator.ts";
import { createBucket } from "./resources.ts";

objectStoreContract("aws object store", {
  holdsToSignatures: false,
  async make() {
    const client = new S3Client(emulator);
    const { endpoint, region } = emulator;
    const credentials = async () => emulator.credentials;
    const location = await createBucket(client);
    return {
      store: objectStore({ name: "media", location, client, endpoint, region, credentials }),
      send: fetch,
      close: async () => client.destroy(),
    };
  },
});

describe("a form's signature", () => {
  const credentials = {
    accessKeyId: "AKIDEXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    sessionToken: "token",
  };
  const region = "eu-central-1";
  beforeEach(() => {
    vi.useFakeTimers({ now: new Date("2026-11-21T10:00:00Z") });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("holds the same conditions as the one that Amazon's own library makes", async () => {
    const ours = await objectUrls({
      name: "media",
      location: "shop-media",
      region,
      credentials: async () => credentials,
    }).signPut("uploads/$a ö.png", { contentType: "image/png", maxBytes: 9, expiresSeconds: 60 });
    const policy = JSON.parse(Buffer.from(ours.fields.policy ?? "", "base64").toString());
    const client = new S3Client({ region, credentials });
    const theirs = await createPresignedPost(client, {
      Bucket: "shop-media",
      Key: "uploads/$a ö.png",
      Expires: 60,
      Conditions: policy.conditions,
    });
    expect(ours.url).toBe(theirs.url);
    const {
      bucket: _,
      policy: signed,
      "x-amz-signature": signature,
      ...fields
    } = lower(theirs.fields);
    expect(lower(ours.fields)).toMatchObject(fields);
    expect(policy.expiration).toBe("2026-11-21T10:01:00.000Z");
    expect(signatureOf(signed ?? "")).toBe(signature);
    expect(signatureOf(ours.fields.policy ?? "")).toBe(ours.fields["x-amz-signature"]);
  });

  /** As "Authenticating Requests (AWS Signature Version 4)" has it, step by step. */
  const signatureOf = (policy: string) => {
    const key = ["20261121", region, "s3", "aws4_request", policy].reduce(
      (key, part) => createHmac("sha256", key).update(part).digest(),
      Buffer.from(`AWS4${credentials.secretAccessKey}`),
    );
    return key.toString("hex");
  };
});

const lower = (fields: Record<string, string>) =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value]));
