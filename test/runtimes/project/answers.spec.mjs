// The same inside a test runner, with explanations, which run models of their own.
import { readFileSync } from 'node:fs';
import { loadRecognizer, MienError } from 'mien';
import { answers } from './app.mjs';

for (const options of [{}, { processes: 1 }])
  test(`answers with ${JSON.stringify(options)}`, async () => {
    expect(await answers(options)).toBe(process.env.EXPECTED);
  }, 120_000);

test('explains, and throws its own errors', async () => {
  const recognizer = await loadRecognizer({ threads: 1 });
  const { error } = await recognizer.explain({ text: 'so happy', image: readFileSync('photograph.png') });
  expect(error).toBeUndefined();
  await recognizer.dispose();
  await expect(recognizer.recognize({ text: 'x' })).rejects.toBeInstanceOf(MienError);
}, 120_000);
