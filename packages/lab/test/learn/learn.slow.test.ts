// A text encoder trained several times over: killed twice, and with a teacher.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { brief, learnFolder, weightsOf, type LearnFolder } from '../../../../test/support/learn.js';

let root: string;
let folder: LearnFolder;
beforeAll(async () => {
  folder = await learnFolder();
  ({ root } = folder);
});
afterAll(() => folder.remove());

test('a training killed twice ends with the same bytes; a teacher changes it; a teacher with other labels is refused', async () => {
  const whole = join(root, 'whole');
  expect(await folder.learn('text', whole, brief)).toMatchObject({ code: 0 });
  const killed = join(root, 'killed');
  expect((await folder.learn('text', killed, brief, { killAfter: 0 })).code).toBe(null);
  expect((await folder.learn('text', killed, brief, { killAfter: 250 })).code).toBe(null);
  expect((await folder.learn('text', killed, brief)).code).toBe(0);
  expect(await weightsOf(killed)).toBe(await weightsOf(whole));

  const taught = join(root, 'taught');
  const ended = await folder.learn('text', taught, brief, { teachers: [whole] });
  expect(ended).toMatchObject({ code: 0 });
  expect(await weightsOf(taught)).not.toBe(await weightsOf(whole));
  const refused = await folder.learn('text', join(root, 'refused'), brief, {
    teachers: [join(root, 'data')],
  });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('learned.json');
});
