import {
  DeleteScheduleCommand,
  GetScheduleCommand,
  ListSchedulesCommand,
  type SchedulerClient,
} from "@aws-sdk/client-scheduler";
import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";

/**
 * What EventBridge Scheduler does when time passes, and moto does not: sends the input of what is
 * due to its queue, with its own words in it, and deletes the schedule where it is told to.
 * @param urlOf a queue's URL by its ARN
 */
export async function sendDue(
  clients: { readonly scheduler: SchedulerClient; readonly sqs: SQSClient },
  GroupName: string,
  now: number,
  urlOf: (arn: string) => string,
): Promise<void> {
  const { Schedules = [] } = await clients.scheduler.send(new ListSchedulesCommand({ GroupName }));
  for (const { Name } of Schedules) {
    const schedule = await clients.scheduler.send(new GetScheduleCommand({ GroupName, Name }));
    const time = /^at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)$/.exec(schedule.ScheduleExpression ?? "");
    if (
      !time?.[1] ||
      schedule.ScheduleExpressionTimezone !== "UTC" ||
      schedule.State === "DISABLED"
    )
      throw new Error(`an unknown schedule: ${JSON.stringify(schedule)}`);
    if (Date.parse(`${time[1]}Z`) > now) continue;
    const MessageBody = schedule.Target?.Input?.replace(/<aws\.scheduler\.[a-z-]+>/g, "replaced");
    await clients.sqs.send(
      new SendMessageCommand({ QueueUrl: urlOf(schedule.Target?.Arn ?? ""), MessageBody }),
    );
    if (schedule.ActionAfterCompletion === "DELETE")
      await clients.scheduler.send(new DeleteScheduleCommand({ GroupName, Name }));
  }
}
