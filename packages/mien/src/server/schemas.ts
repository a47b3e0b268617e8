// Schemas of requests and responses: requests are validated by them, and the OpenAPI document is generated from them.
import { z } from 'zod';
import type { Failure, FailureCode, Recognition, Result, WarningCode } from '../recognizer/types.js';
import { MODALITIES, modalities, type Modality } from '../modalities/list.js';
import { posteriorSchema, type Modalities } from '../modalities/modality.js';
import { voiceSegment } from '../modalities/voice/voice.js';
import { LEAST_COVERAGE, MOST_COVERAGE } from '../evaluate/certainty.js';
import { bytesOfBase64, bytesOfDataUrl, isDataUrl } from '../recognizer/data-url.js';
import { SERVICE_ERRORS, type ServiceErrorCode } from './errors.js';
import type { ServerSettings } from './settings.js';

export type Limits = Pick<
  ServerSettings,
  'maxItems' | 'maxText' | 'maxBody' | 'maxPixels' | 'maxAudio' | 'maxSeconds'
>;

const LONGEST_ID = 256;

const options = {
  faces: z
    .enum(['detect', 'cropped'])
    .default('detect')
    .describe('`detect` finds faces in photographs; `cropped` treats each image as a cropped face.'),
  allFaces: z
    .boolean()
    .default(false)
    .describe('Recognise every face of a photograph, not only the largest, which decides.'),
  gate: z.boolean().default(false).describe('Return the gate in every dimension, not only its mean.'),
  fine: z
    .boolean()
    .default(false)
    .describe('Return finer labels of texts as well (`text.fine`), if the model has them (`labels.fine`).'),
  transcribe: z
    .boolean()
    .default(false)
    .describe(
      'Transcribe recordings, if the model has the files for it (`words`): the words become the text of an item without one.',
    ),
  prior: z
    .union([z.enum(['training', 'even']), z.record(z.string().max(64), z.number().positive())])
    .exactOptional()
    .describe(
      'How frequent labels are: as in training (the default), all equal, or weights by label (1 for labels without one).',
    ),
  coverage: z
    .number()
    .min(LEAST_COVERAGE)
    .max(MOST_COVERAGE)
    .exactOptional()
    .describe('Return the set of labels that contains the true one in this share of cases.'),
  risk: z
    .number()
    .gt(0)
    .lt(1)
    .exactOptional()
    .describe(
      'Mark results that must be rejected to keep the share of wrong ones at most this (`abstained`).',
    ),
};

/** The options that change a label and its probabilities. */
export const decidingOptions = z.strictObject({ faces: options.faces, prior: options.prior });

export const idOf = z.string().max(LONGEST_ID).optional();
const textOf = ({ maxText }: Limits) => z.string().max(maxText);

/** How requests hold the input of each modality. */
interface Input {
  /** The property of items, and the part of a form. */
  readonly name: string;
  readonly as: 'text' | 'file';
  readonly what: string;
  readonly kinds?: string;
}
export const INPUTS: readonly Input[] = Object.values(modalities as Modalities).map(({ input, sent }) => ({
  name: input,
  ...sent,
}));
export const FILE_INPUTS = INPUTS.flatMap(({ name, as }) => (as === 'file' ? [name] : []));

/** Most bytes of a file, apart from those of the body; of images, `maxPixels` counts. */
export const mostBytes = (name: string, { maxAudio }: Pick<Limits, 'maxAudio'>): number =>
  name === 'audio' ? maxAudio : Infinity;

/** “image and audio” */
const series = (names: readonly string[]): string =>
  new Intl.ListFormat('en-GB').format(names.map((name) => `\`${name}\``));
