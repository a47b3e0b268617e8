// Recordings in Node: what `recognize` accepts as `audio`, and what of it can be sent to another process.
import { decodeAudio } from '../../audio/decode.js';
import { audioSourceOf } from '../../audio/source.js';
import type { Speech } from '../../audio/speech.js';
import { AudioError, type Waveform } from '../../audio/waveform.js';
import { MienError } from 'mien-engine/base';
import { bytesOfDataUrl, isDataUrl } from '../data-url.js';

export interface ListenerOptions {
  /** Longer recordings are rejected, in seconds (default 600). */
  readonly maxSeconds?: number | undefined;
  /** Whether paths and `file:` URLs are accepted (the default). */
  readonly files?: boolean | undefined;
}

/** The path of a recording, its bytes, or samples: can be sent to another process. */
export type OpenAudio =
  string | Uint8Array | { readonly sampleRate: number; readonly data: readonly Float32Array[] };

/**
 * A decoder of all kinds of sources.
 * @throws AudioError with the `fault`; MienError `usage` if it is a file and `files` is false, or would have to be fetched.
 */
export const nodeListener =
  ({ maxSeconds, files = true }: ListenerOptions = {}) =>
  async (given: unknown): Promise<Speech> => {
    const source = await openAudio(given);
    // The path may be another user's and is not quoted.
    if (typeof source === 'string' && !files)
      throw new MienError('usage', 'recordings are not read from files', {
        field: 'audio',
        hint: 'Pass the bytes of the recording; the recogniser was loaded with files: false.',
      });
    return decodeAudio(source, { maxSeconds });
  };

/** @throws AudioError as the decoder does before decoding. */
export async function openAudio(given: unknown): Promise<OpenAudio> {
  const source = audioSourceOf(given);
  if ('waveform' in source) return samplesOf(source.waveform);
  if ('bytes' in source) return source.bytes;
  if ('address' in source) return isDataUrl(source.address) ? bytesOfDataUrl(source.address) : source.address;
  const content = await source.blob.arrayBuffer().catch((cause: unknown) => {
    throw new AudioError('undecodable', 'is a Blob that cannot be read', { cause });
  });
  return new Uint8Array(content);
}

const samplesOf = ({ sampleRate, channels }: Waveform): OpenAudio => ({ sampleRate, data: channels });
