// Runs ONNX models on ONNX Runtime: tensors in, tensors out. The runtime's own types stay in this file.
import type * as ort from 'onnxruntime-common';
import { defined } from '../base/collections.js';
import { messageOf, MienError } from '../base/errors.js';
import { anything, checkOptions, flag, oneOf, text, wholeNumber, type Kinds } from '../base/options.js';
import { arrayIn, tensor, type DType, type Tensor, type Tensors, type TypedArrays } from '../base/tensor.js';

export interface SessionOptions {
  /** Threads inside one operator; all cores by default, or if 0. */
  threads?: number;
  /** `all` lets ONNX Runtime fuse operators and block layouts; `disabled` runs the graph as written. */
  optimization?: 'all' | 'extended' | 'basic' | 'disabled';
  /** Whether waiting threads spin (default true): faster on an otherwise idle machine, much slower on a busy one. */
  spinning?: boolean;
  /**
   * Whether memory of intermediate results is kept from run to run (default true). Sessions of large graphs that take
   * turns should not: each would keep as much as it needs in its largest run.
   */
  keepMemory?: boolean;
  /** Writes a trace in Chrome's format to a file with this prefix. */
  profilePrefix?: string;
  /** Further `session.*` settings of ONNX Runtime. */
  extra?: Readonly<Record<string, string>>;
}

export interface Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /**
   * Computes `outputs` (all by default) from one tensor per input.
   * @throws MienError `shape` with ONNX Runtime's reason if the feeds do not fit the model.
   */
  run<const Name extends string = string>(
    feeds: Tensors,
    outputs?: readonly Name[],
  ): Promise<Record<Name, Tensor>>;
  dispose(): Promise<void>;
}

/** The part of `onnxruntime-node` and `onnxruntime-web` that is used. */
type Runtime = Pick<typeof ort, 'InferenceSession' | 'Tensor'>;

/** A runtime, and the realm whose typed arrays it accepts. */
interface Loaded {
  readonly runtime: Runtime;
  readonly realm: typeof globalThis;
}

let loading: Promise<Loaded> | undefined;

/** Sets the runtime; otherwise `onnxruntime-node` is loaded at first use. */
export function setRuntime(runtime: Runtime): void {
  loading = Promise.resolve({ runtime, realm: globalThis });
}

/** Not literals in the imports: bundlers for browsers, where `setRuntime` is called first, must not follow them. */
const NODE_RUNTIME: string = 'onnxruntime-node';
const VM: string = 'vm';

const loadRuntime = (): Promise<Loaded> =>
  (loading ??= importRuntime().catch((error: unknown) => {
    loading = undefined;
    throw error;
  }));

/**
 * From 1.29 on, the official builds of ONNX Runtime for Linux and macOS report loaded models to their maker and store a
 * device ID in the user's cache, unless this variable is set when they are loaded. Users who want that set it to 0.
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
      : import(/* @vite-ignore */ /* webpackIgnore: true */ NODE_RUNTIME))) as Partial<Runtime> & {
      readonly default: Runtime;
    };
    const runtime = module.InferenceSession ? (module as Runtime) : module.default;
    return { runtime, realm };
  } catch (cause) {
    const [reason = ''] = messageOf(cause).split('\n');
    // Only if the package itself is missing: on an unsupported platform its binding is.
    throw /^Cannot find (package|module)/.test(reason) && reason.includes(NODE_RUNTIME)
      ? new MienError('usage', 'onnxruntime-node is not installed', {
          cause,
          hint: 'Install it beside mien: npm install onnxruntime-node',
        })
      : new MienError('usage', `onnxruntime-node cannot be loaded: ${reason}`, { cause });
  }
}

/** The main realm, seen from another one. */
interface MainRealm {
  readonly global: typeof globalThis;
  /** Requires a package there, as the module at the URL `from` would. */
  readonly require: (name: string, from: string) => unknown;
}

/**
 * The main realm, if this module runs in another one; undefined in the main realm and in browsers. Test runners (Jest with
 * vm modules, Vitest's vmThreads) run modules in a realm of their own. Native code creates typed arrays of the main realm,
 * which are not `instanceof` the other's, so that the JavaScript around it must be loaded there too.
 * @throws Error if Node is too old to reach it.
 */
async function mainRealm(): Promise<MainRealm | undefined> {
  const vm = await import(/* @vite-ignore */ /* webpackIgnore: true */ VM).then(
    (module) => module as { runInThisContext?(code: string): unknown },
    () => undefined,
  );
  const global = vm?.runInThisContext?.('globalThis') as typeof globalThis | undefined;
  if (!global || global.Float32Array === Float32Array) return undefined;
  const { process } = global as {
    readonly process?: {
      getBuiltinModule?(name: string): { createRequire(from: string): (name: string) => unknown };
    };
  };
  const modules = process?.getBuiltinModule?.('module');
  if (!modules)
    throw new Error('modules run in a realm of their own here, which requires Node 20.16 or 22.3');
  return { global, require: (name, from) => modules.createRequire(from)(name) };
}

const OPTIONS: Kinds<SessionOptions> = {
  threads: wholeNumber(0),
  optimization: oneOf('all', 'extended', 'basic', 'disabled'),
  spinning: flag,
  keepMemory: flag,
  profilePrefix: text,
  extra: anything,
};

/**
 * Prepares a model for running.
 * @throws MienError `format` if ONNX Runtime does not accept the bytes as a model, `usage` for an unknown option or a
 *   value that an option does not accept.
 */
export async function createSession(model: Uint8Array, options: SessionOptions = {}): Promise<Session> {
  checkOptions(options, OPTIONS, 'createSession');
  const loaded = await loadRuntime();
  const { runtime, realm } = loaded;
  const {
    threads,
    optimization = 'all',
    spinning = true,
    keepMemory = true,
    profilePrefix,
    extra = {},
  } = options;
  const isProfiled = profilePrefix !== undefined;
  const settings: ort.InferenceSession.SessionOptions = {
    graphOptimizationLevel: optimization,
    logSeverityLevel: 3,
    enableProfiling: isProfiled,
    enableCpuMemArena: keepMemory,
    extra: nest(spinning ? extra : { ...extra, 'session.intra_op.allow_spinning': '0' }),
    ...defined({ intraOpNumThreads: threads, profileFilePrefix: profilePrefix }),
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
    if (isProfiled) session.endProfiling();
    await session.release();
  };
  return { inputs: session.inputNames, outputs: session.outputNames, run, dispose };
}

/** `{ 'session.a.b': '1' }` as the nested objects that ONNX Runtime's JavaScript API takes. */
function nest(flat: Readonly<Record<string, string>>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(flat)) {
    const keys = path.split('.');
    const last = keys.pop() ?? path;
    let level = root;
    for (const key of keys) level = (level[key] ??= {}) as Record<string, unknown>;
    level[last] = value;
  }
  return root;
}

const toOrt = ({ runtime, realm }: Loaded, { dtype, data, shape }: Tensor): ort.Tensor =>
  new runtime.Tensor(dtype as 'float32', arrayIn(realm, dtype, data) as Float32Array, shape as number[]);

function fromOrt({ type, dims, data }: ort.Tensor): Tensor {
  const dtype = type as DType;
  return tensor(dtype, Array.from(dims), arrayIn(globalThis, dtype, data as TypedArrays[DType]));
}
