// What a modality is: one object that says its name, what it reads of an item, its part of a bundle's manifest, how its
// encoder runs, and how it is named in answers, cards and on the page. Bundle, decision, recogniser, explanation, cards
// and page go over the modalities of `list.ts`; how one is corrupted for training is in mien-lab (modalities/).
import type { SessionOptions, Tensor } from 'mien-engine';
import { z } from 'zod';
import type { Speech } from '../audio/speech.js';
import type { Point } from '../detector/face.js';
import type { DecodedImage } from '../encoders/encoder.js';

/** The position of a face, in pixels of the (upright) image. */
export interface FacePlace {
  /** Its top left corner and its size. */
  readonly box: Point & {
    /** In pixels. */
    readonly width: number;
    /** In pixels. */
    readonly height: number;
  };
  /** Eyes, nose, mouth and ears, by name. */
  readonly keyPoints: Readonly<Record<string, Point>>;
  /** Confidence of the detector, from 0 to 1. */
  readonly score: number;
}

/** Why a result is less reliable, or which modality it lacks; programs may switch on it. */
export type WarningCode =
  | 'text-missing'
  | 'image-missing'
  | 'empty-text'
  | 'empty-image'
  | 'no-face'
  | 'several-faces'
  | 'small-face'
  | 'text-truncated'
  | 'text-unread'
  | 'not-english'
  | 'other-emotion'
  | 'modalities-disagree'
  | 'audio-missing'
  | 'no-sound'
  | 'silent-audio'
  | 'audio-too-short'
  | 'poor-audio'
  | 'no-words'
  | 'unclear-words';

/** A limitation of a result. */
export interface Warning {
  /** For programs. */
  readonly code: WarningCode;
  /** For people, in English. */
  readonly message: string;
}

/** Why an item could not be recognised; programs may switch on it. */
export type FailureCode =
  | 'no-face'
  | 'undecodable-image'
  | 'empty-image'
  | 'empty-text'
  | 'no-input'
  | 'undecodable-audio'
  | 'no-sound'
  | 'silent-audio'
  | 'audio-too-short'
  | 'audio-too-long'
  | 'audio-not-finite'
  | 'no-audio-decoder'
  | 'no-voice-model'
  | 'no-words'
  | 'invalid-item'
  | 'internal';

/** Why an item, or one side of it, cannot be recognised. */
export interface ItemError {
  readonly code: FailureCode;
  readonly message: string;
}

export const warning = (code: WarningCode, message: string): Warning => ({ code, message });

/** Upper left, upper right, lower right, lower left, in pixels of the image. */
export type Corners = readonly [Point, Point, Point, Point];

/** Finds faces in photographs and crops them as the face encoder was trained. */
export interface FaceFinder {
  /** Largest first; `near` are the faces of the previous frame, where detection starts. */
  find(image: DecodedImage, near?: readonly FacePlace[]): Promise<readonly FacePlace[]>;
  /** `all` are all faces of the image if it was searched completely: a single one may fill the image. */
  crop(
    image: DecodedImage,
    place: FacePlace,
    all?: readonly FacePlace[],
  ): DecodedImage | Promise<DecodedImage>;
  /** Corners of the crop in the image; by default those of the face's box. */
  corners?(image: DecodedImage, place: FacePlace, all?: readonly FacePlace[]): Corners;
  dispose(): Promise<void>;
}

/** Decodes an image source to pixels. @throws MienError if it is not an image or cannot be decoded. */
type DecodeImage = (given: unknown) => Promise<DecodedImage>;

/** What differs between Node, browsers and tests in how items are read. */
export interface ReadingTools {
  readonly faces: FaceFinder;
  readonly decode: DecodeImage;
  /** Decodes a recording; without it none can be read. @throws AudioError if it cannot be used. */
  readonly listen?: ((given: unknown) => Promise<Speech>) | undefined;
}

/** The options of `recognize` that matter for reading and encoding. */
export interface ReadingOptions {
  readonly faces?: 'detect' | 'cropped' | undefined;
  readonly allFaces?: boolean | undefined;
  readonly near?: readonly FacePlace[] | undefined;
  readonly places?: readonly FacePlace[] | undefined;
  readonly mirror?: boolean | undefined;
  readonly transcribe?: boolean | undefined;
}

/** What one modality reads of an item. */
export interface Reading<Unit = unknown> {
  /** What the encoder takes: the first decides, the others are answered beside it; none if there is nothing to read. */
  readonly units: readonly Unit[];
  readonly warnings: readonly Warning[];
  /** Why there is nothing to read. */
  readonly error?: ItemError;
  /** Whether the item fails for it even if other modalities can be read: what is broken was meant to be used. */
  readonly broken?: boolean;
}

/** Rows of one modality, in the order of what was given. */
export interface Encoded {
  /** `[n, width]` */
  readonly embedding: Tensor<'float32'>;
  /** `[n, labels]` */
  readonly logits: Tensor<'float32'>;
  /** `[n, fine labels]`: logits of a second classifier of texts, where the bundle has one. */
  readonly fine?: Tensor<'float32'>;
  /** Of a face's second classifier, where the model has one: FER2013's own labels beside the votes, `[n, labels]`. */
  readonly published?: Tensor<'float32'>;
}

