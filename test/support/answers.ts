// Items whose answers by the bundled model are kept (test/golden/answers.json), so that a change of how answers are
// computed shows: texts, faces, both, contradictions, priors.
//     node --import tsx test/support/answers.ts   writes the answers anew, after another model is bundled
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { loadRecognizer, type Recognition } from 'mien';
import { root } from '../../packages/sources.js';

export const KEPT = join(root, 'test/golden/answers.json');
const PHOTOGRAPH = join(root, 'test/fixtures/astronaut.png');
const SIDE = 96;

const TEXTS = [
  'We won the final at last!',
  'The meeting starts at 10 am in room 204.',
  'What time is it?',
  "I'm not angry, just tired.",
  "I can't believe she won the lottery!",
  'Great, another Monday.',
  'My dog died last night.',
  'There is mould on the bread, disgusting.',
  'I am so scared of the exam 😱',
  'I forgot her birthday and feel terrible.',
  'everybody stared at me and i blushed',
  'ich verstehe kein Englisch',
  '🎉🎉',
  'HOW DARE YOU',
  's o  h a p p y',
];

/** Something round and bright on a dark ground, with some noise that follows from the seed. */
function madeFace(seed: number) {
  const data = new Uint8ClampedArray(SIDE * SIDE * 3);
  let state = seed * 7919 + 1;
  for (let i = 0; i < data.length; i++) {
    state = (state * 1103515245 + 12345) % 2147483648;
    const [row, column] = [Math.floor(i / 3 / SIDE), Math.floor(i / 3) % SIDE];
    const distance = Math.hypot(row - SIDE / 2, column - SIDE / 2) / SIDE;
    data[i] = Math.round(190 - 160 * distance + (state % 40) - 20 + 30 * Math.sin(seed + row / 9));
  }
  return { data, width: SIDE, height: SIDE };
}

const cropped = { faces: 'cropped' } as const;
const items = [
  ...TEXTS.map((text) => ({ item: { text }, options: {} })),
  ...[1, 2, 3].map((seed) => ({ item: { image: madeFace(seed) }, options: cropped })),
  { item: { image: PHOTOGRAPH }, options: {} },
  ...[0, 3, 4, 6, 7].map((i) => ({ item: { text: TEXTS[i]!, image: PHOTOGRAPH }, options: {} })),
  ...[1, 6].map((i) => ({ item: { text: TEXTS[i]!, image: madeFace(2) }, options: cropped })),
  { item: { text: TEXTS[6]!, image: PHOTOGRAPH }, options: { prior: 'even' } as const },
  { item: { text: TEXTS[5]! }, options: { prior: { anger: 3, joy: 0.5 } } },
];

type Kept = Pick<Recognition, 'label' | 'from' | 'probabilities' | 'agreement'> & {
  readonly text?: Recognition['probabilities'];
  readonly face?: Recognition['probabilities'];
  readonly gate?: number;
};

export interface KeptAnswers {
  /** Of the machine that they were computed on; others round otherwise. */
  readonly processor: string;
  readonly answers: readonly Kept[];
}

/** What the bundled model answers now. */
export async function presentAnswers(): Promise<KeptAnswers> {
  await using recognizer = await loadRecognizer({ threads: 1 });
  const answers: Kept[] = [];
  for (const { item, options } of items) {
    const { label, from, probabilities, agreement, text, face, gate } = (await recognizer.recognize(
      item,
      options,
    )) as Recognition;
    const all = {
      label,
      from,
      probabilities,
      agreement,
      text: text?.probabilities,
      face: face?.probabilities,
      gate: gate?.mean,
    };
    answers.push(JSON.parse(JSON.stringify(all)) as Kept);
  }
  return { processor: cpus()[0]!.model.trim(), answers };
}

if (process.argv[1] === import.meta.filename)
  await writeFile(KEPT, `${JSON.stringify(await presentAnswers(), null, 1)}\n`);
