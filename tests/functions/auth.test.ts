import { describe, expect, test, vi } from "vitest";
import { create } from "../../functions/auth/index.ts";
import { type ErrorCode, type Identity, PortError } from "../../runtime/ports/index.ts";
import { contextOf, jsonRequest } from "./fakes.ts";

const tokens = { accessToken: "a", idToken: "i", refreshToken: "r", expiresIn: 3600 };
const challenge = { challenge: "CUSTOM_CHALLENGE", session: "s", parameters: {} };
const ann = { email: "ann@shop.example", password: "correct horse" };

/** An identity that answers well, or fails with one code in one method. */
function setup(fails: Partial<Record<keyof Identity, ErrorCode>> = {}) {
  const answers = {
    signUp: { userId: "u-1", confirmed: false },
    confirm: undefined,
    resend: undefined,
    signIn: (input: object) => ("password" in input ? tokens : challenge),
    answer: tokens,
    refresh: tokens,
    signOut: undefined,
  };
  const calls: [string, unknown][] = [];
  const identity = Object.fromEntries(
    Object.entries(answers).map(([method, answer]) => [
      method,
      async (input: object) => {
        calls.push([method, input]);
        const code = fails[method as keyof Identity];
        if (code) throw new PortError(code, "identity: not from this place");
        return typeof answer === "function" ? answer(input) : answer;
      },
    ]),
  ) as unknown as Identity;
  const app = create({ identity });
  const post = async (action: string, body: unknown, headers?: Record<string, string>) => {
    const response = await app.fetch(
      jsonRequest(`/api/auth/${action}`, body, headers),
      contextOf(),
    );
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: () => JSON.parse(text),
    };
  };
  return { calls, post };
}

describe("the way of a user", () => {
  test("sign-up answers 201 with the user", async () => {
    const { calls, post } = setup();
    const answer = await post("sign-up", { ...ann, email: " Ann@Shop.example " });
    expect(answer).toMatchObject({ status: 201 });
    expect(answer.json()).toEqual({ userId: "u-1", confirmed: false });
    expect(calls).toEqual([["signUp", ann]]);
  });

  test("confirm and resend answer 204", async () => {
    const { calls, post } = setup();
    expect((await post("confirm", { email: ann.email, code: "123456" })).status).toBe(204);
    expect((await post("resend", { email: ann.email })).status).toBe(204);
    expect(calls.map(([method]) => method)).toEqual(["confirm", "resend"]);
  });

  test("sign-in, answer and refresh answer with tokens", async () => {
    const { post } = setup();
    const answers = await Promise.all([
      post("sign-in", ann),
      post("answer", {
        email: ann.email,
        challenge: "CUSTOM_CHALLENGE",
        session: "s",
        answer: "1",
      }),
      post("refresh", { refreshToken: "r" }),
    ]);
    expect(answers.map((one) => [one.status, one.json()])).toEqual(
      answers.map(() => [200, tokens]),
    );
  });

  test("sign-in without a password starts the challenge", async () => {
    const answer = await setup().post("sign-in", { email: ann.email });
    expect([answer.status, answer.json()]).toEqual([200, challenge]);
  });

  test("sign-out ends the session of the bearer", async () => {
    const { calls, post } = setup();
    const answer = await post("sign-out", {}, { authorization: "Bearer abc" });
    expect(answer.status).toBe(204);
    expect(calls).toEqual([["signOut", { accessToken: "abc" }]]);
  });

  test("sign-out without a token is a 401", async () => {
    const { calls, post } = setup();
    const answer = await post("sign-out", {});
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    expect(calls).toEqual([]);
  });

  test("another action is a 404", async () => {
    expect((await setup().post("delete-everyone", {})).status).toBe(404);
  });
});

