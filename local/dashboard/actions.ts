import { randomUUID } from "node:crypto";
import { isPortError, type JsonObject } from "../../runtime/ports/index.ts";
import type { StateSources } from "../state.ts";
import { bodyOf, json, refused, refusedBy, security } from "./answers.ts";

/** What is done by POST, and with which parts of its path. */
type Action = (
  sources: StateSources,
  parts: readonly string[],
  request: Request,
) => Promise<Response>;

/** Largest body of an action, in bytes. */
const mostBytes = 1_048_576;

/** Actions by the form of their paths below `/api`. */
export const actions: readonly (readonly [RegExp, Action])[] = [
  [/^\/queues\/([^/]+)\/dead-letters\/([^/]+)\/(redrive|discard)$/, settleDeadLetter],
  [/^\/schedules\/([^/]+)\/run$/, runSchedule],
  [/^\/workflows\/([^/]+)\/executions$/, startWorkflow],
];

async function settleDeadLetter(
  { queues }: StateSources,
  [name = "", id = "", verb]: readonly string[],
): Promise<Response> {
  const queue = queues.get(name);
  if (!queue) return refused("not-found", "There is no such queue.");
  try {
    await (verb === "redrive" ? queue.redrive(id) : queue.discard(id));
  } catch (error) {
    if (isPortError(error, "not-found"))
      return refused("not-found", "This dead letter is gone already.");
    throw error;
  }
  return new Response(null, { status: 204, headers: security });
}

async function runSchedule(
  { runNow }: StateSources,
  [workload = ""]: readonly string[],
): Promise<Response> {
  if (!runNow) return refused("not-found", "No schedules run here.");
  return runNow(workload).then((run) => json(202, run), refusedBy);
}

async function startWorkflow(
  { workflows }: StateSources,
  [name = ""]: readonly string[],
  request: Request,
): Promise<Response> {
  const workflow = workflows?.get(name);
  if (!workflow) return refused("not-found", "There is no such workflow.");
  const body = await bodyOf(request, mostBytes);
  if (!body) return refused("too-large", `It is larger than ${mostBytes} bytes.`);
  const asked = startOf(body.toString());
  if (typeof asked === "string") return refused("invalid", asked);
  const { id, input } = asked;
  return workflow.start(id, input).then(({ started }) => json(202, { id, started }), refusedBy);
}

/** What a start asks for, or what is wrong with it. */
function startOf(text: string): { readonly id: string; readonly input: JsonObject } | string {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return 'It is no JSON; send {"id": "…", "input": {…}}.';
  }
  const { id = randomUUID(), input } = (body ?? {}) as { id?: unknown; input?: unknown };
  if (typeof id !== "string") return "Its id is no text; leave it out for a random one.";
  if (typeof input !== "object" || input === null || Array.isArray(input))
    return "Its input is no JSON object; send one.";
  return { id, input: input as JsonObject };
}
