import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import type { ObjectStore } from "../../ports/index.ts";
import { readCursor, writeCursor } from "../cursor.ts";
import { type Fault, faultsOf } from "../faults.ts";
import { checkContentType, checkObjectKey, checkPrefix, checkWhole } from "../limits.ts";
import { clientSettings, lazy } from "./client.ts";
import { answerOf, nameOf, whileInTheWay } from "./errors.ts";
import { type ObjectUrlOptions, objectUrls } from "./object-urls.ts";

// Until the answer to an upload: 6 GB at 100 MB/s, above the 5 GB that one request may hold.
const shared = lazy(() => new S3Client(clientSettings(60_000)));

/**
 * Objects in an S3 bucket.
 * Needs s3:GetObject and s3:ListBucket for get (without the latter S3 answers 403 where there is
 * no object), PutObject for put, DeleteObject for delete, ListBucket for list; see {@link objectUrls}.
 * @param options.name the store's, for messages
 * @param options.location the bucket's name
 * @param options.client default: one of this process, made at its first use
 */
export function objectStore(
  options: ObjectUrlOptions & { readonly client?: S3Client },
): ObjectStore {
  const { name, location: Bucket } = options;
  const client = () => options.client ?? shared();
  const fault = faultsOf("object store", name);

  return {
    ...objectUrls(options),

    async get(key) {
      checkObjectKey(fault, key);
      try {
        const found = await client().send(new GetObjectCommand({ Bucket, Key: key }));
        const body = (await found.Body?.transformToByteArray()) ?? new Uint8Array();
        return {
          key,
          bytes: body.byteLength,
          contentType: found.ContentType ?? "application/octet-stream",
          etag: plain(found.ETag),
          modified: found.LastModified ?? new Date(0),
          body,
        };
      } catch (error) {
        if (nameOf(error) === "NoSuchKey") return undefined;
        return answerOf(fault, Promise.reject(error));
      }
    },

    async put(key, body, { contentType = "application/octet-stream", ifAbsent = false } = {}) {
      checkObjectKey(fault, key);
      checkContentType(fault, contentType);
      const command = new PutObjectCommand({
        Bucket,
        Key: key,
        Body: typeof body === "string" ? Buffer.from(body) : body,
        ContentType: contentType,
        ...(ifAbsent ? { IfNoneMatch: "*" } : {}),
      });
      await answerOf(
        fault,
        // Two uploads at once: S3 may stop both, so that one must come again to win.
        whileInTheWay(
          (error) => nameOf(error) === "ConditionalRequestConflict",
          () => client().send(command),
        ),
      );
    },

    async delete(key) {
      checkObjectKey(fault, key);
      await answerOf(fault, client().send(new DeleteObjectCommand({ Bucket, Key: key })));
    },

    async list(prefix, { limit = 100, cursor } = {}) {
      checkPrefix(fault, prefix);
      checkWhole(fault, "limit", limit, 1, 1000);
      const after = cursor === undefined ? undefined : afterOf(fault, prefix, cursor);
      const page = await answerOf(
        fault,
        client().send(
          new ListObjectsV2Command({ Bucket, Prefix: prefix, MaxKeys: limit, StartAfter: after }),
        ),
      );
      const objects = (page.Contents ?? []).map((object) => ({
        key: object.Key ?? "",
        bytes: object.Size ?? 0,
        etag: plain(object.ETag),
        modified: object.LastModified ?? new Date(0),
      }));
      const last = objects.at(-1);
      return page.IsTruncated && last
        ? { objects, cursor: writeCursor([prefix], last.key) }
        : { objects };
    },
  };
}

/** An etag without the quotation marks of its header. */
const plain = (etag = ""): string => etag.replaceAll('"', "");

function afterOf(fault: Fault, prefix: string, cursor: string): string {
  const after = readCursor(fault, [prefix], cursor);
  checkObjectKey(fault, after);
  return after;
}
