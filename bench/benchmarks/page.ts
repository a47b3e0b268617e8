// The page in camera mode, from a frame of the camera to boxes and bars: how many frames a second.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { servePage } from 'mien/cli';
import {
  buildWith,
  CHROMIUM,
  fakeCamera,
  filmOf,
  launch,
  openPage,
  temporaryFolder,
} from '../../test/web/support.js';
import { timed, type Comparison } from '../compare.js';
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
  return FILMS.map(({ step, what }) => {
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
}

/** The page, with its camera on. */
async function filming(model: string, step: number, threads: number) {
  const folder = await temporaryFolder();
  const [film, built] = [join(folder.path, 'film.mjpeg'), join(folder.path, 'page')];
  await filmOf(film, step);
  await buildWith('web', built, { MIEN_BUNDLE: model });
  const served = await servePage({ page: built, model, port: 0 });
  const browser = await launch(fakeCamera(film));
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
