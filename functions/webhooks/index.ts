import { createApp } from "../../runtime/http/app.ts";
import { Problem, unauthorized } from "../../runtime/http/problem.ts";
import { isPortError, type Secrets } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";
import { eventOf } from "./event.ts";
import { type Scheme, schemes } from "./schemes.ts";

/**
 * Receives webhooks: verified over the raw bytes, stored in the queue, then answered. What happens
 * to them later is no concern of the provider's; only a queue that does not take them is (503), so
 * that it delivers again.
 */
export const create = ({ edge, inbox, secrets }: PortsOf<"webhooks">) =>
  createApp().post("/webhooks/:source", async (c) => {
    const source = c.req.param("source");
    const scheme = Object.hasOwn(schemes, source) ? schemes[source] : undefined;
    if (!scheme)
      throw new Problem("invalid", {
        detail: "Webhooks of this source are not known here.",
        errors: [{ field: "source", message: `must be one of ${Object.keys(schemes).join(", ")}` }],
      });
    const body = new Uint8Array(
      await c.req.arrayBuffer().catch((cause) => {
        throw new Problem("invalid", { detail: "The body could not be read to its end.", cause });
      }),
    );
    const { headers, url } = c.req.raw;
    const eventId = scheme.verify(
      {
        headers,
        body,
        url: edge.url + (c.env.target ?? url.slice(new URL(url).origin.length)),
        now: Math.floor(Date.now() / 1000),
      },
      await secretOf(secrets, scheme.secret),
    );
    if (eventId === undefined) throw unauthorized("The signature does not match.");
    const event = eventOf({ source, eventId, contentType: headers.get("content-type"), body });
    await inbox.send(event).catch((cause) => {
      throw new Problem(isPortError(cause, "too-large") ? "too-large" : "unavailable", { cause });
    });
    // Twilio reads an answer as instructions: none.
    return source === "twilio"
      ? c.body("<Response/>", 200, { "content-type": "text/xml" })
      : c.json({ eventId: event.eventId });
  });

/** A key that is missing or empty would let anyone sign: then nothing is accepted. */
async function secretOf(secrets: Secrets<Scheme["secret"]>, name: Scheme["secret"]) {
  const secret = await secrets.get(name).catch((cause) => {
    throw new Problem("unavailable", { cause });
  });
  if (secret === "")
    throw new Problem("unavailable", {
      cause: new Error(`secret "${name}": it is empty; store the provider's signing secret`),
    });
  return secret;
}
