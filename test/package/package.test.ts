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
import { folderOf, PACKAGES, root } from '../../packages/sources.js';

const execute = promisify(execFile);

interface Packed {
  readonly files: readonly string[];
  readonly remarks: string;
  /** Text of what is not a model or a page. */
  readonly contents: ReadonlyMap<string, string>;
}

/** What `npm pack` puts into a package, from what was built. */
async function pack(name: string): Promise<Packed> {
  const cwd = folderOf(name);
  const { stdout, stderr } = await execute('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd,
    maxBuffer: 1 << 24,
  });
  const [packed] = JSON.parse(stdout) as { files: { path: string }[] }[];
  const files = packed!.files.map(({ path }) => path);
  const code = files.filter((path) => /\.(d\.ts|js|json)$/.test(path) && !path.startsWith('dist/web/'));
  const contents = await Promise.all(
    code.map(async (path) => [path, await readFile(join(cwd, path), 'utf8')] as const),
  );
  return { files, remarks: stderr, contents: new Map(contents) };
}

/** Entries of a package that have no types: files. */
const FILES = [/^\.\/models/, './package.json'];

/** Floors of mien that the laboratory uses. */
const FLOORS = [
  'audio',
  'base',
  'bundle',
  'cli',
  'data',
  'detector',
  'encoders',
  'evaluate',
  'explain',
  'modalities',
  'recognizer',
  'words',
];

const ENTRIES: Readonly<Record<string, readonly string[]>> = {
  'mien-engine': ['.', './base', './node'],
  mien: ['.', './browser', './cli', './page', ...FLOORS.map((floor) => `./parts/${floor}`), './watch'],
  'mien-lab': ['.', './cli'],
};

beforeAll(async () => {
  if (!existsSync(join(folderOf('mien-lab'), 'dist/cli.js')))
    await execute('npm', ['run', 'build'], { cwd: root });
}, 240_000);

describe.each(Object.keys(PACKAGES))('the package %s', (name) => {
  let packed: Packed;
  beforeAll(async () => {
    packed = await pack(name);
  });

  test('holds what was built, a licence, a README, and no source, test, page’s model or build record', () => {
    const { files } = packed;
    for (const wanted of ['dist/index.js', 'dist/index.d.ts', 'LICENSE', 'README.md'])
      expect(files).toContain(wanted);
    const unwanted =
      /^(src|test|bench|data|runs|out|web|\.built)\/|^models\/(frozen|learned)|^dist\/web\/model\/|\.tsbuildinfo$/;
    expect(files.filter((path) => unwanted.test(path))).toEqual([]);
  });

  test('has entries that publint accepts', async () => {
    // What was packed above: it would pack once more by itself.
    const files = packed.files.map((path) => ({
      name: `/${path}`,
      data: packed.contents.get(path) ?? '',
    }));
    const { messages } = await publint({ pkgDir: '', level: 'warning', pack: { files } });
    expect(messages).toEqual([]);
  });

  test('has types where bundlers and Node look for them', async () => {
    const texts = [...packed.contents].map(([path, text]) => [`/node_modules/${name}/${path}`, text]);
    const { version } = JSON.parse(packed.contents.get('package.json')!) as { version: string };
    const result = await checkPackage(new Package(Object.fromEntries(texts), name, version), {
      excludeEntrypoints: FILES,
    });
    if (result.types === false) throw new Error('the package has no types');
    // The packages are for modules only: `require` is not asked. `node10`, the way before `exports`, is TypeScript's
    // default for projects that name none; only what applications import is found so.
    const asked = ['node16-esm', 'bundler', ...(name === 'mien' ? ['node10'] : [])];
    const isInternal = (entry: string): boolean => /^\.\/(cli$|page$|watch$|parts\/)/.test(entry);
    const problems = result.problems.filter(
      (problem) =>
        !('resolutionKind' in problem) ||
        (asked.includes(problem.resolutionKind) &&
          !(problem.resolutionKind === 'node10' && isInternal(problem.entrypoint))),
    );
    expect(problems).toEqual([]);
    expect(Object.keys(result.entrypoints).sort()).toEqual(ENTRIES[name]);
  });

  test('names the version of the packages of this repository that it was made with', () => {
    const { version, dependencies } = JSON.parse(packed.contents.get('package.json')!) as {
      version: string;
      dependencies: Record<string, string>;
    };
    for (const other of Object.keys(PACKAGES))
      if (other in dependencies) expect(dependencies[other]).toBe(version);
  });
});

describe('mien', () => {
  test('brings its model and its detector', async () => {
    const { files } = await pack('mien');
    expect(files).toContain('dist/browser.js');
    expect(files).toContain('models/lite/manifest.json');
    expect(files.some((path) => /^models\/blazeface\/.*\.onnx$/.test(path))).toBe(true);
  });

  test('has its bin where npm links it, with the laboratory’s commands', async () => {
    const { stdout } = await execute(join(root, 'node_modules/.bin/mien'), ['--help']);
    for (const command of ['predict', 'serve', 'reproduce', 'train'])
      expect(stdout).toContain(`  ${command} `);
    expect(stdout).not.toContain('needs mien-lab');
  });

  test('has few dependencies, none of charts, statistics or training', async () => {
    const { dependencies } = JSON.parse(await readFile(join(folderOf('mien'), 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const names = Object.keys(dependencies);
    expect(names.length).toBeLessThanOrEqual(16);
    expect(names.filter((one) => /vega|stdlib|druid|ml-|cli-/.test(one))).toEqual([]);
  });

  test('installs without a remark of npm, and without a script of a dependency', async () => {
    expect((await pack('mien')).remarks).not.toMatch(/npm warn/i);
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

  test('has types that need no setting of the project’s', async () => {
    const project = await mkdtemp(join(tmpdir(), 'mien-project-'));
    await mkdir(join(project, 'node_modules'));
    for (const name of ['mien', 'mien-engine'])
      await symlink(folderOf(name), join(project, 'node_modules', name));
    const file = join(project, 'app.ts');
    const lines = [
      "import { isRecognition, loadRecognizer, type Result } from 'mien';",
      'export const labelOf = (result: Result): string | undefined =>',
      '  isRecognition(result) ? result.label : undefined;',
      'export const loaded = loadRecognizer();',
    ];
    await writeFile(file, lines.join('\n'));
    const program = ts.createProgram([file], {
      noEmit: true,
      strict: true,
      types: [],
      skipDefaultLibCheck: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.CommonJS,
      moduleResolution: ts.ModuleResolutionKind.Node10,
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
    const inBrowsers = await readFile(join(folderOf('mien'), 'dist/browser.js'), 'utf8');
    for (const name of inNode) expect(inBrowsers).toContain(name);
  });
});
