import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import type { Topic } from "../../ports/index.ts";
import { published } from "../events.ts";
import { faultsOf } from "../faults.ts";
import { clientSettings, lazy } from "./client.ts";
import { answerOf, kmsCodes } from "./errors.ts";

const shared = lazy(() => new SNSClient(clientSettings()));

/**
 * Publishes to an SNS topic whose subscribers get the envelope's JSON as it is (raw message
 * delivery) and filter by message attributes. Needs sns:Publish.
 * @param options.name the channel's, for messages
 * @param options.location the topic's ARN
 * @param options.source name of the system
 * @param options.client default: one of this process, made at its first use
 */
export function topic(options: {
  readonly name: string;
  readonly location: string;
  readonly source: string;
  readonly client?: SNSClient;
}): Topic {
  const { name, location: TopicArn, source } = options;
  const client = () => options.client ?? shared();
  const fault = faultsOf("topic", name);
  return {
    async publish(event) {
      const { envelope, text, attributes } = published(fault, source, event);
      const command = new PublishCommand({
        TopicArn,
        Message: text,
        MessageAttributes: Object.fromEntries(
          Object.entries(attributes).map(([key, StringValue]) => [
            key,
            { DataType: "String", StringValue },
          ]),
        ),
      });
      await answerOf(fault, client().send(command), kmsCodes);
      return { id: envelope.id };
    },
  };
}
