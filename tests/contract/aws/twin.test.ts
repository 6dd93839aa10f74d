import { LambdaClient } from "@aws-sdk/client-lambda";
import { afterEach, describe, expect, it, vi } from "vitest";
import { twin } from "../../../runtime/adapters/aws/twin.ts";
import { recorder } from "../recording.ts";
import { refusal } from "../suites/refusal.ts";
import { type Behaviour, twinContract } from "../suites/twin.ts";
import { emulator } from "./emulator.ts";
import { echoing } from "./lambda-service.ts";
import { type Answer, failure, scripted } from "./scripted.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const close of closing.splice(0)) await close();
});
const location = "arn:aws:lambda:us-east-1:123456789012:function:api";
const clientOf = (endpoint: string) => new LambdaClient({ ...emulator, endpoint, maxAttempts: 1 });

async function twinBefore(answer: Answer) {
  const service = await scripted(answer);
  closing.push(service.close);
  return {
    twin: twin({ name: "api", location, client: clientOf(service.endpoint) }),
    calls: () => service.asked.length,
    asked: service.asked,
  };
}

const failed = (errorType: string): Answer => ({
  status: 200,
  body: { errorType, errorMessage: "secret" },
  headers: { "x-amz-function-error": "Unhandled" },
});
const behaviours: Readonly<Record<Exclude<Behaviour, "echo">, Answer>> = {
  fail: failed("TypeError"),
  huge: failed("Function.ResponseSizeTooLarge"),
  hang: undefined,
  busy: failure("TooManyRequestsException", 429, {
    Reason: "ReservedFunctionConcurrentInvocationLimitExceeded",
  }),
};

// No emulator runs a function's code without Docker: the client is real, the service scripted.
twinContract("aws", async (does) => {
  if (does !== "echo") return twinBefore(behaviours[does]);
  const service = await echoing();
  closing.push(service.close);
  return {
    twin: twin({ name: "api", location, client: clientOf(service.endpoint) }),
    calls: service.calls,
  };
});

describe("aws twin", () => {
  const options = { timeoutMs: 5_000 };

  it.each([
    ["EC2ThrottledException", 502, "throttled"],
    ["ENILimitReachedException", 502, "throttled"],
    ["ResourceConflictException", 409, "throttled"],
    ["ResourceNotFoundException", 404, "throttled"],
    ["RequestTooLargeException", 413, "too-large"],
    ["AccessDeniedException", 403, "denied"],
    ["InvalidRequestContentException", 400, "invalid"],
    ["ServiceException", 500, "unavailable"],
    ["SomethingNew", 503, "unavailable"],
  ])("answers %s (%s) with the code %s, after one try", async (type, status, code) => {
    const one = await twinBefore(failure(type, status));
    expect(await refusal(one.twin.invoke("{}", options))).toBe(code);
    expect(one.calls()).toBe(1);
  });

  it("knows that a service that it has not reached has not begun", async () => {
    const service = await scripted(undefined);
    await service.close();
    const one = twin({ name: "api", location, client: clientOf(service.endpoint) });
    expect(await refusal(one.invoke("{}", options))).toBe("throttled");
  });

  it("says what failed, and keeps the function's words to its log", async () => {
    const one = await twinBefore(failed("TypeError"));
    await expect(one.twin.invoke("{}", options)).rejects.toThrow(
      'twin "api": the function failed (Unhandled); look at its log',
    );
  });

  it("calls the function and waits, with the one permission that it needs", async () => {
    const service = await echoing();
    closing.push(service.close);
    const record = recorder();
    const client = record.plugin(clientOf(service.endpoint));
    await twin({ name: "api", location, client }).invoke("{}", options);
    expect(record.calls()).toEqual([{ action: "lambda:InvokeFunction", resource: location }]);
    expect(service.types()).toEqual(["RequestResponse"]);
  });

  it("makes a client at the first use, which never tries again by itself", async () => {
    const service = await scripted(failure("ServiceException", 500));
    closing.push(service.close);
    vi.stubEnv("AWS_ENDPOINT_URL", service.endpoint);
    vi.stubEnv("AWS_REGION", emulator.region);
    vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
    const one = twin({ name: "api", location });
    expect(await refusal(one.invoke("{}", options))).toBe("unavailable");
    expect(service.asked).toHaveLength(1);
  });
});
