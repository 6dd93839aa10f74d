import { createHash, randomInt, timingSafeEqual } from "node:crypto";
import type { IdentityHooks } from "../../runtime/ports/index.ts";
import type { PortsOf } from "../ports.ts";

type Challenges = "defineChallenge" | "createChallenge" | "verifyChallenge";

/** Wrong answers before the sign-in fails: three guesses in a million at best. */
const maxRounds = 3;

/** Sign-in by a six-digit code that is mailed, a new one for each round. */
export const create = ({
  mails,
}: PortsOf<"mailCode">): Required<Pick<IdentityHooks, Challenges>> => ({
  async defineChallenge(_user, rounds) {
    const last = rounds.at(-1);
    // Cognito lists other kinds of rounds too (SRP_A), as passed: only a right code counts.
    if (last?.passed && last.challenge === "CUSTOM_CHALLENGE") return "issue-tokens";
    return rounds.length < maxRounds ? "next" : "fail";
  },
  async createChallenge({ email }) {
    const code = String(randomInt(1_000_000)).padStart(6, "0");
    // An unknown user has no address; the client sees no difference.
    if (email) await mails.send({ template: "code", to: email, data: { code } });
    return { parameters: { delivery: "mail" }, expected: { code } };
  },
  async verifyChallenge(_user, { code }, answer) {
    return code !== undefined && timingSafeEqual(digest(code), digest(answer.trim()));
  },
});

/** Of one length whatever was answered, as a comparison in constant time needs. */
const digest = (text: string) => createHash("sha256").update(text).digest();
