// The package as others install it: its entries resolve with their types, and it holds what it should.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkPackage, Package } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const execute = promisify(execFile);

describe('the package', () => {
  let files: string[];

  beforeAll(async () => {
    if (!existsSync(join(root, 'dist/browser.js'))) await execute('npm', ['run', 'build'], { cwd: root });
    const { stdout } = await execute('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
      maxBuffer: 1 << 24,
    });
    const [packed] = JSON.parse(stdout) as { files: { path: string }[] }[];
    files = packed!.files.map(({ path }) => path);
  }, 240_000);

  test('holds code and models, no data, no features, no model twice', () => {
    for (const wanted of ['dist/index.js', 'dist/index.d.ts', 'dist/browser.js', 'dist/browser.d.ts'])
      expect(files).toContain(wanted);
    expect(files.some((path) => /^models\/blazeface\/.*\.onnx$/.test(path))).toBe(true);
    const unwanted = /^(src|test|bench|data|runs|out|web)\/|^models\/(frozen|learned)|^dist\/web\/model\//;
    expect(files.filter((path) => unwanted.test(path))).toEqual([]);
  });

  test('has entries that publint accepts', async () => {
    // Given what npm packs, it has no need to let npm pack again.
    const packed = files.map(async (path) => {
      const name = join(root, path);
      return { name, data: await readFile(name) };
    });
    const pack = { files: await Promise.all(packed) };
    const { messages } = await publint({ pkgDir: root, level: 'warning', pack });
    expect(messages).toEqual([]);
  });

  test('has types where bundlers and Node look for them', async () => {
    const contents = await Promise.all(
      files
        .filter((path) => /\.(d\.ts|js|json)$/.test(path) && !path.startsWith('dist/web/'))
        .map(
          async (path) => [`/node_modules/mien/${path}`, await readFile(join(root, path), 'utf8')] as const,
        ),
    );
    const version = (JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string })
      .version;
    const result = await checkPackage(new Package(Object.fromEntries(contents), 'mien', version), {
      excludeEntrypoints: [/^\.\/models/, './package.json'],
    });
    if (result.types === false) throw new Error('the package has no types');
    // The package is for modules only: `require` and the oldest way of resolving are not asked.
    const asked = ['node16-esm', 'bundler'];
    const problems = result.problems.filter(
      (problem) => !('resolutionKind' in problem) || asked.includes(problem.resolutionKind),
    );
    expect(problems).toEqual([]);
    expect(Object.keys(result.entrypoints).sort()).toEqual(['.', './browser']);
  });

  test('loads in Node by its name, with the same names as in browsers', async () => {
    const script = "import('mien').then((mien) => console.log(JSON.stringify(Object.keys(mien))))";
    const inNode = JSON.parse(
      (await execute(process.execPath, ['-e', script], { cwd: root })).stdout,
    ) as string[];
    expect(inNode).toEqual(expect.arrayContaining(['loadRecognizer', 'isRecognition', 'MienError']));
    const inBrowsers = await readFile(join(root, 'dist/browser.js'), 'utf8');
    for (const name of inNode) expect(inBrowsers).toContain(name);
  });
});
