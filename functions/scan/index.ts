import * as z from "zod/mini";
import {
  isPortError,
  type JsonObject,
  type MessageHandler,
  PortError,
  type Scanner,
} from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";

const stored = z.object({
  key: z.string().check(z.minLength(1)),
  etag: z.string(),
  version: z.string().check(z.minLength(1)),
});

/**
 * Looks for malware in a stored object and notes what was found, of exactly this version: nothing
 * is served before that. What cannot be scanned as a whole is noted as "unscanned", never as clean.
 */
export const create =
  ({ media, catalog, antivirus }: PortsOf<"scan">): MessageHandler =>
  async ({ id, body }) => {
    const { success, data, error } = stored.safeParse(body);
    if (!success)
      throw new PortError("invalid", `scan "${id}": no object is named; discard the message`, {
        cause: error,
      });
    const { key, etag, version } = data;
    const object = await media.get(key);
    // Removed meanwhile, or replaced: the newer one has a message of its own.
    if (object?.etag !== etag) return;
    const found = await scanned(antivirus, object.body);
    const row = { ...found, etag, version, at: new Date().toISOString() };
    await catalog
      .put({ pk: `IMAGE#${key}`, sk: "SCAN" }, row, { ifNewer: "version" })
      .catch((error) => {
        // This version was noted before, or a newer one was.
        if (!isPortError(error, "conflict")) throw error;
      });
  };

async function scanned(antivirus: Pick<Scanner, "scan">, content: Uint8Array): Promise<JsonObject> {
  try {
    const result = await antivirus.scan(content);
    return result.clean ? { status: "clean" } : { status: "infected", signature: result.signature };
  } catch (error) {
    if (!isPortError(error, "too-large")) throw error;
    return { status: "unscanned", reason: "it is larger than the scanner takes" };
  }
}
