// The bundled model on a graphics processor, with ONNX Runtime's WebGPU in Node: how far its outputs are from the CPU's,
// which operators are left to the CPU, and how long an item takes. Prints one JSON object per line.
//     node --import tsx bench/webgpu.ts ITEMS.safetensors [--models DIR] [--parts agreement,placement,timing,training]
//       [--rounds 20] [--steps 24]
// The items are written by webgpu-items.ts. Linux needs a Vulkan driver; VK_DRIVER_FILES selects one of several.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  adam,
  createGraph,
  createSession,
  cutModel,
  defined,
  encodeModel,
  float32,
  initialize,
  input,
  int32,
  type ort,
  outputsOf,
  randomStream,
  readModel,
  type Session,
  setRuntime,
  stackRows,
  type Tensor,
  type Tensors,
} from 'mien-engine';
import { readSafetensorsFile } from 'mien-engine/node';
import { createStepSession, headBatches, headParameters, headTrainee, initialState } from 'mien-lab';
import { rebuild } from 'mien/parts/explain';
import { spread } from './compare.js';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    models: { type: 'string', default: join(import.meta.dirname, '../models/lite') },
    rounds: { type: 'string', default: '20' },
    steps: { type: 'string', default: '24' },
    parts: { type: 'string', default: 'agreement,placement,timing,training' },
  },
});
// As mien-engine does when it loads ONNX Runtime itself.
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
const onnxruntime = await import('onnxruntime-node');

const [itemsFile] = positionals;
if (itemsFile === undefined) throw new Error('name the file that webgpu-items.ts wrote');
const rounds = Number(options.rounds);

/** Items in one run. */
const BATCHES = [1, 32];
/** Length of the texts that are timed; ISEAR's have 23 tokens on average. */
const TOKENS = 24;
/** As in browsers (packages/mien/src/recognizer/browser/runtime.ts). */
const WEBGPU = { name: 'webgpu', preferredLayout: 'NCHW' };
const DEVICES = { cpu: 'cpu', webgpu: WEBGPU } as const;
type Device = keyof typeof DEVICES;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const record = (row: Record<string, unknown>): void => say(JSON.stringify(row));

/** From here on, mien-engine creates its sessions on this device. */
function use(device: Device, further: ort.InferenceSession.SessionOptions = {}): void {
  const create = (model: Uint8Array, settings: ort.InferenceSession.SessionOptions) =>
    onnxruntime.InferenceSession.create(model, {
      ...settings,
      ...further,
      executionProviders: [DEVICES[device]],
    });
  setRuntime({
    Tensor: onnxruntime.Tensor,
    InferenceSession: { create } as typeof onnxruntime.InferenceSession,
  });
}

async function open(model: Uint8Array, device: Device, threads?: number): Promise<Session> {
  use(device);
  return createSession(model, threads === undefined ? {} : { threads });
}

const elapsed = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

/** Milliseconds of the first run, which compiles shaders, and of those after warming up. */
async function timings(run: () => Promise<unknown>) {
  const first = await elapsed(run);
  for (let i = 0; i < 3; i++) await run();
  const taken: number[] = [];
  for (let i = 0; i < rounds; i++) taken.push(await elapsed(run));
  return { first, ...spread(taken) };
}

const softmaxOf = (row: Float32Array): Float32Array => {
  const most = Math.max(...row);
  const powers = row.map((value) => Math.exp(value - most));
  const total = powers.reduce((sum, value) => sum + value, 0);
  return powers.map((value) => value / total);
};

/** Largest differences over all items, and the number of items whose most probable label differs. */
function differences(expected: Tensor, found: Tensor) {
  const labels = expected.shape[1]!;
  const [a, b] = [expected.data as Float32Array, found.data as Float32Array];
  const apart = (x: Float32Array, y: Float32Array): number =>
    x.reduce((most, value, i) => Math.max(most, Math.abs(value - y[i]!)), 0);
  let [probabilities, labelsChanged] = [0, 0];
  for (let start = 0; start < a.length; start += labels) {
    const [p, q] = [a, b].map((all) => softmaxOf(all.subarray(start, start + labels))) as [
      Float32Array,
      Float32Array,
    ];
    probabilities = Math.max(probabilities, apart(p, q));
    if (p.indexOf(Math.max(...p)) !== q.indexOf(Math.max(...q))) labelsChanged++;
  }
  return { logits: apart(a, b), probabilities, labelsChanged, items: a.length / labels };
}

/** Operators of one run by execution provider, from ONNX Runtime's trace. */
async function placement(create: () => Promise<{ run(): Promise<unknown>; dispose(): Promise<void> }>) {
  const folder = await mkdtemp(join(tmpdir(), 'mien-webgpu-'));
  use('webgpu', { enableProfiling: true, profileFilePrefix: join(folder, 'trace') });
  const session = await create();
  await session.run();
  await session.dispose();
  const [file] = await readdir(folder);
  const events = JSON.parse(await readFile(join(folder, file!), 'utf8')) as {
    cat: string;
    args?: { provider?: string; op_name?: string };
  }[];
  await rm(folder, { recursive: true });
  const counts: Record<string, Record<string, number>> = {};
  for (const { cat, args } of events) {
    if (cat !== 'Node' || !args?.provider) continue;
    const of = (counts[args.provider.replace('ExecutionProvider', '')] ??= {});
    of[args.op_name!] = (of[args.op_name!] ?? 0) + 1;
  }
  return counts;
}

