// The library inside an application's bundle, as esbuild, webpack and Next make them: its code is elsewhere, its models are not.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type Format } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type * as library from 'mien';
import type * as ownFiles from '../../packages/mien/src/base/package.js';
import { faceOf, writeLegible } from '../support/bundle.js';
import { entries, root } from '../../packages/sources.js';

const sources = Object.fromEntries(
  entries.filter(({ name }) => name.startsWith('mien-engine')).map(({ name, source }) => [name, source]),
);
const DETECTOR = join(root, 'models/blazeface/face_detection_back_256x256.onnx');

let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'mien-bundled-')));
});
afterAll(() => rm(folder, { recursive: true }));

/** A module of the sources with all that it imports, but native packages, as one file. */
async function bundle(entry: string, outfile: string, format: Format): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'packages/mien/src', entry)],
    outfile,
    format,
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    external: ['sharp', 'onnxruntime-node'],
    logLevel: 'silent',
    alias: sources,
  });
  await writeFile(outfile, outputFiles[0]!.contents);
  return outputFiles[0]!.text;
}

describe('all of the library', () => {
  let text: string;
  let mien: typeof library;
  beforeAll(async () => {
    // Only what is named is there, not the package itself.
    await mkdir(join(folder, 'node_modules'));
    for (const name of ['sharp', 'onnxruntime-node'])
      await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name));
    text = await bundle('index.ts', join(folder, 'app.cjs'), 'cjs');
    mien = createRequire(join(folder, 'app.cjs'))('./app.cjs') as typeof library;
  });

  test('asks no bundler to copy folders', () => {
    expect(text).not.toMatch(/new URL\([^)]*import_?\.?meta/);
    expect(text).toContain('models/lite');
  });

  test('computes with the bundle and the detector that it is given', async () => {
    await writeLegible(join(folder, 'model'));
    const recognizer = await mien.loadRecognizer({
      bundle: `file://${folder}/model`,
      detector: new URL(`file://${DETECTOR}`),
      threads: 1,
    });
    const items = [{ text: 'joy' }, { image: faceOf('fear') }];
    const results = await recognizer.recognize(items, { faces: 'cropped' });
    expect(results.map((result) => mien.isRecognition(result) && result.label)).toEqual(['joy', 'fear']);
    await recognizer.dispose();
  });

  test('says what to do where there is neither a model nor the package', async () => {
    // From the folder of this repository the package would be found.
    const before = process.cwd();
    process.chdir(folder);
    try {
      await expect(mien.loadRecognizer()).rejects.toMatchObject({
        code: 'file',
        hint: /`bundle`.*`detector`/,
      });
      const named = mien.loadRecognizer({ bundle: join(folder, 'model'), processes: 1 });
      await expect(named).rejects.toMatchObject({ code: 'file' });
      const elsewhere = mien.loadRecognizer({
        bundle: join(folder, 'model'),
        detector: 'file://host/none.onnx',
      });
      await expect(elsewhere).rejects.toMatchObject({ code: 'usage' });
      const detector = join(folder, 'none.onnx');
      const missing = mien.loadRecognizer({ bundle: join(folder, 'model'), detector });
      await expect(missing).rejects.toMatchObject({ code: 'file', place: { file: detector } });
    } finally {
      process.chdir(before);
    }
  });
});

describe.each<[Format, string]>([
  ['cjs', 'app.cjs'],
  ['esm', 'app.mjs'],
])('a bundle of the format %s', (format, name) => {
  test('finds the package where it is installed, and says what of it is missing', async () => {
    const home = join(folder, format);
    const installed = join(home, 'node_modules/mien');
    await mkdir(join(home, 'dist'), { recursive: true });
    await bundle('base/package.ts', join(home, 'dist', name), format);
    const { inPackage, packageVersion, moduleInPackage } = (await import(
      join(home, 'dist', name)
    )) as typeof ownFiles;
    // A bundle for CommonJS does not know where it is and looks from the working folder on.
    const [before, there] = [process.cwd(), join(home, 'dist')];
    try {
      process.chdir(there);
      expect(() => inPackage('models/lite')).toThrow(/not installed/);
      await mkdir(installed, { recursive: true });
      await writeFile(join(installed, 'package.json'), '{ "name": "other" }');
      expect(() => inPackage('models/lite')).toThrow(/not installed/);
      await writeFile(join(installed, 'package.json'), '{ "name": "mien", "version": "1.2.3" }');
      expect(inPackage('models/lite')).toBe(join(installed, 'models/lite'));
      expect(() => moduleInPackage('recognizer/node/child')).toThrow(/in this process/);
    } finally {
      process.chdir(before);
    }
    expect(packageVersion()).toBe('1.2.3');
    await mkdir(join(installed, 'dist/recognizer/node'), { recursive: true });
    await writeFile(join(installed, 'dist/recognizer/node/child.js'), '');
    const { path, execArgv } = moduleInPackage('recognizer/node/child');
    expect(existsSync(path)).toBe(true);
    expect(execArgv).toEqual([]);
  });
});
