// Integrated gradients by adaptive quadrature: the sum of the attributions is known in advance, so that panels with a
// large error are refined.
// Source: Sundararajan, Taly & Yan 2017, "Axiomatic Attribution for Deep Networks".

/** The function on the straight path from the baseline (0) to the input (1). */
export interface PathPoint {
  readonly value: number;
  /** Gradient ⊙ (input − baseline), summed up to the units that are attributed to. */
  readonly slopes: Float32Array;
}

/** Evaluates the path at these positions, 0 to 1. */
export type Path = (places: readonly number[]) => Promise<readonly PathPoint[]>;

export interface IntegrateOptions {
  /** Maximum sum of the panels' absolute gaps, as a share of `explainedDifference`. */
  readonly tolerance?: number;
  /** Maximum number of evaluations, after which no panel is refined. */
  readonly mostPoints?: number;
}

/** Options of an attribution. */
export interface AttributeOptions extends IntegrateOptions {
  /** Aborts between two runs of the model. */
  readonly signal?: AbortSignal | undefined;
}

export interface Integral {
  readonly attributions: Float64Array;
  /** f(baseline) and f(input). */
  readonly from: number;
  readonly to: number;
  /** Σ attributions − (f(input) − f(baseline)). */
  readonly gap: number;
  /** Number of evaluations of the gradient. */
  readonly points: number;
}

/** Nodes and weights of Gauss–Legendre quadrature on [0, 1], exact for polynomials up to degree 9. */
const NODES = [
  [0.04691007703066802, 0.11846344252809454],
  [0.23076534494715845, 0.23931433524968324],
  [0.5, 0.28444444444444444],
  [0.7692346550528415, 0.23931433524968324],
  [0.953089922969332, 0.11846344252809454],
] as const;
/** Minimum difference, in log-odds, relative to which residuals are stated. */
const LEAST_DIFFERENCE = 0.5;

/**
 * The difference in log-odds relative to which residuals are stated: |f(input) − f(baseline)|, at least .5. Large
 * attributions of both signs may cancel to a difference near zero, relative to which no error would be small.
 */
export const explainedDifference = ({ from, to }: Pick<Integral, 'from' | 'to'>): number =>
  Math.max(Math.abs(to - from), LEAST_DIFFERENCE);
const FIRST_PANELS = 2;

interface Panel {
  readonly start: number;
  readonly end: number;
  readonly sums: Float64Array;
  /** Integral of the slope minus the difference of the function over the panel. */
  readonly gap: number;
}

/**
 * Attributions of f(input) − f(baseline). The integral of the slopes over a panel should equal the difference of the
 * function across it; panels with a gap are halved, the worst first, until the sum of all gaps is small enough.
 */
export async function integrate(
  path: Path,
  { tolerance = 0.005, mostPoints = 400 }: IntegrateOptions = {},
): Promise<Integral> {
  const values = new Map<number, number>();
  let points = 0;
  const measure = async (bounds: readonly (readonly [number, number])[]): Promise<Panel[]> => {
    const ends = [...new Set(bounds.flat())].filter((end) => !values.has(end));
    const inner = bounds.flatMap(([start, end]) => NODES.map(([node]) => start + node * (end - start)));
    const found = await path([...ends, ...inner]);
    points += found.length;
    ends.forEach((end, i) => values.set(end, found[i]!.value));
    return bounds.map(([start, end], p) => {
      const sums = new Float64Array(found[0]!.slopes.length);
      NODES.forEach(([, weight], n) => {
        const { slopes } = found[ends.length + p * NODES.length + n]!;
        for (let i = 0; i < sums.length; i++) sums[i]! += weight * (end - start) * slopes[i]!;
      });
      return { start, end, sums, gap: total(sums) - (values.get(end)! - values.get(start)!) };
    });
  };
  const first = Array.from({ length: FIRST_PANELS }, (_, i) => i / FIRST_PANELS);
  let panels = await measure(first.map((start) => [start, start + 1 / FIRST_PANELS] as const));
  const [from, to] = [values.get(0)!, values.get(1)!];
  const allowed = tolerance * explainedDifference({ from, to });
  const open = (): number => panels.reduce((sum, { gap }) => sum + Math.abs(gap), 0);
  while (open() > allowed && points < mostPoints) {
    const share = allowed / (2 * panels.length);
    const worst = panels.filter(({ gap }) => Math.abs(gap) > share);
    const halves = worst.flatMap(({ start, end }) => {
      const middle = (start + end) / 2;
      return [[start, middle] as const, [middle, end] as const];
    });
    panels = [...panels.filter((panel) => !worst.includes(panel)), ...(await measure(halves))];
  }
  const attributions = new Float64Array(panels[0]!.sums.length);
  for (const { sums } of panels) sums.forEach((sum, i) => (attributions[i]! += sum));
  return { attributions, from, to, gap: total(attributions) - (to - from), points };
}

const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);
