// The input and output of a recogniser, and the recogniser itself.
/// <reference lib="es2020" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
import type { Explanation, ExplainOptions } from './explanation-types.js';
import type {
  ByModality,
  Failure,
  ImageSource,
  Item,
  Modality,
  Probabilities,
  RecognizeOptions,
  Result,
} from './item-types.js';

export type * from './explanation-types.js';
export type * from './item-types.js';

/** The loaded bundle. */
export interface RecognizerInfo {
  /** Name of the bundle. */
  readonly name: string;
  /** Labels of each model of the bundle: of each modality that it has, by its name. */
  readonly labels: {
    /** Of the fusion. */
    readonly fused?: readonly string[];
    /** Finer labels of texts. */
    readonly fine?: readonly string[];
  } & ByModality<readonly string[]>;
  /**
   * The label distributions of the training data (`LabelPrior`), which results assume by default: of each modality alone,
   * by its name, in the order of its labels.
   */
  readonly priors: {
    /** Of all modalities, in the order of the labels that they share. */
    readonly both?: readonly number[];
  } & ByModality<readonly number[]>;
  /** Whether the bundle supports `transcribe`. */
  readonly words: boolean;
  /** Whether the bundle supports `coverage` and `risk`. */
  readonly certainty: boolean;
  /** Terms under which the weights may be used. */
  readonly terms: readonly string[];
  /** The bundle's files, by name. */
  readonly files: Readonly<
    Record<
      string,
      {
        /** Hexadecimal. */
        readonly sha256: string;
        /** Length of the file. */
        readonly bytes: number;
      }
    >
  >;
}

/** A frame, an utterance, a stretch of sound, or several of them at a time. */
export interface Observation<Image = ImageSource> extends Item<Image> {
  /**
   * Milliseconds on a clock of the caller's choice, which `RecognitionSession.now` then uses as well; by default the time
   * of the call by `performance.now()`. Never before that of an earlier observation.
   */
  readonly at?: number | undefined;
}

/**
 * Seconds after which evidence counts half: `faceHalfLife` of frames (default .7), `textHalfLife` of utterances (default 8),
 * `voiceHalfLife` of recordings (default 2).
 */
export type HalfLives = { readonly [M in Modality as `${M}HalfLife`]?: number | undefined };

/** How fast evidence of a session decays, and how its items are recognised. */
export interface RecognitionSessionOptions extends RecognizeOptions, HalfLives {}

/**
 * The posterior at a time, from all observations until then; `face`, `text` and `voice` are the decayed posterior of each,
 * absent without evidence of it.
 */
export interface Moment extends ByModality<Probabilities> {
  /** Milliseconds, on the clock of the observations. */
  readonly at: number;
  /**
   * The most probable label; null without evidence: there was no observation yet, or all are ten or more half-lives old.
   */
  readonly label: string | null;
  /** They sum to one; without evidence they are the prior. */
  readonly probabilities: Probabilities;
  /** The result of the observation alone. */
  readonly result: Result;
}

/** Frames, utterances and the voice of one person over time. */
export interface RecognitionSession<Image = ImageSource> {
  /**
   * Adds an observation and returns the posterior after it.
   * @throws MienError `usage` if it is older than the previous one, else as `Recognizer.recognize`.
   */
  push(observation: Observation<Image>): Promise<Moment>;
  /** The posterior at a later time without a new observation. */
  now(at?: number): Omit<Moment, 'result'>;
}

/** A loaded model that recognises emotions. Created by `loadRecognizer`; call `dispose` when done. */
export interface Recognizer<Image = ImageSource> {
  /** The loaded bundle. */
  readonly info: RecognizerInfo;
  /**
   * Recognises one item. An item that cannot be recognised, whatever it contains, results in a `Failure`.
   * @throws MienError `usage` for an invalid option or after `dispose`, `interrupted` if the signal is aborted, `crashed` if
   *   the child process that computed has ended.
   */
  recognize(item: Item<Image>, options?: RecognizeOptions): Promise<Result>;
  /** Recognises many items; results are in the order of the items. */
  recognize(items: readonly Item<Image>[], options?: RecognizeOptions): Promise<Result[]>;
  /**
   * Explains a result: the contribution of each word and each part of the face to a label, and of each modality. The first
   * call reads the bundle's weights again and builds their gradients.
   * @throws MienError `usage` for a label that the result does not have, else as `recognize`.
   */
  explain(item: Item<Image>, options?: ExplainOptions): Promise<Explanation | Failure>;
  /** Recognises items as they arrive; results are in the order of the items, of which a bounded number is in memory. */
  stream(
    items: AsyncIterable<Item<Image>> | Iterable<Item<Image>>,
    options?: RecognizeOptions & { readonly batchSize?: number | undefined },
  ): AsyncGenerator<Result, void, undefined>;
  /** Starts a session, which smooths posteriors over frames, utterances and recordings. */
  session(options?: RecognitionSessionOptions): RecognitionSession<Image>;
  /** Frees memory and ends child processes after calls in progress; further calls do nothing. */
  dispose(): Promise<void>;
  /** As `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
