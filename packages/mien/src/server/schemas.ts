// What requests and answers look like: the schemas that check the former and from which the documentation is made.
import { z } from 'zod';
import type { Failure, FailureCode, Recognition, Result, WarningCode } from '../recognizer/types.js';
import { LEAST_COVERAGE, MOST_COVERAGE } from '../evaluate/certainty.js';
import { bytesOfBase64, bytesOfDataUrl, isDataUrl } from '../recognizer/data-url.js';
import { SERVICE_ERRORS, type ServiceErrorCode } from './errors.js';
import type { ServerSettings } from './settings.js';

export type Limits = Pick<ServerSettings, 'maxItems' | 'maxText' | 'maxBody' | 'maxPixels'>;

const LONGEST_ID = 256;

const options = {
  faces: z
    .enum(['detect', 'cropped'])
    .default('detect')
    .describe('`detect` finds faces in photographs; `cropped` takes each image for a face cut out already.'),
  allFaces: z
    .boolean()
    .default(false)
    .describe('Read every face of a photograph, not only the largest, which decides.'),
  gate: z.boolean().default(false).describe('Give the gate in every dimension, not only its mean.'),
  fine: z
    .boolean()
    .default(false)
    .describe('Give texts the finer labels too (`text.fine`), where the model knows them (`labels.fine`).'),
  prior: z
    .union([z.enum(['training', 'even']), z.record(z.string().max(64), z.number().positive())])
    .exactOptional()
    .describe(
      'How frequent labels are: as in training (the default), all equally, or weights by label; one left out weighs 1.',
    ),
  coverage: z
    .number()
    .min(LEAST_COVERAGE)
    .max(MOST_COVERAGE)
    .exactOptional()
    .describe('Give the set of labels that holds the true one in this share of cases.'),
  risk: z
    .number()
    .gt(0)
    .lt(1)
    .exactOptional()
    .describe('Say where an answer is too unsure for at most this share of wrong ones.'),
};

export const idOf = z.string().max(LONGEST_ID).optional();
const textOf = ({ maxText }: Limits) => z.string().max(maxText);

/** Items that name or hold their image as `image` reads it. */
export const itemSchema = <Image extends z.ZodType<Uint8Array | string | null>>(
  limits: Limits,
  image: Image,
) =>
  z.strictObject({
    id: idOf.describe('Comes back with the result.'),
    text: textOf(limits).nullish().describe('What someone wrote, in English.'),
    image: image.nullish(),
  });

/** Requests; with `z.unknown()` as their item, items are left to be checked one by one. */
export const requestSchema = <Item extends z.ZodType>(limits: Limits, item: Item) =>
  z.strictObject({
    items: z.array(item).min(1).max(limits.maxItems).describe('Each has a text, an image, or both.'),
    ...options,
  });

/** Base64 as bytes; an empty string, which forms send for nothing, as null. */
export const base64Image = z
  .string()
  .meta({
    contentEncoding: 'base64',
    description:
      'An image file (JPEG, PNG, WebP, GIF, TIFF …) in base64, or as a data URL. An empty string is no image.',
  })
  .transform((text, context): Uint8Array | null => {
    if (text === '') return null;
    const bytes = bytesOf(text);
    if (bytes) return bytes;
    context.addIssue({ code: 'custom', message: 'is not base64 and no data URL' });
    return z.NEVER;
  });

function bytesOf(text: string): Uint8Array | undefined {
  if (!isDataUrl(text)) return bytesOfBase64(text);
  try {
    return bytesOfDataUrl(text);
  } catch {
    return undefined;
  }
}

const flag = z.enum(['true', 'false']).default('false');

/** A number as a part of a form; its range is checked with everything else. */
const numeral = z
  .string()
  .regex(/^[0-9]*\.?[0-9]+$/, 'is not a number')
  .exactOptional();

/** The parts of a multipart request; image files beyond `image` are those that `items` names. */
export const formSchema = (limits: Limits) =>
  z
    .object({
      id: idOf.describe('Of a single item.'),
      text: textOf(limits).optional().describe('Of a single item.'),
      image: z
        .file()
        .optional()
        .describe('Of a single item: an image file. A file field that was left empty is no image.'),
      items: z.string().optional().meta({
        contentMediaType: 'application/json',
        description:
          'Instead of `id`, `text` and `image`: several items as JSON, in which `image` is the name of a file part.',
      }),
      faces: options.faces,
      allFaces: flag.describe(options.allFaces.description!),
      gate: flag.describe(options.gate.description!),
      fine: flag.describe(options.fine.description!),
      prior: z
        .string()
        .max(4096)
        .exactOptional()
        .describe('`training`, `even`, or weights as a JSON object.'),
      coverage: numeral.describe('A number: as in JSON.'),
      risk: numeral.describe('A number: as in JSON.'),
    })
    .catchall(z.file());

const probabilities = z
  .record(z.string(), z.number().min(0).max(1))
  .describe('Calibrated probability of each label; they sum to one.');
