// The package as others install it: its entries resolve with their types, and it holds what it should.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkPackage, Package } from '@arethetypeswrong/core';
import { publint } from 'publint';
import ts from 'typescript';
import { beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const execute = promisify(execFile);

describe('the package', () => {
  let files: string[];
  let remarks: string;
  /** Text of what is not a model or a page. */
  let contents: (readonly [path: string, text: string])[];

  beforeAll(async () => {
    if (!existsSync(join(root, 'dist/browser.js'))) await execute('npm', ['run', 'build'], { cwd: root });
    const { stdout, stderr } = await execute('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
      maxBuffer: 1 << 24,
    });
    const [packed] = JSON.parse(stdout) as { files: { path: string }[] }[];
    files = packed!.files.map(({ path }) => path);
    remarks = stderr;
    const code = files.filter((path) => /\.(d\.ts|js|json)$/.test(path) && !path.startsWith('dist/web/'));
    contents = await Promise.all(
      code.map(async (path) => [path, await readFile(join(root, path), 'utf8')] as const),
    );
  }, 240_000);

  test('holds code and models, no data, no features, no model twice', () => {
    for (const wanted of ['dist/index.js', 'dist/index.d.ts', 'dist/browser.js', 'dist/browser.d.ts'])
      expect(files).toContain(wanted);
    expect(files.some((path) => /^models\/blazeface\/.*\.onnx$/.test(path))).toBe(true);
    const unwanted = /^(src|test|bench|data|runs|out|web)\/|^models\/(frozen|learned)|^dist\/web\/model\//;
    expect(files.filter((path) => unwanted.test(path))).toEqual([]);
  });

  test('installs without a remark of npm, and without a script of a dependency', async () => {
    expect(remarks).not.toMatch(/npm warn/i);
    const read = async (name: string) => JSON.parse(await readFile(join(root, name), 'utf8')) as unknown;
    const { allowScripts } = (await read('package.json')) as { allowScripts: Record<string, boolean> };
    const { packages } = (await read('package-lock.json')) as {
      packages: Record<string, { hasInstallScript?: boolean }>;
    };
    const withScripts = Object.entries(packages)
      .filter(([path, { hasInstallScript }]) => path !== '' && hasInstallScript)
      .map(([path]) => path.replace(/^.*node_modules\//, ''));
    // Newer versions of npm read this, and list every other script after each installation.
    expect(withScripts.filter((name) => allowScripts[name] !== false)).toEqual([]);
    expect(allowScripts['onnxruntime-node']).toBe(false);
    // Older ones go by the lock file alone: CONTRIBUTING.md says what to do when it names the script again.
    expect(withScripts).not.toContain('onnxruntime-node');
  });

  test('has entries that publint accepts', async () => {
    // What was packed above: it would pack once more by itself.
    const texts = new Map(contents);
    const packed = files.map((name) => ({ name: `/${name}`, data: texts.get(name) ?? '' }));
    const { messages } = await publint({ pkgDir: '', level: 'warning', pack: { files: packed } });
    expect(messages).toEqual([]);
  });

  test('has types where bundlers and Node look for them', async () => {
    const texts = contents.map(([path, text]) => [`/node_modules/mien/${path}`, text]);
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    const result = await checkPackage(new Package(Object.fromEntries(texts), 'mien', version), {
      excludeEntrypoints: [/^\.\/models/, './package.json'],
    });
    if (result.types === false) throw new Error('the package has no types');
    // The package is for modules only: `require` is not asked. `node10`, the way before `exports`, is TypeScript's
    // default for projects that name none.
    const asked = ['node10', 'node16-esm', 'bundler'];
    const problems = result.problems.filter(
      (problem) => !('resolutionKind' in problem) || asked.includes(problem.resolutionKind),
    );
    expect(problems).toEqual([]);
    expect(Object.keys(result.entrypoints).sort()).toEqual(['.', './browser']);
  });

  test('has types that need no setting of the project’s', async () => {
    const project = await mkdtemp(join(tmpdir(), 'mien-project-'));
    await mkdir(join(project, 'node_modules'));
    await symlink(root, join(project, 'node_modules/mien'));
    const file = join(project, 'app.ts');
    const lines = [
      "import { isRecognition, loadRecognizer, type Result } from 'mien';",
      'export const labelOf = (result: Result): string | undefined =>',
      '  isRecognition(result) ? result.label : undefined;',
      'export const loaded = loadRecognizer();',
    ];
    await writeFile(file, lines.join('\n'));
    const program = ts.createProgram([file], {
      ...{ noEmit: true, strict: true, types: [], skipDefaultLibCheck: true, target: ts.ScriptTarget.ES2022 },
      ...{ module: ts.ModuleKind.CommonJS, moduleResolution: ts.ModuleResolutionKind.Node10 },
      // TypeScript 6 speaks against it; up to 5 it is what a project has that says nothing.
      ignoreDeprecations: '6.0',
    });
    const problems = ts.getPreEmitDiagnostics(program);
    await rm(project, { recursive: true });
    expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
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
