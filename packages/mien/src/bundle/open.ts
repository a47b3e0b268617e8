// A bundle ready to compute: what is read of items in, embeddings and logits out; from these to the answer, its decision.
import { MienError } from 'mien-engine';
import type { DecodedImage } from '../encoders/encoder.js';
import type { Encoding, Tokenizer } from '../encoders/tokenizer.js';
import { modalities } from '../modalities/list.js';
import type { Encoded, Modalities, ModalityEncoder, ReadingOptions } from '../modalities/modality.js';
import type { OpenTextEncoder } from '../modalities/text/text.js';
import { openDecision, type Decision } from './decision.js';
import type { Transcriber } from '../words/transcribe.js';
import { type BundleManifest, modalitiesOf, partOf, type Modality } from './manifest.js';
import { transcriberOf } from './words.js';

export type { Encoded };

export interface OpenBundle {
  readonly manifest: BundleManifest;
  /** The modalities that items may have, whether the bundle reads them or not. */
  readonly modalities: Modalities;
  /** The encoder of a modality. @throws MienError `bundle` if the bundle has none. */
  encoder(modality: Modality): Promise<ModalityEncoder>;
  /** What was read for a modality, encoded. @throws MienError `bundle` if the bundle has no encoder of it. */
  encode(modality: Modality, units: readonly unknown[], options?: ReadingOptions): Promise<Encoded>;
  /** Where the bundle reads texts. */
  readonly tokenizer: Tokenizer | undefined;
  /** A text's tokens, cut at the bundle's limit. @throws MienError `bundle` when the bundle reads no text. */
  tokenize(text: string): Encoding;
  /** Tokenised texts. @throws MienError `bundle` when the bundle reads no text. */
  tokens(texts: readonly Int32Array[]): Promise<Encoded>;
  /** @throws MienError `bundle` when the bundle reads no text. */
  texts(texts: readonly string[]): Promise<Encoded>;
  /**
   * Cropped faces, with their mirror images where the bundle does so, unless `mirror` is false.
   * @throws MienError `bundle` when the bundle reads no faces.
   */
  faces(
    images: readonly DecodedImage[],
    options?: { readonly mirror?: boolean | undefined },
  ): Promise<Encoded>;
  readonly decision: Decision;
  /** Opens the transcriber at the first call. @throws MienError `bundle` if the bundle lacks its files. */
  transcriber(): Promise<Transcriber>;
  dispose(): Promise<void>;
}

export interface OpenBundleOptions {
  readonly threads?: number;
  readonly spinning?: boolean;
  /** The modalities that there may be; by default those of the list. */
  readonly modalities?: Modalities;
  /** Whether only the text's encoder is opened at once, if the bundle has one, and the others at their first item. */
  readonly textFirst?: boolean;
  /**
   * Whether to run tokenizer, language detector and decision once while models are on their way: browsers compile code
   * when it is first called.
   */
  readonly warm?: boolean;
  /** Reads a file that is not among the given ones: one on its way, or of a modality that is opened at its first item. */
  readonly later?: (file: string) => Promise<Uint8Array>;
}

/**
 * Opens a bundle from its files' bytes.
 * @throws MienError `format` when a model is none that the runtime accepts.
 */
export async function openBundle(
  manifest: BundleManifest,
  files: Readonly<Record<string, Uint8Array>>,
  {
    modalities: all = modalities,
    textFirst = false,
    warm = false,
    later,
    ...options
  }: OpenBundleOptions = {},
): Promise<OpenBundle> {
  const present = modalitiesOf(manifest);
  const lazy = present.filter((modality) =>
    textFirst && present.includes('text') ? modality !== 'text' : all[modality]!.lazy,
  );
  const encoders = new Map<Modality, Promise<ModalityEncoder>>();
  const contentOf = async (name: string): Promise<Uint8Array> => {
    const content = files[name] ?? (await later?.(name));
    if (!content) throw new MienError('bundle', `the bundle ${manifest.name} was opened without ${name}`);
    return content;
  };
  const open = (modality: Modality): Promise<ModalityEncoder> =>
    all[modality]!.open(partOf(manifest, modality), contentOf, options, warm);
  const absent = (modality: Modality): MienError =>
    new MienError(
      'bundle',
      `the bundle ${manifest.name} has no model of ${all[modality]?.drawn.plural ?? modality}`,
    );
  const encoderOf = async (modality: Modality): Promise<ModalityEncoder> => {
    if (!present.includes(modality)) throw absent(modality);
    const opened = encoders.get(modality) ?? open(modality);
    encoders.set(modality, opened);
    // After a failure, such as of the network, it is tried again.
    return opened.catch((error: unknown) => {
      encoders.delete(modality);
      throw error;
    });
  };
  const decision = await openDecision(manifest, await contentOf(manifest.decision), {
    ...options,
    later: lazy,
    warm,
  });
  // The smallest first: while files arrive, what is there is opened.
  const bytesOf = (modality: Modality): number =>
    all[modality]!.files(partOf(manifest, modality)).reduce(
      (sum, name) => sum + (manifest.files[name]?.bytes ?? 0),
      0,
    );
  const eager = present.filter((modality) => !lazy.includes(modality));
  for (const modality of eager.toSorted((a, b) => bytesOf(a) - bytesOf(b))) await encoderOf(modality);
  const { tokenizer } = ((await encoders.get('text')) as OpenTextEncoder | undefined) ?? {};
  const words = transcriberOf(manifest, async (name) => files[name] ?? later?.(name), options);
  const encode: OpenBundle['encode'] = async (modality, units, encoding) =>
    (await encoderOf(modality)).encode(units, encoding);
  const tokenize: OpenBundle['tokenize'] = (one) => {
    if (!tokenizer) throw absent('text');
    return tokenizer.encode(one);
  };
  return {
    manifest,
    modalities: all,
    encoder: encoderOf,
    encode,
    tokenizer,
    tokenize,
    tokens: async (texts) =>
      encode(
        'text',
        texts.map((ids) => ({ ids })),
      ),
    texts: async (texts) =>
      encode(
        'text',
        texts.map((text) => tokenize(text)),
      ),
    faces: async (images, encoding) =>
      encode(
        'face',
        images.map((image) => ({ image })),
        encoding,
      ),
    decision,
    transcriber: words.open,
    async dispose() {
      await words.dispose();
      for (const one of encoders.values()) await (await one).dispose();
      await decision.dispose();
    },
  };
}
