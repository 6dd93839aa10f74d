import { randomUUID } from "node:crypto";
import { startWorkflowRunner, type WorkflowRunner } from "../../../local/workflow-runner.ts";
import { workflow } from "../../../runtime/adapters/local/workflow.ts";
import { workflowContract } from "../suites/workflow.ts";
import { temporaryDatabase } from "./database.ts";

workflowContract("local workflow", {
  reasons: true,
  retries: true,
  async start() {
    const { pool, stop } = await temporaryDatabase();
    const runners: WorkflowRunner[] = [];
    return {
      async make(saga, steps) {
        const name = `saga-${randomUUID()}`;
        runners.push(
          startWorkflowRunner({ name, workflow: saga, steps, pool, onTrouble: () => {} }),
        );
        return workflow({ name, pool });
      },
      async close() {
        await Promise.all(runners.map((runner) => runner.stop()));
        await stop();
      },
    };
  },
});
