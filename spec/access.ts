/**
 * What a workload may do with each kind of resource: the verbs are the methods of its port, a
 * level is a name for several of them. One table gives the types, the IAM policy and the ports.
 */
export const access = {
  objectStore: {
    verbs: ["get", "list", "put", "delete", "signPut", "signGet"],
    levels: {
      read: ["get", "list"],
      write: ["put", "delete"],
      "read-write": ["get", "list", "put", "delete"],
      sign: ["signPut", "signGet"],
    },
  },
  table: {
    verbs: ["get", "query", "put", "delete", "once"],
    levels: {
      read: ["get", "query"],
      write: ["put", "delete", "once"],
      "read-write": ["get", "query", "put", "delete", "once"],
    },
  },
  sql: { verbs: ["query", "transaction"], levels: { "read-write": ["query", "transaction"] } },
  cache: {
    verbs: [
      "get",
      "set",
      "delete",
      "increment",
      "append",
      "since",
      "publish",
      "subscribe",
      "through",
    ],
    levels: {
      "read-write": [
        "get",
        "set",
        "delete",
        "increment",
        "append",
        "since",
        "publish",
        "subscribe",
        "through",
      ],
    },
  },
  queue: { verbs: ["send"], levels: { send: ["send"] } },
  topic: { verbs: ["publish"], levels: { publish: ["publish"] } },
  bus: { verbs: ["publish"], levels: { publish: ["publish"] } },
  stream: { verbs: ["put"], levels: { write: ["put"] } },
  identity: {
    verbs: ["signUp", "confirm", "resend", "signIn", "answer", "refresh", "signOut"],
    levels: {
      "sign-in": ["signUp", "confirm", "resend", "signIn", "answer", "refresh", "signOut"],
    },
  },
  mailer: { verbs: ["send"], levels: { send: ["send"] } },
  chat: { verbs: ["post"], levels: { post: ["post"] } },
  metrics: { verbs: ["read"], levels: { read: ["read"] } },
  api: { verbs: ["request"], levels: { call: ["request"] } },
  scanner: { verbs: ["scan"], levels: { scan: ["scan"] } },
  scheduler: { verbs: ["at", "cancel"], levels: { schedule: ["at", "cancel"] } },
  native: { verbs: ["arn"], levels: { use: ["arn"] } },
  edge: { verbs: ["url"], levels: { read: ["url"] } },
  workflow: {
    verbs: ["start", "status"],
    levels: { start: ["start"], read: ["status"], "start-and-read": ["start", "status"] },
  },
} as const;

type AccessTable = typeof access;

/** Kinds of resources that `uses` may name. */
export type ResourceKind = keyof AccessTable;

/** A verb of a kind, which is a method of its port. */
export type Verb<K extends ResourceKind> = AccessTable[K]["verbs"][number];

/** What may stand behind a name in `uses`: a level, or the verbs themselves. */
export type Access<K extends ResourceKind> = keyof AccessTable[K]["levels"] | readonly Verb<K>[];

/** The verbs that an access stands for. */
export type VerbsOf<K extends ResourceKind, A> = A extends keyof AccessTable[K]["levels"]
  ? AccessTable[K]["levels"][A] extends readonly (infer V)[]
    ? V
    : never
  : A extends readonly (infer V)[]
    ? V
    : never;

/**
 * The verbs that an access stands for, at run time; `undefined` where it is not one of the kind's.
 * @param kind of the resource
 * @param given a level such as "read-write", or a list of verbs
 */
export function verbsOf(
  kind: ResourceKind,
  given: string | readonly string[],
): readonly string[] | undefined {
  const { verbs, levels } = access[kind] as {
    verbs: readonly string[];
    levels: Readonly<Record<string, readonly string[]>>;
  };
  if (typeof given === "string") return Object.hasOwn(levels, given) ? levels[given] : undefined;
  return given.length > 0 && given.every((verb) => verbs.includes(verb)) ? given : undefined;
}
