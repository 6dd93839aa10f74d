import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { FunctionFault, Order, Report } from "./runner.ts";

/** What Lambda is told of a function. */
export interface Deployed {
  readonly name: string;
  /** Folder with the unpacked code. */
  readonly code: string;
  readonly handler: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly hosts: Readonly<Record<string, string>>;
}

/** An invocation that did not return. */
export class FunctionError extends Error {
  readonly fault: FunctionFault;

  constructor(fault: FunctionFault) {
    super(`${fault.errorType}: ${fault.errorMessage}`);
    this.fault = fault;
  }
}

const runner = fileURLToPath(new URL("./runner.ts", import.meta.url));
/** Time enough for an event on a machine that is busy with other tests, in milliseconds. */
const remainingMs = 60_000;
const exited: FunctionFault = {
  errorType: "Runtime.ExitError",
  errorMessage: "RequestId: 0 Error: Runtime exited",
  trace: [],
};

/** A function in a process of its own, which sees its code, its environment, and nothing of ours. */
export class LambdaFunction {
  /** What it wrote, by line. */
  readonly logs: string[] = [];
  readonly #deployed: Deployed;
  #child: ChildProcess | undefined;
  #started: Promise<unknown> = Promise.resolve();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(deployed: Deployed) {
    this.#deployed = deployed;
  }

  /** Loads the code, as a cold start does. @throws {FunctionError} where that fails */
  async start(): Promise<void> {
    if (this.#child) {
      await this.#started;
      return;
    }
    const { code: cwd, environment: env, handler, hosts } = this.#deployed;
    const child = fork(runner, [], {
      cwd,
      env,
      execArgv: [],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.logs.push(...text.split("\n").filter((line) => line !== ""));
      });
    child.once("exit", () => {
      if (this.#child === child) this.#child = undefined;
    });
    this.#child = child;
    this.#started = tell(child, { handler, hosts });
    const loaded = await this.#started;
    if (loaded !== "function") throw new Error(`${handler} is ${loaded}`);
  }

  /**
   * Hands it an event and waits for its answer; one at a time, as an instance works.
   * @throws {FunctionError} what it throws, or its end
   */
  invoke(event: unknown): Promise<unknown> {
    const run = async () => {
      await this.start();
      return tell(this.#child, { event, id: randomUUID(), remainingMs });
    };
    const answer = this.#turn.then(run, run);
    this.#turn = answer.catch(() => {});
    return answer;
  }

  /** Ends it at once, whatever it is at; the next event finds a new one. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }
}

function tell(child: ChildProcess | undefined, order: Order): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = () => {
      child?.off("message", told);
      reject(new FunctionError(exited));
    };
    const told = (report: Report) => {
      child?.off("exit", ended);
      if ("fault" in report) reject(new FunctionError(report.fault));
      else resolve(report.answer);
    };
    if (!child?.connected) return ended();
    child.once("message", told);
    child.once("exit", ended);
    child.send(order, (error) => error && ended());
  });
}
