// `npm run bench`: measures us and the peers in turn and prints medians and ratios. See README.md.
import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeFileAtomic } from 'mien-engine/node';
import { suggestion } from 'mien-engine/base';
import { bundleComparisons } from './benchmarks/bundle.js';
import { b3Comparisons, faceComparisons } from './benchmarks/face.js';
import { headComparisons } from './benchmarks/head.js';
import { pageComparisons } from './benchmarks/page.js';
import { serviceComparisons } from './benchmarks/service.js';
import { startupComparisons } from './benchmarks/startup.js';
import { textComparisons } from './benchmarks/text.js';
import { trainComparisons } from './benchmarks/train.js';
import { compare, type Comparison, type Measured } from './compare.js';
import { machineKind } from './machine.js';
import type { BenchOptions } from './options.js';
import { printed } from './tables.js';

const benchmarks: Readonly<Record<string, (options: BenchOptions) => Promise<Comparison[]>>> = {
  head: headComparisons,
  text: textComparisons,
  face: faceComparisons,
  'face-b3': b3Comparisons,
  train: trainComparisons,
  bundle: bundleComparisons,
  service: serviceComparisons,
  page: pageComparisons,
  startup: startupComparisons,
};

const USAGE = `Usage: npm run bench -- [${Object.keys(benchmarks).join(' | ')}]… [options]

  --rounds <n>    times each contender is measured (default 7; service: 3)
  --threads <n>   threads of each contender (default: all cores)
  --quick         fewer items, to see that everything works
  --markdown      tables as Markdown
  --json          also write bench/results/<benchmark>.json`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    threads: { type: 'string', default: String(availableParallelism()) },
    quick: { type: 'boolean', default: false },
    markdown: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** Times each contender is measured where a benchmark says nothing else. */
const ROUNDS = 7;

function count(option: 'rounds' | 'threads'): number {
  const value = Number(values[option]);
  if (!Number.isInteger(value) || value < 1) fail(`--${option} takes a whole number from 1 on`);
  return value;
}

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

async function save(name: string, measured: readonly Measured[]): Promise<void> {
  const folder = join(import.meta.dirname, 'results');
  await mkdir(folder, { recursive: true });
  const content = { machine: machineKind(), measured };
  await writeFileAtomic(join(folder, `${name}.json`), `${JSON.stringify(content, undefined, 2)}\n`);
}

// By the signal itself nothing would be cleaned up: what was started ends with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const unknown = positionals.find((name) => !(name in benchmarks));
if (unknown !== undefined)
  fail(`There is no benchmark ${unknown}. ${suggestion(unknown, Object.keys(benchmarks))}`);
const threads = count('threads');
const asked = values.rounds === undefined ? undefined : count('rounds');

console.log(`${machineKind()}; ${threads} threads\n`);
const onRound = (name: string, seconds: number): void => console.error(`  ${name}  ${seconds.toFixed(3)} s`);
for (const name of positionals.length > 0 ? positionals : Object.keys(benchmarks)) {
  const measured: Measured[] = [];
  for (const comparison of await benchmarks[name]!({ quick: values.quick, threads })) {
    const rounds = asked ?? comparison.rounds ?? ROUNDS;
    const title = `${comparison.title}, ${rounds} rounds`;
    measured.push(await compare({ ...comparison, title }, rounds, onRound));
    console.log(`${printed(measured.at(-1)!, values.markdown)}\n`);
  }
  if (values.json) await save(name, measured);
}
