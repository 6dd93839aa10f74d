/** Each provider's data by its name; a new provider (gcp) is a table and a line here. */
import { aws } from "./answers/aws.ts";
import type { TypeAnswers } from "./answers.ts";
import { aws as awsFunctions } from "./functions/aws.ts";
import type { Call } from "./provider.ts";

const answers: Record<string, Record<string, TypeAnswers>> = { aws };
const functions: Record<string, Record<string, Call>> = { aws: awsFunctions };

export const answersOf = (provider: string): Record<string, TypeAnswers> => answers[provider] ?? {};
export const functionsOf = (provider: string): Record<string, Call> => functions[provider] ?? {};
