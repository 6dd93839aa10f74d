/** What keeps ECS from ending a task to scale in, or for a deployment. */
export interface TaskProtection {
  /** Asks for protection, and again in time until it is released. @throws where it is not given */
  hold(): Promise<void>;
  /** Gives it back. @throws where nobody took it: it then ends by itself */
  release(): Promise<void>;
}

/** A task that hangs is not protected for longer, in minutes (ECS takes 1 to 2,880). */
const lastingMinutes = 60;
/** Three tries before it would end. */
const renewMs = (lastingMinutes * 60_000) / 3;
/** The agent is on the same host. */
const answerMs = 2_000;

/**
 * Scale-in protection of this task, through the agent beside it (Amazon ECS Developer Guide, "Task
 * scale-in protection endpoint", 2026). Needs ecs:UpdateTaskProtection on the task.
 * @param options.agent its URL. Default: the variable ECS_AGENT_URI
 * @param options.onTrouble hears of a renewal that failed
 * @returns `undefined` where there is no agent: outside of ECS
 */
export function taskProtection({
  agent = process.env.ECS_AGENT_URI,
  onTrouble = logged,
}: {
  readonly agent?: string;
  readonly onTrouble?: (error: unknown) => void;
} = {}): TaskProtection | undefined {
  if (!agent) return undefined;
  let timer: NodeJS.Timeout | undefined;
  const put = async (body: object) => {
    const response = await fetch(`${agent}/task-protection/v1/state`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(answerMs),
    });
    // It also answers 200 with a failure in the body.
    const { failure, error } = (await response.json()) as Answer;
    const why = failure?.Reason ?? error?.Code ?? (response.ok ? undefined : response.status);
    if (why !== undefined)
      throw new Error(
        `task protection: refused (${why}); see ecs:UpdateTaskProtection in its role`,
      );
  };
  const protect = () => put({ ProtectionEnabled: true, ExpiresInMinutes: lastingMinutes });
  return {
    async hold() {
      clearInterval(timer);
      timer = setInterval(() => void protect().catch(onTrouble), renewMs).unref();
      await protect();
    },
    async release() {
      clearInterval(timer);
      await put({ ProtectionEnabled: false });
    },
  };
}

interface Answer {
  readonly failure?: { readonly Reason?: string };
  readonly error?: { readonly Code?: string };
}

const logged = (error: unknown): void =>
  console.error(JSON.stringify({ level: "error", protection: String(error) }));
