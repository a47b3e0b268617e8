// `mien watch` of sound with its words: what is said when, and a run that was killed writes the same files.
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeHearing } from '../../../../test/support/hearing.js';
import { runMien, startMien } from '../../../../test/support/mien.js';
import { murmur, wav } from '../../../../test/support/sounds.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-watched-'));
  await writeHearing(join(root, 'bundle'));
});
afterAll(() => rm(root, { recursive: true }));

const argsOf = (clip: string, out: string): string[] => [
  ...['watch', join(root, clip), '--out', join(root, out), '--transcribe', '--every', '0.1'],
  ...['--bundle', join(root, 'bundle'), '--threads', '1'],
];
const read = (out: string, name: string): Promise<string> => readFile(join(root, out, name), 'utf8');
/** Gains at which the bundle hears joy, sadness, and what it is unsure of. */
const [JOY, SADNESS, UNSURE] = [1, 4, 7];

test('words stand in the timeline at their times, fused with the voice; unsure ones are left out', async () => {
  const stretches = [
    [1, 2, JOY],
    [3, 4, SADNESS],
    [5, 6, UNSURE],
  ] as const;
  await writeFile(join(root, 'said.wav'), wav(murmur(7, stretches)));
  const { code, stderr } = await runMien(argsOf('said.wav', 'said'));
  expect(code).toBe(0);
  expect(stderr).toContain('left out as uncertain');
  const rows = (await read('said', 'timeline.jsonl'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
  const parts = (await read('said', 'transcript.jsonl'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Part);
  expect(parts.map((part) => [part.text, part.label])).toEqual([
    ['joy', 'joy'],
    ['sadness', 'sadness'],
  ]);
  parts.forEach(({ start, end }, i) => {
    expect(Math.abs(start - stretches[i]![0])).toBeLessThan(0.4);
    expect(end - start).toBeCloseTo(0.3, 6);
  });
  for (const { time, voice, text, words, fused, agreement } of rows) {
    const part = parts.find(({ start, end }) => start <= time && time < end);
    expect(words).toBe(part?.text);
    expect(text === undefined).toBe(part === undefined);
    if (text) {
      expect(agreement).toBeDefined();
      expect(fused[words!]).toBeGreaterThan(voice![words!]!);
    }
  }
  expect(rows.some(({ words }) => words !== undefined)).toBe(true);
  // What was written can be read again, without a transcriber.
  const transcript = ['--transcript', join(root, 'said', 'transcript.jsonl')];
  const args = argsOf('said.wav', 'again').filter((arg) => arg !== '--transcribe');
  expect((await runMien([...args, ...transcript])).code).toBe(0);
  expect(await read('again', 'timeline.jsonl')).toBe(await read('said', 'timeline.jsonl'));
  const both = await runMien([...argsOf('said.wav', 'both'), ...transcript]);
  expect(both.stderr).toMatch(/transcript is there already/);
  await writeFile(join(root, 'wrong.csv'), 'start,end,text\n0,1,joy\n3,2,joy\n');
  const wrong = await runMien([...args, '--transcript', join(root, 'wrong.csv')]);
  expect(wrong.stderr).toMatch(/wrong\.csv, row 3: is not a part of a transcript/);
  // The same words as subtitles.
  const time = (seconds: number): string =>
    new Date(1000 * seconds).toISOString().slice(11, 23).replace('.', ',');
  const cues = parts.map(
    ({ start, end, text }, i) => `${i + 1}\n${time(start)} --> ${time(end)}\n<i>${text}</i>\n`,
  );
  await writeFile(join(root, 'said.srt'), cues.join('\n'));
  const subtitles = argsOf('said.wav', 'subtitles').filter((arg) => arg !== '--transcribe');
  expect((await runMien([...subtitles, '--transcript', join(root, 'said.srt')])).code).toBe(0);
  const subtitled = (await read('subtitles', 'transcript.jsonl'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Part);
  expect(subtitled.map(({ text, label }) => [text, label])).toEqual(
    parts.map(({ text, label }) => [text, label]),
  );
  const [header, ...lines] = (await read('said', 'timeline.csv')).trim().split('\n');
  expect(header).toMatch(/,words$/);
  expect(lines).toHaveLength(rows.length);
  expect(JSON.parse(await read('said', 'summary.json'))).toMatchObject({
    sound: true,
    notes: ['unclear-words'],
  });
});

test('a run that was killed with SIGKILL and is started again writes the same files', async () => {
  const count = 30;
  const stretches = Array.from(
    { length: count },
    (_, i) => [1.5 * i + 0.3, 1.5 * i + 0.8, i % 2 === 0 ? JOY : SADNESS] as const,
  );
  await writeFile(join(root, 'long.wav'), wav(murmur(1.5 * count + 1, stretches)));
  expect((await runMien(argsOf('long.wav', 'whole'))).code).toBe(0);
  const { child, ended } = startMien(argsOf('long.wav', 'killed'));
  const state = join(root, 'killed', 'timeline.jsonl.part.json');
  while (child.exitCode === null) {
    const saved = await readFile(state, 'utf8').catch(() => '');
    if (saved.includes('"heard":')) child.kill('SIGKILL');
    if (child.killed) break;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect((await ended).code).toBeNull();
  await expect(access(join(root, 'killed', 'timeline.jsonl'))).rejects.toThrow();
  expect((await runMien(argsOf('long.wav', 'killed'))).code).toBe(0);
  for (const name of ['timeline.jsonl', 'timeline.csv', 'transcript.jsonl', 'summary.json'])
    expect(await read('killed', name)).toBe(await read('whole', name));
  expect((await read('whole', 'transcript.jsonl')).trim().split('\n').length).toBeGreaterThan(count / 2);
}, 120_000);

test('a bundle without words says how to get them', async () => {
  await writeHearing(join(root, 'mute'), { words: false });
  const args = argsOf('said.wav', 'refused').map((arg) =>
    arg === join(root, 'bundle') ? join(root, 'mute') : arg,
  );
  const { code, stderr } = await runMien(args);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/mien export --words/);
});

interface Row {
  readonly time: number;
  readonly fused: Readonly<Record<string, number>>;
  readonly voice?: Readonly<Record<string, number>>;
  readonly text?: Readonly<Record<string, number>>;
  readonly words?: string;
  readonly agreement?: number;
}
interface Part {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly label: string;
}
