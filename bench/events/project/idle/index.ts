import type { MessageHandler } from "../../../../runtime/ports/index.ts";

export const create = (): MessageHandler => async () => {};
