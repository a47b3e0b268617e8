// Loads the encoders that commands embed items with: those of a profile, or of a bundle.
import { defined } from 'mien-engine/base';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bundledModel } from 'mien/cli';
import type { FaceEncoder, Protocol, TextEncoder } from 'mien/parts';
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

/** The folder of the bundle that a profile names, if it names one. */
function bundleOf(profile: string): string | undefined {
  if (profile === 'lite') return bundledModel();
  return existsSync(join(profile, 'manifest.json')) ? profile : undefined;
}

/** Says what is wrong with a profile's name or file before long work begins. @throws MienError as `findProfile` does. */
export async function checkProfile(name: string): Promise<void> {
  if (bundleOf(name) === undefined) await (await import('../encoders/profiles.js')).findProfile(name);
}

/** The encoders of the sets that are wanted and there. @throws MienError as the encoders do. */
export async function encodersOf(
  { profile: name, weights, offline = false, sets }: EncoderOptions,
  protocol: Protocol,
): Promise<{ text?: TextEncoder; face?: FaceEncoder }> {
  const wanted = (set: SetName): boolean => sets === undefined || sets.includes(set);
  const faces = protocol.faces.some(({ item }) => wanted(item.dataset));
  const texts = protocol.texts.length > 0 && wanted('isear');
  const bundle = bundleOf(name);
  if (bundle !== undefined) {
    const { bundleEncoders } = await import('../export/encoders.js');
    const { text, face } = await bundleEncoders(bundle);
    return { ...(texts && text ? { text } : {}), ...(faces && face ? { face } : {}) };
  }
  const [{ loadFaceEncoder, loadTextEncoder }, { findProfile }] = await Promise.all([
    import('../encoders/load.js'),
    import('../encoders/profiles.js'),
  ]);
  const profile = await findProfile(name);
  const options = { offline, ...defined({ weights }) };
  return {
    ...(texts ? { text: await loadTextEncoder(profile.text, options) } : {}),
    ...(faces ? { face: await loadFaceEncoder(profile.face, options) } : {}),
  };
}
