import sharp from "sharp";

/** What one would write with the library alone: decode once, to the largest; the rest from that. */
export async function bareSizes(body: Uint8Array): Promise<readonly Buffer[]> {
  const inside = (edge: number) =>
    ({ width: edge, height: edge, fit: "inside", withoutEnlargement: true }) as const;
  const { data, info } = await sharp(body)
    .autoOrient()
    .resize(inside(1200))
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return Promise.all(
    [150, 600, 1200].map((edge) =>
      sharp(data, { raw: { width, height, channels } })
        .resize(inside(edge))
        .webp({ quality: 85 })
        .toBuffer(),
    ),
  );
}
