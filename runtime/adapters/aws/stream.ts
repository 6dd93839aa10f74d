import { KinesisClient, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { Stream } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { checkRecords, type RecordText } from "../limits.ts";
import { clientSettings, lazy } from "./client.ts";
import { answerOf, kmsCodes, whileInTheWay } from "./errors.ts";
import { entryError, isPassing } from "./partial.ts";

const shared = lazy(() => {
  const { requestHandler, ...settings } = clientSettings();
  // Kinesis' client alone speaks HTTP/2 unless told otherwise, which emulators do not.
  return new KinesisClient({ ...settings, requestHandler: new NodeHttpHandler(requestHandler) });
});

/** Tries of the records that a call did not take: with their waits, 1.4 s at the longest. */
const tries = 6;

/**
 * Appends to a Kinesis data stream. PutRecords keeps no order among the records of one call, nor
 * stops at one that fails, so a call holds at most one record of a key: records of as many keys
 * travel together, those of one key one after the other. Needs kinesis:PutRecords.
 * @param options.name the channel's, for messages
 * @param options.location the stream's name
 * @param options.client default: one of this process, made at its first use
 */
export function stream(options: {
  readonly name: string;
  readonly location: string;
  readonly client?: KinesisClient;
}): Stream {
  const { name, location: StreamName } = options;
  const client = () => options.client ?? shared();
  const fault = faultsOf("stream", name);

  async function putAll(records: readonly RecordText[]): Promise<void> {
    let left = records;
    const put = async () => {
      const Records = left.map(({ key, text }) => ({
        PartitionKey: key,
        Data: new TextEncoder().encode(text),
      }));
      const command = new PutRecordsCommand({ StreamName, Records });
      const answers = (await client().send(command)).Records ?? [];
      const failed = answers.find((answer) => answer.ErrorCode);
      left = left.filter((_, index) => answers[index]?.ErrorCode);
      if (failed) throw entryError(failed);
    };
    await answerOf(fault, whileInTheWay(isPassing, put, tries), kmsCodes);
  }

  return {
    async put(records) {
      for (const round of roundsOf(checkRecords(fault, records))) await putAll(round);
    },
  };
}

/** The first record of each key, then the second of each, and so on. */
export function roundsOf<T extends { readonly key: string }>(records: readonly T[]): T[][] {
  const seen = new Map<string, number>();
  const rounds: T[][] = [];
  for (const record of records) {
    const round = seen.get(record.key) ?? 0;
    seen.set(record.key, round + 1);
    rounds[round] ??= [];
    rounds[round].push(record);
  }
  return rounds;
}
