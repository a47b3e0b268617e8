// What each part of a profile costs an item: parameters, multiply-adds, bytes, milliseconds. Needs no real weights.
import {
  boundParameters,
  collectParameters,
  constant,
  countParameters,
  createGraph,
  createSession,
  encodeModel,
  expand,
  float32,
  type Graph,
  input,
  int32,
  multiplyAdds,
  type Parameters,
  type ParameterSpec,
  type Tensors,
  type Value,
} from 'mien-engine';
import { architectures } from '../encoders/architectures.js';
import { bert, poolTokens } from '../encoders/bert.js';
import { bertParameters } from '../encoders/load.js';
import { faceNetwork, faceNetworkParameters } from '../encoders/face-network.js';
import { PROFILE_NAMES, type ProfileName, profiles } from '../encoders/profiles.js';
import { type Progress, silentProgress } from 'mien/parts/base';
import { buildHead } from '../heads/heads.js';
import type { Config } from './config.js';
import type { CostRow } from './results.js';

/** A text of this many tokens is the median of ISEAR. */
const TOKENS = 24;
/** Timed runs after the first, which warms up. */
const REPEATS = 5;

/** One part of a system as a model of one item. */
interface Part {
  readonly part: Exclude<CostRow['part'], 'total'>;
  readonly name: string;
  readonly item: string;
  readonly specs: readonly ParameterSpec[];
  readonly trained: boolean;
  readonly inputs: Tensors;
  readonly build: (p: Parameters, inputs: Readonly<Record<string, Value>>) => Value;
}

/** Rows for every profile: text encoder, face encoder, the paper's head, and all together. */
export async function costRows(config: Config, progress: Progress = silentProgress): Promise<CostRow[]> {
  progress.begin('measuring costs', 3 * PROFILE_NAMES.length, 'parts');
  const rows: CostRow[] = [];
  for (const profile of PROFILE_NAMES) {
    const parts: CostRow[] = [];
    for (const part of partsOf(profile, config)) {
      parts.push(await costOf(profile, part));
      progress.advance();
    }
    rows.push(...parts, totalOf(profile, parts));
  }
  progress.end();
  return rows;
}

function partsOf(profile: ProfileName, { head, labels }: Config): Part[] {
  const { text, face, imageSize } = architectures[profile]();
  const faceWidth = face.width;
  const side = imageSize;
  const sizes = { width: head.width, hidden: head.lstm, labels: labels.length };
  const headInputs = {
    text: float32([1, text.width], new Float32Array(text.width)),
    face: float32([1, faceWidth], new Float32Array(faceWidth)),
  };
  const gated = (p: Parameters, { text: t, face: f }: Readonly<Record<string, Value>>) =>
    buildHead(p, 'gated', { text: t!, face: f! }, sizes).logits;
  return [
    {
      part: 'text encoder',
      name: profiles[profile].text.id,
      item: `${TOKENS} tokens`,
      specs: bertParameters(text),
      trained: false,
      inputs: { ids: int32([1, TOKENS], new Int32Array(TOKENS).fill(1000)) },
      build: (p, { ids }) => poolTokens(bert(p, text, { ids: ids! }), profiles[profile].text.pooling),
    },
    {
      part: 'face encoder',
      name: profiles[profile].face.id,
      item: `${side} × ${side} px`,
      specs: faceNetworkParameters(face),
      trained: false,
      inputs: { images: float32([1, 3, side, side], new Float32Array(3 * side * side)) },
      build: (p, { images }) => faceNetwork(p, face, images!).embedding,
    },
    {
      part: 'head',
      name: 'gated',
      item: 'one pair',
      specs: specsOf(gated, headInputs),
      trained: true,
      inputs: headInputs,
      build: gated,
    },
  ];
}

const inputsOf = (graph: Graph, tensors: Tensors): Record<string, Value> =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape }]) => [name, input(graph, name, dtype, shape)]),
  );

const specsOf = (build: Part['build'], inputs: Tensors): ParameterSpec[] =>
  collectParameters((p) => build(p, inputsOf(p.graph, inputs)));

async function costOf(profile: ProfileName, part: Part): Promise<CostRow> {
  const parameters = countParameters(part.specs);
  const plain = createGraph(part.part);
  const bound = Object.fromEntries(
    part.specs.map(({ name, shape }) => [name, input(plain, `parameter ${name}`, 'float32', shape)]),
  );
  part.build(boundParameters(plain, bound), inputsOf(plain, part.inputs));
  return {
    profile,
    part: part.part,
    name: part.name,
    item: part.item,
    parameters,
    trainedParameters: part.trained ? parameters : 0,
    multiplyAdds: multiplyAdds(plain),
    bytes: 4 * parameters,
    milliseconds: await timeOne(part),
  };
}

/**
 * Median milliseconds of one item by itself. The weights' values do not matter: all are copies of one number, which
 * the runtime makes as it loads the model. What it then computes is the same as with weights from a file.
 */
async function timeOne({ specs, inputs, build }: Part): Promise<number> {
  const graph = createGraph('timed');
  const weight = constant(graph, float32([], [0.01]));
  const weights = Object.fromEntries(specs.map(({ name, shape }) => [name, expand(weight, shape)]));
  const output = build(boundParameters(graph, weights), inputsOf(graph, inputs));
  const session = await createSession(encodeModel(graph, { output }));
  const times: number[] = [];
  for (let run = 0; run <= REPEATS; run++) {
    const start = performance.now();
    await session.run(inputs);
    if (run > 0) times.push(performance.now() - start);
  }
  await session.dispose();
  return times.sort((a, b) => a - b)[REPEATS >> 1]!;
}

function totalOf(profile: ProfileName, parts: readonly CostRow[]): CostRow {
  const total = (of: (row: CostRow) => number): number => parts.reduce((sum, row) => sum + of(row), 0);
  return {
    profile,
    part: 'total',
    name: '',
    item: 'one text and one face',
    parameters: total((row) => row.parameters),
    trainedParameters: total((row) => row.trainedParameters),
    multiplyAdds: total((row) => row.multiplyAdds),
    bytes: total((row) => row.bytes),
    milliseconds: total((row) => row.milliseconds ?? 0),
  };
}