const sentence = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}.`;

/** Items whose files have this schema. */
export const itemSchema = (limits: Limits, fileOf: (input: Input) => z.ZodType<Uint8Array | string | null>) =>
  z.strictObject({
    id: idOf.describe('Returned with the result.'),
    ...Object.fromEntries(
      INPUTS.map((input) => [
        input.name,
        input.as === 'text'
          ? textOf(limits).nullish().describe(sentence(input.what))
          : fileOf(input).nullish(),
      ]),
    ),
  });

/** Requests; with `z.unknown()` as the item, items are validated one by one afterwards. */
export const requestSchema = <Item extends z.ZodType>(limits: Limits, item: Item) =>
  z.strictObject({
    items: z
      .array(item)
      .min(1)
      .max(limits.maxItems)
      .describe('Each with a text, an image, a recording, or several of them.'),
    ...options,
  });

/** Base64 as bytes; an empty string, which forms send for an empty field, as null. */
export const base64File =
  (limits: Pick<Limits, 'maxAudio'>) =>
  ({ name, what, kinds }: Input) => {
    const most = mostBytes(name, limits);
    const bound = most < Infinity ? `, of at most ${most} bytes` : '';
    return z
      .string()
      .meta({
        contentEncoding: 'base64',
        description: sentence(
          `${what} (${kinds ?? 'any'}) in base64, or as a data URL${bound}. An empty string is none`,
        ),
      })
      .transform((text, context): Uint8Array | null => {
        if (text === '') return null;
        const bytes = bytesOf(text);
        if (bytes && bytes.length <= most) return bytes;
        context.addIssue(
          bytes
            ? { code: 'custom', message: tooLarge(bytes.length, most), params: { tooLarge: true } }
            : { code: 'custom', message: 'is neither base64 nor a data URL' },
        );
        return z.NEVER;
      });
  };

export const tooLarge = (bytes: number, most: number): string => `has ${bytes} bytes; the maximum is ${most}`;

/** The bytes of base64 or of a base64 data URL; undefined if it is neither. */
export function bytesOf(text: string): Uint8Array | undefined {
  if (!isDataUrl(text)) return bytesOfBase64(text);
  try {
    return bytesOfDataUrl(text);
  } catch {
    return undefined;
  }
}

const flag = z.enum(['true', 'false']).default('false');

/** A number as a part of a form; its range is validated with the whole request. */
const numeral = z
  .string()
  .regex(/^[0-9]*\.?[0-9]+$/, 'is not a number')
  .exactOptional();

/** The parts of a multipart request; file parts other than a single item's are the files that `items` names. */
export const formSchema = (limits: Limits) =>
  z
    .object({
      id: idOf.describe('Of a single item.'),
      ...Object.fromEntries(
        INPUTS.map(({ name, as, what }) => [
          name,
          as === 'text'
            ? textOf(limits).optional().describe(`Of a single item: ${what}.`)
            : z.file().optional().describe(`Of a single item: ${what}. An empty file field is none.`),
        ]),
      ),
      items: z
        .string()
        .optional()
        .meta({
          contentMediaType: 'application/json',
          description: `Instead of ${series(['id', ...INPUTS.map(({ name }) => name)])}: several items as JSON, each ${series(FILE_INPUTS)} being the name of a file part.`,
        }),
      faces: options.faces,
      allFaces: flag.describe(options.allFaces.description!),
      gate: flag.describe(options.gate.description!),
      fine: flag.describe(options.fine.description!),
      transcribe: flag.describe(options.transcribe.description!),
      prior: z
        .string()
        .max(4096)
        .exactOptional()
        .describe('`training`, `even`, or weights as a JSON object.'),
      coverage: numeral.describe('A number, as in JSON.'),
      risk: numeral.describe('A number, as in JSON.'),
    })
    .catchall(z.file());

const { probabilities, logits } = posteriorSchema.shape;
/** Descriptions of warnings for the documentation. */
const WARNINGS: Readonly<Record<WarningCode, string>> = {
  'text-missing': 'the model does not read texts',
  'image-missing': 'the model does not read faces',
  'empty-text': 'the text has no words, or none that the model knows; only the face was used',
  'empty-image': 'the image has no bytes; only the text was used',
  'no-face': 'no face was found; only the text was used',
  'several-faces': 'the largest of several faces was used',
  'small-face': 'the face has few pixels',
  'text-truncated': 'the text was truncated',
  'text-unread': 'the model has no tokens for a large part of the text',
  'not-english': 'the text does not seem to be English',
  'other-emotion': 'the text by itself expresses an emotion that is not among the labels of the result',
  'modalities-disagree': 'two modalities contradict each other; the result can be right for only one of them',
  'audio-missing': 'the model does not read voices',
  'no-sound': 'the recording has no sound; the other modalities were used',
  'silent-audio': 'the recording is silent; the other modalities were used',
  'audio-too-short': 'the recording is too short; the other modalities were used',
  'poor-audio': 'the recording is clipped, cut off, or its channels cancel each other out',
  'no-words': 'no words were understood in the recording',
  'unclear-words': 'the words of the recording are uncertain: it may be noisy, or not in English',
};
const FAILURES: Readonly<Record<FailureCode, string>> = {
  'no-face': 'no face was found in the image',
  'undecodable-image': 'the image is not an image file, is damaged, or has too many pixels',
  'empty-image': 'the image has no bytes',
  'empty-text': 'the text has no words, or none that the model knows',
  'no-input': 'there is neither a text, an image nor a recording',
  'undecodable-audio': 'the recording is in no known format, or damaged',
  'no-sound': 'the recording has no sound',
  'silent-audio': 'the recording is silent',
  'audio-too-short': 'the recording has less than 0.3 seconds of sound',
  'audio-too-long': 'the recording is longer than the limit',
  'audio-not-finite': 'the recording has samples that are not finite numbers',
  'no-audio-decoder': 'the service has no decoder of the recording’s format',
  'no-voice-model': 'the model does not read voices',
  'no-words': 'no words were understood in the recording',
  'invalid-item': 'the item does not match the schema; the message says where',
  internal: 'internal error; see the log',
};
const codes = <Code extends string>(known: Readonly<Record<Code, string>>) =>
  z.enum(Object.keys(known) as [Code]).describe(
    Object.entries(known)
      .map(([code, meaning]) => `\`${code}\`: ${meaning as string}.`)
      .join(' '),
  );
