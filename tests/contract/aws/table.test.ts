import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { table } from "../../../runtime/adapters/aws/table.ts";
import { tableContract } from "../suites/table.ts";
import { emulator } from "./emulator.ts";
import { createTable } from "./resources.ts";

tableContract("aws table", {
  async make() {
    const client = new DynamoDBClient(emulator);
    return {
      table: table({ name: "catalog", location: await createTable(client), client }),
      close: async () => client.destroy(),
    };
  },
});
