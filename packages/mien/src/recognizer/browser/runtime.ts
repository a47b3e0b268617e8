// ONNX Runtime in browsers: selects the build, the number of threads, and WebGPU if its results are correct.
import type { ort } from 'mien-engine';
import { MienError } from 'mien-engine/base';
import { compareSessions, type Comparison } from '../agreement.js';
import { checkWebAssembly } from './policy.js';
import { notStarted } from './wasm.js';

/** The part of `onnxruntime-web` that is used. */
export type WebRuntime = Pick<typeof ort, 'InferenceSession' | 'Tensor' | 'env'>;

/** WebAssembly on the CPU, or WebGPU. */
export type Device = 'wasm' | 'webgpu';

export interface RuntimeOptions {
  /**
   * `auto` (the default) runs each model on WebGPU if it is available, has the same results as WebAssembly and is faster;
   * `webgpu` if it has the same results; `wasm` never.
   */
  readonly device?: 'auto' | Device | undefined;
  /**
   * Threads of WebAssembly; by default as many as cores, at most four. More than one requires a cross-origin isolated page
   * (docs/browser.md).
   */
  readonly threads?: number | undefined;
  /** A build of `onnxruntime-web`, or a function that loads one, instead of the build selected by default. */
  readonly runtime?: WebRuntime | (() => Promise<WebRuntime>) | undefined;
}

/** Where a recogniser computes. */
export interface Backend {
  /** `webgpu` if at least one model runs there. */
  readonly device: Device;
  /** Threads of WebAssembly. */
  readonly threads: number;
  /** One for each model, in the order of loading; none without WebGPU. */
  readonly comparisons: readonly Comparison[];
}

/** Maximum difference of outputs relative to the largest output, due to rounding. */
const TOLERANCE = 2e-3;
const MOST_THREADS = 4;

/** In NHWC layout, ONNX Runtime 1.30 does not support `Resize` over two of four axes, which the face model has. */
const PROVIDERS = { wasm: 'wasm', webgpu: { name: 'webgpu', preferredLayout: 'NCHW' } } as const;

export interface OpenRuntime {
  readonly runtime: Pick<WebRuntime, 'InferenceSession' | 'Tensor'>;
  backend(): Backend;
}

/**
 * Loads ONNX Runtime. Only browsers with WebGPU and JavaScript Promise Integration (JSPI) fetch its WebGPU build; the build
 * that does not need JSPI exceeds the file size limit of many static hosts.
 * @throws MienError `usage` if WebGPU is requested and unavailable, or `onnxruntime-web` is not installed; `config` if the
 *   page's policy forbids WebAssembly.
 */
export async function openRuntime(
  { device = 'auto', threads = defaultThreads(), runtime }: RuntimeOptions,
  wasmBinary?: (device: Device) => Promise<Uint8Array | undefined>,
): Promise<OpenRuntime> {
  checkWebAssembly();
  const able = device !== 'wasm' && (await hasGpu(runtime === undefined));
  if (device === 'webgpu' && !able)
    throw new MienError('usage', 'WebGPU is not available in this browser', {
      field: 'device',
      hint: 'Use the device auto (the default) or wasm.',
    });
  const given = typeof runtime === 'function' ? await runtime() : runtime;
  const { web, gpu } = given ? { web: given, gpu: able } : await load(able, device === 'auto');
  // Only now it is known which file is needed: the WebGPU build may be missing.
  const binary = await wasmBinary?.(gpu ? 'webgpu' : 'wasm');
  // Without isolation there is no shared memory, and the runtime would log a warning.
  const used = globalThis.crossOriginIsolated ? threads : 1;
  web.env.wasm.numThreads = used;
  if (binary) web.env.wasm.wasmBinary = binary;
  const comparisons: Comparison[] = [];

  const create = async (
    model: Uint8Array,
    settings: ort.InferenceSession.SessionOptions = {},
  ): Promise<ort.InferenceSession> => {
    const on = (provider: Device): Promise<ort.InferenceSession> =>
      web.InferenceSession.create(model, { ...settings, executionProviders: [PROVIDERS[provider]] });
    const plain = await on('wasm').catch(async (cause: unknown) => {
      throw /no available backend/.test(String(cause)) ? await notStarted(cause) : cause;
    });
    if (!gpu) return plain;
    const fast = await on('webgpu').catch(() => undefined);
    const timing = device === 'auto';
    const compared = await compareSessions(web, plain, fast, { tolerance: TOLERANCE, timing });
    const wanted = compared.difference <= TOLERANCE && (!timing || compared.ratio! > 1);
    comparisons.push({ ...compared, device: wanted ? 'webgpu' : 'wasm' });
    await (wanted ? plain : fast)?.release();
    return wanted ? fast! : plain;
  };
  return {
    // Models are always given as bytes.
    runtime: { Tensor: web.Tensor, InferenceSession: { create } as WebRuntime['InferenceSession'] },
    backend: () => ({
      device: comparisons.some((one) => one.device === 'webgpu') ? 'webgpu' : 'wasm',
      threads: used,
      comparisons,
    }),
  };
}

const defaultThreads = (): number => Math.min(MOST_THREADS, globalThis.navigator?.hardwareConcurrency ?? 1);

async function hasGpu(withPromises: boolean): Promise<boolean> {
  const { gpu } = globalThis.navigator as { gpu?: GPU };
  if (!gpu || (withPromises && !('Suspending' in WebAssembly))) return false;
  return (await gpu.requestAdapter().catch(() => null)) !== null;
}

/**
 * Loads the build with WebGPU or the one without. An import map or a bundler may have only the latter, which is then used
 * unless WebGPU is required.
 */
async function load(gpu: boolean, isOptional: boolean): Promise<{ web: WebRuntime; gpu: boolean }> {
  if (gpu) {
    const web = await import('onnxruntime-web/jspi').catch((cause: unknown) => {
      if (!isOptional) throw notThere('onnxruntime-web/jspi', cause);
    });
    if (web) return { web, gpu };
  }
  const web = await import('onnxruntime-web/wasm').catch((cause: unknown) => {
    throw notThere('onnxruntime-web/wasm', cause);
  });
  return { web, gpu: false };
}

const notThere = (name: string, cause: unknown): MienError =>
  new MienError('usage', `${name} could not be loaded`, {
    cause,
    hint: 'Install it beside mien (npm install onnxruntime-web), or add it to the import map.',
  });
