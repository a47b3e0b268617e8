// Runs ONNX models on ONNX Runtime: tensors in, tensors out, nothing of the runtime's own types beyond this file.
import { defined } from '../base/defined.js';
import type * as ort from 'onnxruntime-common';
import { messageOf, MienError } from '../base/errors.js';
import { arrayIn, tensor, type DType, type Tensor, type Tensors, type TypedArrays } from '../base/tensor.js';
import { mainRealm } from './realm.js';

export interface SessionOptions {
  /** Threads inside one operator; all cores by default. */
  threads?: number;
  /** `all` lets ONNX Runtime fuse operators and block layouts; `disabled` runs the graph as written. */
  optimization?: 'all' | 'extended' | 'basic' | 'disabled';
  /**
   * Whether threads spin while they wait for each other (the default): faster on a machine that does nothing else, much
   * slower on one that does.
   */
  spinning?: boolean;
  /** Writes a trace (Chrome's format) to a file that begins with this. */
  profilePrefix?: string;
  /** Further `session.*` settings of ONNX Runtime. */
  extra?: Readonly<Record<string, string>>;
}

export interface Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /**
   * Computes `outputs` (all by default) from one tensor an input.
   * @throws MienError `shape` with ONNX Runtime's reason when the feeds do not fit the model.
   */
  run<const Name extends string = string>(
    feeds: Tensors,
    outputs?: readonly Name[],
  ): Promise<Record<Name, Tensor>>;
  dispose(): Promise<void>;
}

/** The part of `onnxruntime-node` and `onnxruntime-web` that is used. */
type Runtime = Pick<typeof ort, 'InferenceSession' | 'Tensor'>;

/** A runtime, and the realm whose arrays it takes. */
interface Loaded {
  readonly runtime: Runtime;
  readonly realm: typeof globalThis;
}

let loading: Promise<Loaded> | undefined;

/** Chooses the runtime; without it, `onnxruntime-node` is loaded at first use. */
export function setRuntime(runtime: Runtime): void {
  loading = Promise.resolve({ runtime, realm: globalThis });
}

/** No literal in the import, so that bundlers for browsers, where `setRuntime` is called first, do not follow it. */
const NODE_RUNTIME: string = 'onnxruntime-node';

type Imported = Partial<Runtime> & { readonly default: Runtime };

const loadRuntime = (): Promise<Loaded> =>
  (loading ??= importRuntime().catch((error: unknown) => {
    loading = undefined;
    throw error;
  }));

/**
 * The official builds of ONNX Runtime for Linux and macOS report, from 1.29 on, the models that are loaded to their maker
 * and keep a number of the device in the user's cache; they look here, once, whether they are to. Who wants that sets
 * the variable to 0.
 */
const NO_TELEMETRY = 'ORT_DISABLE_TELEMETRY';

async function importRuntime(): Promise<Loaded> {
  try {
    const main = await mainRealm();
    const realm = main?.global ?? globalThis;
    const environment = (realm as { process?: { env?: Record<string, string | undefined> } }).process?.env;
    if (environment) environment[NO_TELEMETRY] ??= '1';
    const module = (await (main
      ? main.require(NODE_RUNTIME, import.meta.url)
      : import(/* @vite-ignore */ /* webpackIgnore: true */ NODE_RUNTIME))) as Imported;
    const runtime = module.InferenceSession ? (module as Runtime) : module.default;
    return { runtime, realm };
  } catch (cause) {
    const reason = messageOf(cause).split('\n')[0]!;
    // Its binding may be what is missing, on a platform that it has none for.
    throw /^Cannot find (package|module)/.test(reason) && reason.includes(NODE_RUNTIME)
      ? new MienError('usage', 'onnxruntime-node is not installed', {
          cause,
          hint: 'Install it beside mien: npm install onnxruntime-node',
        })
      : new MienError('usage', `onnxruntime-node cannot be loaded: ${reason}`, { cause });
  }
}

/**
 * Prepares a model for running.
 * @throws MienError `format` when the bytes are no model that ONNX Runtime accepts.
 */
export async function createSession(model: Uint8Array, options: SessionOptions = {}): Promise<Session> {
  const loaded = await loadRuntime();
  const { runtime, realm } = loaded;
  const { threads, optimization = 'all', spinning = true, profilePrefix } = options;
  const extra = { ...options.extra, ...(spinning ? {} : { 'session.intra_op.allow_spinning': '0' }) };
  const settings: ort.InferenceSession.SessionOptions = {
    graphOptimizationLevel: optimization,
    logSeverityLevel: 3,
    ...defined({ intraOpNumThreads: threads }),
    ...(profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: profilePrefix }),
    ...(Object.keys(extra).length === 0 ? {} : { extra: nest(extra) }),
  };
  const session = await runtime.InferenceSession.create(arrayIn(realm, 'uint8', model), settings).catch(
    (cause: unknown) => {
      if (cause instanceof MienError) throw cause;
      throw new MienError('format', `ONNX Runtime does not accept the model: ${messageOf(cause)}`, { cause });
    },
  );

  const run: Session['run'] = async (feeds, outputs) => {
    const converted = Object.fromEntries(
      Object.entries(feeds).map(([name, value]) => [name, toOrt(loaded, value)]),
    );
    const result = await session.run(converted, outputs ?? session.outputNames).catch((cause: unknown) => {
      throw new MienError('shape', `ONNX Runtime could not run the model: ${messageOf(cause)}`, { cause });
    });
    return Object.fromEntries(Object.entries(result).map(([name, value]) => [name, fromOrt(value)])) as never;
  };
  const dispose = async (): Promise<void> => {
    if (profilePrefix !== undefined) session.endProfiling();
    await session.release();
  };
  return { inputs: session.inputNames, outputs: session.outputNames, run, dispose };
}

/** `{ 'session.a.b': '1' }` as the nested objects that ONNX Runtime's JavaScript API takes. */
function nest(flat: Readonly<Record<string, string>>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(flat)) {
    const keys = path.split('.');
    let level = root;
    for (const key of keys.slice(0, -1)) level = (level[key] ??= {}) as Record<string, unknown>;
    level[keys.at(-1)!] = value;
  }
  return root;
}

const toOrt = ({ runtime, realm }: Loaded, { dtype, data, shape }: Tensor): ort.Tensor =>
  new runtime.Tensor(dtype as 'float32', arrayIn(realm, dtype, data) as Float32Array, shape as number[]);

function fromOrt({ type, dims, data }: ort.Tensor): Tensor {
  const dtype = type as DType;
  return tensor(dtype, Array.from(dims), arrayIn(globalThis, dtype, data as TypedArrays[DType]));
}
