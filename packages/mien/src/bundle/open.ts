// A bundle ready to compute: texts and images in, embeddings and logits out.
import {
  createSession,
  float32,
  inBatches,
  indicesBy,
  int32,
  MienError,
  type Session,
  tensor,
  type Tensor,
} from 'mien-engine';
import type { DecodedImage } from '../encoders/encoder.js';
import { createTokenizer, type Encoding, type Tokenizer } from '../encoders/tokenizer.js';
import { VIEWS } from '../encoders/views.js';
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
  /** Logits `[n, labels]` of pairs, and the gate `[n, width]` where the head has one. */
  fuse(
    text: Tensor<'float32'>,
    face: Tensor<'float32'>,
  ): Promise<{ readonly logits: Tensor<'float32'>; readonly gate?: Tensor<'float32'> }>;
  dispose(): Promise<void>;
}

/** Images of one run of a session. */
const IMAGES_PER_RUN = 32;

/**
 * Opens a bundle from its files' bytes.
 * @throws MienError `format` when a model is none that the runtime accepts.
 */
export async function openBundle(
  manifest: BundleManifest,
  files: Readonly<Record<string, Uint8Array>>,
  options: { readonly threads?: number; readonly spinning?: boolean } = {},
): Promise<OpenBundle> {
  const { text, face, fusion } = manifest;
  const open = async (part: { model: string } | undefined): Promise<Session | undefined> =>
    part && createSession(files[part.model]!, options);
  const [textSession, faceSession, fusionSession] = [await open(text), await open(face), await open(fusion)];
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
    const out = rowsOf(rows.length, {
      embedding: text.width,
      logits: text.labels.length,
      fine: text.fine?.length,
    });
    // One text a run: activations are quantised over all that is in a run, so that neighbours would change each other.
    for (const [row, ids] of rows.entries())
      out.put([row], await textSession.run({ ids: int32([1, ids.length], ids) }));
    return out.result;
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
      const out = rowsOf(images.length, {
        embedding: face.width,
        logits: classes,
        published: faceSession.outputs.includes('published') ? classes : undefined,
      });
      const views = face.mirror ? { views: mirror ? VIEWS.both : VIEWS.own } : {};
      const bySize = indicesBy(images, ({ width, height }) => `${width}×${height}`);
      for (const group of [...bySize.values()].flatMap((same) => inBatches(same, IMAGES_PER_RUN))) {
        const { width, height } = images[group[0]!]!;
        const pixels = new Uint8Array(group.length * width * height * 3);
        group.forEach((row, i) => pixels.set(images[row]!.data, i * width * height * 3));
        const shape = [group.length, height, width, 3];
        out.put(group, await faceSession.run({ pixels: tensor('uint8', shape, pixels), ...views }));
      }
      return out.result;
    },
    async fuse(ofText, ofFace) {
      if (!fusionSession) throw absent('pairs');
      const { logits, gate } = await fusionSession.run({ text: ofText, face: ofFace });
      return {
        logits: logits as Tensor<'float32'>,
        ...(gate ? { gate: gate as Tensor<'float32'> } : {}),
      };
    },
    async dispose() {
      for (const session of [textSession, faceSession, fusionSession]) await session?.dispose();
    },
  };
}

/** Collects the rows of several runs. */
function rowsOf(n: number, sizes: Readonly<Partial<Record<keyof Encoded, number | undefined>>>) {
  const result = Object.fromEntries(
    Object.entries(sizes).flatMap(([name, size]) =>
      size === undefined ? [] : [[name, float32([n, size], new Float32Array(n * size))]],
    ),
  ) as unknown as Encoded;
  const put = (rows: readonly number[], from: Readonly<Record<string, Tensor>>): void => {
    for (const [name, { data: target, shape }] of Object.entries(result) as [string, Tensor<'float32'>][]) {
      const size = shape[1]!;
      const source = from[name]!.data as Float32Array;
      rows.forEach((row, i) => target.set(source.subarray(i * size, (i + 1) * size), row * size));
    }
  };
  return { result, put };
}
