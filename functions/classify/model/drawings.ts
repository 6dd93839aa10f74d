/** Images that the model learns from: made, not collected, so that anybody can make them again. */

/** What an image can be said to be. */
export const labels = ["drawing", "pattern", "photo", "text"] as const;
export type Label = (typeof labels)[number];

/** Edge of the square that the model sees, in pixels. */
export const edge = 64;

/** A number from 0 to 1; the same seed gives the same numbers (mulberry32). */
export type Random = () => number;
export function random(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Colour = readonly [number, number, number];
/** What colour a point has; both run from 0 to 1. */
type Paint = (x: number, y: number) => Colour;

const between = (r: Random, low: number, high: number) => low + r() * (high - low);
const whole = (r: Random, low: number, high: number) => Math.floor(between(r, low, high + 1));
const colour = (r: Random): Colour => [r(), r(), r()];
/** Light where it is dark, and the other way round, so that one is seen on the other. */
const against = (ground: Colour, r: Random): Colour => {
  const light = ground[0] + ground[1] + ground[2] > 1.5;
  const shade = () => (light ? r() * 0.4 : 1 - r() * 0.4);
  return [shade(), shade(), shade()];
};

/** A few plain shapes on a plain ground. */
function drawing(r: Random): Paint {
  const ground = colour(r);
  const shapes = Array.from({ length: whole(r, 1, 5) }, () => {
    const [x0, y0, radius] = [between(r, 0, 1), between(r, 0, 1), between(r, 0.1, 0.8)];
    const turn = r() < 0.5 ? 0 : r() * Math.PI;
    const round = r() < 0.5;
    const wide = between(r, 0.4, 1);
    return { x0, y0, radius, turn, round, wide, paint: against(ground, r) };
  });
  return (x, y) => {
    let found = ground;
    for (const { x0, y0, radius, turn, round, wide, paint } of shapes) {
      const [dx, dy] = [x - x0, y - y0];
      const u = (dx * Math.cos(turn) + dy * Math.sin(turn)) / radius;
      const v = (dy * Math.cos(turn) - dx * Math.sin(turn)) / (radius * wide);
      if (round ? u * u + v * v < 1 : Math.max(Math.abs(u), Math.abs(v)) < 1) found = paint;
    }
    return found;
  };
}

/** Stripes or checks, at any angle. */
function pattern(r: Random): Paint {
  const [one, turn, times] = [colour(r), r() * Math.PI, between(r, 4, 14)];
  const [two, checked, share] = [against(one, r), r() < 0.4, between(r, 0.35, 0.65)];
  const isOn = (at: number) => (((at * times) % 1) + 1) % 1 < share;
  return (x, y) => {
    const u = x * Math.cos(turn) + y * Math.sin(turn);
    const v = y * Math.cos(turn) - x * Math.sin(turn);
    return (checked ? isOn(u) !== isOn(v) : isOn(u)) ? one : two;
  };
}

/** Soft light and shade of several sizes, with the grain of a camera. */
function photo(r: Random): Paint {
  const layers = [2, 4, 8, 16].map((cells) => ({
    cells,
    weight: between(r, 0.6, 1.4) / Math.sqrt(cells),
    values: Array.from({ length: (cells + 2) ** 2 }, () => colour(r)),
  }));
  const [tint, grain] = [colour(r), between(r, 0.01, 0.06)];
  return (x, y) => {
    const sum: [number, number, number] = [0, 0, 0];
    let weights = 0;
    for (const { cells, weight, values } of layers) {
      const [gx, gy] = [x * cells, y * cells];
      const [ix, iy] = [Math.floor(gx), Math.floor(gy)];
      const [fx, fy] = [smooth(gx - ix), smooth(gy - iy)];
      const value = (dx: number, dy: number) => values[(iy + dy) * (cells + 2) + ix + dx] as Colour;
      weights += weight;
      for (const c of [0, 1, 2] as const)
        sum[c] +=
          weight *
          ((value(0, 0)[c] * (1 - fx) + value(1, 0)[c] * fx) * (1 - fy) +
            (value(0, 1)[c] * (1 - fx) + value(1, 1)[c] * fx) * fy);
    }
    const noise = (r() - 0.5) * 2 * grain;
    return sum.map((part, c) => 0.75 * (part / weights) + 0.25 * (tint[c] ?? 0) + noise) as never;
  };
}
const smooth = (t: number) => t * t * (3 - 2 * t);

/** Lines of words on paper. */
function text(r: Random): Paint {
  const dark = r() < 0.15;
  const shade = () => (dark ? r() * 0.15 : between(r, 0.85, 1));
  const paper: Colour = [shade(), shade(), shade()];
  const ink = against(paper, r);
  const [lines, margin, tilt] = [whole(r, 7, 16), between(r, 0.03, 0.12), between(r, -0.03, 0.03)];
  const words = Array.from({ length: lines }, () => {
    const ends = r() < 0.2 ? between(r, 0.3, 0.9) : 1 - margin;
    const gaps: boolean[] = [];
    for (let at = 0; at < edge * 2; ) {
      for (let left = whole(r, 4, 16); left > 0; left -= 1) gaps[at++] = r() < 0.72;
      for (let left = whole(r, 2, 3); left > 0; left -= 1) gaps[at++] = false;
    }
    return { ends, gaps, empty: r() < 0.08 };
  });
  return (x, y) => {
    const at = (y + tilt * x) * lines;
    const line = words[Math.floor(at)];
    const isLetter = at % 1 > 0.3 && at % 1 < 0.8 && x > margin;
    if (!line || line.empty || !isLetter || x > line.ends) return paper;
    return line.gaps[Math.floor(x * edge * 2)] ? ink : paper;
  };
}

const painters: Readonly<Record<Label, (r: Random) => Paint>> = { drawing, pattern, photo, text };
/** Points in each direction that a pixel is the mean of: edges are as soft as a scaled image's. */
const samples = 3;

/**
 * One image of a label, as the model takes it: red, green and blue, a plane each, from 0 to 1.
 * @param seed of the image: the same gives the same
 */
export function draw(label: Label, seed: number): Float32Array {
  const r = random(seed * 4 + labels.indexOf(label));
  const paint = painters[label](r);
  const planes = new Float32Array(3 * edge * edge);
  for (let y = 0; y < edge; y += 1)
    for (let x = 0; x < edge; x += 1)
      for (let sample = 0; sample < samples * samples; sample += 1) {
        const sx = (x + ((sample % samples) + 0.5) / samples) / edge;
        const sy = (y + (Math.floor(sample / samples) + 0.5) / samples) / edge;
        const found = paint(sx, sy);
        for (const c of [0, 1, 2] as const) {
          const at = c * edge * edge + y * edge + x;
          planes[at] = (planes[at] ?? 0) + clamp(found[c]) / samples ** 2;
        }
      }
  return planes;
}
const clamp = (value: number) => Math.min(1, Math.max(0, value));
