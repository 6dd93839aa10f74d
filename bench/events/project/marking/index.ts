import type { MessageHandler } from "../../../../runtime/ports/index.ts";
import type { PortsOfSystem } from "../../../../runtime/ports-of.ts";
import type { system } from "../system.ts";

export const create =
  ({ marks }: PortsOfSystem<typeof system, "marking">): MessageHandler =>
  async ({ id }) => {
    await marks.once(id, (writes) => writes.put({ pk: id, sk: "MARK" }, { id }));
  };
