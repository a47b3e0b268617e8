// Explanations of one bundle: models are read and graphs built when the first explanation is requested.
import { MienError, type Model, readModel, type SessionOptions } from 'mien-engine';
import { type BundleManifest, type Modality, modalitiesOf, partOf } from '../bundle/manifest.js';
import { createFaceExplainer, type FaceExplainer } from './face.js';
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
  const models = async (modality: Modality): Promise<{ encoder: Model; decision: Model }> => {
    const found = await read();
    const open = (file: string): Model => {
      if (found.manifest.files[file]?.sha256 !== manifest.files[file]?.sha256)
        throw new MienError('bundle', 'has changed since the bundle was loaded', {
          file,
          hint: 'Load it again.',
        });
      return readModel(found.files[file]!, file);
    };
    if (!modalitiesOf(manifest).includes(modality))
      throw new MienError('bundle', `the bundle ${manifest.name} has no model of ${modality}s`);
    return { encoder: open(partOf(manifest, modality).model), decision: open(manifest.decision) };
  };
  const text = once(async () => {
    const { encoder, decision } = await models('text');
    return createTextExplainer(manifest, { text: encoder, decision }, options);
  });
  const face = once(async () => {
    const { encoder, decision } = await models('face');
    return createFaceExplainer(manifest, { face: encoder, decision }, options);
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
