// Loads the encoders with which commands embed items: those of a profile or of a bundle.
import { defined } from 'mien-engine/base';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bundledModel } from 'mien/cli';
import type { Protocol } from 'mien/parts/data';
import type { FaceEncoder, TextEncoder } from 'mien/parts/encoders';
import type { SetName } from '../features/sets.js';

export interface EncoderOptions {
  /** `frozen`, `paper`, a profile file; `lite`, or the folder of another bundle. */
  readonly profile: string;
  /** Folder with the weights, instead of the hub. */
  readonly weights?: string | undefined;
  readonly offline?: boolean | undefined;
  /** Only the encoders that these sets need; all by default. */
  readonly sets?: readonly SetName[] | undefined;
}

/** The folder of the bundle specified as profile, if it is one. */
function bundleOf(profile: string): string | undefined {
  if (profile === 'lite') return bundledModel();
  return existsSync(join(profile, 'manifest.json')) ? profile : undefined;
}

/** Checks a profile's name or file before long computations. @throws MienError as `findProfile` */
export async function checkProfile(name: string): Promise<void> {
  if (bundleOf(name) === undefined) await (await import('../encoders/profiles.js')).findProfile(name);
}

/** The encoders for the requested sets of which the protocol has items. @throws MienError as the encoders */
export async function encodersOf(
  { profile: name, weights, offline = false, sets }: EncoderOptions,
  protocol: Protocol,
): Promise<{ text?: TextEncoder; face?: FaceEncoder }> {
  const wanted = (set: SetName): boolean => sets === undefined || sets.includes(set);
  const faces = protocol.faces.some(({ item }) => wanted(item.dataset));
  const texts = protocol.texts.length > 0 && (wanted('isear') || wanted('corpora'));
  const bundle = bundleOf(name);
  if (bundle !== undefined) {
    const { bundleEncoders } = await import('../export/encoders.js');
    const { text, face } = await bundleEncoders(bundle);
    return defined({ text: texts ? text : undefined, face: faces ? face : undefined });
  }
  const [{ loadFaceEncoder, loadTextEncoder }, { findProfile }] = await Promise.all([
    import('../encoders/load.js'),
    import('../encoders/profiles.js'),
  ]);
  const profile = await findProfile(name);
  const options = { offline, ...defined({ weights }) };
  return defined({
    text: texts ? await loadTextEncoder(profile.text, options) : undefined,
    face: faces ? await loadFaceEncoder(profile.face, options) : undefined,
  });
}
