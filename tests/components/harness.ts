/**
 * Runs a Pulumi program or component under mocks and hands back its resource graph: awaited,
 * queryable, isolated. Knows nothing of Spillway; see docs/testing.md.
 */
import { setImmediate } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import * as state from "@pulumi/pulumi/runtime/state.js";
import { Graph, type Log, type Resource } from "./harness/graph.ts";
import { type Made, plausibleOutputs } from "./harness/outputs.ts";

export type { Graph, PolicyDocument, Resource, Statement } from "./harness/graph.ts";
export { awsInvoke, type Made } from "./harness/outputs.ts";

export interface MockOptions {
  /** Stack config by full key, such as `aws:region`. Objects and lists are stored as JSON. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Keys of `config` that are secret. */
  readonly secretConfig?: readonly string[];
  /** Default: "project" */
  readonly project?: string;
  /** Default: "stack" */
  readonly stack?: string;
  readonly organization?: string;
  /** Outputs of other stacks, by the name that a StackReference is made with. */
  readonly stackReferences?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Outputs of a resource beside its inputs; merged over the built-in guesses for AWS types. */
  readonly outputs?: (made: Made) => Readonly<Record<string, unknown>> | undefined;
  /** Answers of provider functions (invokes). Default: an invoke is an error */
  readonly invoke?: (token: string, inputs: Record<string, unknown>) => Record<string, unknown>;
}

/**
 * Runs a program under mocks and waits for all of it: every resource, every `apply`, every output.
 * Runs are isolated from each other (config, project, stack, monitor), also concurrent ones.
 * @param program makes resources, and may return a component or outputs: `graph.result`
 * @returns the graph of what was registered
 * @throws the first error of the program, of a resource, or of any `apply`, awaited or not
 * @example
 * const graph = await runUnderMocks(() => new ServerlessEdge("edge", args), { stack: "dev" });
 * expect(graph.find("aws:lambda/function:Function", "edge-users").inputs.timeout).toBe(3);
 */
export async function runUnderMocks<T>(
  program: () => T | Promise<T>,
  options: MockOptions = {},
): Promise<Graph<T>> {
  catchLateErrors();
  followApplies();
  const run = new Run();
  return inOwnStore(async (store) => {
    runs.set(store, run);
    const { resources, logs } = await connect(store, options);
    let result: T | undefined;
    const program_ = async () => {
      await pulumi.runtime.runInPulumiStack(async () => {
        const value = await program();
        result = value;
        // A record of outputs is what an entry point exports; a component is not one.
        return pulumi.Resource.isInstance(value) || !isRecord(value) ? undefined : { ...value };
      });
    };
    await run.orFailure(program_());
    await run.settle();
    return new Graph(result as T, resources, logs);
  });
}

type Store = object & {
  settings: { rpcDone: Promise<void>; monitor?: Monitor; engine?: unknown };
};
type Callback = (error: unknown, response: { getUrn(): string }) => void;
interface Request {
  getType(): string;
  getName(): string;
  getParent(): string;
  getCustom?(): boolean;
  getObject?(): { toJavaScript(): Record<string, unknown> };
  getProperties?(): { toJavaScript(): Record<string, unknown> };
  getDependenciesList(): string[];
  getProtect?(): boolean;
  getProvider(): string;
}
interface Monitor {
  registerResource(request: Request, callback: Callback): Promise<void>;
  readResource(request: Request, callback: Callback): Promise<void>;
}

// Internal to the SDK's types: the wait without the disconnect.
const { waitForRPCs } = pulumi.runtime as unknown as { waitForRPCs(): Promise<void> };

const runs = new WeakMap<object, Run>();
const current = (): Run | undefined => {
  const store = globalThis.asyncLocalStorage.getStore();
  return store && runs.get(store);
};

/** The SDK keeps all that is global (config, monitor, pending calls) in this store. */
function inOwnStore<T>(body: (store: Store) => Promise<T>): Promise<T> {
  const { LocalStore } = state as unknown as { LocalStore: new () => Store };
  const store = new LocalStore();
  return globalThis.asyncLocalStorage.run(store as never, body, store);
}

/** One run: what it waits for, and what went wrong in it. */
class Run {
  readonly pending: Promise<unknown>[] = [];
  readonly #failure = Promise.withResolvers<never>();
  finished = false;

  constructor() {
    this.#failure.promise.catch(() => {});
  }
  fail(error: unknown) {
    this.#failure.reject(error);
  }
  orFailure<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#failure.promise]);
  }
  /** Resource operations start applies and applies start resources: wait until neither grows. */
  async settle(): Promise<void> {
    for (let seen = -1; seen !== this.pending.length; ) {
      seen = this.pending.length;
      await this.orFailure(waitForRPCs());
      await this.orFailure(Promise.all(this.pending));
      await this.orFailure(setImmediate());
    }
    this.finished = true;
  }
}

