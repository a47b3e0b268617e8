// A bundle ready to compute: what is read of items in, embeddings and logits out; from these to the answer, its decision.
import { MienError } from 'mien-engine';
import type { DecodedImage } from '../encoders/encoder.js';
import type { Encoding, Tokenizer } from '../encoders/tokenizer.js';
import { modalities } from '../modalities/list.js';
import type { Encoded, Modalities, ModalityEncoder, ReadingOptions } from '../modalities/modality.js';
import type { OpenTextEncoder } from '../modalities/text/text.js';
import { openDecision, type Decision } from './decision.js';
import { type BundleManifest, modalitiesOf, partOf, type Modality } from './manifest.js';

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
  dispose(): Promise<void>;
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
    ...options
  }: { readonly threads?: number; readonly spinning?: boolean; readonly modalities?: Modalities } = {},
): Promise<OpenBundle> {
  const encoders: { [M in Modality]?: ModalityEncoder } = {};
  for (const modality of modalitiesOf(manifest))
    encoders[modality] = await all[modality]!.open(partOf(manifest, modality), files, options);
  const decision = await openDecision(manifest, files[manifest.decision]!, options);
  const encoderOf = (modality: Modality): ModalityEncoder => {
    const found = encoders[modality];
    if (found) return found;
    const what = all[modality]?.drawn.plural ?? modality;
    throw new MienError('bundle', `the bundle ${manifest.name} has no model of ${what}`);
  };
  const { tokenizer } = (encoders.text as OpenTextEncoder | undefined) ?? {};
  const encode: OpenBundle['encode'] = async (modality, units, encoding) =>
    encoderOf(modality).encode(units, encoding);
  const tokenize: OpenBundle['tokenize'] = (one) => {
    encoderOf('text');
    return tokenizer!.encode(one);
  };
  return {
    manifest,
    modalities: all,
    encoder: async (modality) => encoderOf(modality),
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
    async dispose() {
      for (const one of [...Object.values(encoders), decision]) await one.dispose();
    },
  };
}
