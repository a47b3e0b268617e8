// Sessions in a realm of their own, as in Jest's vm modules and Vitest's vmThreads: native code accepts only typed arrays of
// the main realm.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { constants, createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import type { Tensors } from '../../src/base/tensor.js';
import { createGraph, input } from '../../src/graph/graph.js';
import { encodeModel } from '../../src/graph/onnx.js';
import { cast, mul } from '../../src/graph/ops/elementwise.js';
import type { createSession } from '../../src/runtime/session.js';
import { numbers } from '../graph/harness.js';

const SESSION = join(import.meta.dirname, '../../src/runtime/session.ts');

test('accepts and returns arrays of the realm that the module runs in', async () => {
  const { outputFiles } = await build({
    entryPoints: [SESSION],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'session',
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(SESSION).href) },
  });
  const context = createContext({});
  const importModuleDynamically = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  const there = (code: string): unknown => runInContext(code, context, { importModuleDynamically });
  const session = there(`${outputFiles[0]!.text}\nsession`) as { createSession: typeof createSession };

  const graph = createGraph('model');
  const x = input(graph, 'x', 'float32', ['n']);
  const model = encodeModel(graph, { doubled: mul(x, 2), whole: cast(x, 'int64') });
  const open = await session.createSession(model, { threads: 1 });
  const feeds = there("({ x: { dtype: 'float32', shape: [2], data: Float32Array.of(1.5, -3) } })");
  const { doubled, whole } = await open.run(feeds as Tensors);
  await open.dispose();
  expect(doubled!.data instanceof Float32Array).toBe(false);
  Object.assign(context, { doubled, whole });
  expect(there('doubled.data instanceof Float32Array && whole.data instanceof BigInt64Array')).toBe(true);
  expect([numbers(doubled), numbers(whole)]).toEqual([
    [3, -6],
    [1, -3],
  ]);
});
