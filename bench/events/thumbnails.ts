import { availableParallelism } from "node:os";
import { type Bench, ratio, result, shown } from "../result.ts";
import { bareSizes } from "./bare-images.ts";
import { photo } from "./photo.ts";
import { sizesOf, storedPhoto } from "./workload.ts";

/** Photos of a round. */
const photos = 4;
const pairs = 9;
/** Photos at a time: as many as there are processors. */
const lanes = availableParallelism();

/** @returns photos per second */
async function perSecond(work: () => Promise<unknown>): Promise<number> {
  let left = photos;
  const lane = async () => {
    while (left-- > 0) await work();
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: lanes }, lane));
  return photos / ((performance.now() - start) / 1000);
}

/** Photos of 12 MP: the workload's own code against the bare library, in turn in one process. */
export const thumbnails: Bench = async () => {
  const body = await photo();
  const stored = storedPhoto(body);
  const { ratio: value, ...rates } = await ratio(
    pairs,
    () => perSecond(() => sizesOf(stored)),
    () => perSecond(() => bareSizes(body)),
  );
  return [
    result("thumbnails: the workload / bare sharp", value, "ratio", ">=", 0.95),
    shown("thumbnails: the workload", rates.a, "photos/s"),
    shown("thumbnails: bare sharp", rates.b, "photos/s"),
    shown("thumbnails: the photo", body.byteLength / 1_000_000, "MB"),
  ];
};
