// The model over HTTP: requests a second, latencies and processor time, with micro-batching, without, and behind FastAPI.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import autocannon from 'autocannon';
import { loadIsear } from 'mien-lab';
import buildSources, { builtOf } from '../../test/support/build.js';
import { spread, type Comparison, type Contender } from '../compare.js';
import { folderOf, type BenchOptions } from '../options.js';
import { notInstalled, startPeer } from '../peer.js';
import { processorSeconds } from '../processor-time.js';
import { rafdbFiles } from './face.js';

/** All of it is to take less than ten minutes. */
const SECONDS = { full: 4, quick: 1 };
const ROUNDS = 3;
/**
 * Requests with nothing to compute, before anything is measured: V8 goes on compiling for some thousand requests, and
 * until then what answers them takes four times the time. Then each kind of request for some seconds.
 */
const WARM_UP = { full: { requests: 4000, seconds: 3 }, quick: { requests: 400, seconds: 1 } };
const CLIENTS = [1, 8, 64];
/** Different requests, sent over and over. */
const ITEMS = 64;
const PATH = '/v1/recognize';

interface Target {
  readonly name: string;
  readonly url: string;
  /** Of the process that started all the others of the service. */
  readonly pid: number;
  close(): Promise<void>;
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

/** `mien serve` as a process, ready. */
async function startOurs(name: string, args: readonly string[]): Promise<Target> {
  const port = await freePort();
  // Its log goes nowhere, as uvicorn's is switched off.
  const command = [join(builtOf('mien'), 'cli/main.js'), 'serve', '--quiet', '--port', String(port), ...args];
  const child: ChildProcess = spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'inherit'] });
  process.once('exit', () => child.kill('SIGKILL'));
  const url = `http://127.0.0.1:${port}`;
  while (
    !(await fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
    await setTimeout(100);
  }
  const close = async (): Promise<void> => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  };
  return { name, url, pid: child.pid!, close };
}

/** Uvicorn's workers start one after the other; a while after the first answers, all do. */
const WORKERS_START = 3000;

async function startFastApi(folder: string, processes: number): Promise<{ about: string; target?: Target }> {
  const port = await freePort();
  const peer = await startPeer('service.py', { folder, processes, threads: 1, port });
  if (!peer) return { about: notInstalled('FastAPI') };
  await setTimeout(WORKERS_START);
  const target = {
    name: 'FastAPI',
    url: `http://127.0.0.1:${port}`,
    pid: peer.pid,
    close: () => peer.close(),
  };
  return { about: peer.about, target };
}

type Request = Readonly<Record<string, unknown>>;
const HEADERS = { 'content-type': 'application/json' };

interface Load {
  readonly clients: number;
  readonly seconds: number;
}

/** Part of a round before which, and after which, processor time is not counted: requests are cut there. */
const MARGIN = 0.1;

/** Keeps `clients` connections busy for a while; `busy` is the processor time of a request, where it can be known. */
async function send({ name, url, pid }: Target, requests: readonly Request[], { clients, seconds }: Load) {
  const options = {
    url: url + PATH,
    method: 'POST' as const,
    headers: HEADERS,
    timeout: 60,
    connections: clients,
    duration: seconds,
    requests: requests.map((request) => ({ body: JSON.stringify(request) })),
  };
  let answered = 0;
  const finished = new Promise<autocannon.Result>((resolve, reject) => {
    const load = autocannon(options, (error: unknown, result) =>
      error instanceof Error ? reject(error) : resolve(result),
    );
    load.on('response', () => answered++);
  });
  const measure = async () => ({ used: await processorSeconds(pid), answered });
  await setTimeout(1000 * MARGIN * seconds);
  const start = await measure();
  await setTimeout(1000 * (1 - 2 * MARGIN) * seconds);
  const end = await measure();
  const result = await finished;
  const { errors, non2xx } = result;
  if (errors + non2xx > 0) throw new Error(`${name}: ${errors} errors, ${non2xx} refused`);
  const busy =
    start.used === undefined || end.used === undefined || end.answered === start.answered
      ? undefined
      : (end.used - start.used) / (end.answered - start.answered);
  return { ...result, busy };
}

async function warmUp(
  target: Target,
  loads: readonly (readonly Request[])[],
  { requests, seconds }: { readonly requests: number; readonly seconds: number },
): Promise<void> {
  const clients = CLIENTS.at(-1)!;
  const empty = JSON.stringify({ items: [{ text: '' }] });
  await autocannon({
    url: target.url + PATH,
    method: 'POST',
    headers: HEADERS,
    timeout: 60,
    connections: clients,
    amount: requests,
    body: empty,
  });
  for (const load of loads) await send(target, load, { clients, seconds });
}

