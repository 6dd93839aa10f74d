import type { Channel } from "./channels.ts";
import type { Native } from "./natives.ts";
import type { Service } from "./services.ts";
import type { Store } from "./stores.ts";
import type { Workload } from "./workloads.ts";

export type Named<T> = Readonly<Record<string, T>>;

/** A system as its consumers see it: the planner, the components, the local host. */
export interface System {
  readonly name: string;
  readonly stores: Named<Store>;
  readonly channels: Named<Channel>;
  readonly services: Named<Service>;
  readonly natives: Named<Native>;
  readonly secrets: readonly string[];
  readonly workloads: Named<Workload>;
}
