import type {
  HttpContext,
  Json,
  JsonObject,
  Key,
  Mail,
  Message,
  Table,
} from "../../runtime/ports/index.ts";
import { type ErrorCode, PortError } from "../../runtime/ports/index.ts";

/** A table in memory, with its documents to look at. */
export function tableFake() {
  const documents = new Map<string, JsonObject>();
  const seen = new Set<string>();
  const nameOf = ({ pk, sk }: Key) => `${pk} / ${sk}`;
  const table: Pick<Table, "get" | "put" | "once"> = {
    get: async (key) => documents.get(nameOf(key)),
    put: async (key, document, { ifAbsent = false } = {}) => {
      if (ifAbsent && documents.has(nameOf(key))) throw new PortError("conflict", "table: exists");
      documents.set(nameOf(key), document);
    },
    once: async (key, fn) => {
      if (seen.has(key)) return false;
      await fn({
        put: (at, document) => void documents.set(nameOf(at), document),
        delete: (at) => void documents.delete(nameOf(at)),
      });
      seen.add(key);
      return true;
    },
  };
  return { ...table, documents };
}

/** A queue that remembers what was sent, or fails with a code. */
export function queueFake(fails?: ErrorCode) {
  const sent: Json[] = [];
  return {
    sent,
    send: async (body: Json) => {
      if (fails) throw new PortError(fails, "queue: as the test wants it");
      sent.push(structuredClone(body));
      return { id: String(sent.length) };
    },
  };
}

/** A mailer that remembers. */
export function mailerFake() {
  const mails: Mail[] = [];
  return { mails, send: async (mail: Mail) => void mails.push(mail) };
}

export const messageOf = (body: Json): Message => ({
  id: "m-1",
  body,
  receives: 1,
  sentAt: new Date(),
});

/** What a host says beside the request. */
export const contextOf = (sub?: string): HttpContext => ({
  requestId: "r-1",
  ...(sub !== undefined && { claims: { sub } }),
});

/** A JSON request as a client sends it. */
export const jsonRequest = (
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Request =>
  new Request(`https://shop.example${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
