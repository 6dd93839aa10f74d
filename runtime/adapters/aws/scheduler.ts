import {
  CreateScheduleCommand,
  type CreateScheduleCommandInput,
  DeleteScheduleCommand,
  SchedulerClient,
  UpdateScheduleCommand,
} from "@aws-sdk/client-scheduler";
import type { Scheduler } from "../../ports/index.ts";
import { faultsOf } from "../faults.ts";
import { messageText } from "../limits.ts";
import { checkScheduleId, checkScheduleTime } from "../schedules.ts";
import { clientSettings, lazy } from "./client.ts";
import { nameOf, portError, whileInTheWay } from "./errors.ts";
import { partsOf } from "./location.ts";

const shared = lazy(() => new SchedulerClient(clientSettings()));

/** How far ahead the earliest schedule is, in milliseconds: the service refuses what is past. */
const soonMs = 15_000;
/** A time that the service refuses may be past by its clock alone, in milliseconds. */
const doubtMs = 600_000;
/** Largest input of a schedule in bytes (EventBridge Scheduler quotas, read 2026-11). */
const mostBytes = 262_144;

/**
 * Schedules of EventBridge Scheduler, one a message, each gone when it has sent; within a minute of
 * its time, which is how exact the service is. Needs scheduler:CreateSchedule, UpdateSchedule and
 * DeleteSchedule on the schedules of its group, and iam:PassRole on its role.
 * @param options.location JSON text: `group` (the schedule group's name), and the ARNs `queue`,
 *   `deadLetters` (for what cannot be sent to the queue) and `role` (which may send to both)
 * @param options.maxBytes of the queue's messages. Default: 262,144 (256 KiB), which is the most
 * @param options.client default: one of this process, made at its first use
 * @param options.now default: the clock
 * @throws {PortError} `invalid` for a location that is none
 */
export function scheduler(options: {
  readonly name: string;
  readonly location: string;
  readonly maxBytes?: number;
  readonly client?: SchedulerClient;
  readonly now?: () => number;
}): Scheduler {
  const { name, location, now = Date.now } = options;
  const maxBytes = Math.min(options.maxBytes ?? mostBytes, mostBytes);
  const client = () => options.client ?? shared();
  const fault = faultsOf("scheduler", name);
  const names = ["group", "queue", "deadLetters", "role"] as const;
  const { group, queue, deadLetters, role } = partsOf(fault, location, names);
  const scheduled = (id: string, at: number, Input: string) =>
    ({
      GroupName: group,
      Name: scheduleName(id),
      ScheduleExpression: atExpression(Math.max(at, now() + soonMs)),
      ScheduleExpressionTimezone: "UTC",
      FlexibleTimeWindow: { Mode: "OFF" },
      ActionAfterCompletion: "DELETE",
      Target: {
        Arn: queue,
        RoleArn: role,
        Input,
        DeadLetterConfig: { Arn: deadLetters },
        // Until a message would be gone from the queue's dead letters too, as often as it can be.
        RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
      },
    }) as const satisfies CreateScheduleCommandInput;

  return {
    async at(id, at, body) {
      checkScheduleId(fault, id);
      checkScheduleTime(fault, at, now());
      const input = scheduled(id, at.getTime(), inputText(messageText(fault, body, maxBytes)));
      let isMoving = false;
      const put = async () => {
        try {
          isMoving = false;
          await client().send(new CreateScheduleCommand(input));
        } catch (error) {
          if (nameOf(error) !== "ConflictException") throw error;
          isMoving = true;
          await client().send(new UpdateScheduleCommand(input));
        }
      };
      // Another moves it at the same time, or it has been sent since.
      const inTheWay = (error: unknown) =>
        isMoving && ["ConflictException", "ResourceNotFoundException"].includes(nameOf(error));
      await whileInTheWay(inTheWay, put).catch((error: unknown) => {
        const mayPass = isMoving || at.getTime() - now() < doubtMs;
        throw portError(fault, error, mayPass ? { ...codes, ...passing } : codes);
      });
    },

    async cancel(id) {
      checkScheduleId(fault, id);
      const command = () =>
        client().send(new DeleteScheduleCommand({ GroupName: group, Name: scheduleName(id) }));
      const inTheWay = (error: unknown) => nameOf(error) === "ConflictException";
      await whileInTheWay(inTheWay, command).catch((error: unknown) => {
        if (nameOf(error) === "ResourceNotFoundException") return;
        throw portError(fault, error, { ...codes, ...passing });
      });
    },
  };
}

const codes = {
  // More schedules than the account may have: there is room again when some were sent.
  ServiceQuotaExceededException: "throttled",
} as const;
const passing = { ConflictException: "throttled", ValidationException: "unavailable" } as const;

/** An id may be "." or "..", which no path can end in. */
const scheduleName = (id: string): string => `at-${id}`;

/** To the second, and never before the time. */
const atExpression = (ms: number): string =>
  `at(${new Date(Math.ceil(ms / 1000) * 1000).toISOString().slice(0, 19)})`;

/**
 * The service puts something of its own in the place of "<aws.scheduler.…>": escaped, it is text
 * ("Adding context attributes", read 2026-11).
 */
const inputText = (json: string): string => json.replaceAll("<aws.", "\\u003caws.");
