/** What Lambda's runtime is to a function: loads its handler, and hands it one event at a time. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";

type Handler = (event: unknown, context: object) => unknown;
export type Order =
  | {
      /** Such as "index.handler". */
      readonly handler: string;
      /** Where names of the internet lead to: origin by origin. */
      readonly hosts: Readonly<Record<string, string>>;
    }
  | { readonly event: unknown; readonly id: string; readonly remainingMs: number };
/** As Lambda reports an error of a function. */
export interface FunctionFault {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: readonly string[];
}
export type Report = { readonly answer: unknown } | { readonly fault: FunctionFault };

const report = (text: Report) => process.send?.(text);
const faultOf = (error: unknown): FunctionFault => {
  const { name, message, stack = "" } = error instanceof Error ? error : new Error(String(error));
  return { errorType: name, errorMessage: message, trace: stack.split("\n") };
};

/** The network of the function, as far as names lead elsewhere. */
function lead(hosts: Readonly<Record<string, string>>): void {
  const real = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const request = new Request(input, init);
    const { origin } = new URL(request.url);
    const to = hosts[origin];
    return real(to ? new Request(request.url.replace(origin, to), request) : request);
  };
}

let handle: Handler | undefined;

async function follow(order: Order): Promise<unknown> {
  if ("handler" in order) {
    lead(order.hosts);
    const [file, name = ""] = order.handler.split(".");
    const module = await import(pathToFileURL(join(process.cwd(), `${file}.mjs`)).href);
    handle = module[name];
    return typeof handle;
  }
  const end = Date.now() + order.remainingMs;
  const context = {
    awsRequestId: order.id,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    getRemainingTimeInMillis: () => Math.max(0, end - Date.now()),
  };
  return handle?.(order.event, context);
}

process.on("message", async (order: Order) => {
  try {
    report({ answer: (await follow(order)) ?? null });
  } catch (error) {
    report({ fault: faultOf(error) });
  }
});
