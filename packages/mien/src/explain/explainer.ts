// Explanations of one bundle: models are read and graphs built when the first explanation is requested.
import { MienError, type Model, readModel, type SessionOptions } from 'mien-engine';
import type { BundleManifest } from '../bundle/manifest.js';
import { createFaceExplainer, type FaceExplainer } from './face.js';
import type { Modality } from './inputs.js';
import { createTextExplainer, type TextExplainer } from './text.js';

/** A bundle's files, read again since they are not kept in memory after loading. */
export interface BundleFiles {
  readonly manifest: BundleManifest;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

export interface Explainer {
  /** @throws MienError `bundle` if the models cannot be differentiated, or have changed since they were loaded. */
  text(): Promise<TextExplainer>;
  /** @throws MienError as `text`. */
  face(): Promise<FaceExplainer>;
  dispose(): Promise<void>;
}

/** An explainer with the weights of the bundle; `read` returns its files when they are needed. */
export function createExplainer(
  manifest: BundleManifest,
  read: () => Promise<BundleFiles>,
  options: SessionOptions = {},
): Explainer {
  const models = async (modality: Modality): Promise<{ encoder: Model; fusion: Model | undefined }> => {
    const found = await read();
    const open = (part: { model: string } | undefined): Model | undefined => {
      if (part === undefined) return undefined;
      const file = part.model;
      if (found.manifest.files[file]?.sha256 !== manifest.files[file]?.sha256)
        throw new MienError('bundle', 'has changed since the bundle was loaded', {
          file,
          hint: 'Load it again.',
        });
      return readModel(found.files[file]!, file);
    };
    const encoder = open(manifest[modality]);
    if (encoder === undefined)
      throw new MienError('bundle', `the bundle ${manifest.name} has no model of ${modality}s`);
    // Without both modalities there is nothing to fuse.
    return { encoder, fusion: manifest.text && manifest.face ? open(manifest.fusion) : undefined };
  };
  const text = once(async () => {
    const { encoder, fusion } = await models('text');
    return createTextExplainer(manifest, { text: encoder, fusion }, options);
  });
  const face = once(async () => {
    const { encoder, fusion } = await models('face');
    return createFaceExplainer(manifest, { face: encoder, fusion }, options);
  });
  return {
    text: text.get,
    face: face.get,
    async dispose() {
      await (await text.made())?.dispose();
      await (await face.made())?.dispose();
    },
  };
}

/** Creates a value at most once; after a failure it is tried again. */
function once<T>(make: () => Promise<T>) {
  let made: Promise<T> | undefined;
  return {
    get: (): Promise<T> =>
      (made ??= make().catch((error: unknown) => {
        made = undefined;
        throw error;
      })),
    made: async (): Promise<T | undefined> => made?.catch(() => undefined),
  };
}