const logits = z.record(z.string(), z.number()).describe('Logit of each label.');
const point = z.object({ x: z.number(), y: z.number() });
/** What each warning says; in the documentation. */
const WARNINGS: Readonly<Record<WarningCode, string>> = {
  'text-missing': 'the model reads no texts',
  'image-missing': 'the model reads no faces',
  'empty-text': 'the text has no words, or none that the model can read; the face decides alone',
  'empty-image': 'the image has no bytes; the text decides alone',
  'no-face': 'no face was found; the text decides alone',
  'several-faces': 'the largest of several faces decides',
  'small-face': 'the face has few pixels',
  'text-truncated': 'the end of the text was not read',
  'text-unread': 'the model has no tokens for most of the text',
  'not-english': 'the text looks foreign',
  'other-emotion': 'the text by itself tells of an emotion that the answer does not know',
  'modalities-disagree':
    'text and face contradict each other; the answer can be right about one of both only',
};
const FAILURES: Readonly<Record<FailureCode, string>> = {
  'no-face': 'no face was found in the image',
  'undecodable-image': 'the image is none, is damaged or has too many pixels',
  'empty-image': 'the image has no bytes',
  'empty-text': 'the text has no words, or none that the model can read',
  'no-input': 'there is neither a text nor an image',
  'invalid-item': 'the item is not what the schema says; the message names the place',
  internal: 'computing the item failed; the service’s log has it',
};
const codes = <Code extends string>(known: Readonly<Record<Code, string>>) =>
  z.enum(Object.keys(known) as [Code]).describe(
    Object.entries(known)
      .map(([code, meaning]) => `\`${code}\`: ${meaning as string}.`)
      .join(' '),
  );
const warnings = z
  .array(z.object({ code: codes(WARNINGS), message: z.string() }))
  .describe('What is worth knowing about the item.');
const id = z.string().exactOptional().describe('As it was given.');

const modality = z.object({ label: z.string(), probabilities, logits });
const text = modality.extend({
  read: z
    .number()
    .gt(0)
    .max(1)
    .describe('Share of the text’s letters, digits and pictographs that was read; the rest says nothing.'),
  fine: z
    .record(z.string(), z.number().min(0).max(1))
    .exactOptional()
    .describe(
      'With `fine`, where the model knows finer labels: the probability of each; they sum to one and are not calibrated.',
    ),
});
const face = modality.extend({
  place: z
    .object({
      box: point.extend({ width: z.number(), height: z.number() }),
      keyPoints: z.record(z.string(), point),
      score: z.number().min(0).max(1).describe('How sure the detector is.'),
    })
    .nullable()
    .describe('Where the face stands, in pixels of the upright image; null where faces came cropped.'),
});

const recognition = z.object({
  id,
  label: z.string().describe('The most probable label.'),
  probabilities,
  logits,
  from: z.enum(['text', 'face', 'both']).describe('What decided.'),
  text: text.exactOptional().describe('What the text says by itself.'),
  face: face.exactOptional().describe('What the face says by itself.'),
  set: z.array(z.string()).exactOptional().describe('With `coverage`: the labels that may be the true one.'),
  abstained: z
    .boolean()
    .exactOptional()
    .describe('With `risk`: whether the answer is too unsure to be given.'),
  others: z.array(face).exactOptional().describe('Further faces, with `allFaces`.'),
  gate: z
    .object({ mean: z.number().min(0).max(1), values: z.array(z.number()).exactOptional() })
    .exactOptional()
    .describe('Share of the face in the fused answer, from 0 to 1.'),
  disagreement: z
    .number()
    .min(0)
    .max(1)
    .exactOptional()
    .describe('Jensen–Shannon divergence of text and face, in bits.'),
  agreement: z
    .number()
    .min(0)
    .max(1)
    .exactOptional()
    .describe('Probability that text and face tell of one label.'),
  warnings,
}) satisfies z.ZodType<Recognition & { id?: string }, unknown>;

const failure = z.object({
  id,
  error: z.object({ code: codes(FAILURES), message: z.string() }),
  warnings,
}) satisfies z.ZodType<Failure & { id?: string }, unknown>;

const answer = z.object({
  model: z.string().describe('Name of the model.'),
  results: z.array(z.union([recognition, failure])).describe('One for each item, in their order.'),
});

export type RecognizeResponse = { readonly model: string; readonly results: readonly Result[] };

const model = z.object({
  name: z.string(),
  version: z.string().describe('Of mien.'),
  labels: z.object({
    text: z.array(z.string()).exactOptional(),
    face: z.array(z.string()).exactOptional(),
    fused: z.array(z.string()).exactOptional(),
    fine: z.array(z.string()).exactOptional().describe('Finer ones of texts, which `fine` asks for.'),
  }),
  terms: z.array(z.string()).describe('Terms under which the weights may be used.'),
  files: z.record(z.string(), z.object({ sha256: z.string(), bytes: z.int() })),
  limits: z
    .object({ maxItems: z.int(), maxText: z.int(), maxBody: z.int(), maxPixels: z.int() })
    .describe('Items of a request, UTF-16 units of a text, bytes of a body, pixels of an image.'),
});

const error = z.object({
  error: z.object({
    code: z.enum(Object.keys(SERVICE_ERRORS) as [ServiceErrorCode]),
    message: z.string(),
    requestId: z.string().describe('Also in the header `X-Request-Id`, and in the log.'),
    issues: z.array(z.object({ path: z.string(), message: z.string() })).exactOptional(),
  }),
});

const health = z.object({ status: z.enum(['ok', 'failed']) });
const readiness = z.object({
  status: z.enum(['ready', 'draining', 'not-ready']),
  processes: z.int().describe('Processes that can compute.'),
});

/** Bodies of answers. */
export const answerSchemas = {
  Answer: answer,
  Recognition: recognition,
  Failure: failure,
  Text: text,
  Face: face,
  Model: model,
  Error: error,
  Health: health,
  Readiness: readiness,
};
