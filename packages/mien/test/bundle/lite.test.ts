// The bundled model is whole, small enough, and says here what it says in Python's onnxruntime.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSession, int32, type Session, tensor, type Tensor } from 'mien-engine';
import {
  type JointOutput,
  jointName,
  openDecision,
  type DecisionOutput,
  type Side,
} from '../../src/bundle/decision.js';
import { readBundle, type BundleFolder } from '../../src/bundle/folder.js';
import { FILES, modalitiesOf } from '../../src/bundle/manifest.js';
import { VIEWS } from '../../src/encoders/views.js';

const folder = join(import.meta.dirname, '../../../../models/lite');

interface Outputs {
  readonly texts: readonly { readonly ids: number[]; readonly logits: number[] }[];
  readonly faces: Readonly<Record<string, number[]>>;
  /** Of the last text and the last face. */
  readonly decision: Readonly<Partial<Record<DecisionOutput, number[]>>>;
}

describe.skipIf(!existsSync(folder))('the bundled model', () => {
  let bundle: BundleFolder;
  let python: Outputs;
  const sessions: Session[] = [];
  const run = async (name: string, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> => {
    const session = await createSession(bundle.files[name]!, { threads: 1 });
    sessions.push(session);
    return session.run(feeds);
  };
  const largestDifference = (a: Tensor, b: readonly number[]): number => {
    expect(a.data).toHaveLength(b.length);
    return Math.max(...b.map((value, i) => Math.abs(value - Number(a.data[i]))));
  };

  beforeAll(async () => {
    bundle = await readBundle(folder);
    const path = join(import.meta.dirname, '../../../../test/golden/bundle_outputs.json');
    python = JSON.parse(await readFile(path, 'utf8')) as Outputs;
  });
  afterAll(() => Promise.all(sessions.map((session) => session.dispose())));

  test('takes at most 50 MB and names its terms', () => {
    const bytes = Object.values(bundle.manifest.files).map((file) => file.bytes);
    expect(bytes.reduce((a, b) => a + b)).toBeLessThan(50e6);
    expect(bundle.manifest.terms.join(' ')).toMatch(/ISEAR[\s\S]*FER2013[\s\S]*RAF-DB/);
  });

  // Whole numbers are the same everywhere; what is left is the order of sums, which now and then tips a rounding.
  test('says the same as in Python', async () => {
    let text: Side | undefined;
    let face: Side | undefined;
    for (const { ids, logits } of python.texts) {
      const out = await run(FILES.text, { ids: int32([1, ids.length], ids) });
      expect(largestDifference(out['logits']!, logits)).toBeLessThan(0.05);
      text = out as unknown as Side;
    }
    const values: Record<string, (row: number, column: number, channel: number) => number> = {
      gradient: (row, column, channel) => row * 2 + column + channel * 20,
      pattern: (row, column, channel) => row * row * 3 + column * 7 * (channel + 1),
    };
    for (const [name, value] of Object.entries(values)) {
      const pixels = new Uint8Array(100 * 90 * 3);
      for (let row = 0; row < 100; row++)
        for (let column = 0; column < 90; column++)
          for (let channel = 0; channel < 3; channel++)
            pixels[(row * 90 + column) * 3 + channel] = value(row, column, channel) % 256;
      const out = await run(FILES.face, {
        pixels: tensor('uint8', [1, 100, 90, 3], pixels),
        ...(bundle.manifest.face!.mirror ? { views: VIEWS.both } : {}),
      });
      expect(largestDifference(out['logits']!, python.faces[name]!)).toBeLessThan(0.01);
      face = out as unknown as Side;
    }
    const decision = await openDecision(bundle.manifest, bundle.files[FILES.decision]!, { threads: 1 });
    const all = modalitiesOf(bundle.manifest);
    for (const [name, values] of Object.entries(python.decision)) {
      const output = /^(text|face) /.test(name)
        ? (name as DecisionOutput)
        : jointName(all, ['text', 'face'], name as JointOutput);
      const found = await decision.run({ text: text!, face: face! }, [output]);
      expect(largestDifference(found[output]!, values!), name).toBeLessThan(name === 'logits' ? 0.05 : 0.01);
    }
    await decision.dispose();
  });
});