/** The SDK reports errors of un-awaited applies as unhandled rejections: they belong to a run. */
function catchLateErrors(): void {
  const event = "unhandledRejection";
  if (process.listeners(event).some((listener) => listener === dispatch)) return;
  const others = process.listeners(event);
  process.removeAllListeners(event);
  process.on(event, dispatch);
  function forward(reason: unknown, promise: Promise<unknown>) {
    if (others.length === 0) throw reason;
    for (const other of others) other(reason, promise);
  }
  forwarders.push(forward);
}
const forwarders: ((reason: unknown, promise: Promise<unknown>) => void)[] = [];
function dispatch(reason: unknown, promise: Promise<unknown>): void {
  const run = current();
  if (run && !run.finished) run.fail(reason);
  else for (const forward of forwarders) forward(reason, promise);
}

/** Every output made by `apply` is noted in its run, so that none is forgotten. */
function followApplies(): void {
  const prototype = Object.getPrototypeOf(pulumi.output(0)) as {
    apply(...args: unknown[]): pulumi.Output<unknown>;
    followed?: boolean;
  };
  if (prototype.followed) return;
  prototype.followed = true;
  const { apply } = prototype;
  prototype.apply = function (this: unknown, ...args: unknown[]) {
    const result = apply.apply(this, args);
    const promise = (result as unknown as { promise(): Promise<unknown> }).promise();
    promise.catch(() => {});
    current()?.pending.push(promise);
    return result;
  };
}

async function connect(store: Store, options: MockOptions) {
  const resources: Resource[] = [];
  const logs: Log[] = [];
  const config = Object.entries(options.config ?? {}).map(([key, value]) => [
    key,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  pulumi.runtime.setAllConfig(Object.fromEntries(config), [...(options.secretConfig ?? [])]);
  const { project = "project", stack = "stack", organization } = options;
  await pulumi.runtime.setMocks(mocks(options), project, stack, false, organization);
  store.settings.engine = fakeEngine(logs);
  const monitor = store.settings.monitor as Monitor;
  for (const method of ["registerResource", "readResource"] as const) {
    const original = monitor[method].bind(monitor);
    monitor[method] = (request, callback) =>
      original(request, (error, response) => {
        if (!error) resources.push(recordOf(request, response.getUrn()));
        callback(error, response);
      });
  }
  return { resources, logs };
}

function recordOf(request: Request, urn: string): Resource {
  const struct = (request.getObject ?? request.getProperties)?.call(request);
  const secrets: string[] = [];
  return {
    type: request.getType(),
    name: request.getName(),
    urn,
    custom: request.getCustom?.() ?? true,
    parent: request.getParent() || undefined,
    dependsOn: request.getDependenciesList(),
    protect: request.getProtect?.() ?? false,
    provider: request.getProvider().split("::").at(-2),
    inputs: unwrap(struct?.toJavaScript() ?? {}, "", secrets) as Record<string, unknown>,
    secrets,
  };
}

const { specialSigKey, specialSecretSig } = pulumi.runtime;

/** Wire values to plain ones; the paths of secrets are collected. */
function unwrap(value: unknown, path: string, secrets: string[]): unknown {
  if (Array.isArray(value))
    return value.map((each, index) => unwrap(each, `${path}[${index}]`, secrets));
  if (!isRecord(value)) return value;
  if (value[specialSigKey] === specialSecretSig) {
    secrets.push(path);
    return unwrap(value.value, path, secrets);
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== specialSigKey)
      .map(([key, each]) => [key, unwrap(each, path ? `${path}.${key}` : key, secrets)]),
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function mocks(options: MockOptions): Parameters<typeof pulumi.runtime.setMocks>[0] {
  return {
    newResource({ type, name, inputs, id }) {
      if (type === "pulumi:pulumi:StackReference") {
        const outputs = options.stackReferences?.[inputs.name];
        if (!outputs) throw refusal(unknownStack(inputs.name, options));
        return { id: inputs.name, state: { ...inputs, outputs, secretOutputNames: [] } };
      }
      const made = { type, name, inputs };
      const state = { ...inputs, ...plausibleOutputs(made), ...options.outputs?.(made) };
      return { id: id || String(state.id ?? `${name}-id`), state };
    },
    call({ token, inputs }) {
      if (options.invoke) return options.invoke(token, inputs);
      throw refusal(`Invoke "${token}": no answer is given; give one in options.invoke`);
    },
  };
}

/** The SDK shows a provider's `details`, and not its message. */
const refusal = (message: string) => Object.assign(new Error(message), { details: message });

const unknownStack = (name: string, { stackReferences = {} }: MockOptions) =>
  `StackReference "${name}": no such stack is given; add it to options.stackReferences (${
    Object.keys(stackReferences).join(", ") || "none so far"
  })`;

/** Takes the program's log messages, which would go to the console otherwise. */
function fakeEngine(logs: Log[]) {
  const severities = ["debug", "info", "warning", "error"] as const;
  type LogRequest = { getSeverity(): number; getMessage(): string };
  const done = (_: unknown, callback: (error: null, answer: object) => void) => callback(null, {});
  return {
    setRootResource: done,
    log(request: LogRequest, callback: () => void) {
      const severity = severities[request.getSeverity()] ?? "error";
      // What the SDK itself says at this level is its own diary.
      if (severity !== "debug") logs.push({ severity, message: request.getMessage() });
      callback();
    },
  };
}
