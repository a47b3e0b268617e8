// ONNX Runtime in browsers: which build of it, on how many threads, and whether the graphics processor may be trusted.
import type { ort } from 'mien-engine';
import { MienError } from 'mien-engine/base';
import { compareSessions, type Comparison } from '../agreement.js';
import { checkWebAssembly } from './policy.js';
import { notStarted } from './wasm.js';

/** The part of `onnxruntime-web` that is used. */
export type WebRuntime = Pick<typeof ort, 'InferenceSession' | 'Tensor' | 'env'>;

/** WebAssembly on the processor, or the graphics processor. */
export type Device = 'wasm' | 'webgpu';

export interface RuntimeOptions {
  /**
   * `auto` (the default) runs each model on WebGPU where there is one that gives the same numbers as WebAssembly, and
   * sooner; `webgpu` where it gives the same numbers; `wasm` never.
   */
  readonly device?: 'auto' | Device | undefined;
  /**
   * Threads of WebAssembly. More than one need a page that is isolated (docs/browser.md); by default as many as there
   * are cores, at most four.
   */
  readonly threads?: number | undefined;
  /** A build of `onnxruntime-web` that is loaded already, or is to be instead of the one that fits. */
  readonly runtime?: WebRuntime | (() => Promise<WebRuntime>) | undefined;
}

/** What computes. */
export interface Backend {
  /** `webgpu` when at least one model runs there. */
  readonly device: Device;
  /** Threads of WebAssembly. */
  readonly threads: number;
  /** One for each model, in the order of loading; none where there is no WebGPU. */
  readonly comparisons: readonly Comparison[];
}

/** Outputs may differ by this share of the largest of them: rounding, not another result. */
const TOLERANCE = 2e-3;
const MOST_THREADS = 4;

/** In the other layout, ONNX Runtime 1.30 does not accept a `Resize` over two of four axes, as the face model has it. */
const PROVIDERS = { wasm: 'wasm', webgpu: { name: 'webgpu', preferredLayout: 'NCHW' } } as const;

export interface OpenRuntime {
  readonly runtime: Pick<WebRuntime, 'InferenceSession' | 'Tensor'>;
  backend(): Backend;
}

/**
 * Loads ONNX Runtime. Its build for WebGPU is fetched only by browsers that can use it: with WebGPU and with promises
 * in WebAssembly (JSPI). The one that does without the latter is larger than many hosts of static files allow.
 * @throws MienError `usage` when WebGPU is asked for and not there, or `onnxruntime-web` is not installed; `config` when
 *   the page's policy forbids WebAssembly.
 */
export async function openRuntime(
  { device = 'auto', threads = defaultThreads(), runtime }: RuntimeOptions,
  wasmBinary?: (device: Device) => Promise<Uint8Array | undefined>,
): Promise<OpenRuntime> {
  checkWebAssembly();
  const able = device !== 'wasm' && (await hasGpu(runtime === undefined));
  if (device === 'webgpu' && !able)
    throw new MienError('usage', 'this browser has no WebGPU that can be used', {
      field: 'device',
      hint: 'Leave the device to mien (auto), or take wasm.',
    });
  const own = typeof runtime === 'function' ? await runtime() : runtime;
  const { web, gpu } = own ? { web: own, gpu: able } : await load(able, device === 'auto');
  // Which file is needed is known only now: the build for WebGPU may be missing.
  const binary = await wasmBinary?.(gpu ? 'webgpu' : 'wasm');
  // Without isolation there is no shared memory, and the runtime would complain.
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
    // Only bytes are ever given.
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
 * The build with WebGPU or the one without. An import map or a bundler may know only the latter, which then does where
 * nobody asked for WebGPU.
 */
async function load(gpu: boolean, orWithout: boolean): Promise<{ web: WebRuntime; gpu: boolean }> {
  if (gpu) {
    const web = await import('onnxruntime-web/jspi').catch((cause: unknown) => {
      if (!orWithout) throw notThere('onnxruntime-web/jspi', cause);
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
    hint: 'Install it beside mien (npm install onnxruntime-web), or name it in the import map.',
  });