describe("what the issuer refuses", () => {
  test.each<[string, unknown, keyof Identity, ErrorCode, number]>([
    ["sign-up", ann, "signUp", "conflict", 409],
    ["sign-up", ann, "signUp", "invalid", 400],
    ["sign-up", ann, "signUp", "throttled", 429],
    ["confirm", { email: ann.email, code: "123456" }, "confirm", "invalid", 400],
    ["sign-in", ann, "signIn", "denied", 401],
    ["sign-in", ann, "signIn", "conflict", 409],
    ["sign-in", ann, "signIn", "throttled", 429],
    [
      "answer",
      { email: ann.email, challenge: "CUSTOM_CHALLENGE", session: "s", answer: "1" },
      "answer",
      "denied",
      401,
    ],
    ["refresh", { refreshToken: "r" }, "refresh", "denied", 401],
  ])("%s with %j: %s %s is a %i", async (action, body, method, code, status) => {
    const answer = await setup({ [method]: code }).post(action, body);
    expect(answer.status).toBe(status);
    expect(answer.text).not.toContain("not from this place");
  });

  test("is a 503 where the issuer cannot be reached", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    expect((await setup({ signIn: "unavailable" }).post("sign-in", ann)).status).toBe(503);
    const resend = await setup({ resend: "unavailable" }).post("resend", { email: ann.email });
    expect(resend.status).toBe(503);
  });

  test.each([
    ["as a hook throws it", "Not from here; sorry."],
    ["as an adapter wraps it", 'identity "users": Not from here; sorry.; use another'],
  ])("sign-up passes a hook's words on, %s", async (_, message) => {
    const refuse = async () => {
      throw new PortError("denied", message);
    };
    const app = create({ identity: { signUp: refuse } as unknown as Identity });
    const answer = await app.fetch(jsonRequest("/api/auth/sign-up", ann), contextOf());
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ code: "denied", detail: "Not from here; sorry." });
  });

  test("sign-out of an ended session is a 401", async () => {
    const answer = await setup({ signOut: "denied" }).post(
      "sign-out",
      {},
      { authorization: "Bearer x" },
    );
    expect(answer.status).toBe(401);
  });
});

describe("whether somebody has an account", () => {
  test("does not show at sign-in", async () => {
    const [unknown, wrong] = await Promise.all([
      setup({ signIn: "not-found" }).post("sign-in", ann),
      setup({ signIn: "denied" }).post("sign-in", ann),
    ]);
    expect([unknown.status, unknown.text]).toEqual([wrong.status, wrong.text]);
  });

  test.each(["not-found", "invalid", "conflict", "denied"] as const)(
    "does not show at resend, where the issuer says %s",
    async (code) => {
      expect((await setup({ resend: code }).post("resend", { email: ann.email })).status).toBe(204);
    },
  );

  test("does not show at confirm", async () => {
    const body = { email: ann.email, code: "123456" };
    const [unknown, wrong] = await Promise.all([
      setup({ confirm: "not-found" }).post("confirm", body),
      setup({ confirm: "invalid" }).post("confirm", body),
    ]);
    expect([unknown.status, unknown.text]).toEqual([wrong.status, wrong.text]);
  });
});

describe("a body that does not fit", () => {
  test.each<[string, string, unknown]>([
    ["sign-up", "email", { ...ann, email: "ann" }],
    ["sign-up", "password", { email: ann.email }],
    ["sign-up", "password", { ...ann, password: "" }],
    ["sign-up", "admin", { ...ann, admin: true }],
    ["confirm", "code", { email: ann.email, code: "abc" }],
    ["resend", "email", {}],
    ["sign-in", "password", { ...ann, password: 7 }],
    ["answer", "session", { email: ann.email, challenge: "C", answer: "1" }],
    ["refresh", "refreshToken", {}],
  ])("of %s is a 400 that names %s", async (action, field, body) => {
    const { calls, post } = setup();
    const answer = await post(action, body);
    expect(answer.status).toBe(400);
    const { errors } = answer.json() as { errors: { field: string }[] };
    expect(errors.map((error) => error.field)).toContain(field);
    expect(calls).toEqual([]);
  });
});
