// The examples for browsers do what they say, in one: a plain page, a worker, and React.
import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isRecognition, loadRecognizer } from 'mien';
import { writeLegible } from '../support/bundle.js';
import { holds } from '../web/page-actions.js';
import {
  buildWith,
  CHROMIUM,
  launch,
  openPage,
  PHOTOGRAPH,
  servePlainly,
  temporaryFolder,
  WITHOUT_CHROMIUM,
} from '../web/support.js';

const root = join(import.meta.dirname, '../..');

describe.skipIf(!CHROMIUM)(`examples in a browser${WITHOUT_CHROMIUM}`, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let host: Awaited<ReturnType<typeof servePlainly>>;
  let browser: Browser;
  /** What the photograph says, as Node has it. */
  let shown: string;

  beforeAll(async () => {
    folder = await temporaryFolder();
    const [site, bundle] = [join(folder.path, 'site'), join(folder.path, 'bundle')];
    await writeLegible(bundle);
    await buildWith('examples', site, { MIEN_BUNDLE: bundle });
    await plainSite(site);
    host = await servePlainly(site, '');
    browser = await launch();
    await using recognizer = await loadRecognizer({ bundle, threads: 1 });
    const result = await recognizer.recognize({ image: PHOTOGRAPH });
    if (!isRecognition(result)) throw new Error(result.error.message);
    shown = result.label;
  }, 600_000);
  afterAll(async () => {
    await browser?.close();
    await host?.close();
    await folder?.remove();
  });

  const open = async (path: string) => {
    const context = await browser.newContext();
    context.setDefaultTimeout(50_000);
    return openPage(context, host.url + path);
  };
  const says = (page: Page, what: string): Promise<unknown> =>
    holds(page, `document.querySelector('output').value === ${JSON.stringify(what)}`);

  test('a page without a build step', async () => {
    const { page, problems } = await open('plain.html');
    await says(page, 'ready');
    await page.setInputFiles('#picture', PHOTOGRAPH);
    await says(page, `${shown}, from face`);
    await page.fill('#words', 'I felt joy');
    await page.press('#words', 'Tab');
    await says(page, 'joy, from both');
    expect(problems).toEqual([]);
  });

  test('a page and its worker', async () => {
    const { page, problems } = await open('worker/');
    await says(page, 'ready');
    await page.click('button');
    await says(page, 'there is neither a text nor an image');
    await page.fill('#words', 'I felt fear');
    await page.click('button');
    await says(page, 'fear, from text');
    await page.fill('#words', '');
    await page.setInputFiles('#picture', PHOTOGRAPH);
    await page.click('button');
    await says(page, `${shown}, from face`);
    expect(problems).toEqual([]);
  });

  test('a React component, also after the model could not be had', async () => {
    const { page, problems } = await open('react.html');
    const manifest = '**/models/lite/manifest.json';
    await page.route(manifest, (route) => route.fulfill({ status: 503 }));
    await page.fill('input', 'joy');
    await holds(page, "/status 503/.test(document.querySelector('output').value)");
    await page.unroute(manifest);
    await page.fill('input', 'nothing of anger');
    await says(page, 'anger');
    await page.fill('input', '');
    await says(page, '');
    // Of WebGPU that is not there Chromium tells by itself.
    expect(problems.filter((problem) => !/503|No available adapters/.test(problem))).toEqual([]);
  });
});

/** Lays out the files of the plain page as docs/browser.md says. */
async function plainSite(site: string): Promise<void> {
  const args = ['--bundle', '--format=esm', '--minify', '--external:onnxruntime-web', '--log-level=error'];
  await promisify(execFile)(
    join(root, 'node_modules/.bin/esbuild'),
    ['packages/mien/src/browser.ts', ...args, `--outfile=${join(site, 'mien.js')}`],
    { cwd: root },
  );
  await copyFile(join(root, 'examples/plain.html'), join(site, 'plain.html'));
  for (const name of ['ort.wasm.bundle.min.mjs', 'ort-wasm-simd-threaded.wasm'])
    await copyFile(join(root, 'node_modules/onnxruntime-web/dist', name), join(site, name));
  await mkdir(join(site, 'models'), { recursive: true });
  await cp(join(root, 'models/blazeface'), join(site, 'models/blazeface'), { recursive: true });
}
