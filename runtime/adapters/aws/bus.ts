import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import type { Bus } from "../../ports/index.ts";
import { published } from "../events.ts";
import { faultsOf } from "../faults.ts";
import { clientSettings, lazy } from "./client.ts";
import { answerOf, whileInTheWay } from "./errors.ts";
import { entryError, isPassing } from "./partial.ts";

const shared = lazy(() => new EventBridgeClient(clientSettings()));

/**
 * Publishes to an EventBridge bus: `source` is the system's name, `detail-type` the event's type,
 * `detail` its id and data. Needs events:PutEvents.
 * @param options.name the channel's, for messages
 * @param options.location the bus's name or ARN
 * @param options.source name of the system
 * @param options.client default: one of this process, made at its first use
 */
export function bus(options: {
  readonly name: string;
  readonly location: string;
  readonly source: string;
  readonly client?: EventBridgeClient;
}): Bus {
  const { name, location: EventBusName, source } = options;
  const client = () => options.client ?? shared();
  const fault = faultsOf("bus", name);
  return {
    async publish(event) {
      const { envelope } = published(fault, source, event);
      const { id, type, at, data } = envelope;
      const Detail = JSON.stringify({ id, data });
      const entry = { EventBusName, Source: source, DetailType: type, Detail, Time: new Date(at) };
      // The call succeeds where its entry fails, so that the SDK does not try again.
      const put = async () => {
        const { Entries } = await client().send(new PutEventsCommand({ Entries: [entry] }));
        const [answer] = Entries ?? [];
        if (answer?.ErrorCode) throw entryError(answer);
      };
      await answerOf(fault, whileInTheWay(isPassing, put, 4), {
        MalformedDetail: "invalid",
        InvalidArgument: "invalid",
      });
      return { id };
    },
  };
}