const warnings = z
  .array(z.object({ code: codes(WARNINGS), message: z.string() }))
  .describe('Limitations of the result.');
const id = z.string().exactOptional().describe('As in the request.');

type PosteriorOf<Details> = Details extends z.core.$ZodShape
  ? z.ZodObject<typeof posteriorSchema.shape & Details>
  : never;
type Posteriors = { readonly [M in Modality]: PosteriorOf<(typeof modalities)[M]['details']> };
/** The posterior of each modality alone. */
const posteriors = Object.fromEntries(
  MODALITIES.map((name) => [name, posteriorSchema.extend(modalities[name].details)]),
) as Posteriors;
/** The same as properties of a result that may be absent. */
const sides = Object.fromEntries(
  MODALITIES.map((name) => [
    name,
    posteriors[name].exactOptional().describe(`The result for ${modalities[name].drawn.the} alone.`),
  ]),
) as { readonly [M in Modality]: z.ZodExactOptional<Posteriors[M]> };

const transcript = z.object({
  text: z.string().describe('The words of all segments.'),
  segments: z.array(
    z.object({
      start: z.number().min(0).describe('In seconds from the beginning of the recording.'),
      end: z.number().min(0).describe('In seconds from the beginning of the recording.'),
      text: z.string(),
      logProbability: z.number().describe('Mean natural logarithm of the probabilities of the words.'),
      noSpeech: z.number().min(0).max(1).describe('Probability that nobody speaks.'),
    }),
  ),
});

