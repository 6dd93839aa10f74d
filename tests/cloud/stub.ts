import { zipSync } from "fflate";
import type { Json } from "../../runtime/ports/index.ts";
import { emulator } from "../contract/aws/emulator.ts";
import type { Cloud } from "./cloud.ts";
import { account, region } from "./program.ts";

const signed = (service: string) =>
  `AWS4-HMAC-SHA256 Credential=test/20261121/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`;

async function post(path: string, service: string, type: string, body: string): Promise<void> {
  const answer = await fetch(emulator.endpoint + path, {
    method: "POST",
    headers: { "content-type": type, authorization: signed(service) },
    body,
  });
  if (!answer.ok)
    throw new Error(`moto: ${path} answered ${answer.status}: ${await answer.text()}`);
}
const postJson = (path: string, body: object, service = "lambda") =>
  post(path, service, "application/json", JSON.stringify(body));

/**
 * Gives moto a function with the name that the graph's has, for its state machines: it runs no
 * code, and returns what it is told to, one after the other.
 */
export async function stubFunction(
  cloud: Cloud,
  workload: string,
  results: readonly (Json | undefined)[],
): Promise<void> {
  const { name } = cloud.resource(workload).inputs;
  await postJson("/moto-api/config", { lambda: { use_docker: false } });
  const role = new URLSearchParams({
    Action: "CreateRole",
    Version: "2010-05-08",
    RoleName: name,
    AssumeRolePolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: [] }),
  });
  await post("/", "iam", "application/x-www-form-urlencoded", String(role));
  await postJson("/2015-03-31/functions", {
    FunctionName: name,
    Runtime: "nodejs22.x",
    Role: `arn:aws:iam::${account}:role/${name}`,
    Handler: "index.handler",
    Code: { ZipFile: Buffer.from(zipSync({ "index.mjs": Buffer.alloc(0) })).toString("base64") },
  });
  await postJson("/moto-api/static/lambda-simple/response", {
    account_id: account,
    region,
    results: results.map((result) => JSON.stringify(result ?? null)),
  });
}
