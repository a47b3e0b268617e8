// Recordings in a real browser: what it decodes by itself is the speech that Node's decoders give.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeAudio } from 'mien/parts/audio';
import { goldenPath } from '../support/golden.js';
import { recordingOf, wavOf } from '../support/voice.js';
import { CHROMIUM, launch, WITHOUT_CHROMIUM } from './support.js';

const packages = join(import.meta.dirname, '../../packages');

/** What the page has to say of a recording: its samples, or the fault. */
type Found = { readonly samples: number[]; readonly notes: string[] } | { readonly fault: string };

describe.skipIf(!CHROMIUM)(`recordings in Chromium${WITHOUT_CHROMIUM}`, () => {
  let page: Page;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const { outputFiles } = await build({
      stdin: {
        contents: `export { decodeAudio } from './mien/src/recognizer/browser/audio.js';`,
        resolveDir: packages,
      },
      bundle: true,
      write: false,
      format: 'iife',
      globalName: 'mien',
      alias: { 'mien-engine/base': join(packages, 'engine/src/base.ts') },
    });
    const browser = await launch();
    close = () => browser.close();
    page = await browser.newPage();
    await page.addScriptTag({ content: outputFiles[0]!.text });
  });
  afterAll(() => close());

  const decode = (content: Uint8Array): Promise<Found> =>
    page.evaluate(
      async (bytes): Promise<Found> => {
        const { mien } = globalThis as unknown as {
          mien: { decodeAudio(source: Blob): Promise<{ samples: Float32Array; notes: string[] }> };
        };
        try {
          const { samples, notes } = await mien.decodeAudio(new Blob([Uint8Array.from(bytes)]));
          return { samples: [...samples], notes };
        } catch (error) {
          return { fault: String((error as { fault?: string }).fault) };
        }
      },
      [...content],
    );

  it.each(['mono.opus', 'mono.ogg', 'mono.flac', 'stereo.mp3'])('%s', async (name) => {
    const content = await readFile(goldenPath(`sounds/${name}`));
    const found = await decode(content);
    if ('fault' in found) throw new Error(found.fault);
    const { samples } = await decodeAudio(content);
    // Browsers keep what encoders add at the start of an MP3, or not: the best of small shifts counts.
    const errors = Array.from({ length: 41 }, (_, i) => i - 20).map((shift) => {
      let [signal, noise] = [0, 0];
      for (let t = 1200; t < 8400; t++) {
        signal += samples[t]! ** 2;
        noise += (samples[t]! - (found.samples[t + shift] ?? 0)) ** 2;
      }
      return noise / signal;
    });
    expect(Math.min(...errors)).toBeLessThan(0.01);
    expect(Math.abs(found.samples.length - samples.length)).toBeLessThan(1600);
  });

  it.each([8000, 44_100, 48_000])('resamples from %i Hz as Node does', async (rate) => {
    const wav = wavOf(recordingOf(0.5, [{ label: 'joy', start: 0.1, end: 0.4 }], rate), rate);
    const found = await decode(wav);
    if ('fault' in found) throw new Error(found.fault);
    const { samples } = await decodeAudio(wav);
    expect(found.samples).toHaveLength(samples.length);
    expect(Math.max(...samples.map((sample, i) => Math.abs(sample - found.samples[i]!)))).toBeLessThan(1e-4);
  });

  it('what is no recording', async () => {
    expect(await decode(Uint8Array.of(1, 2, 3, 4))).toEqual({ fault: 'undecodable' });
    expect(await decode(new Uint8Array())).toEqual({ fault: 'no-sound' });
  });
});