/** A round's seconds are those of one request. */
function underLoad(target: Target, requests: readonly Request[], load: Load, notes: string[]): Contender {
  const rounds: Awaited<ReturnType<typeof send>>[] = [];
  return {
    name: target.name,
    round: async () => {
      const result = await send(target, requests, load);
      rounds.push(result);
      return result.duration / result['2xx'];
    },
    close: async () => {
      // The first round warmed up.
      const counted = rounds.slice(1);
      const p50 = spread(counted.map(({ latency }) => latency.p50));
      const p99 = spread(counted.map(({ latency }) => latency.p99));
      notes.push(`${target.name}: p50 ${p50.median} ms, p99 ${p99.median} ms (${p99.min}–${p99.max})`);
      const times = counted.flatMap(({ busy }) => (busy === undefined ? [] : [1000 * busy]));
      if (times.length === 0) return;
      const [median, min, max] = Object.values(spread(times)).map((value: number) => value.toFixed(1));
      notes.push(`– processor time of all its processes: ${median} ms a request (${min}–${max})`);
    },
  };
}

interface Answered {
  readonly results: readonly {
    readonly text?: Posterior;
    readonly face?: Posterior;
    /** Of the answer. */
    readonly probabilities?: Readonly<Record<string, number>>;
  }[];
}
type Posterior = { readonly probabilities?: Readonly<Record<string, number>> } & Readonly<
  Record<string, unknown>
>;

/** The greatest difference between our probabilities and the peer's: of texts, of faces, and of both together. */
async function difference(ours: Target, peer: Target, requests: readonly Request[]): Promise<number> {
  let greatest = 0;
  for (const request of requests) {
    const [a, b] = await Promise.all(
      [ours, peer].map(async ({ url }) => {
        const response = await fetch(url + PATH, {
          method: 'POST',
          headers: HEADERS,
          body: JSON.stringify(request),
        });
        if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
        return ((await response.json()) as Answered).results[0]!;
      }),
    );
    const pairs = [
      [a!.text?.probabilities, b!.text],
      [a!.face?.probabilities, b!.face],
      [a!.probabilities, b!.probabilities],
    ] as const;
    for (const [own, others] of pairs)
      for (const [label, value] of Object.entries(own ?? {}))
        greatest = Math.max(greatest, Math.abs(value - (others![label] as number)));
  }
  return greatest;
}

export async function serviceComparisons({ quick, threads }: BenchOptions): Promise<Comparison[]> {
  const folder = process.env['MIEN_BUNDLE'] ?? join(import.meta.dirname, '../../models/lite');
  const { items } = await loadIsear(join(folderOf('MIEN_DATA', 'isear/ and rafdb/'), 'isear'));
  const texts = items.slice(0, ITEMS).map(({ text }) => text);
  const files = await rafdbFiles(ITEMS);
  const images = await Promise.all(files.map(async (file) => (await readFile(file)).toString('base64')));
  const faces = 'cropped';
  const loads: Readonly<Record<string, readonly Request[]>> = {
    text: texts.map((text) => ({ items: [{ text }] })),
    face: images.map((image) => ({ items: [{ image }], faces })),
    'text and face': texts.map((text, i) => ({ items: [{ text, image: images[i] }], faces })),
  };

  await buildSources();
  // Processes of one thread each, for all alike.
  const shared = ['--bundle', folder, '--processes', String(threads), '--threads', '1', '--queue', '1024'];
  const ours = await startOurs('mien', shared);
  const single = await startOurs('mien, no batches', [...shared, '--max-batch', '1', '--max-wait', '0']);
  const { about, target: fastApi } = await startFastApi(folder, threads);
  const peers = [single, ...(fastApi ? [fastApi] : [])];
  const agreement = fastApi
    ? `greatest difference between a probability of ours and of FastAPI’s: ${(await difference(ours, fastApi, loads['text and face']!.slice(0, 8))).toExponential(1)}`
    : '';

  const mode = quick ? 'quick' : 'full';
  for (const target of [ours, ...peers]) await warmUp(target, Object.values(loads), WARM_UP[mode]);

  const comparisons = Object.entries(loads).flatMap(([what, requests]) =>
    CLIENTS.map((clients): Comparison => {
      const notes = [about, ...(agreement ? [agreement] : [])];
      const load = { clients, seconds: SECONDS[mode] };
      return {
        title: `service: ${what}, ${clients} client${clients > 1 ? 's' : ''}`,
        work: { unit: 'requests', count: 1 },
        notes,
        rounds: ROUNDS,
        ours: underLoad(ours, requests, load, notes),
        peers: peers.map((target) => underLoad(target, requests, load, notes)),
      };
    }),
  );
  const last = comparisons.at(-1)!;
  const close = async (): Promise<void> => {
    await last.ours.close();
    for (const { close: stop } of [ours, ...peers]) await stop();
  };
  return [...comparisons.slice(0, -1), { ...last, ours: { ...last.ours, close } }];
}
