// A recogniser in this process: combines the bundle's files, the face detector and the image decoder.
import { defined } from 'mien-engine/base';
import { readFile } from 'node:fs/promises';
import { fileError } from 'mien-engine/node';
import { inPackage } from '../../base/package.js';
import { readBundle, readBundleFile } from '../../bundle/folder.js';
import { laterFiles } from '../../bundle/manifest.js';
import { openBundle } from '../../bundle/open.js';
import type { BundleFiles } from '../../explain/explainer.js';
import { recognizerOf, type Computation } from '../facade.js';
import { fetchBundle, fetchBundleFile } from '../fetch-bundle.js';
import { faceFinder } from '../finder.js';
import { computationOf } from '../recognize.js';
import type { Recognizer } from '../types.js';
import { placeOfBundle } from './bundle-place.js';
import { nodeListener } from './audio.js';
import { nodeDecoder } from './images.js';

export interface LoadHereOptions {
  /** Threads inside one operator; all cores by default. */
  readonly threads?: number | undefined;
  /** Whether waiting threads spin, which is faster on an otherwise idle machine (default false). */
  readonly spinning?: boolean | undefined;
  /** Images with more pixels are rejected before they are decoded (default 50 million). */
  readonly maxPixels?: number | undefined;
  /** Longer recordings are rejected, in seconds (default 600). */
  readonly maxSeconds?: number | undefined;
  /**
   * Whether an image or a recording may be a path or a `file:` URL (the default). If false, only bytes, data URLs, Blobs and pixels are
   * accepted, so that untrusted strings cannot open local files.
   */
  readonly files?: boolean | undefined;
  /** Path of the face detector's model; by default the package's `models/blazeface/face_detection_back_256x256.onnx`. */
  readonly detector?: string | undefined;
}

const bundledDetector = (): string => inPackage('models/blazeface/face_detection_back_256x256.onnx');

/**
 * @param bundle a folder or URL, as for `placeOfBundle`
 * @throws MienError as `placeOfBundle`, `readBundle`, `fetchBundle` and `openBundle` do.
 */
export const loadHere = async (bundle: string, options: LoadHereOptions): Promise<Recognizer> =>
  recognizerOf(await computeHere(bundle, options));

/** The computation of `loadHere` alone, for a child process whose parent validates items and options. */
export async function computeHere(
  bundle: string,
  { maxPixels, maxSeconds, files, threads, spinning = false, detector = bundledDetector() }: LoadHereOptions,
): Promise<Computation> {
  const options = { spinning, ...defined({ threads }) };
  const place = placeOfBundle(bundle);
  const isRemote = /^https?:/.test(place);
  const read = (): Promise<BundleFiles> =>
    isRemote
      ? fetchBundle(place)
      : readBundle(place, (manifest, name) => !laterFiles(manifest).includes(name));
  const { manifest, files: models } = await read();
  const faces = await readFile(detector).catch((cause: unknown) => {
    throw fileError('read', detector, cause);
  });
  const open = await openBundle(manifest, models, {
    ...options,
    later: (name) =>
      isRemote ? fetchBundleFile(place, manifest, name) : readBundleFile(place, manifest, name),
  });
  return computationOf({
    bundle: open,
    faces: await faceFinder(faces, options),
    decode: nodeDecoder({ maxPixels, files }),
    listen: nodeListener({ maxSeconds, files }),
    read,
    session: options,
  });
}