const recognition = z.object({
  id,
  label: z.string().describe('The most probable label.'),
  probabilities,
  logits,
  from: z
    .enum([...MODALITIES, 'both', 'all'])
    .describe('The modality that was used; `both` of two, `all` of more.'),
  ...sides,
  transcript: transcript
    .exactOptional()
    .describe('With `transcribe`: the words of the recording, where no text was given.'),
  set: z.array(z.string()).exactOptional().describe('With `coverage`: the labels that may be the true one.'),
  abstained: z
    .boolean()
    .exactOptional()
    .describe('With `risk`: whether the result should be rejected as too uncertain.'),
  others: z.array(posteriors.face).exactOptional().describe('Further faces, with `allFaces`.'),
  gate: z
    .object({
      mean: z.number().min(0).max(1),
      values: z.array(z.number()).exactOptional(),
      shares: z
        .record(z.string(), z.number())
        .exactOptional()
        .describe('Of three modalities: the share of each.'),
    })
    .exactOptional()
    .describe('Share of the face in the fused result, from 0 to 1.'),
  disagreement: z
    .number()
    .min(0)
    .max(1)
    .exactOptional()
    .describe('Jensen–Shannon divergence of the modalities’ posteriors, from 0 to 1.'),
  disagreements: z
    .record(z.string(), z.number().min(0).max(1))
    .exactOptional()
    .describe('Of three modalities: the divergence of each two, such as `text+voice`.'),
  agreement: z
    .number()
    .min(0)
    .max(1)
    .exactOptional()
    .describe('Probability that all modalities have the same label.'),
  warnings,
}) satisfies z.ZodType<Recognition & { id?: string }, unknown>;

const failure = z.object({
  id,
  error: z.object({ code: codes(FAILURES), message: z.string() }),
  warnings,
}) satisfies z.ZodType<Failure & { id?: string }, unknown>;

const response = z.object({
  model: z.string().describe('Name of the model.'),
  results: z.array(z.union([recognition, failure])).describe('One per item, in the same order.'),
});

export type RecognizeResponse = { readonly model: string; readonly results: readonly Result[] };

const model = z.object({
  name: z.string(),
  version: z.string().describe('Version of mien.'),
  labels: z.object({
    ...Object.fromEntries(MODALITIES.map((name) => [name, z.array(z.string()).exactOptional()])),
    fused: z.array(z.string()).exactOptional(),
    fine: z.array(z.string()).exactOptional().describe('Finer labels of texts, for requests with `fine`.'),
  }),
  words: z.boolean().describe('Whether the model can `transcribe`.'),
  terms: z.array(z.string()).describe('Terms under which the weights may be used.'),
  files: z.record(z.string(), z.object({ sha256: z.string(), bytes: z.int() })),
  limits: z
    .object({
      maxItems: z.int(),
      maxText: z.int(),
      maxBody: z.int(),
      maxPixels: z.int(),
      maxAudio: z.int(),
      maxSeconds: z.number(),
    })
    .describe(
      'Maximum items of a request, UTF-16 units of a text, bytes of a body, pixels of an image, bytes and seconds of a recording.',
    ),
});

const error = z.object({
  error: z.object({
    code: z.enum(Object.keys(SERVICE_ERRORS) as [ServiceErrorCode]),
    message: z.string(),
    requestId: z.string().describe('Also in the header `X-Request-Id` and in the log.'),
    issues: z.array(z.object({ path: z.string(), message: z.string() })).exactOptional(),
  }),
});

const health = z.object({ status: z.enum(['ok', 'failed']) });
const readiness = z.object({
  status: z.enum(['ready', 'draining', 'not-ready']),
  processes: z.int().describe('Inference processes that are ready.'),
});

/** Bodies of responses. */
export const responseSchemas = {
  RecognizeResponse: response,
  Recognition: recognition,
  Failure: failure,
  ...Object.fromEntries(
    MODALITIES.map((name) => [`${name[0]!.toUpperCase()}${name.slice(1)}`, posteriors[name]]),
  ),
  VoiceSegment: voiceSegment,
  Transcript: transcript,
  Model: model,
  Error: error,
  Health: health,
  Readiness: readiness,
};
