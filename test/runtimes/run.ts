// `npm run test:runtimes -- [NAME…]`: the package as others install it, in the runtimes, bundlers and test runners of
// docs/environments.md. Apart from `npm test`: it installs a gigabyte of tools into a temporary folder and takes minutes.
import { spawn, type ChildProcess } from 'node:child_process';
import { copyFile, cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderOf, root } from '../../packages/sources.js';
import { setTimeout as delay } from 'node:timers/promises';

const EXPECTED = 'joy both, fear text, joy face, joy face, joy face, undecodable-image';
/** Milliseconds that a command, and a server before it answers, may take. */
const PATIENCE = 600_000;
const PORT = 18_473;

const project = await mkdtemp(join(tmpdir(), 'mien-runtimes-'));
const bin = (name: string): string => join(project, 'node_modules/.bin', name);
const MIEN = join(project, 'node_modules/mien/dist/cli/main.js');
const env = {
  ...process.env,
  EXPECTED,
  NO_COLOR: '1',
  NEXT_TELEMETRY_DISABLED: '1',
  ONNXRUNTIME_NODE_INSTALL: 'skip',
};

interface Settings {
  readonly cwd: string;
  /** Further variables. */
  readonly more: Readonly<Record<string, string>>;
  /** Exit codes that are no failure. */
  readonly codes: readonly number[];
}

function start(
  command: string,
  args: readonly string[],
  { cwd = project, more = {}, codes = [0] }: Partial<Settings> = {},
): { child: ChildProcess; ended: Promise<string> } {
  const child = spawn(command, args, { cwd, env: { ...env, ...more }, timeout: PATIENCE });
  let [out, all] = ['', ''];
  child.stdout.on('data', (piece: Buffer) => ((out += piece.toString()), (all += piece.toString())));
  child.stderr.on('data', (piece: Buffer) => (all += piece.toString()));
  const ended = new Promise<string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) =>
      code !== null && codes.includes(code)
        ? resolve(out.trim())
        : reject(
            new Error(`${command} ${args.join(' ')} ended with ${signal ?? code}:\n${all.slice(-3000)}`),
          ),
    );
  });
  return { child, ended };
}
const run = (...given: Parameters<typeof start>): Promise<string> => start(...given).ended;

function same(found: string, expected = EXPECTED): void {
  if (found !== expected) throw new Error(`expected "${expected}", got "${found}"`);
}

/** A program that prints the answers, computed in its process and in another. */
async function both(command: string, args: readonly string[] = []): Promise<void> {
  for (const options of [{}, { processes: 1 }]) same(await run(command, [...args, JSON.stringify(options)]));
}

/** A server that is asked and told to stop. */
async function served(
  command: string,
  args: readonly string[],
  ask: (url: string) => Promise<void>,
  codes = [0],
): Promise<void> {
  const { child, ended } = start(command, args, { codes });
  let failure: unknown;
  ended.catch((error: unknown) => (failure = error));
  const url = `http://127.0.0.1:${PORT}`;
  try {
    const until = performance.now() + PATIENCE;
    while (!(await fetch(url).catch(() => undefined))) {
      if (failure) throw failure as Error;
      if (performance.now() > until) throw new Error(`${command} does not answer`);
      await delay(200);
    }
    await ask(url);
  } finally {
    child.kill('SIGTERM');
  }
  await ended;
}

/** A runtime: the library, a child that dies, the service. */
const runtime =
  (name: string, ...args: string[]) =>
  async (): Promise<void> => {
    await both(name, [...args, 'main.mjs']);
    same(await run(name, [...args, 'crash.mjs']), 'fear, crashed, fear');
    await served(name, [...args, MIEN, 'serve', '--port', String(PORT), '--processes', '1'], async (url) => {
      const body = new FormData();
      body.append('text', 'I am scared');
      const response = await fetch(`${url}/v1/recognize`, { method: 'POST', body });
      const { results } = (await response.json()) as { results: { label: string }[] };
      same(results[0]!.label, 'fear');
    });
  };

const next =
  (...args: string[]) =>
  async (): Promise<void> => {
    await rm(join(project, '.next'), { recursive: true, force: true });
    await run(bin('next'), ['build', ...args]);
    const server = join(project, 'node_modules/next/dist/bin/next');
    const ask = async (url: string): Promise<void> => {
      for (const query of ['', '?processes=1']) same(await (await fetch(`${url}/emotion${query}`)).text());
    };
    // It does not catch SIGTERM.
    await served(process.execPath, [server, 'start', '--port', String(PORT)], ask, [0, 143]);
  };

const esbuild = (format: string, file: string) => async (): Promise<void> => {
  const target = ['--platform=node', '--external:sharp', `--format=${format}`, `--outfile=${file}`];
  await run(bin('esbuild'), ['main.mjs', '--bundle', ...target]);
  await both(process.execPath, [file]);
};

const scenarios: Readonly<Record<string, () => Promise<unknown>>> = {
  node: runtime(process.execPath),
  bun: runtime(bin('bun'), 'run'),
  deno: runtime(bin('deno'), 'run', '--allow-all'),
  'esbuild-esm': esbuild('esm', 'out/esbuild.mjs'),
  'esbuild-cjs': esbuild('cjs', 'out/esbuild.cjs'),
  async webpack() {
    await run(bin('webpack'), []);
    await both(process.execPath, ['out/webpack.cjs']);
  },
  async vite() {
    await run(bin('vite'), ['build']);
    await both(process.execPath, ['out/vite/main.mjs']);
  },
  'next-turbopack': next(),
  'next-webpack': next('--webpack'),
  jest: () => run(bin('jest'), ['-w', '1'], { more: { NODE_OPTIONS: '--experimental-vm-modules' } }),
  async vitest() {
    for (const pool of ['forks', 'threads', 'vmForks', 'vmThreads'])
      await run(bin('vitest'), ['run', '--pool', pool]);
  },
};

async function install(): Promise<void> {
  await cp(join(import.meta.dirname, 'project'), project, { recursive: true });
  await copyFile(join(root, 'test/fixtures/astronaut.png'), join(project, 'photograph.png'));
  await run('npm', ['run', 'build'], { cwd: root });
  for (const name of ['mien-engine', 'mien'])
    await run('npm', ['pack', '--ignore-scripts', '--pack-destination', project], { cwd: folderOf(name) });
  const tarballs = (await readdir(project)).filter((name) => name.endsWith('.tgz'));
  await run('npm', ['install', '--no-audit', '--no-fund', ...tarballs.map((name) => `./${name}`)]);
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(scenarios);
const unknown = wanted.filter((name) => !(name in scenarios));
if (unknown.length > 0)
  throw new Error(`no ${unknown.join(', ')}; there are ${Object.keys(scenarios).join(', ')}`);
let failed = 0;
try {
  await install();
  for (const name of wanted) {
    const problem = await scenarios[name]!().then(
      () => undefined,
      (error: unknown) => (error as Error).message,
    );
    if (problem !== undefined) failed++;
    process.stdout.write(problem === undefined ? `ok      ${name}\n` : `FAILED  ${name}: ${problem}\n`);
  }
} finally {
  await rm(project, { recursive: true, force: true });
}
process.stdout.write(`${wanted.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
