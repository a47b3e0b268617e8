// Items, how they are recognised, and their results: plain data, the same in Node, in browsers and over HTTP.
/// <reference lib="es2020" preserve="true" />
import type { AudioBufferLike, AudioSource, RawAudio } from '../audio/source.js';
import type { LabelPrior } from '../bundle/decision.js';
import type { Modality } from '../bundle/manifest.js';
import type { Point } from '../detector/face.js';
import type { FacePlace, FailureCode, Warning, WarningCode } from '../modalities/modality.js';
import type { Transcript, TranscriptSegment } from '../words/transcribe.js';

/** Decoded pixels: one value (grey), three (RGB) or four (RGBA, as a browser's `ImageData`) per pixel. */
export interface RawImage {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /**
   * Row by row from the top left, `[height, width]`, `[height, width, 3]` or `[height, width, 4]`: whole numbers from 0 to
   * 255 in any array of numbers, or a buffer of bytes. Other values, such as fractions from 0 to 1 and 16-bit pixels, are
   * an error of the item; so are arrays of a type other than integers that contain only 0 and 1.
   */
  readonly data: ArrayLike<number> | ArrayLike<bigint> | ArrayBufferLike;
}

/**
 * A path or `file:` URL (Node; rejected if `files` is false), a URL (browsers), a `data:` or `blob:` URL, the bytes of an
 * image file, a Blob, or pixels.
 */
export type ImageSource =
  string | URL | Uint8Array | Uint8ClampedArray | DataView | ArrayBufferLike | Blob | RawImage;

/** A text, an image of a face, a recording of a voice, or several of them. Browsers accept further kinds of `Image`. */
export interface Item<Image = ImageSource> {
  /** Chosen by the caller, and returned with the result. */
  readonly id?: string | number | undefined;
  /** An English text. */
  readonly text?: string | null | undefined;
  /**
   * A photograph, or a cropped face (`RecognizeOptions.faces`). Like null, an empty string and the nameless empty file
   * that forms send if no file was chosen (`new File([], '')`) are no image.
   */
  readonly image?: Image | null | undefined;
  /**
   * A recording of a voice, if the bundle reads voices (docs/voice.md). Like null, an empty string and the nameless empty
   * file that forms send are no recording.
   */
  readonly audio?: AudioSource | null | undefined;
}

export type { AudioBufferLike, AudioSource, LabelPrior, Modality, RawAudio };

/** How items are recognised. */
export interface RecognizeOptions {
  /**
   * `detect` (the default) detects faces in a photograph and aligns them; `cropped` treats each image as a cropped face.
   */
  readonly faces?: 'detect' | 'cropped' | undefined;
  /** Whether every face of a photograph is recognised (`others`), not only the one that decides. */
  readonly allFaces?: boolean | undefined;
  /** Whether the gate is returned in each dimension, not only its mean. */
  readonly gate?: boolean | undefined;
  /** Whether finer labels of texts are returned as well, if the bundle has them (`RecognizerInfo.labels.fine`). */
  readonly fine?: boolean | undefined;
  /**
   * Places of faces in the previous frame of a sequence: detection starts there, which takes a third of the time.
   * `trackFaces` provides them; sessions do so by themselves.
   */
  readonly near?: readonly FacePlace[] | undefined;
  /**
   * Whether the mirror image of a face is read as well, if the bundle supports it (the default). Without it faces take
   * half the time and are recognised slightly less well; probabilities are calibrated with it.
   */
  readonly mirror?: boolean | undefined;
  /**
   * Whether the words of a recording are transcribed, which become the text of an item that has none; a text that is given
   * wins. The bundle needs the files for it (`RecognizerInfo.words`), which are read at the first recording.
   */
  readonly transcribe?: boolean | undefined;
  /**
   * Known places of faces, which replace detection. `trackFaces` provides them for faces that stand still; sessions do so
   * by themselves.
   */
  readonly places?: readonly FacePlace[] | undefined;
  /**
   * How frequent labels are among these items: as in the training data (`training`, the default), all equal (`even`), or
   * by weights. Not with `risk` and `coverage`, which hold for the training prior only.
   */
  readonly prior?: LabelPrior | undefined;
  /** Share of cases, from .5 to .99, in which `set` contains the true label. */
  readonly coverage?: number | undefined;
  /** Maximum share of wrong answers among those not rejected: `abstained` is true where the model is less certain. */
  readonly risk?: number | undefined;
  /** Aborts: calls in progress reject with the code `interrupted`. */
  readonly signal?: AbortSignal | undefined;
}

export type { FacePlace, FailureCode, Point, Transcript, TranscriptSegment, Warning, WarningCode };

/** One value for each modality that there is, by its name. */
export type ByModality<T> = { readonly [M in Modality]?: T };

