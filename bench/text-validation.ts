// How a learned text encoder does on every corpus that is there, on its validation part or, when it is finished, on its
// test: restricted to the labels a corpus can give, through float32 and integer weights; and behaviour by capability.
//     node --import tsx bench/text-validation.ts RUN DATA [behaviour.csv] [--split test]
import { parseArgs } from 'node:util';
import {
  behaviourResults,
  classify,
  corpusScores,
  createTextEncoder,
  findDataSets,
  loadCorpora,
  loadIsear,
  prepare,
  prepareBesideIsear,
  readBehaviour,
  readLearnedText,
} from 'mien-lab';
import { FACE_LABELS, SHARED_LABELS, TEXT_LABELS } from 'mien/parts/data';
import { createTokenizer } from 'mien/parts/encoders';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { split: { type: 'string', default: 'validation' } },
});
const [run, data, behaviourFile] = positionals;
if (run === undefined || data === undefined) throw new Error('RUN and DATA are needed');
const { split } = values;

interface Part {
  readonly name: string;
  /** Labels that can be answered. */
  readonly among: readonly string[];
  readonly items: readonly { readonly text: string; readonly labels: readonly string[] }[];
}

async function partsOf(folder: string): Promise<Part[]> {
  const sets = await findDataSets(folder);
  const texts =
    sets.isear === undefined ? [] : (await prepare({ isear: await loadIsear(sets.isear) })).protocol.texts;
  const corpora = prepareBesideIsear(await loadCorpora(folder), texts);
  const isear = texts
    .filter((one) => one.split === split)
    .map(({ text, label }) => ({ text, labels: [label] as readonly string[] }));
  const shared: readonly string[] = SHARED_LABELS;
  const ekman: readonly string[] = FACE_LABELS;
  return [
    { name: 'isear', among: TEXT_LABELS, items: isear },
    {
      name: 'isear, five',
      among: SHARED_LABELS,
      items: isear.filter(({ labels }) => shared.includes(labels[0]!)),
    },
    ...corpora.flatMap(({ name, evidence, items }): Part[] => {
      const own = items.filter((one) => one.split === split);
      // As published: remorse and embarrassment are sadness.
      const seven = own.map((one) => ({
        ...one,
        labels: one.labels.filter((label) => ekman.includes(label)),
      }));
      return [
        { name, among: evidence, items: own },
        ...(name === 'goemotions'
          ? [
              {
                name: 'goemotions, one of seven',
                among: ekman,
                items: seven.filter(({ labels }) => labels.length === 1),
              },
            ]
          : []),
      ];
    }),
  ].filter(({ items }) => items.length > 0);
}

const learned = await readLearnedText(run);
const { labels, weights, config, pooling } = learned;
const { encode } = createTokenizer(JSON.parse(learned.tokenizer) as unknown, {
  maxTokens: learned.maxTokens,
});
const parts = await partsOf(data);
const behaviour = behaviourFile === undefined ? [] : await readBehaviour(behaviourFile);
const print = (line: string): void => void process.stdout.write(`${line}\n`);
for (const precision of ['float32', 'integer'] as const) {
  const encoder = await createTextEncoder(config, weights, pooling, { precision });
  const logitsOf = async (texts: readonly string[]) => {
    // Integer activations are scaled by what is in a run: one text at a time, as a bundle computes.
    const rows: number[] = [];
    const tokens = texts.map((text) => encode(text).ids);
    const embeddings =
      precision === 'float32'
        ? [(await encoder.encode(tokens)).data]
        : await Promise.all(tokens.map(async (ids) => (await encoder.encode([ids])).data));
    for (const one of embeddings) for (const value of classify(one, weights, labels.length)) rows.push(value);
    return rows;
  };
  for (const { name, among, items } of parts) {
    const rows = await logitsOf(items.map(({ text }) => text));
    const evidence = labels.map((label) => (among.includes(label) ? 1 : 0));
    const indices = items.map((one) => one.labels.map((label) => labels.indexOf(label)));
    const [found] = corpusScores(rows, { labels: indices, corpus: items.map(() => 0) }, [{ evidence }]);
    const { items: n, accuracy, f1 } = found!;
    print(`${precision}  ${name}: ${n} items, accuracy ${accuracy.toFixed(4)}, macro F1 ${f1.toFixed(4)}`);
  }
  const rows = await logitsOf(behaviour.map(({ text }) => text));
  const answers = behaviour.map((_, i) => {
    const own = rows.slice(i * labels.length, (i + 1) * labels.length);
    return labels[own.indexOf(Math.max(...own))]!;
  });
  for (const { capability, items, passed, rejected } of behaviourResults(behaviour, answers))
    print(`${precision}  ${capability}: ${passed} of ${items} pass, ${rejected} plainly wrong`);
  await encoder.dispose();
}
