import { randomUUID } from "node:crypto";
import { inject } from "vitest";

/** Where the emulator is and how the SDK is to reach it; none of it is a secret. */
export const emulator = {
  endpoint: inject("moto"),
  // Where moto looks for what an unsigned request means, such as Cognito's GlobalSignOut.
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
};

/** A name that no other test has, of letters and digits. */
export const uniqueName = (kind: string): string => `${kind}-${randomUUID()}`;
