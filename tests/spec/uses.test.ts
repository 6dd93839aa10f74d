import { describe, expect, test } from "vitest";
import { api, chat, defineSystem, http, mailer, secretOf, secretsOf } from "../../spec/index.ts";

const load = { perDay: 1, shape: "rare", ms: { p50: 1, p99: 2 }, memoryMb: 128 } as const;
const common = { auth: "none", load } as const;
const system = defineSystem({
  name: "s",
  services: {
    team: chat({ webhook: "team-url" }),
    bank: api({ url: "https://bank.example", secret: "bank-key" }),
    weather: api({ url: "https://weather.example" }),
    post: mailer({ from: "a@example.com" }),
  },
  secrets: ["team-url", "bank-key", "own", "idle"],
  workloads: {
    posts: http({
      ...common,
      code: "functions/posts",
      routes: ["POST /posts"],
      uses: { team: "post", secrets: ["own", "team-url"] },
    }),
    pays: http({
      ...common,
      code: "functions/pays",
      routes: ["POST /payments"],
      uses: { bank: "call", weather: "call", post: "send" },
    }),
    rests: http({ ...common, code: "functions/rests", routes: ["GET /rests"] }),
  },
});

describe("the secrets of workloads", () => {
  test("are those that they name and those behind their services, each once", () => {
    expect(secretsOf(system, ["posts"])).toEqual(["team-url", "own"]);
    expect(secretsOf(system, ["pays"])).toEqual(["bank-key"]);
    expect(secretsOf(system, ["posts", "pays", "rests"])).toEqual(["team-url", "own", "bank-key"]);
  });

  test("a service without one has none", () => {
    expect(secretOf(system, { kind: "api", name: "weather" })).toBeUndefined();
    expect(secretOf(system, { kind: "mailer", name: "post" })).toBeUndefined();
  });
});
