import { Channels } from "../../../components/aws/Channels.ts";
import { DataStores } from "../../../components/aws/DataStores.ts";
import { deploymentOf } from "../../../components/aws/deployment.ts";
import { EventPipeline } from "../../../components/aws/EventPipeline.ts";
import { ServerlessEdge } from "../../../components/aws/ServerlessEdge.ts";
import { UserPool } from "../../../components/aws/UserPool.ts";
import { hasCode } from "../../../components/shared/bundling.ts";
import { placeAll } from "../../../planner/index.ts";
import { usesOf } from "../../../spec/index.ts";
import { awsInvoke, type MockOptions, runUnderMocks } from "../harness.ts";
import { code, system } from "./fixtures.ts";

const all = deploymentOf(system, placeAll(system), (name) => hasCode(system, name));
const inside = (name: string) =>
  usesOf(system, name).find(({ kind }) => kind === "sql" || kind === "cache");
const without = (names: readonly string[]) => names.filter((name) => !inside(name));

/**
 * What of storefront goes to AWS, where the planner places it; without those that use a database or
 * a cache, which are inside a network, and asked for by protocols of their own.
 */
export const deployment = {
  functions: without(all.functions),
  workers: without(all.workers),
  left: [
    ...all.left,
    ...[...all.functions, ...all.workers, ...all.servers].filter(inside).map((name) => ({
      name,
      because: `it uses ${inside(name)?.kind} in a network, which the emulator has not`,
    })),
  ],
};

/**
 * All of storefront that is deployed, its components put together as the program does; code that is
 * none in the place of bundles.
 * @param options.stack a name of its own gives physical names of their own
 */
export const wholeStorefront = ({
  stack = "dev",
  ...mocked
}: Pick<MockOptions, "outputs" | "invoke" | "stack"> = {}) => {
  const { functions, workers } = deployment;
  const deployed = [...functions, ...workers];
  const ofKind = (...kinds: readonly string[]) =>
    deployed.filter((name) =>
      kinds.includes(system.workloads[name as keyof typeof system.workloads].kind),
    );
  const made = { system, workloads: deployed };
  const hosting = {
    system,
    artefacts: Object.fromEntries(functions.map((name) => [name, code])),
    placements: Object.fromEntries(placeAll(system).map((placed) => [placed.name, placed])),
  };
  const secrets = Object.fromEntries(system.secrets.map((name) => [name, "hush"]));
  return runUnderMocks(
    () => {
      const data = new DataStores("stores", { ...made, secrets });
      const channels = new Channels("channels", { ...made, stores: data.bindings });
      const stores = { ...data.bindings, ...channels.bindings };
      const users = new UserPool("users", {
        ...hosting,
        workloads: ofKind("onIdentity"),
        stores,
      });
      const edge = new ServerlessEdge("edge", {
        ...hosting,
        workloads: ofKind("http"),
        stores,
        userPool: users,
      });
      return new EventPipeline("events", {
        ...hosting,
        workloads: ofKind("onMessage", "onObject", "onSchedule", "job", "workflow"),
        stores: { ...stores, ...edge.bindings },
      });
    },
    { project: "shop", stack, invoke: awsInvoke, ...mocked },
  );
};
