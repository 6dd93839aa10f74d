import { createHash } from "node:crypto";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { batched } from "./batches.ts";
import { edge, type Label, labels } from "./model/drawings.ts";
import { model } from "./model.ts";

export interface Classification {
  readonly label: Label;
  /** The model's own, from 0 to 1. */
  readonly confidence: number;
}

/** Of the model: what one version said can be told from what another did. */
export const version = createHash("sha256").update(model).digest("hex").slice(0, 12);

/** Images that are looked at together, at most; and how long the first waits for others, in ms. */
const batch = { most: 16, waitMs: 5 } as const;

/**
 * Where the model runs. ECS tells a container which GPUs are its own by this variable; there the
 * model has to run on them, for a GPU that is paid for and idle should not go unnoticed.
 */
export const providersOf = ({ NVIDIA_VISIBLE_DEVICES: devices = "" }: NodeJS.ProcessEnv) =>
  ["", "none", "void"].includes(devices) ? ["cpu"] : ["cuda"];

/** @throws {Error} where the model cannot run on what {@link providersOf} names */
export async function openClassifier(env: NodeJS.ProcessEnv = process.env) {
  const executionProviders = providersOf(env);
  const session = await InferenceSession.create(Buffer.from(model, "base64"), {
    executionProviders,
  }).catch((cause) => {
    throw new Error(
      `classify: the model does not run on ${executionProviders}; see the image's CUDA libraries`,
      { cause },
    );
  });
  const size = 3 * edge * edge;
  return batched({
    ...batch,
    async work(images: readonly Float32Array[]): Promise<readonly Classification[]> {
      const input = new Float32Array(images.length * size);
      for (const [at, image] of images.entries()) input.set(image, at * size);
      const shape = [images.length, 3, edge, edge];
      const { shares } = await session.run({ image: new Tensor("float32", input, shape) });
      const all = shares?.data as Float32Array;
      return images.map((_, at) => best(all.slice(at * labels.length, (at + 1) * labels.length)));
    },
  });
}

function best(shares: Float32Array): Classification {
  const confidence = Math.max(...shares);
  return { label: labels[shares.indexOf(confidence)] as Label, confidence };
}
