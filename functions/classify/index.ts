import * as z from "zod/mini";
import { isPortError, type MessageHandler, PortError } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";
import { version as model, openClassifier } from "./classifier.ts";
import { edge } from "./model/drawings.ts";
import { planesOf } from "./pixels.ts";

const made = z.object({
  key: z.string().check(z.minLength(1)),
  etag: z.string(),
  version: z.string().check(z.minLength(1)),
  small: z.string().check(z.minLength(1)),
});

/**
 * Says what kind of image was uploaded, and notes it in the catalog with how sure the model is. It
 * looks at the small size that thumbnails made, and so decodes nothing that a stranger wrote.
 */
export const create = async ({ media, catalog }: PortsOf<"classify">): Promise<MessageHandler> => {
  const classify = await openClassifier();
  return async ({ id, body }) => {
    const { success, data, error } = made.safeParse(body);
    if (!success)
      throw new PortError("invalid", `classify "${id}": no image is named; discard the message`, {
        cause: error,
      });
    const { key, etag, version, small } = data;
    const object = await media.get(small);
    // Removed meanwhile, with the image.
    if (!object) return;
    const { label, confidence } = await classify(await planesOf(object.body, edge));
    const row = { label, confidence, model, etag, version, at: new Date().toISOString() };
    await catalog
      .put({ pk: `IMAGE#${key}`, sk: "LABEL" }, row, { ifNewer: "version" })
      .catch((error) => {
        // This version was noted before, or a newer one was.
        if (!isPortError(error, "conflict")) throw error;
      });
  };
};
