import { expect, test } from "vitest";
import { gatewayRoutes } from "../../../local/gateway/routes.ts";
import { defineSystem, edge, http } from "../../../spec/index.ts";

const load = { perDay: 1, shape: "rare", ms: { p50: 1, p99: 2 }, memoryMb: 128 } as const;
const systemOf = (route: string) =>
  defineSystem({
    name: "lab",
    services: { edge: edge({ throttle: { perSecond: 7, burst: 9 } }) },
    workloads: {
      own: http({
        code: "functions/own",
        routes: [route],
        auth: "none",
        throttle: { perSecond: 1, burst: 2 },
        load,
      }),
      edges: http({ code: "functions/edges", routes: ["GET /edges"], auth: "none", load }),
    },
  });

test.each(["GET /_spillway", "GET /_spillway/{rest+}", "GET /.well-known/jwks.json"])(
  "%s belongs to the host",
  (route) => {
    expect(() => gatewayRoutes(systemOf(route), new Map(), {})).toThrow(
      `workload "own": route "${route}" is where spillway start itself answers; choose another path`,
    );
  },
);

test("a route has its workload's throttle, else the edge's", () => {
  const system = systemOf("GET /_spill");
  const { edge } = system.services;
  expect(gatewayRoutes(system, new Map(), { edge }).map(({ throttle }) => throttle)).toEqual([
    { perSecond: 1, burst: 2 },
    { perSecond: 7, burst: 9 },
  ]);
});