/** One number per label, by the label's name. */
export type Probabilities = Readonly<Record<string, number>>;

/** The posterior of one modality alone, over the labels of its model. */
export interface ModalityPosterior {
  /** The most probable label. */
  readonly label: string;
  /** Calibrated; they sum to one. */
  readonly probabilities: Probabilities;
  /** Of the model, before calibration; with `prior`, shifted to that prior. */
  readonly logits: Probabilities;
}

/** The posterior of a text alone, and how much of the text was read. */
export interface TextPosterior extends ModalityPosterior {
  /**
   * Share of the text's letters, digits and pictographs that the model has tokens for, above 0 and at most 1; truncated
   * text counts as not read.
   */
  readonly read: number;
  /**
   * Over finer labels, if requested and the bundle has them; they sum to one, and are not calibrated.
   */
  readonly fine?: Probabilities;
}

/** The posterior of a face alone, and the position of the face. */
export interface FacePosterior extends ModalityPosterior {
  /** Null for cropped faces. */
  readonly place: FacePlace | null;
}

/** The posterior of a voice in one segment of a recording. */
export interface VoiceSegment extends ModalityPosterior {
  /** In seconds from the beginning of the recording. */
  readonly start: number;
  /** In seconds from the beginning of the recording. */
  readonly end: number;
}

/** The posterior of a voice alone, and the length of the recording. */
export interface VoicePosterior extends ModalityPosterior {
  /** Length of the recording. */
  readonly seconds: number;
  /**
   * Of a recording that was cut at its pauses, being longer than 30 s: its segments in the order of time, whose logits,
   * averaged by their lengths, are those of the whole.
   */
  readonly segments?: readonly VoiceSegment[];
}

/** The weight of the face in the fusion. */
export interface Gate {
  /** Mean share of the face in the fused representation, from 0 (text alone) to 1 (face alone). */
  readonly mean: number;
  /** The share in each dimension, if requested. */
  readonly values?: readonly number[];
  /** Of three or more modalities: the mean share of each, by its name; they sum to one. */
  readonly shares?: Readonly<Record<string, number>>;
}

/** The result of an item that was recognised. */
export interface Recognition {
  /** The item's, where it has one. */
  readonly id?: string | number;
  /** Never present: distinguishes recognitions from failures. */
  readonly error?: undefined;
  /** The most probable label. */
  readonly label: string;
  /**
   * Calibrated; they sum to one. For a face alone over the labels of faces; with a text over the labels that texts and
   * faces share (the fusion's, if the bundle has one).
   */
  readonly probabilities: Probabilities;
  /** Of the model that decided, over its labels: of the fusion for both modalities, else of the modality. */
  readonly logits: Probabilities;
  /** The modality that decided; `both` if there were two, `all` if there were more. */
  readonly from: Modality | 'both' | 'all';
  /** Posterior of the text alone, if there is one. */
  readonly text?: TextPosterior;
  /** Posterior of the face alone, if there is one: the largest of a photograph. */
  readonly face?: FacePosterior;
  /** Posterior of the voice alone, if there is one. */
  readonly voice?: VoicePosterior;
  /** With `transcribe`: what was said in the recording, where no text was given. */
  readonly transcript?: Transcript;
  /** Further faces, largest first, if requested. */
  readonly others?: readonly FacePosterior[];
  /** If both modalities decided, and the fusion has a gate. */
  readonly gate?: Gate;
  /**
   * Disagreement of text and face on the shared labels: the Jensen–Shannon divergence of their posteriors in bits, from 0
   * (equal) to 1 (disjoint).
   */
  readonly disagreement?: number;
  /** Of three or more modalities: the same for each two, by their names, such as `text+face`. */
  readonly disagreements?: Readonly<Record<string, number>>;
  /**
   * Probability that all modalities of the item have the same label, if the bundle's fusion allows for items whose
   * modalities do not. Of two, the complement weighs the mean of their own posteriors in `probabilities`.
   */
  readonly agreement?: number;
  /** With `coverage`: the labels that may be the true one; empty if no label is probable enough. */
  readonly set?: readonly string[];
  /** With `risk`: whether the result is too uncertain and should be rejected. */
  readonly abstained?: boolean;
  /** Limitations of the result; mostly empty. */
  readonly warnings: readonly Warning[];
}

/** The result of an item that could not be recognised; other items are not affected. */
export interface Failure {
  /** The item's, where it has one. */
  readonly id?: string | number;
  /** Why. */
  readonly error: {
    /** For programs. */
    readonly code: FailureCode;
    /** For people, in English. */
    readonly message: string;
  };
  /** Further limitations. */
  readonly warnings: readonly Warning[];
}

/** The result of an item; distinguished by `isRecognition(result)` or `result.error`. */
export type Result = Recognition | Failure;
