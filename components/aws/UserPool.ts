import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Identity, IdentityHook, OnIdentity, System } from "../../spec/index.ts";
import { physicalName } from "../shared/naming.ts";
import { type Transform, transformed } from "../shared/transform.ts";
import { checked, type Fault, plainFaults, refuse, retentionFault } from "../shared/validation.ts";
import { serviceName } from "./bindings.ts";
import type { FunctionTransforms, WorkloadFunction } from "./Function.ts";
import { codeFaults, functionFaults } from "./function-plan.ts";
import { functionOf, type Hosting } from "./hosting.ts";

export interface UserPoolArgs extends Hosting {
  /** Names of the hook workloads that are deployed. Default: all of kind onIdentity */
  readonly workloads?: readonly string[];
  /** A verified SES identity to send codes from. Default: Cognito's own sender, 50 mails a day */
  readonly email?: { readonly from: string; readonly sourceArn: pulumi.Input<string> };
  /** Refuse to delete the users. Default: true */
  readonly protect?: boolean;
  readonly transform?: FunctionTransforms & {
    readonly pool?: Transform<aws.cognito.UserPoolArgs>;
    readonly client?: Transform<aws.cognito.UserPoolClientArgs>;
  };
}

/** What Cognito calls our hooks. Claims in access tokens need version 2 of the token hook. */
const triggers: Readonly<
  Record<IdentityHook, (arn: pulumi.Output<string>) => aws.types.input.cognito.UserPoolLambdaConfig>
> = {
  "pre-sign-up": (preSignUp) => ({ preSignUp }),
  "post-confirmation": (postConfirmation) => ({ postConfirmation }),
  "pre-token": (lambdaArn) => ({ preTokenGenerationConfig: { lambdaArn, lambdaVersion: "V2_0" } }),
  "define-challenge": (defineAuthChallenge) => ({ defineAuthChallenge }),
  "create-challenge": (createAuthChallenge) => ({ createAuthChallenge }),
  "verify-challenge": (verifyAuthChallengeResponse) => ({ verifyAuthChallengeResponse }),
};

const challengeHooks: readonly IdentityHook[] = [
  "define-challenge",
  "create-challenge",
  "verify-challenge",
];

/**
 * The system's identity as a Cognito user pool with one public app client: sign-up by e-mail, which
 * is verified by a code; sign-in by password, and by custom challenge where hooks for it are
 * declared. Hook workloads become functions that this pool alone may call.
 * @throws {Error} before any resource is made, with every fault in one message
 * @example
 * const users = new UserPool("users", { system, artefacts, stores: stores.bindings });
 * export const clientId = users.clientId;
 */
export class UserPool extends pulumi.ComponentResource {
  readonly pool: aws.cognito.UserPool;
  readonly client: aws.cognito.UserPoolClient;
  /** The hooks' functions, by workload. */
  readonly hooks: Readonly<Record<string, WorkloadFunction>>;
  readonly clientId: pulumi.Output<string>;
  /** The `iss` of its tokens. */
  readonly issuer: pulumi.Output<string>;
  /** Where the keys of its tokens are. */
  readonly jwks: pulumi.Output<string>;

  constructor(name: string, args: UserPoolArgs, opts?: pulumi.ComponentResourceOptions) {
    const workloads = args.workloads ?? hookWorkloads(args.system);
    refuse("UserPool", name, faultsOf(args, workloads));
    super("spillway:aws:UserPool", name, {}, opts);
    const identity = args.system.services[
      serviceName(args.system, "identity") as string
    ] as Identity;

    const retention = checked("UserPool", name, args.logRetentionDays ?? 14, retentionFault);
    const own = { logRetentionDays: retention };
    this.hooks = Object.fromEntries(
      workloads.map((workload) => [workload, functionOf(name, workload, args, own, this)]),
    );
    this.pool = this.#makePool(name, args, identity, workloads);
    for (const [workload, hook] of Object.entries(this.hooks))
      hook.allow(`${name}-${workload}-invoke`, "cognito-idp.amazonaws.com", this.pool.arn);
    this.client = this.#makeClient(name, args, identity, workloads);

    this.clientId = this.client.id;
    this.issuer = pulumi.interpolate`https://${this.pool.endpoint}`;
    this.jwks = pulumi.interpolate`${this.issuer}/.well-known/jwks.json`;
    this.registerOutputs({ clientId: this.clientId, issuer: this.issuer, jwks: this.jwks });
  }

