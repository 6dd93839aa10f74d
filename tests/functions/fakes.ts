import { faultsOf } from "../../runtime/adapters/faults.ts";
import { checkKey } from "../../runtime/adapters/limits.ts";
import { collectWrites, putOf, type Write } from "../../runtime/adapters/writes.ts";
import type {
  Api,
  Chat,
  Event,
  EventEnvelope,
  Execution,
  HttpContext,
  HttpHandler,
  Item,
  Json,
  JsonObject,
  Key,
  Mail,
  Message,
  Post,
  Scheduler,
  Stream,
  Table,
  Topic,
  Workflow,
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

/** A whole table in memory: the contract's conditions and limits, and its documents to look at. */
export function memoryTable() {
  const fault = faultsOf("table", "memory");
  const items = new Map<string, Item>();
  const seen = new Set<string>();
  const nameOf = ({ pk, sk }: Key) => `${pk} / ${sk}`;
  const check = ({ key, ifAbsent, ifNewer }: Write) => {
    const stored = items.get(nameOf(key))?.document;
    const given = ifNewer && stored?.[ifNewer.field];
    const isOld =
      typeof given === "string" &&
      Buffer.compare(Buffer.from(ifNewer?.value ?? ""), Buffer.from(given)) <= 0;
    if ((ifAbsent && stored) || isOld) throw fault("conflict", `${nameOf(key)} is there; read it`);
  };
  const apply = ({ key, document }: Write) => {
    if (document) items.set(nameOf(key), { ...key, document: structuredClone(document) });
    else items.delete(nameOf(key));
  };
  const table: Table = {
    get: async (key) => {
      checkKey(fault, key);
      return structuredClone(items.get(nameOf(key))?.document);
    },
    query: async (pk, { prefix = "", limit = 100, cursor, descending = false } = {}) => {
      const sorted = [...items.values()]
        .filter((item) => item.pk === pk && item.sk.startsWith(prefix))
        .sort((a, b) => Buffer.compare(Buffer.from(a.sk), Buffer.from(b.sk)));
      if (descending) sorted.reverse();
      const start = cursor === undefined ? 0 : sorted.findIndex(({ sk }) => sk === cursor) + 1;
      const page = structuredClone(sorted.slice(start, start + limit));
      return start + limit < sorted.length
        ? { items: page, cursor: page.at(-1)?.sk }
        : { items: page };
    },
    put: async (key, document, options) => {
      const write = putOf(fault, key, document, options);
      check(write);
      apply(write);
    },
    delete: async (key) => {
      checkKey(fault, key);
      apply({ key });
    },
    once: async (key, fn) => {
      const writes = await collectWrites(fault, fn);
      if (seen.has(key)) return false;
      writes.forEach(check);
      writes.forEach(apply);
      seen.add(key);
      return true;
    },
  };
  return {
    ...table,
    /** A stored document by "pk / sk". */
    at: (name: string) => items.get(name)?.document,
    /** What is stored, as "pk / sk". */
    names: () => [...items.keys()].sort(),
  };
}

/** Does as asked; fails with the codes of the list first, one a call. */
function failing(fails: ErrorCode[], what: string) {
  return () => {
    const code = fails.shift();
    if (code) throw new PortError(code, `${what}: as the test wants it`);
  };
}

/** A topic or bus that remembers what was published. */
export function topicFake(...fails: ErrorCode[]) {
  const fail = failing(fails, "topic");
  const published: Event[] = [];
  const topic: Topic = {
    publish: async (event) => {
      fail();
      published.push(structuredClone(event));
      return { id: event.id ?? String(published.length) };
    },
  };
  return { ...topic, published };
}

/** A chat that remembers its posts. */
export function chatFake(...fails: ErrorCode[]) {
  const fail = failing(fails, "chat");
  const posts: Post[] = [];
  const chat: Chat = {
    post: async (post) => {
      fail();
      posts.push(post);
    },
  };
  return { ...chat, posts };
}

/** A scheduler that remembers, by id, what will be sent when. */
export function schedulerFake(...fails: ErrorCode[]) {
  const fail = failing(fails, "scheduler");
  const scheduled = new Map<string, { at: Date; body: Json }>();
  const scheduler: Scheduler = {
    at: async (id, at, body) => {
      fail();
      if (!/^[\w.-]{1,60}$/.test(id)) throw new PortError("invalid", `scheduler: id ${id}`);
      scheduled.set(id, { at, body });
    },
    cancel: async (id) => void scheduled.delete(id),
  };
  return { ...scheduler, scheduled };
}

/** A stream that remembers its records. */
export function streamFake(...fails: ErrorCode[]) {
  const fail = failing(fails, "stream");
  const records: Parameters<Stream["put"]>[0][number][] = [];
  const stream: Stream = {
    put: async (more) => {
      fail();
      records.push(...structuredClone(more));
    },
  };
  return { ...stream, records };
}

/** A workflow that remembers what was started; each execution stands as the test sets it. */
export function workflowFake() {
  const inputs = new Map<string, JsonObject>();
  const executions = new Map<string, Execution>();
  const workflow: Workflow = {
    start: async (id, input) => {
      const before = inputs.get(id);
      if (before && JSON.stringify(before) !== JSON.stringify(input))
        throw new PortError("conflict", `workflow: ${id} was started with another input`);
      if (before) return { started: false };
      inputs.set(id, structuredClone(input));
      executions.set(id, { id, status: "running", startedAt: new Date() });
      return { started: true };
    },
    status: async (id) => executions.get(id),
  };
  return { ...workflow, inputs, executions };
}

/** Somebody's API as the port gives it, answered by an app in this process. */
export const apiOf = (app: HttpHandler): Api => ({
  request: async ({ method, path, body, idempotencyKey }) => {
    const request = new Request(`https://api.example${path}`, {
      method,
      headers: {
        "content-type": "application/json",
        ...(idempotencyKey !== undefined && { "idempotency-key": idempotencyKey }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const answer = await app.fetch(request, contextOf());
    const { status } = answer;
    if (status === 429) throw new PortError("throttled", "api: 429");
    if (status >= 500) throw new PortError("unavailable", `api: ${status}`);
    return { status, body: (await answer.json().catch(() => null)) as Json };
  },
});

/** An event as it comes from a topic or a bus. */
export const envelopeOf = (event: Partial<EventEnvelope>): EventEnvelope & JsonObject => ({
  id: "e-1",
  type: "order.paid",
  source: "storefront",
  at: "2026-11-20T10:00:00.000Z",
  data: {},
  ...event,
});
