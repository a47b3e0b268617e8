// A recogniser that knows texts before its other models are there: what it opens when, and what becomes of errors.
import { expect, test } from 'vitest';
import { isRecognition } from 'mien';
import { createRecognizer } from '../../src/recognizer/recognize.js';
import { openBundle, type OpenBundle } from '../../src/bundle/open.js';
import { legibleFiles, legibleManifest, faceOf } from '../../../../test/support/bundle.js';

const FILES = legibleFiles(legibleManifest);
const nothing = { find: async () => [], crop: () => faceOf('joy'), dispose: async () => undefined };
const decode = async () => faceOf('joy');

/** Opens the bundle by what `arrive` gives, and lists the files that were asked for. */
async function openText(arrive: (name: string) => Promise<Uint8Array> = async (name) => FILES[name]!) {
  const asked: string[] = [];
  const bundle: OpenBundle = await openBundle(
    { ...legibleManifest, files: {} },
    {},
    {
      threads: 1,
      textFirst: true,
      later: (name) => {
        asked.push(name);
        return arrive(name);
      },
    },
  );
  return { asked, bundle };
}

test('asks for the face’s model only when a face is there, or it is opened ahead', async () => {
  const { asked, bundle } = await openText();
  const { text, face, decision } = legibleManifest;
  expect(asked.toSorted()).toEqual([text!.model, text!.tokenizer, decision].toSorted());
  let arrive = (_open: () => Promise<unknown>): void => undefined;
  const soon = new Promise<() => Promise<unknown>>((resolve) => (arrive = resolve));
  await using recognizer = createRecognizer({ bundle, faces: nothing, decode, soon });
  expect(await recognizer.recognize({ text: 'I felt joy' })).toMatchObject({ from: 'text', label: 'joy' });
  expect(asked).not.toContain(face!.model);
  arrive(() => bundle.encoder('face'));
  await soon;
  await recognizer.recognize({ text: 'I felt joy' });
  expect(asked).toContain(face!.model);
  const both = await recognizer.recognize({ text: 'I felt joy', image: faceOf('joy') }, { faces: 'cropped' });
  expect(isRecognition(both) && both.from).toBe('both');
  expect(asked.filter((name) => name === face!.model)).toHaveLength(1);
});

test('a model that cannot be opened fails the items that need it, until it can be', async () => {
  let isGone = true;
  const { bundle } = await openText(async (name) => {
    if (isGone && name === legibleManifest.face!.model) throw new Error('gone');
    return FILES[name]!;
  });
  const soon = Promise.resolve(() => bundle.encoder('face'));
  await using recognizer = createRecognizer({ bundle, faces: nothing, decode, soon });
  expect(await recognizer.recognize({ text: 'I felt fear' })).toMatchObject({ label: 'fear' });
  const item = { image: faceOf('joy') };
  await expect(recognizer.recognize(item, { faces: 'cropped' })).rejects.toThrow('gone');
  isGone = false;
  expect(await recognizer.recognize(item, { faces: 'cropped' })).toMatchObject({
    from: 'face',
    label: 'joy',
  });
});

test('opens nothing once it is disposed', async () => {
  const { asked, bundle } = await openText();
  let arrive = (_open: () => Promise<unknown>): void => undefined;
  const soon = new Promise<() => Promise<unknown>>((resolve) => (arrive = resolve));
  await createRecognizer({ bundle, faces: nothing, decode, soon }).dispose();
  arrive(() => bundle.encoder('face'));
  await soon;
  await new Promise((resolve) => setImmediate(resolve));
  expect(asked).not.toContain(legibleManifest.face!.model);
});
