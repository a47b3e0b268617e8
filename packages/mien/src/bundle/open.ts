// A bundle ready to compute: texts and images in, embeddings and logits out; from these to the answer, its decision.
import { createSession, defined, MienError, type Session, type Tensor } from 'mien-engine';
import type { DecodedImage } from '../encoders/encoder.js';
import { dimensionsOf, encodeInRuns, idsOf, IMAGES_PER_RUN, pixelsOf } from '../encoders/runs.js';
import { createTokenizer, type Encoding, type Tokenizer } from '../encoders/tokenizer.js';
import { VIEWS } from '../encoders/views.js';
import { openDecision, type Decision } from './decision.js';
import type { BundleManifest } from './manifest.js';

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

export interface OpenBundle {
  readonly manifest: BundleManifest;
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
  options: { readonly threads?: number; readonly spinning?: boolean } = {},
): Promise<OpenBundle> {
  const { text, face } = manifest;
  const open = async (part: { model: string } | undefined): Promise<Session | undefined> =>
    part && createSession(files[part.model]!, options);
  const [textSession, faceSession] = [await open(text), await open(face)];
  const decision = await openDecision(manifest, files[manifest.decision]!, options);
  const tokenizer =
    text &&
    createTokenizer(JSON.parse(new TextDecoder().decode(files[text.tokenizer])) as unknown, {
      maxTokens: text.maxTokens,
      file: text.tokenizer,
    });
  const absent = (what: string): MienError =>
    new MienError('bundle', `the bundle ${manifest.name} has no model of ${what}`);

  const tokenize: OpenBundle['tokenize'] = (one) => {
    if (!tokenizer) throw absent('texts');
    return tokenizer.encode(one);
  };
  const tokens: OpenBundle['tokens'] = async (rows) => {
    if (!text || !textSession) throw absent('texts');
    const { width, labels, fine } = text;
    return encodeInRuns(rows, {
      // One text a run: activations are quantised over all that is in a run, so that neighbours would change each other.
      most: 1,
      shapes: {
        embedding: [width],
        logits: [labels.length],
        ...defined({ fine: fine && [fine.length] }),
      },
      run: (texts) => textSession.run({ ids: idsOf(texts) }),
    });
  };
  return {
    manifest,
    tokenizer,
    tokenize,
    tokens,
    texts: async (texts) => tokens(texts.map((text) => tokenize(text).ids)),
    async faces(images, { mirror = true } = {}) {
      if (!face || !faceSession) throw absent('faces');
      const classes = face.labels.length;
      const views = face.mirror ? { views: mirror ? VIEWS.both : VIEWS.own } : {};
      const published = faceSession.outputs.includes('published') ? [classes] : undefined;
      return encodeInRuns(images, {
        kindOf: dimensionsOf,
        most: IMAGES_PER_RUN,
        shapes: { embedding: [face.width], logits: [classes], ...defined({ published }) },
        run: (some) => faceSession.run({ pixels: pixelsOf(some), ...views }),
      });
    },
    decision,
    async dispose() {
      for (const session of [textSession, faceSession, decision]) await session?.dispose();
    },
  };
}