const rowsOf = ({ dtype, shape, data }: Tensor, from: number, count: number): Tensor => {
  const size = data.length / shape[0]!;
  return {
    dtype,
    shape: [count, ...shape.slice(1)],
    data: data.subarray(from * size, (from + count) * size),
  } as Tensor;
};

/** The text encoder with the same weights, but floating-point products: activations are not rounded to integers. */
function inFloats(model: Uint8Array): Uint8Array {
  const graph = createGraph('text in floats');
  const wanted = ['embedding', 'logits'];
  const given = { ids: input(graph, 'ids', 'int32', ['batch', 'tokens']) };
  const built = rebuild(graph, readModel(model, 'text.onnx'), given, wanted);
  return encodeModel(graph, Object.fromEntries(wanted.map((name) => [name, built.get(name)!])));
}

const file = (name: string) => readFile(join(options.models, `${name}.onnx`));
const { ids, lengths, pixels } = (await readSafetensorsFile(itemsFile)).tensors;
const text = await file('text');
const whole = await file('decision');
/** Of a bundle that hears voices too, outputs about texts and faces bear their names. */
const LOGITS = ['text+face logits', 'logits'].find((name) => outputsOf(whole).includes(name))!;
const models = {
  text,
  'text in floats': inFloats(text),
  face: await file('face'),
  // The answer's logits for pairs, as `recognize` computes them.
  decision: cutModel(whole, [LOGITS]),
} as const;
type Name = keyof typeof models;

const texts = Array.from(lengths!.data as Int32Array, (length, i) =>
  int32([1, length], (ids!.data as Int32Array).slice(i * ids!.shape[1]!, i * ids!.shape[1]! + length)),
);
const faces = Array.from({ length: pixels!.shape[0]! }, (_, i) => rowsOf(pixels!, i, 1));
const pairs = Math.min(texts.length, faces.length);

/** Texts cut or repeated to TOKENS tokens. */
const textBatch = (count: number): Tensors => ({
  ids: int32(
    [count, TOKENS],
    Array.from({ length: count }, (_, i) => {
      const row = texts[i % texts.length]!.data;
      return Array.from({ length: TOKENS }, (_, k) => row[k % row.length]!);
    }).flat(),
  ),
});
const draw = randomStream(0, 'webgpu');
const noise = (shape: readonly number[], scale: number): Tensor<'float32'> =>
  float32(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => scale * draw.normal()),
  );
/** Feeds of the decision under the training prior, for pairs. */
const decisionFeeds = (ofText: Side, ofFace: Side): Tensors => ({
  'text embedding': ofText.embedding,
  'text logits': ofText.logits,
  'face embedding': ofFace.embedding,
  'face logits': ofFace.logits,
  'label weights': float32([9], new Float32Array(9)),
  'divided out': float32([], [0]),
});
const batchOf: Record<Name, (count: number) => Tensors> = {
  text: textBatch,
  'text in floats': textBatch,
  face: (count) => ({ pixels: rowsOf(pixels!, 0, count) }),
  decision: (count) =>
    decisionFeeds(
      { embedding: noise([count, 384], 0.3), logits: noise([count, 9], 2) },
      { embedding: noise([count, 512], 0.3), logits: noise([count, 7], 2) },
    ),
};

interface Side {
  readonly embedding: Tensor;
  readonly logits: Tensor;
}

/** Embeddings and logits of items encoded one by one. */
async function each(session: Session, feeds: readonly Tensors[]) {
  const parts: Record<string, Tensor>[] = [];
  for (const one of feeds) parts.push(await session.run(one));
  const stacked = (name: string) => stackRows(parts.map((part) => part[name] as Tensor<'float32'>));
  return { embedding: stacked('embedding'), logits: stacked('logits') };
}

const cores = availableParallelism();
say(
  `${cpus()[0]?.model}, ${cores} cores; Node ${process.versions.node}, ONNX Runtime ${onnxruntime.env.versions.node}`,
);
const contenders: readonly { device: Device; threads?: number }[] = [
  ...[...new Set([1, 4, cores])]
    .filter((threads) => threads <= cores)
    .map((threads) => ({ device: 'cpu' as const, threads })),
  { device: 'webgpu' },
];

