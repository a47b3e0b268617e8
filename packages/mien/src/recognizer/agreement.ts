// Whether WebGPU computes what WebAssembly computes: drivers differ, so each model is first tried on synthetic input.
import type { ort } from 'mien-engine';

/** Result of the comparison for one model. */
export interface Comparison {
  /** Names of the model's inputs, to tell models apart. */
  readonly inputs: readonly string[];
  /** Largest difference of an output, as a share of the largest output; infinite where WebGPU could not compute. */
  readonly difference: number;
  /** WebAssembly's time divided by WebGPU's, if it was measured. */
  readonly ratio?: number;
  /** What was chosen. */
  readonly device: 'wasm' | 'webgpu';
}

/** Sizes for a model's open dimensions: one item, the tokens of a sentence, the sides of a face that is shrunk. */
const TOKENS = 32;
const SIDE = 112;
const ROUNDS = 3;

type Runtime = Pick<typeof ort, 'Tensor'>;

/** Runs both on the same synthetic input: how far they differ and, if they agree, how their times compare. */
export async function compareSessions(
  runtime: Runtime,
  plain: ort.InferenceSession,
  fast: ort.InferenceSession | undefined,
  { tolerance, timing }: { readonly tolerance: number; readonly timing: boolean },
): Promise<Omit<Comparison, 'device'>> {
  const { inputNames: inputs } = plain;
  if (!fast) return { inputs, difference: Infinity };
  try {
    const feeds = probe(runtime, plain);
    const difference = differenceOf(await plain.run(feeds), await fast.run(feeds));
    if (!timing || difference > tolerance) return { inputs, difference };
    return { inputs, difference, ratio: (await timed(plain, feeds)) / (await timed(fast, feeds)) };
  } catch {
    return { inputs, difference: Infinity };
  }
}

function probe({ Tensor }: Runtime, session: ort.InferenceSession): Record<string, ort.Tensor> {
  return Object.fromEntries(
    session.inputMetadata.map((input) => {
      if (!input.isTensor) throw new Error(`${input.name} is no tensor`);
      const open = input.shape.length === 4 ? SIDE : TOKENS;
      const shape = input.shape.map((side, i) => (typeof side === 'number' ? side : i === 0 ? 1 : open));
      const length = shape.reduce((product, side) => product * side, 1);
      return [input.name, new Tensor(input.type as 'float32', valuesOf(input.type, length), shape)];
    }),
  );
}

/** Values without a pattern, the same each time; whole numbers stay small, since some are rows of a table. */
function valuesOf(type: ort.Tensor.Type, length: number): Float32Array {
  const value = (i: number): number => Math.abs(Math.sin(i * 12.9898) * 43758.5453) % 1;
  if (type === 'uint8') return Uint8Array.from({ length }, (_, i) => 256 * value(i)) as never;
  if (type === 'int32') return Int32Array.from({ length }, (_, i) => 100 * value(i)) as never;
  if (type === 'float32') return Float32Array.from({ length }, (_, i) => 2 * value(i) - 1);
  throw new Error(`no probe of type ${type}`);
}

type Outputs = Readonly<Record<string, ort.Tensor>>;

function differenceOf(expected: Outputs, found: Outputs): number {
  let largest = 0;
  for (const [name, { data }] of Object.entries(expected)) {
    const [a, b] = [data as Float32Array, found[name]!.data as Float32Array];
    const scale = a.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
    // Written so that NaN counts as a difference.
    a.forEach((value, i) => {
      const apart = Math.abs(value - b[i]!) / scale;
      if (!(apart <= largest)) largest = apart >= 0 ? apart : Infinity;
    });
  }
  return largest;
}

/** Milliseconds of the fastest run. */
async function timed(session: ort.InferenceSession, feeds: Record<string, ort.Tensor>): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < ROUNDS; i++) {
    const start = performance.now();
    await session.run(feeds);
    least = Math.min(least, performance.now() - start);
  }
  return Math.max(least, 0.01);
}
