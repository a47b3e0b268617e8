// Loads the encoders of a profile for the commands that embed items.
import { MienError } from '../base/errors.js';
import type { Protocol } from '../data/types.js';
import type { FaceEncoder, TextEncoder } from '../encoders/encoder.js';
import type { SetName } from '../features/sets.js';

export interface EncoderOptions {
  readonly profile: string;
  /** Folder with the weights, instead of the hub. */
  readonly weights?: string | undefined;
  readonly offline?: boolean | undefined;
  /** Only the encoders that these sets need; all by default. */
  readonly sets?: readonly SetName[] | undefined;
}

/** The encoders of the sets that are wanted and there. @throws MienError `usage` for a profile that is not known. */
export async function encodersOf(
  { profile, weights, offline = false, sets }: EncoderOptions,
  protocol: Protocol,
): Promise<{ text?: TextEncoder; face?: FaceEncoder }> {
  const [{ loadFaceEncoder, loadTextEncoder }, { profiles, PROFILE_NAMES }, { suggestion }] =
    await Promise.all([
      import('../encoders/load.js'),
      import('../encoders/profiles.js'),
      import('../base/names.js'),
    ]);
  const name = PROFILE_NAMES.find((known) => known === profile);
  if (name === undefined)
    throw new MienError('usage', `"${profile}" is no profile`, { hint: suggestion(profile, PROFILE_NAMES) });
  const options = { offline, ...(weights === undefined ? {} : { weights }) };
  const wanted = (set: SetName): boolean => sets === undefined || sets.includes(set);
  const faces = protocol.faces.some(({ item }) => wanted(item.dataset));
  const texts = protocol.texts.length > 0 && wanted('isear');
  return {
    ...(texts ? { text: await loadTextEncoder(profiles[name].text, options) } : {}),
    ...(faces ? { face: await loadFaceEncoder(profiles[name].face, options) } : {}),
  };
}
