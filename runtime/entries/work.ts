import type { Feed } from "../../spec/index.ts";
import type {
  JobHandler,
  Message,
  MessageHandler,
  ObjectHandler,
  ObjectStored,
  ScheduleHandler,
} from "../ports/index.ts";
import { PortError } from "../ports/index.ts";
import { outcomeOf } from "./outcome.ts";
import { translate } from "./translate.ts";

/** What a workload that a queue starts returns from `create`. */
export type EventHandler = MessageHandler | JobHandler | ObjectHandler | ScheduleHandler;

/** Works on one message; what it throws is for `outcomeOf`. */
export type Work = (message: Message, signal: AbortSignal) => Promise<void>;

/**
 * A handler as something that takes messages: translates the body, and calls the handler with what
 * its kind asks for, once for each event in it.
 * @param feed what puts messages into the queue; with it the handler's kind is given
 */
export function workOf(handler: EventHandler, feed: Feed): Work {
  const call = callerOf(handler, feed);
  return async (message, signal) => {
    const translated = translate(feed, message.body);
    if ("refused" in translated)
      throw new PortError("invalid", `message ${message.id}: ${translated.refused}`);
    const { events, unread } = translated;
    const failed: unknown[] = [];
    if (unread !== undefined)
      failed.push(new PortError("invalid", `message ${message.id}: ${unread}`));
    for (const [index, body] of events.entries()) {
      // Several events in one message: each has an id, the same at each delivery.
      const id = index === 0 ? message.id : `${message.id}#${index}`;
      try {
        await call({ ...message, id, body }, signal);
      } catch (error) {
        failed.push(error);
      }
    }
    // Set aside only when nothing else in it can still be helped by a retry.
    if (failed.length > 0) throw failed.find((error) => outcomeOf(error) === "retry") ?? failed[0];
  };
}

function callerOf(handler: EventHandler, feed: Feed): Work {
  switch (feed) {
    case "objects":
      return ({ body, id, receives }) =>
        (handler as ObjectHandler)(body as unknown as ObjectStored, { id, receives });
    case "schedule":
      return ({ body, id, receives }) =>
        (handler as ScheduleHandler)(
          { scheduledAt: new Date((body as { readonly scheduledAt: string }).scheduledAt) },
          { id, receives },
        );
    default:
      return (message, signal) => (handler as JobHandler)(message, { signal });
  }
}
