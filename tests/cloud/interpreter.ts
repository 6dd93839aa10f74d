import { CreateStateMachineCommand, SFNClient } from "@aws-sdk/client-sfn";
import { zipSync } from "fflate";
import type { Json } from "../../runtime/ports/index.ts";
import { startMoto } from "../../tools/moto.ts";
import { emulator } from "../contract/aws/emulator.ts";
import type { Cloud } from "./cloud.ts";
import { account, region } from "./program.ts";

/**
 * A moto that executes the graph's state machine. The machine's function runs no code there: it
 * returns what it is told to, one after the other. One of its own, since what moto lists of itself
 * fails where it has a function and no Docker.
 */
export async function startInterpreter(
  cloud: Cloud,
  workload: string,
  results: readonly (Json | undefined)[],
): Promise<{ readonly sfn: SFNClient; close(): Promise<void> }> {
  const moto = await startMoto();
  const post = async (path: string, service: string, body: object | URLSearchParams) => {
    const isForm = body instanceof URLSearchParams;
    const scope = `test/20261121/${region}/${service}/aws4_request`;
    const answer = await fetch(moto.url + path, {
      method: "POST",
      headers: {
        "content-type": isForm ? "application/x-www-form-urlencoded" : "application/json",
        authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
      },
      body: isForm ? String(body) : JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`moto: ${path} answered ${answer.status}`);
  };
  const { name } = cloud.resource(workload).inputs;
  await post("/moto-api/config", "moto", {
    stepfunctions: { execute_state_machine: true },
    lambda: { use_docker: false },
  });
  const role = {
    Action: "CreateRole",
    Version: "2010-05-08",
    RoleName: name,
    AssumeRolePolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: [] }),
  };
  await post("/", "iam", new URLSearchParams(role));
  await post("/2015-03-31/functions", "lambda", {
    FunctionName: name,
    Runtime: "nodejs22.x",
    Role: `arn:aws:iam::${account}:role/${name}`,
    Handler: "index.handler",
    Code: { ZipFile: Buffer.from(zipSync({ "index.mjs": Buffer.alloc(0) })).toString("base64") },
  });
  await post("/moto-api/static/lambda-simple/response", "moto", {
    account_id: account,
    region,
    results: results.map((result) => JSON.stringify(result ?? null)),
  });

  const sfn = new SFNClient({ ...emulator, endpoint: moto.url, region });
  const { inputs } = cloud.graph.find("aws:sfn/stateMachine:StateMachine");
  const { name: machine, definition, roleArn } = inputs;
  await sfn.send(new CreateStateMachineCommand({ name: machine, definition, roleArn }));
  return {
    sfn,
    async close() {
      sfn.destroy();
      await moto.stop();
    },
  };
}