  #makePool(name: string, args: UserPoolArgs, identity: Identity, workloads: readonly string[]) {
    const { protect = true, email } = args;
    const hooks = hooksOf(args.system, workloads);
    const configs = hooks.map(({ hook, workload }) =>
      triggers[hook]((this.hooks[workload] as WorkloadFunction).arn),
    );
    return new aws.cognito.UserPool(
      name,
      transformed(args.transform?.pool, name, {
        name: physicalName(name, "userPool"),
        usernameAttributes: ["email"],
        usernameConfiguration: { caseSensitive: false },
        autoVerifiedAttributes: ["email"],
        verificationMessageTemplate: { defaultEmailOption: "CONFIRM_WITH_CODE" },
        accountRecoverySetting: { recoveryMechanisms: [{ name: "verified_email", priority: 1 }] },
        // Length is what makes a password strong; rules of composition only make it forgotten.
        passwordPolicy: {
          minimumLength: identity.passwordMinLength,
          requireLowercase: false,
          requireUppercase: false,
          requireNumbers: false,
          requireSymbols: false,
          temporaryPasswordValidityDays: 1,
        },
        // The cheaper tier, unless a hook writes into access tokens.
        userPoolTier: hooks.some(({ hook }) => hook === "pre-token") ? "ESSENTIALS" : "LITE",
        deletionProtection: protect ? "ACTIVE" : "INACTIVE",
        ...(configs.length > 0 && { lambdaConfig: Object.assign({}, ...configs) }),
        ...(email && {
          emailConfiguration: {
            emailSendingAccount: "DEVELOPER",
            fromEmailAddress: email.from,
            sourceArn: email.sourceArn,
          },
        }),
      }),
      { parent: this, protect },
    );
  }

  #makeClient(name: string, args: UserPoolArgs, identity: Identity, workloads: readonly string[]) {
    const challenges = hooksOf(args.system, workloads).some(({ hook }) =>
      challengeHooks.includes(hook),
    );
    return new aws.cognito.UserPoolClient(
      `${name}-client`,
      transformed(args.transform?.client, `${name}-client`, {
        name: "web",
        userPoolId: this.pool.id,
        // Browsers cannot keep a secret.
        generateSecret: false,
        explicitAuthFlows: [
          "ALLOW_USER_PASSWORD_AUTH",
          "ALLOW_REFRESH_TOKEN_AUTH",
          ...(challenges ? ["ALLOW_CUSTOM_AUTH"] : []),
        ],
        supportedIdentityProviders: ["COGNITO"],
        preventUserExistenceErrors: "ENABLED",
        enableTokenRevocation: true,
        accessTokenValidity: identity.accessMinutes,
        idTokenValidity: identity.accessMinutes,
        refreshTokenValidity: identity.refreshDays,
        tokenValidityUnits: { accessToken: "minutes", idToken: "minutes", refreshToken: "days" },
      }),
      { parent: this },
    );
  }
}

const hookWorkloads = (system: System): string[] =>
  Object.entries(system.workloads)
    .filter(([, workload]) => workload.kind === "onIdentity")
    .map(([name]) => name);

const hooksOf = (system: System, workloads: readonly string[]) =>
  workloads.flatMap((workload) =>
    (system.workloads[workload] as OnIdentity).hooks.map((hook) => ({ hook, workload })),
  );

function faultsOf(args: UserPoolArgs, workloads: readonly string[]): Fault[] {
  const { system, artefacts = {} } = args;
  const identity = serviceName(system, "identity");
  return [
    ...(identity ? [] : ["the system has no identity; declare identity() in its services"]),
    ...plainFaults(args.logRetentionDays, retentionFault),
    ...workloads.flatMap((workload) => {
      const spec = system.workloads[workload];
      if (spec && spec.kind !== "onIdentity")
        return [`workload "${workload}" of kind ${spec.kind}; give workloads of kind onIdentity`];
      const concurrency = args.placements?.[workload]?.concurrency;
      return [
        ...functionFaults({ ...args, workload, concurrency }),
        ...(spec ? codeFaults(workload, artefacts) : []),
        ...(identity && spec?.uses && Object.hasOwn(spec.uses, identity)
          ? [`workload "${workload}": uses ${identity}, which calls it; leave that use out`]
          : []),
      ];
    }),
  ];
}
