// Which build of ONNX Runtime a browser takes, and what it does where that build is not there.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RuntimeOptions } from 'mien/page';

const build = (name: string) => ({
  env: { wasm: {} as Record<string, unknown> },
  Tensor: { name },
  InferenceSession: { create: async () => ({}) },
});

/** The module where only these builds can be imported, as with an import map that names no others. */
async function moduleWith(...builds: readonly string[]) {
  vi.resetModules();
  for (const name of ['jspi', 'wasm'])
    vi.doMock(`onnxruntime-web/${name}`, () => {
      if (!builds.includes(name)) throw new TypeError('Failed to resolve module specifier');
      return build(name);
    });
  return import('mien/page');
}

beforeEach(() => {
  vi.stubGlobal('navigator', { gpu: { requestAdapter: async () => ({}) }, hardwareConcurrency: 2 });
  vi.stubGlobal('WebAssembly', { Module: WebAssembly.Module, Suspending: () => undefined });
});
afterEach(() => {
  vi.unstubAllGlobals();
  for (const name of ['jspi', 'wasm']) vi.doUnmock(`onnxruntime-web/${name}`);
  vi.resetModules();
});

/** The build that is taken, and the file that is fetched for it. */
async function taken(builds: readonly string[], options: RuntimeOptions = {}): Promise<string[]> {
  const { openRuntime } = await moduleWith(...builds);
  const asked: string[] = [];
  const { runtime } = await openRuntime(options, async (device) => {
    asked.push(device);
    return undefined;
  });
  return [runtime.Tensor.name, ...asked];
}

test('the build for WebGPU where there is WebGPU', async () => {
  expect(await taken(['jspi', 'wasm'])).toEqual(['jspi', 'webgpu']);
  expect(await taken(['jspi', 'wasm'], { device: 'wasm' })).toEqual(['wasm', 'wasm']);
  vi.stubGlobal('navigator', { hardwareConcurrency: 2 });
  expect(await taken(['jspi', 'wasm'])).toEqual(['wasm', 'wasm']);
});

test('without that build, WebAssembly, unless WebGPU was asked for', async () => {
  expect(await taken(['wasm'])).toEqual(['wasm', 'wasm']);
  await expect(taken(['wasm'], { device: 'webgpu' })).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining('onnxruntime-web/jspi') as string,
  });
});

test('without any build, it says what to install', async () => {
  await expect(taken([])).rejects.toMatchObject({
    code: 'usage',
    hint: expect.stringContaining('npm install onnxruntime-web') as string,
  });
});
