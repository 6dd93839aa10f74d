/**
 * Pulumi's provider protocol over gRPC. The SDK's own `provider.main` has no preview, detailed
 * diffs or provider settings, so the calls are served here; messages and transport are the SDK's.
 */
import { createRequire } from "node:module";
import type { Change } from "./diff.ts";
import type { SimulatedProvider } from "./provider.ts";
import type { Values } from "./wire.ts";

// Found from the SDK, so that the transport is the one it was tested with.
const fromSdk = createRequire(createRequire(import.meta.url).resolve("@pulumi/pulumi"));
const grpc = fromSdk("@grpc/grpc-js");
const messages = fromSdk("./proto/provider_pb.js");
const { ResourceProviderService } = fromSdk("./proto/provider_grpc_pb.js");
const { PluginInfo } = fromSdk("./proto/plugin_pb.js");
const { Struct } = fromSdk("google-protobuf/google/protobuf/struct_pb.js");
const { Empty } = fromSdk("google-protobuf/google/protobuf/empty_pb.js");

// The SDK's message classes come without types that fit a require: only what is used is named.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Message = any;

const values = (struct: Message): Values => struct?.toJavaScript() ?? {};
const struct = (from: Values): Message => Struct.fromJavaScript(dropUndefined(from));

/** Fills a message: `{ id: "x" }` calls setId("x"). */
function message(name: string, fields: Record<string, unknown>): Message {
  const made = new messages[name]();
  for (const [field, value] of Object.entries(fields))
    made[`set${field[0]?.toUpperCase()}${field.slice(1)}`](value);
  return made;
}

const failureList = (failures: { property: string; reason: string }[]): Message[] =>
  failures.map((failure) => message("CheckFailure", { ...failure }));

/** The calls, by the name that the protocol gives them. */
function handlers(
  provider: SimulatedProvider,
  version: string,
): Record<string, (r: Message) => unknown> {
  return {
    getPluginInfo() {
      const info = new PluginInfo();
      info.setVersion(version);
      return info;
    },
    checkConfig(r) {
      const news = r.getNews();
      const failures = failureList(provider.checkConfig(values(news)));
      return message("CheckResponse", { inputs: news, failuresList: failures });
    },
    diffConfig(r) {
      const same = JSON.stringify(values(r.getOldInputs())) === JSON.stringify(values(r.getNews()));
      const kinds = messages.DiffResponse.DiffChanges;
      return message("DiffResponse", { changes: same ? kinds.DIFF_NONE : kinds.DIFF_SOME });
    },
    configure(r) {
      provider.configure(values(r.getArgs()));
      return message("ConfigureResponse", { acceptsecrets: true, supportspreview: true });
    },
    check(r) {
      const olds = values(r.getOlds());
      const { inputs, failures } = provider.check(
        r.getUrn(),
        olds,
        values(r.getNews()),
        r.getRandomseed(),
      );
      return message("CheckResponse", {
        inputs: struct(inputs),
        failuresList: failureList(failures),
      });
    },
    diff(r) {
      const olds = values(r.getOlds());
      const oldInputs = r.getOldInputs() ? values(r.getOldInputs()) : olds;
      return diffResponse(provider.diff(r.getUrn(), olds, oldInputs, values(r.getNews())));
    },
    async create(r) {
      const { id, outputs } = await provider.create(
        r.getUrn(),
        values(r.getProperties()),
        r.getPreview(),
      );
      return message("CreateResponse", { id, properties: struct(outputs) });
    },
    async read(r) {
      const found = await provider.read(
        r.getUrn(),
        r.getId(),
        values(r.getProperties()),
        values(r.getInputs()),
      );
      if (!found) return message("ReadResponse", { id: "" });
      const { id, outputs, inputs } = found;
      return message("ReadResponse", { id, properties: struct(outputs), inputs: struct(inputs) });
    },
    async update(r) {
      const [olds, news] = [values(r.getOlds()), values(r.getNews())];
      const outputs = await provider.update(r.getUrn(), r.getId(), olds, news, r.getPreview());
      return message("UpdateResponse", { properties: struct(outputs) });
    },
    async delete(r) {
      await provider.delete(r.getUrn(), r.getId(), values(r.getProperties()));
      return new Empty();
    },
    invoke(r) {
      const { outputs, failures } = provider.invoke(r.getTok(), values(r.getArgs()));
      return message("InvokeResponse", {
        return: struct(outputs),
        failuresList: failureList(failures),
      });
    },
    construct(r) {
      throw new Error(`component ${r.getType()} is not simulated; see tools/simulated/awsx.ts`);
    },
    cancel() {
      provider.cancel();
      return new Empty();
    },
    attach: () => new Empty(),
  };
}

function diffResponse({
  changes,
  deleteBeforeReplace,
}: ReturnType<SimulatedProvider["diff"]>): Message {
  const some = changes.length > 0 ? "DIFF_SOME" : "DIFF_NONE";
  const replaces = changes.filter((change) => change.replaces).map((change) => change.path);
  const response = message("DiffResponse", {
    changes: messages.DiffResponse.DiffChanges[some],
    diffsList: [...new Set(changes.map((change) => change.path.split(/[.[]/)[0]))],
    replacesList: replaces,
    deletebeforereplace: replaces.length > 0 && deleteBeforeReplace,
    hasdetaileddiff: true,
  });
  for (const change of changes)
    response.getDetaileddiffMap().set(change.path, propertyDiff(change));
  return response;
}

function propertyDiff({ kind, replaces }: Change): Message {
  const name = kind.toUpperCase() + (replaces ? "_REPLACE" : "");
  return message("PropertyDiff", { kind: messages.PropertyDiff.Kind[name], inputdiff: true });
}

function dropUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dropUndefined);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries.map(([key, inner]) => [key, dropUndefined(inner)]));
}

/** Serves the provider on a free port and prints it, which is how the engine finds a plugin. */
export async function serve(provider: SimulatedProvider, version: string): Promise<void> {
  const calls = handlers(provider, version);
  const implementation = Object.fromEntries(
    Object.entries(calls).map(([name, handle]) => [
      name,
      (call: Message, done: (error: unknown, answer?: Message) => void) => {
        Promise.resolve()
          .then(() => handle(call.request))
          .then(
            (answer) => done(null, answer),
            (error: Error) => done({ code: grpc.status.UNKNOWN, details: error.message }),
          );
      },
    ]),
  );
  // Bundles travel by path, but a large state or template may exceed the default of 4 MB.
  const size = 400 * 1024 * 1024;
  const server = new grpc.Server({
    "grpc.max_receive_message_length": size,
    "grpc.max_send_message_length": size,
  });
  server.addService(ResourceProviderService, implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(
      "127.0.0.1:0",
      grpc.ServerCredentials.createInsecure(),
      (error: Error, bound: number) => (error ? reject(error) : resolve(bound)),
    );
  });
  console.log(String(port));
}
