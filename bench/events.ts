import { memory } from "./events/memory.ts";
import { queue } from "./events/queue.ts";
import { thumbnails } from "./events/thumbnails.ts";
import type { Bench } from "./result.ts";

/** What the event side costs: thumbnails against the bare image library, queues against bare pg-boss. */
export const parts: Readonly<Record<string, Bench>> = { thumbnails, memory, queue };
