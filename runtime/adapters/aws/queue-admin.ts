import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type QueueAttributeName,
  ReceiveMessageCommand,
  SendMessageCommand,
  type Message as SqsMessage,
} from "@aws-sdk/client-sqs";
import type { DeadLetter, QueueAdmin } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { checkWhole } from "../limits.ts";
import { asJson, type Redrive, reasonAttribute, redriveOf } from "./dead-letters.ts";
import { answerOf } from "./errors.ts";
import { type QueueOptions, sharedSqs } from "./queue.ts";

const counts = {
  waiting: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"],
  active: ["ApproximateNumberOfMessagesNotVisible"],
} as const satisfies Record<string, readonly QueueAttributeName[]>;

// SQS cannot list: dead letters are received, hidden for as long as the look takes, and given back.
const lookSeconds = 30;
const maxLook = 1000;

/**
 * Looks after an SQS queue and its dead letters, of which it sees the first 1,000.
 * Needs sqs:GetQueueAttributes on both queues, sqs:SendMessage on the queue, and
 * sqs:ReceiveMessage, DeleteMessage and ChangeMessageVisibility on its dead-letter queue.
 */
export function queueAdmin(options: QueueOptions): QueueAdmin {
  const { name, location: QueueUrl } = options;
  const client = () => options.client ?? sharedSqs();
  const fault = faultsOf("queue", name);
  let known: Redrive | undefined;
  const deadUrl = async () => {
    known ??= await redriveOf(fault, client(), QueueUrl);
    return known.url;
  };

  const countOf = async (url: string, names: readonly QueueAttributeName[]) => {
    const command = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: [...names] });
    const { Attributes = {} } = await answerOf(fault, client().send(command));
    return names.reduce((sum, count) => sum + Number(Attributes[count] ?? 0), 0);
  };

  // One look at a time, since each hides what it sees from the others.
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(look: () => Promise<T>): Promise<T> => {
    const mine = turn.then(look, look);
    turn = mine.catch(() => undefined);
    return mine;
  };

  /** Receives all dead letters, lets `use` work with them, and gives back those it keeps. */
  const look = <T>(
    use: (found: readonly SqsMessage[], url: string) => Promise<{ value: T; gone?: SqsMessage }>,
  ): Promise<T> =>
    inTurn(async () => {
      const url = await deadUrl();
      const found: SqsMessage[] = [];
      let gone: SqsMessage | undefined;
      try {
        while (found.length < maxLook) {
          const command = new ReceiveMessageCommand({
            QueueUrl: url,
            MaxNumberOfMessages: 10,
            VisibilityTimeout: lookSeconds,
            WaitTimeSeconds: 1,
            MessageSystemAttributeNames: ["SentTimestamp"],
            MessageAttributeNames: [reasonAttribute],
          });
          const { Messages = [] } = await answerOf(fault, client().send(command));
          if (Messages.length === 0) break;
          found.push(...Messages);
        }
        const used = await use(found, url);
        gone = used.gone;
        return used.value;
      } finally {
        // What cannot be given back now comes back by itself at the end of its hiding.
        await Promise.allSettled(
          found
            .filter((message) => message !== gone)
            .map(({ ReceiptHandle }) =>
              client().send(
                new ChangeMessageVisibilityCommand({
                  QueueUrl: url,
                  ReceiptHandle,
                  VisibilityTimeout: 0,
                }),
              ),
            ),
        );
      }
    });

  /** Takes one dead letter out, after what `before` does with it. */
  const take = (id: string, before: (message: SqsMessage) => Promise<void>) =>
    look(async (found, url) => {
      const gone = found.find((message) => message.MessageId === id);
      if (!gone) throw fault("not-found", `no dead letter "${id}"; list them again`);
      await before(gone);
      const command = new DeleteMessageCommand({
        QueueUrl: url,
        ReceiptHandle: gone.ReceiptHandle,
      });
      await answerOf(fault, client().send(command));
      return { value: undefined, gone };
    });

  return {
    async depth() {
      const url = await deadUrl();
      const [waiting, active, dead] = await Promise.all([
        countOf(QueueUrl, counts.waiting),
        countOf(QueueUrl, counts.active),
        countOf(url, [...counts.waiting, ...counts.active]),
      ]);
      return { waiting, active, dead };
    },

    async deadLetters(limit) {
      checkWhole(fault, "limit", limit, 1, maxLook);
      return look(async (found) => {
        const letters = found.map(toDeadLetter).sort((a, b) => b.at.getTime() - a.at.getTime());
        return { value: letters.slice(0, limit) };
      });
    },

    redrive(id) {
      return take(id, async ({ Body }) => {
        const command = new SendMessageCommand({ QueueUrl, MessageBody: Body });
        await answerOf(fault, client().send(command));
      });
    },

    discard(id) {
      return take(id, async () => {});
    },
  };
}

function toDeadLetter({ MessageId = "", Body = "", ...message }: SqsMessage): DeadLetter {
  const body = asJson(Body);
  return {
    id: MessageId,
    // What another program sent need not be JSON.
    body: body === undefined ? Body : body,
    reason:
      message.MessageAttributes?.[reasonAttribute]?.StringValue ??
      "received too often without an answer",
    at: new Date(Number(message.Attributes?.SentTimestamp ?? 0)),
  };
}
