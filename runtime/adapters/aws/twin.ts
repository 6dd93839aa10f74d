import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import type { ErrorCode } from "../../ports/index.ts";
import type { FunctionTwin } from "../../ports/twin.ts";
import { faultsOf } from "../faults.ts";
import { checkPayload, waitEnded } from "../payload-limit.ts";
import { clientSettings, lazy } from "./client.ts";
import { portError } from "./errors.ts";

/**
 * Never tried again: a call whose answer was lost may have been done. As many connections as calls
 * at a time, where the SDK's default is 50.
 */
const settings = () => {
  const { requestHandler } = clientSettings(30_000);
  const agent = { maxSockets: 1_000, keepAlive: true };
  return {
    ...clientSettings(30_000),
    maxAttempts: 1,
    requestHandler: { ...requestHandler, httpsAgent: agent, httpAgent: agent },
  };
};
const shared = lazy(() => new LambdaClient(settings()));

/** What Lambda answers before the code is begun (API reference, "Invoke", read 2026-11). */
const notBegun: Readonly<Record<string, ErrorCode>> = {
  RequestTooLargeException: "too-large",
  EC2ThrottledException: "throttled",
  ENILimitReachedException: "throttled",
  SubnetIPAddressLimitReachedException: "throttled",
  ResourceConflictException: "throttled",
  ResourceNotFoundException: "throttled",
  ResourceNotReadyException: "throttled",
};
/** The service was not reached at all. */
const notReached = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"];

/**
 * A container's twin as a Lambda function, called by IAM. Needs lambda:InvokeFunction on it.
 * @param options.location the function's ARN, with its alias or version where it is called by one
 * @param options.client default: one of this process, made at its first use; one that is given
 *   must not try again by itself
 */
export function twin(options: {
  readonly name: string;
  readonly location: string;
  readonly client?: LambdaClient;
}): FunctionTwin {
  const { name, location: FunctionName } = options;
  const client = () => options.client ?? shared();
  const fault = faultsOf("twin", name);
  return {
    async invoke(payload, { timeoutMs, signal }) {
      checkPayload(fault, payload);
      const clock = AbortSignal.timeout(Math.max(0, Math.ceil(timeoutMs)));
      const abortSignal = signal ? AbortSignal.any([signal, clock]) : clock;
      const command = new InvokeCommand({
        FunctionName,
        InvocationType: "RequestResponse",
        Payload: Buffer.from(payload),
      });
      const { FunctionError, Payload } = await client()
        .send(command, { abortSignal })
        .catch((error) => {
          if (abortSignal.aborted) throw waitEnded(fault, abortSignal);
          if (notReached.includes(error?.code))
            throw fault("throttled", "the service was not reached; try again later", error);
          throw portError(fault, error, notBegun);
        });
      if (FunctionError !== undefined)
        throw fault("unavailable", `the function failed (${FunctionError}); look at its log`);
      return Buffer.from(Payload ?? new Uint8Array()).toString("utf8");
    },
  };
}