/** An encoder that is open. */
export interface ModalityEncoder<Unit = unknown> {
  encode(units: readonly Unit[], options?: ReadingOptions): Promise<Encoded>;
  dispose(): Promise<void>;
}

const share = z.number().min(0).max(1);
export const labelsSchema = z.array(z.string().min(1)).min(2);

/** What states a posterior in a manifest. */
export const posteriorShape = {
  /** Alphabetical; the order of logits. */
  labels: labelsSchema,
  /** Logits are divided by it before the softmax; fitted on validation. */
  temperature: z.number().positive(),
  /** Label distribution of the training items. */
  prior: z.array(z.number().positive()),
  /** Fitted on validation; of the text, over the labels of the fusion where there is one. As `Certainty`. */
  certainty: z
    .strictObject({
      items: z.int().min(1),
      sets: z.array(z.strictObject({ coverage: share, posterior: share })).min(1),
      answers: z.array(z.strictObject({ confidence: share, answered: share, risk: share })).min(1),
    })
    .optional(),
};

/** What the posterior of every modality states in an answer. */
export const posteriorSchema = z.object({
  label: z.string(),
  probabilities: z
    .record(z.string(), z.number().min(0).max(1))
    .describe('Calibrated probability of each label; they sum to one.'),
  logits: z.record(z.string(), z.number()).describe('Logit of each label.'),
});

/** What every modality's part of a manifest states. */
export const partShape = {
  /** The ONNX file. */
  model: z.string(),
  ...posteriorShape,
  /** Width of the embedding. */
  width: z.int().min(1),
};
export type ModalityPart = z.output<z.ZodObject<typeof partShape>>;

/** How a modality is named where people read of it. */
interface Drawn {
  /** The modality in a sentence: "the text". */
  readonly the: string;
  /** What its model reads, in the plural: "texts". */
  readonly plural: string;
  /** What the item gives: "a text". */
  readonly input: string;
  /** The verb in "the text tells of joy". */
  readonly verb: string;
  /** Heading of its column on the page, and its name in a bar of shares. */
  readonly column: string;
  /** What a model card says it reads: "`text.onnx` reads …". */
  readonly read: string;
  /** In a card's first sentence: "Emotion from English text, …". */
  readonly from: string;
}

/** How a request holds the input of a modality. */
interface Sent {
  readonly as: 'text' | 'file';
  /** What it is: "an image file". */
  readonly what: string;
  /** The kinds of files, in brackets behind it. */
  readonly kinds?: string;
}

/** How what is observed over time makes one posterior (recognizer/sequence.ts). */
export interface OverTime {
  /**
   * `average`: the exponential moving average of all observations; `last`: the last one; `forward`: the forward pass of a
   * hidden Markov model whose state stays as it is with a probability that halves in the half-life, or is drawn anew from
   * the prior.
   */
  readonly combine: 'average' | 'last' | 'forward';
  /** Seconds after which an observation counts half. */
  readonly halfLife: number;
}

/** Everything about one modality. */
export interface ModalityDefinition<
  Name extends string = string,
  Part extends ModalityPart = ModalityPart,
  Unit = unknown,
  Encoder extends ModalityEncoder<Unit> = ModalityEncoder<Unit>,
  Details extends z.ZodRawShape = z.ZodRawShape,
> {
  /** Its key in manifests and results, and the prefix of its inputs in `decision.onnx`. */
  readonly name: Name;
  /** The property of an item that it reads. */
  readonly input: string;
  /** How the service takes it: as text, or as a file of a form or in base64. */
  readonly sent: Sent;
  /** The schema of its part of a manifest. */
  readonly part: z.ZodType<Part>;
  /** Its labels if it is the only modality: its own, or those it shares with the others. */
  readonly alone: 'own' | 'shared';
  /** Whether its files are read and opened for the first item that has it, not with the bundle. */
  readonly lazy?: boolean;
  readonly overTime: OverTime;
  readonly drawn: Drawn;
  /** The files of its part, by name. */
  files(part: Part): readonly string[];
  /**
   * Opens the encoder; `file` gives the content of one of `files` once it is there. With `warm`, the code that runs
   * before the model is called once while the model is on its way.
   * @throws MienError `format` if a file is not what the runtime accepts.
   */
  open(
    part: Part,
    file: (name: string) => Promise<Uint8Array>,
    options: SessionOptions,
    warm?: boolean,
  ): Promise<Encoder>;
  /** Whether a value of the item's property says that there is nothing. */
  isAbsent(value: unknown): boolean;
  /** Why a value is none that can be read, apart from its content; such an item is invalid. */
  problemOf?(value: unknown): string | undefined;
  /** Never throws for the content of an item. */
  read(
    value: unknown,
    context: { readonly encoder: Encoder; readonly tools: ReadingTools; readonly options: ReadingOptions },
  ): Promise<Reading<Unit>>;
  /** What its posterior states besides label, probabilities and logits, as schemas. */
  readonly details: Details;
  /** The details of a unit; those that the decision adds apart. */
  describe?(unit: Unit): Readonly<Record<string, unknown>>;
}

/** Modalities by name, in the order of the decision's sums. */
export type Modalities = Readonly<Record<string, ModalityDefinition>>;
