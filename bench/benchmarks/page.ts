// The page in camera mode, from a frame of the camera to boxes and bars: how many frames a second.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { servePage } from '../../src/cli/commands/demo.js';
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

export async function pageComparisons({ quick, threads }: BenchOptions): Promise<Comparison[]> {
  if (!CHROMIUM) throw new Error('install Chromium, or name one with MIEN_CHROMIUM');
  const model = process.env['MIEN_BUNDLE'] ?? join(root, 'models/lite');
  if (!existsSync(join(model, 'manifest.json'))) throw new Error(`no bundle is in ${model}`);
  const folder = await temporaryFolder();
  const [film, page] = [join(folder.path, 'film.mjpeg'), join(folder.path, 'page')];
  await filmOf(film);
  await buildWith('web', page, { MIEN_BUNDLE: model });
  const served = await servePage({ page, model, port: 0 });
  const browser = await launch(fakeCamera(film));
  const context = await browser.newContext({ permissions: ['camera'] });
  context.setDefaultTimeout(PATIENCE);
  const { page: opened, problems } = await openPage(context, `${served.url}?device=wasm&threads=${threads}`);
  await opened.waitForSelector('#loading.ready');
  const runsOn = await opened.textContent('#progress-label');
  await opened.click('#camera');
  await opened.waitForSelector('.box');
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const count = quick ? FRAMES.quick : FRAMES.full;
  return [
    {
      title: `page: the camera’s frames of 640 × 480, read and shown, WebAssembly, ${threads} threads`,
      ...{ work: { unit: 'frames', count }, peers: [] },
      notes: [`${runsOn} Wanted: 10 frames a second on two cores. The fake camera gives 30.`],
      ours: {
        name: 'mien',
        round: () => timed(() => opened.evaluate(read(count))),
        async close() {
          await browser.close();
          await served.close();
          await folder.remove();
        },
      },
    },
  ];
}
