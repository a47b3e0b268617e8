// The page: from a frame of the camera to boxes and bars, how many frames a second; and how long the first answer takes.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { servePage } from 'mien/cli';
import {
  buildWith,
  CHROMIUM,
  fakeCamera,
  filmOf,
  launchAsVisited,
  openPage,
  temporaryFolder,
} from '../../test/web/support.js';
import { timed, type Comparison } from '../compare.js';
import { openLine } from '../line.js';
import type { BenchOptions } from '../options.js';

const root = join(import.meta.dirname, '../..');
const FRAMES = { full: 100, quick: 10 };
/** Loading the model on a busy machine. */
const PATIENCE = 300_000;

/** Resolves in the page when so many more frames have been read. */
const read = (count: number): string => `new Promise((resolve) => {
  const rate = document.querySelector('#rate');
  const until = Number(rate.dataset.readings) + ${count};
  const observer = new MutationObserver(() => {
    if (Number(rate.dataset.readings) < until) return;
    observer.disconnect();
    resolve();
  });
  observer.observe(rate, { attributes: true });
})`;

/** The same photograph, panned over: by so many of 400 pixels from frame to frame. */
const FILMS = [
  { step: 6, what: 'a face that moves by up to a sixth of its width' },
  { step: 1, what: 'a face that sits nearly still' },
] as const;

export async function pageComparisons({ quick, threads }: BenchOptions): Promise<Comparison[]> {
  if (!CHROMIUM) throw new Error('install Chromium, or name one with MIEN_CHROMIUM');
  const model = process.env['MIEN_BUNDLE'] ?? join(root, 'models/lite');
  if (!existsSync(join(model, 'manifest.json'))) throw new Error(`no bundle is in ${model}`);
  const count = quick ? FRAMES.quick : FRAMES.full;
  const films = FILMS.map(({ step, what }): Comparison => {
    // Two cameras at a time would take each other's processor.
    let camera: ReturnType<typeof filming> | undefined;
    return {
      title: `page: the camera’s frames of 640 × 480, ${what}, read and shown, WebAssembly, ${threads} threads`,
      work: { unit: 'frames', count },
      peers: [],
      notes: ['Wanted: 10 frames a second on two cores. The fake camera gives 30.'],
      ours: {
        name: 'mien',
        async round() {
          const { page } = await (camera ??= filming(model, step, threads));
          return timed(() => page.evaluate(read(count)));
        },
        close: async () => (await camera)?.close(),
      },
    };
  });
  return [...films, firstAnswer(model, threads)];
}

/** Resolves in the page as soon as it shows an answer: Playwright's `waitFor` polls only every half second in the end. */
const answered = (label: string): string => `new Promise((resolve, reject) => {
  const isThere = () => document.querySelector('#verdict')?.textContent.includes('${label}');
  const observer = new MutationObserver(() => {
    if (!isThere()) return;
    observer.disconnect();
    resolve();
  });
  setTimeout(() => reject(new Error('the page gave no answer')), ${PATIENCE});
  if (isThere()) resolve();
  else observer.observe(document, { subtree: true, childList: true, characterData: true });
})`;

/** Megabits a second of the line. */
const LINE = 200;

/** From the request of the page to the answer to a sentence that is there before the model is, with an empty cache. */
function firstAnswer(model: string, threads: number): Comparison {
  let opened: ReturnType<typeof openHost> | undefined;
  return {
    title: `page: from an empty cache to the first answer, over a line of ${LINE} Mbit/s, ${threads} threads`,
    work: { unit: 'answers', count: 1 },
    peers: [],
    notes: [
      'Wanted: under 2 s, for a sentence. The host compresses what the build compressed, code and WebAssembly.',
    ],
    ours: {
      name: 'mien',
      async round() {
        const { browser, url } = await (opened ??= openHost(model));
        const context = await browser.newContext();
        const page = await context.newPage();
        try {
          return await timed(async () => {
            await page.goto(`${url}?device=wasm&threads=${threads}`, { waitUntil: 'commit' });
            await page.fill('#words', 'We won the final at last!');
            await page.evaluate(answered('joy'));
          });
        } finally {
          await context.close();
        }
      },
      close: async () => (await opened)?.close(),
    },
  };
}

async function openHost(model: string) {
  const folder = await temporaryFolder();
  const built = join(folder.path, 'page');
  await buildWith('web', built, { MIEN_BUNDLE: model });
  const served = await servePage({ page: built, model: join(built, 'model'), port: 0 });
  const line = await openLine(served.url, LINE);
  const browser = await launchAsVisited();
  return {
    browser,
    url: line.url,
    async close() {
      await browser.close();
      line.close();
      await served.close();
      await folder.remove();
    },
  };
}

/** The page, with its camera on. */
async function filming(model: string, step: number, threads: number) {
  const folder = await temporaryFolder();
  const [film, built] = [join(folder.path, 'film.mjpeg'), join(folder.path, 'page')];
  await filmOf(film, step);
  await buildWith('web', built, { MIEN_BUNDLE: model });
  const served = await servePage({ page: built, model, port: 0 });
  const browser = await launchAsVisited(fakeCamera(film));
  const context = await browser.newContext({ permissions: ['camera'] });
  context.setDefaultTimeout(PATIENCE);
  const { page, problems } = await openPage(context, `${served.url}?device=wasm&threads=${threads}`);
  await page.waitForSelector('#loading.ready');
  await page.click('#camera');
  await page.waitForSelector('.box');
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return {
    page,
    async close() {
      await browser.close();
      await served.close();
      await folder.remove();
    },
  };
}
