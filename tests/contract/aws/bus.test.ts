import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { SQSClient } from "@aws-sdk/client-sqs";
import { afterEach, describe, expect, it } from "vitest";
import { bus } from "../../../runtime/adapters/aws/bus.ts";
import { clientSettings } from "../../../runtime/adapters/aws/client.ts";
import { queueConsumer } from "../../../runtime/adapters/aws/queue-consumer.ts";
import { translate } from "../../../runtime/entries/translate.ts";
import { recorder } from "../recording.ts";
import { busContract, dataCases } from "../suites/bus.ts";
import { source } from "../suites/events.ts";
import { refusal } from "../suites/refusal.ts";
import { emulator } from "./emulator.ts";
import { createBus } from "./resources.ts";
import { type Answer, failure, scripted, success } from "./scripted.ts";

busContract("aws bus", {
  // moto 5.2 does not look into lists of objects, and takes what holds no value for one.
  cases: dataCases,
  async start() {
    const clients = { events: new EventBridgeClient(emulator), sqs: new SQSClient(emulator) };
    return {
      async make(patterns) {
        const { location, queues } = await createBus(clients, patterns);
        const { publish } = bus({ name: "facts", location, source, client: clients.events });
        const consumers = queues.map((queue) =>
          queueConsumer({ name: "subscriber", location: queue, client: clients.sqs }),
        );
        return { publish, consumers };
      },
      read(body) {
        const translated = translate("bus", body);
        if ("refused" in translated) throw new Error(translated.refused);
        return translated.events[0] ?? null;
      },
      async close() {
        for (const client of Object.values(clients)) client.destroy();
      },
    };
  },
});

describe("aws bus by itself, and when the service fails", () => {
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });
  const entry = (ErrorCode?: string) =>
    success({
      FailedEntryCount: ErrorCode ? 1 : 0,
      Entries: [ErrorCode ? { ErrorCode, ErrorMessage: "no" } : { EventId: "1" }],
    });
  async function publish(...answers: readonly [Answer, ...Answer[]]) {
    const service = await scripted(...answers);
    closing.push(service.close);
    const client = new EventBridgeClient({
      ...emulator,
      ...clientSettings(),
      endpoint: service.endpoint,
    });
    const port = bus({ name: "facts", location: "facts", source, client });
    const code = await refusal(port.publish({ type: "order.paid", data: {} }));
    return { code, calls: service.asked.length };
  }

  it.each([
    ["ThrottlingException", "throttled", 4],
    ["InternalException", "unavailable", 4],
    ["MalformedDetail", "invalid", 1],
    ["AccessDeniedException", "denied", 1],
  ])("answers an entry that failed for %s with the code %s after %s calls", async (...row) => {
    const [name, code, calls] = row;
    expect(await publish(entry(name))).toEqual({ code, calls });
  });

  it("answers once an entry was taken after a failure that has passed", async () => {
    const answers = [entry("InternalException"), entry("ThrottlingException"), entry()] as const;
    expect(await publish(...answers)).toEqual({ code: "nothing refused", calls: 3 });
  });

  it("answers a call that was refused with its code", async () => {
    expect((await publish(failure("AccessDeniedException"))).code).toBe("denied");
    expect((await publish(failure("ResourceNotFoundException"))).code).toBe("unavailable");
  });

  it("needs to put events on its bus, and nothing else", async () => {
    const events = new EventBridgeClient(emulator);
    const sqs = new SQSClient(emulator);
    closing.push(() => events.destroy());
    closing.push(() => sqs.destroy());
    const { location } = await createBus({ events, sqs });
    const resource = `arn:aws:events:${emulator.region}:123456789012:event-bus/${location}`;
    const seen = recorder();
    const client = seen.plugin(new EventBridgeClient(emulator));
    closing.push(() => client.destroy());
    for (const one of [location, resource])
      await bus({ name: "facts", location: one, source, client }).publish({ type: "a", data: 1 });
    expect(seen.calls()).toEqual([{ action: "events:PutEvents", resource }]);
  });
});
