import { S3Client } from "@aws-sdk/client-s3";
import { objectStore } from "../../../runtime/adapters/aws/object-store.ts";
import { objectStoreContract } from "../suites/object-store.ts";
import { emulator } from "./emulator.ts";
import { createBucket } from "./resources.ts";

objectStoreContract("aws object store", {
  async make() {
    const client = new S3Client(emulator);
    return {
      store: objectStore({ name: "media", location: await createBucket(client), client }),
      close: async () => client.destroy(),
    };
  },
});