/** Compares outputs item by item: texts, faces, and pairs from the embeddings computed on the same device. */
async function agreement(): Promise<void> {
  const encoded: Partial<Record<Name, Record<Device, Awaited<ReturnType<typeof each>>>>> = {};
  for (const name of ['text', 'text in floats', 'face'] as const) {
    const feeds =
      name === 'face' ? faces.map((one) => ({ pixels: one })) : texts.map((one) => ({ ids: one }));
    const found = {} as Record<Device, Awaited<ReturnType<typeof each>>>;
    for (const device of ['cpu', 'webgpu'] as const) {
      const session = await open(models[name], device);
      found[device] = await each(session, feeds);
      await session.dispose();
    }
    encoded[name] = found;
    record({ agreement: name, ...differences(found.cpu.logits, found.webgpu.logits) });
  }
  record({
    agreement: 'text in floats on webgpu, against text on cpu',
    ...differences(encoded.text!.cpu.logits, encoded['text in floats']!.webgpu.logits),
  });
  for (const name of ['text', 'text in floats'] as const) {
    const logits: Partial<Record<Device, Tensor>> = {};
    for (const device of ['cpu', 'webgpu'] as const) {
      const session = await open(models.decision, device);
      const first = ({ embedding, logits: own }: Side): Side => ({
        embedding: rowsOf(embedding, 0, pairs),
        logits: rowsOf(own, 0, pairs),
      });
      const feeds = decisionFeeds(first(encoded[name]![device]), first(encoded.face![device]));
      logits[device] = (await session.run(feeds))[LOGITS]!;
      await session.dispose();
    }
    record({ agreement: `pair, ${name}`, ...differences(logits.cpu!, logits.webgpu!) });
  }
}

/** Which operators run on which provider. */
async function placements(): Promise<void> {
  for (const name of Object.keys(models) as Name[]) {
    const counts = await placement(async () => {
      const session = await createSession(models[name]);
      return { run: () => session.run(batchOf[name](1)), dispose: () => session.dispose() };
    });
    record({ placement: name, ...counts });
  }
}

/** Milliseconds per item. All sessions of a device are open at once, as in a recogniser. */
async function timing(): Promise<void> {
  for (const { device, threads } of contenders) {
    const sessions = {} as Record<Name, Session>;
    for (const name of Object.keys(models) as Name[])
      record({
        opening: name,
        device,
        threads,
        ms: await elapsed(async () => (sessions[name] = await open(models[name], device, threads))),
      });
    for (const count of BATCHES) {
      const perItem = (what: string, { first, ...runs }: Awaited<ReturnType<typeof timings>>): void =>
        record({
          timing: what,
          device,
          threads,
          batch: count,
          first,
          ...Object.fromEntries(Object.entries(runs).map(([key, ms]) => [key, ms / count])),
        });
      for (const name of Object.keys(models) as Name[]) {
        const feeds = batchOf[name](count);
        perItem(name, await timings(() => sessions[name].run(feeds)));
      }
      for (const name of ['text', 'text in floats'] as const) {
        const [words, images] = [batchOf[name](count), batchOf.face(count)];
        const pair = async (): Promise<void> => {
          const ofText = await sessions[name].run(words);
          const ofFace = await sessions.face.run(images);
          await sessions.decision.run(decisionFeeds(ofText as unknown as Side, ofFace as unknown as Side));
        };
        perItem(`pair, ${name}`, await timings(pair));
      }
    }
    for (const session of Object.values(sessions)) await session.dispose();
  }
}

/** Training steps of the paper's gated head in one Scan, as in benchmarks/head.ts. */
async function training(): Promise<void> {
  const widths = { text: 768, face: 1536 };
  const [rows, batchSize, steps] = [1000, 32, Number(options.steps)];
  const setting = {
    head: 'gated',
    sizes: { width: 512, hidden: 256, labels: 5 },
    widths,
    batchSize,
  } as const;
  const trainee = headTrainee(setting);
  const settings = {
    weights: initialize(headParameters(setting), 0),
    isTrained: () => true,
    optimizer: adam({ learningRate: 1e-4 }),
  };
  const drawn = (below: number) => Int32Array.from({ length: steps * batchSize }, () => draw.integer(below));
  const feeds = {
    'text embeddings': noise([rows, widths.text], 1),
    'face embeddings': noise([rows, widths.face], 1),
    ...headBatches(setting, { text: drawn(rows), face: drawn(rows), labels: drawn(5) }),
  };
  const state = initialState(trainee, settings);
  const losses: Partial<Record<Device, Float32Array>> = {};
  for (const { device, threads } of contenders) {
    use(device);
    const session = await createStepSession(trainee, { ...settings, ...defined({ threads }) });
    const once = async () => (losses[device] = (await session.run(state, feeds)).losses);
    const { first, ...runs } = await timings(once);
    const perStep = Object.fromEntries(Object.entries(runs).map(([key, ms]) => [key, ms / steps]));
    record({ training: 'steps of the gated head', device, threads, first, ...perStep });
    await session.dispose();
  }
  const apart = losses.webgpu!.map((loss, i) => Math.abs(loss - losses.cpu![i]!));
  record({ training: 'largest difference of a loss', apart: Math.max(...apart) });
  const counts = await placement(async () => {
    const session = await createStepSession(trainee, settings);
    return { run: () => session.run(state, feeds), dispose: () => session.dispose() };
  });
  record({ placement: 'steps of the gated head', ...counts });
}

const parts = { agreement, placement: placements, timing, training };
for (const part of options.parts.split(',')) await parts[part as keyof typeof parts]();
