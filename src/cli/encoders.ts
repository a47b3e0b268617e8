// Loads the encoders of a profile for the commands that embed items.
import type { Protocol } from '../data/types.js';
import type { FaceEncoder, TextEncoder } from '../encoders/encoder.js';
import type { Profile } from '../encoders/profiles.js';
import type { SetName } from '../features/sets.js';

export interface EncoderOptions {
  readonly profile: Profile;
  /** Folder with the weights, instead of the hub. */
  readonly weights?: string | undefined;
  readonly offline?: boolean | undefined;
  /** Only the encoders that these sets need; all by default. */
  readonly sets?: readonly SetName[] | undefined;
}

/** The encoders of the sets that are wanted and there. @throws MienError as the encoders do. */
export async function encodersOf(
  { profile, weights, offline = false, sets }: EncoderOptions,
  protocol: Protocol,
): Promise<{ text?: TextEncoder; face?: FaceEncoder }> {
  const { loadFaceEncoder, loadTextEncoder } = await import('../encoders/load.js');
  const options = { offline, ...(weights === undefined ? {} : { weights }) };
  const wanted = (set: SetName): boolean => sets === undefined || sets.includes(set);
  const faces = protocol.faces.some(({ item }) => wanted(item.dataset));
  const texts = protocol.texts.length > 0 && wanted('isear');
  return {
    ...(texts ? { text: await loadTextEncoder(profile.text, options) } : {}),
    ...(faces ? { face: await loadFaceEncoder(profile.face, options) } : {}),
  };
}
