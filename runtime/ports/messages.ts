import type { Message } from "./queue.ts";

/**
 * What a workload of kind onMessage returns from `create`. To return is to be done with the
 * message. PortError "invalid" and "too-large": no retry can help, it goes to the dead letters at
 * once. Any other error: it is delivered again.
 */
export type MessageHandler = (message: Message) => Promise<void>;
