// What every runtime and every bundle of an application is asked: words, a photograph in several forms, one that is not there.
import { readFileSync } from 'node:fs';
import { loadRecognizer } from 'mien';

/** Answers as short texts. */
export async function answers(options) {
  const recognizer = await loadRecognizer({ threads: 1, ...options });
  const image = readFileSync('photograph.png');
  const results = await recognizer.recognize([
    { text: 'I am so happy that we won!', image },
    { text: 'I am scared' },
    { image: new Blob([image]) },
    { image: Uint8Array.from(image) },
    { image: 'photograph.png' },
    { image: 'nothing.png' },
  ]);
  await recognizer.dispose();
  return results.map(({ label, from, error }) => error?.code ?? `${label} ${from}`).join(', ');
}
