import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gateway } from "../../../local/gateway/gateway.ts";
import { proxy, type Upstream, type Upstreams } from "../../../local/gateway/proxy.ts";
import { RecentRequests } from "../../../local/gateway/requests.ts";
import { type UpgradeOptions, upgrades } from "../../../local/gateway/upgrades.ts";
import { listen } from "../../../local/listen.ts";
import { guard } from "../../../runtime/http/guard.ts";
import { parseRoute, type Route } from "../../../spec/index.ts";

/** A server in the place of a replica. */
export interface FakeReplica extends Upstream {
  readonly server: Server;
  readonly port: number;
  inFlight: number;
  /** What it was asked. */
  readonly asked: IncomingMessage[];
  close(): void;
}

export async function fakeReplica(listener: RequestListener): Promise<FakeReplica> {
  const asked: IncomingMessage[] = [];
  const server = createServer((incoming, outgoing) => {
    asked.push(incoming);
    listener(incoming, outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const replica: FakeReplica = {
    server,
    asked,
    port: (server.address() as AddressInfo).port,
    inFlight: 0,
    begin() {
      replica.inFlight += 1;
      return () => {
        replica.inFlight -= 1;
      };
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return replica;
}

/** A port where nobody listens. */
export async function deadReplica(): Promise<FakeReplica> {
  const replica = await fakeReplica(() => {});
  await new Promise<void>((resolve) => replica.server.close(() => resolve()));
  return replica;
}

/** In the order given: the first that was not tried. */
export const inOrder = (replicas: readonly Upstream[], why?: string): Upstreams => ({
  pick: (except) => replicas.find((one) => !except?.has(one)),
  reason: () => why,
});

/** A gateway that leads all of `/asked` to replicas, and upgrades where `sockets` says. */
export async function gatewayTo(
  upstreams: Upstreams,
  sockets?: Omit<UpgradeOptions, "paths"> & { readonly paths?: UpgradeOptions["paths"] },
) {
  const listening = await listen(0);
  const faults: unknown[] = [];
  const led = upgrades({ paths: new Map([["/live", upstreams]]), ...sockets });
  const handler = guard(proxy(upstreams), {
    auth: "none",
    maxBodyBytes: 16 * 1_048_576,
    lengthIsChecked: true,
    headersAreSet: true,
  });
  listening.serve(
    gateway({
      routes: [
        {
          route: parseRoute("ANY /asked") as Route,
          workload: "asked",
          handler,
          throttle: { perSecond: 10_000, burst: 10_000 },
        },
      ],
      requests: new RecentRequests(),
      own: () => undefined,
      onFault: (_, error) => faults.push(error),
    }),
    led,
  );
  return { ...listening, faults, sockets: led };
}
