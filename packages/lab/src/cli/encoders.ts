// Loads the encoders with which commands embed items: those of a profile or of a bundle, and a voice encoder.
import { defined, MienError } from 'mien-engine/base';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bundledModel } from 'mien/cli';
import type { Protocol } from 'mien/parts/data';
import type { FaceEncoder, TextEncoder } from 'mien/parts/encoders';
import type { VoiceEncoder } from '../encoders/load-voice.js';
import type { SetName } from '../features/sets.js';

export interface EncoderOptions {
  /** `frozen`, `paper`, a profile file; `lite`, or the folder of another bundle. */
  readonly profile: string;
  /** Folder with the weights, instead of the hub. */
  readonly weights?: string | undefined;
  readonly offline?: boolean | undefined;
  /** Child processes that compute; 0 (the default) computes in this process. */
  readonly processes?: number | undefined;
  /** Only the encoders that these sets need; all by default. */
  readonly sets?: readonly SetName[] | undefined;
  /** Folder of a learned voice encoder; by default Whisper's third block, as published. */
  readonly voice?: string | undefined;
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
  { profile: name, weights, offline = false, processes, sets, voice }: EncoderOptions,
  protocol: Protocol,
): Promise<{ text?: TextEncoder; face?: FaceEncoder; voice?: VoiceEncoder }> {
  const wanted = (set: SetName): boolean => sets === undefined || sets.includes(set);
  const faces = protocol.faces.some(({ item }) => wanted(item.dataset));
  const texts = protocol.texts.length > 0 && (wanted('isear') || wanted('corpora'));
  const options = { offline, ...defined({ weights, processes }) };
  const voices = protocol.voices !== undefined && wanted('ravdess');
  const heard = defined({ voice: voices ? await voiceEncoder(voice, options) : undefined });
  const bundle = bundleOf(name);
  if (bundle !== undefined) {
    const { bundleEncoders } = await import('../export/encoders.js');
    const { text, face } = await bundleEncoders(bundle);
    return { ...heard, ...defined({ text: texts ? text : undefined, face: faces ? face : undefined }) };
  }
  const [{ loadFaceEncoder, loadTextEncoder }, { findProfile }] = await Promise.all([
    import('../encoders/load.js'),
    import('../encoders/profiles.js'),
  ]);
  const profile = await findProfile(name);
  return {
    ...heard,
    ...defined({
      text: texts ? await loadTextEncoder(profile.text, options) : undefined,
      face: faces ? await loadFaceEncoder(profile.face, options) : undefined,
    }),
  };
}

/** @throws MienError `weights` if the folder is not that of a learned encoder, and as `loadVoiceEncoder` */
async function voiceEncoder(
  learned: string | undefined,
  options: { readonly offline: boolean; readonly weights?: string; readonly processes?: number },
): Promise<VoiceEncoder> {
  const { loadVoiceEncoder, whisperTiny } = await import('../encoders/load-voice.js');
  if (learned === undefined) return loadVoiceEncoder(whisperTiny, options);
  if (!existsSync(join(learned, 'learned.json')))
    throw new MienError('weights', 'is not the folder of a learned voice encoder', {
      file: learned,
      hint: 'Name a folder that `mien learn voice` finished.',
    });
  const folder = join(learned, 'encoder');
  return loadVoiceEncoder({ id: 'mien/voice', revision: 'local', folder, block: 'published' }, options);
}
