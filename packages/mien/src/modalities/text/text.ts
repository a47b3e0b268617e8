// Texts as a modality.
import { createSession, defined, describeType } from 'mien-engine';
import { z } from 'zod';
import { encodeInRuns, idsOf } from '../../encoders/runs.js';
import { createTokenizer, type Tokenizer } from '../../encoders/tokenizer.js';
import { labelsSchema, partShape, type ModalityDefinition, type ModalityEncoder } from '../modality.js';
import { prepareText, type ReadText } from './read.js';

const part = z.strictObject({
  ...partShape,
  tokenizer: z.string(),
  /** Texts are cut at this many tokens, special ones included. */
  maxTokens: z.int().min(3),
  /** Labels of a second classifier, in the order of the model's output `fine`; absent: there is none. */
  fine: labelsSchema.optional(),
});

/** Long enough for its language to be detected. */
const SAMPLE = 'This is a sentence of some words in plain English.';

export interface OpenTextEncoder extends ModalityEncoder<Pick<ReadText, 'ids'>> {
  readonly tokenizer: Tokenizer;
}

const details = {
  read: z
    .number()
    .gt(0)
    .max(1)
    .describe('Share of the text’s letters, digits and pictographs that the model read.'),
  fine: z
    .record(z.string(), z.number().min(0).max(1))
    .exactOptional()
    .describe(
      'With `fine`, if the model has finer labels: the probability of each; they sum to one and are not calibrated.',
    ),
};

export const text: ModalityDefinition<
  'text',
  z.output<typeof part>,
  ReadText,
  OpenTextEncoder,
  typeof details
> = {
  name: 'text',
  input: 'text',
  sent: { as: 'text', what: 'an English text' },
  part,
  alone: 'shared',
  // Chosen, not fitted, as the face's: no data set here has sequences of them.
  overTime: { combine: 'last', halfLife: 8 },
  drawn: {
    the: 'the text',
    plural: 'texts',
    input: 'a text',
    verb: 'tells of',
    column: 'words',
    read: 'texts',
    from: 'English text',
  },
  files: ({ model, tokenizer }) => [model, tokenizer],
  async open({ model, tokenizer: vocabulary, maxTokens, width, labels, fine }, file, options, warm) {
    // First, since it is the smaller file: the model may still be on its way.
    const json = JSON.parse(new TextDecoder().decode(await file(vocabulary))) as unknown;
    const tokenizer = createTokenizer(json, { maxTokens, file: vocabulary });
    const content = file(model);
    // Awaited below.
    content.catch(() => undefined);
    if (warm) await prepareText(SAMPLE, tokenizer);
    const session = await createSession(await content, options);
    return {
      tokenizer,
      encode: (texts) =>
        encodeInRuns(texts, {
          // One text a run: activations are quantised over all that is in a run, so that neighbours would change each other.
          most: 1,
          shapes: {
            embedding: [width],
            logits: [labels.length],
            ...defined({ fine: fine && [fine.length] }),
          },
          run: (some) => session.run({ ids: idsOf(some.map(({ ids }) => ids)) }),
        }),
      dispose: () => session.dispose(),
    };
  },
  isAbsent: (value) => value === undefined || value === null,
  problemOf: (value) =>
    typeof value === 'string' ? undefined : `the text is ${describeType(value)}, not a string`,
  async read(value, { encoder }) {
    const { text: found, ...rest } = await prepareText(value as string, encoder.tokenizer);
    return { units: found ? [found] : [], ...rest };
  },
  details,
  describe: ({ read }) => ({ read }),
};
