import { create } from "../../functions/checkout/index.ts";
import { create as paymentsSandbox } from "../../functions/payments-sandbox/index.ts";
import type { Json, JsonObject, StepContext } from "../../runtime/ports/index.ts";
import { isPortError, PortError } from "../../runtime/ports/index.ts";
import { system } from "../../system.ts";
import { apiOf, memoryTable, queueFake, topicFake } from "./fakes.ts";

/** What goes wrong at a port: nothing, before its effect, or after it (the answer is lost). */
export type Fault = "none" | "before" | "after";
/** How one try of a step goes. */
export interface Try {
  /** Turns until it is given up; it goes on all the same. Absent: never. */
  readonly patience?: number;
  /** The same call twice at a time. */
  readonly twice: boolean;
  /** A step that was tried before and is called again now, by its number. Absent: none. */
  readonly echo?: number;
}
export interface Script {
  readonly faults: readonly Fault[];
  readonly tries: readonly Try[];
}
/** Waits until others had their turn. */
export type Turn = (label: string) => Promise<void>;

/** The shop around the saga's handlers, and the payment provider, all in memory. */
export function worldOf(turn: Turn, script: Script = { faults: [], tries: [] }) {
  const faults = [...script.faults];
  const tries = [...script.tries];
  const catalog = memoryTable();
  const provider = paymentsSandbox({
    table: memoryTable(),
    wait: async () => {
      for (let n = 0; n < 3; n += 1) await turn("the provider takes its time");
    },
  });
  const ports = {
    catalog,
    payments: apiOf(provider),
    placed: queueFake(),
    events: topicFake(),
    mails: queueFake(),
  };

  /** The port with others' turns before and after each of its effects, and its faults. */
  function unreliable<P extends object>(name: string, port: P): P {
    const wrap =
      (verb: string, method: (...args: unknown[]) => Promise<unknown>) =>
      async (...args: unknown[]) => {
        await turn(`${name}.${verb}`);
        const fault = faults.shift() ?? "none";
        if (fault === "before") throw new PortError("unavailable", `${name}: not reached`);
        const answer = await method(...args);
        await turn(`${name}.${verb} answers`);
        if (fault === "after") throw new PortError("unavailable", `${name}: no answer`);
        return answer;
      };
    return Object.fromEntries(
      Object.entries(port).map(([verb, method]) => [
        verb,
        typeof method === "function" ? wrap(verb, method.bind(port)) : method,
      ]),
    ) as P;
  }

  const handlers = create({
    catalog: unreliable("catalog", ports.catalog),
    payments: unreliable("payments", ports.payments),
    placed: unreliable("placed", ports.placed),
    events: unreliable("events", ports.events),
    mails: unreliable("mails", ports.mails),
  });
  /** Calls that were given up, or were one too many: they go on. */
  const strays: Promise<unknown>[] = [];
  const listOf = async (what: "charges" | "refunds") => {
    const { body } = await ports.payments.request({ method: "GET", path: `/v1/${what}` });
    return (body as unknown as { data: { key: string; charge_key?: string; status: string }[] })
      .data;
  };
  return {
    ...ports,
    handlers,
    tries,
    strays,
    charges: () => listOf("charges"),
    refunds: () => listOf("refunds"),
    turn,
  };
}
export type World = ReturnType<typeof worldOf>;

type StepName = keyof World["handlers"];
const declared = system.workloads.checkout;
const undoing = { attempts: 8 };
const noRetryHelps = ["invalid", "denied", "conflict", "not-found", "too-large"];

/** Runs an execution as a workflow engine does: see runtime/ports/workflow.ts and spec/workloads.ts. */
export async function execute(
  world: World,
  id: string,
  input: JsonObject,
): Promise<"done" | "compensated" | "stuck"> {
  const results: Record<string, Json> = {};
  const called: StepName[] = [];

  async function once(name: StepName, context: StepContext): Promise<Json | undefined> {
    const { patience, twice, echo }: Try = world.tries.shift() ?? { twice: false };
    const call = (step: StepName) => {
      const promise = Promise.resolve(world.handlers[step](structuredClone(context)));
      world.strays.push(promise.catch(() => {}));
      return promise;
    };
    const echoed = echo === undefined ? undefined : called[echo % Math.max(called.length, 1)];
    if (echoed) call(echoed).catch(() => {});
    called.push(name);
    const calls = twice ? [call(name), call(name)] : [call(name)];
    if (patience !== undefined) calls.push(givenUp(patience));
    for (const one of calls) one.catch(() => {});
    return (await Promise.race(calls)) ?? undefined;
  }
  async function givenUp(turns: number): Promise<never> {
    for (let n = 0; n < turns; n += 1) await world.turn("time passes");
    throw new Error("States.Timeout");
  }
  async function run(name: StepName, attempts: number, failed?: StepContext["failed"]) {
    for (let attempt = 0; ; attempt += 1)
      try {
        return await once(name, { id, input, results: { ...results }, failed });
      } catch (error) {
        const isFinal = isPortError(error) && noRetryHelps.includes(error.code);
        if (isFinal || attempt >= attempts) throw error;
      }
  }

  const undo: StepName[] = [];
  for (const step of declared.steps) {
    if ("compensate" in step) undo.unshift(step.compensate);
    try {
      const { attempts } = "retry" in step ? step.retry : { attempts: 0 };
      results[step.name] = (await run(step.name, attempts)) ?? null;
    } catch (error) {
      const failed = { step: step.name, reason: (error as Error).message };
      let isStuck = false;
      for (const name of [...undo, declared.onFailure])
        await run(name, undoing.attempts, failed).catch(() => {
          isStuck = true;
        });
      return isStuck ? "stuck" : "compensated";
    }
  }
  return "done";
}
