// Sound sources in Node: paths, file URLs, bytes, Blobs, audio buffers and samples, as speech at 16 kHz.
import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { MienError } from 'mien-engine/base';
import { fileError } from 'mien-engine/node';
import { decodeCompressed } from './codecs.js';
import { audioSourceOf } from './source.js';
import { type Speech, speechOf, type SpeechOptions } from './speech.js';
import { AudioError, type Waveform } from './waveform.js';
import { isWav, readWav } from './wav.js';

export interface DecodeAudioOptions extends SpeechOptions {
  /** Longest file in bytes that is read (default 512 MiB). */
  readonly maxBytes?: number | undefined;
  /** What to call a recording given as bytes in errors. */
  readonly file?: string | undefined;
}

const MOST_BYTES = 512 * 1024 * 1024;

/**
 * Speech from any sound source: WAV by mien itself, Ogg Opus and Vorbis, FLAC and MP3 by the packages in `codecs.ts`,
 * and M4A, MP4, WebM, AIFF, AAC, AMR and WMA by node-av, the sound of videos among them. Files are read into memory.
 * @throws AudioError with the `fault` if it cannot be used; MienError `file` if a file cannot be read, `usage` if it
 *   would have to be fetched.
 */
export async function decodeAudio(source: unknown, options: DecodeAudioOptions = {}): Promise<Speech> {
  const given = audioSourceOf(source);
  const { maxBytes = MOST_BYTES, file = 'address' in given ? given.address : undefined } = options;
  try {
    if ('waveform' in given) return speechOf(given.waveform, options);
    return speechOf(await decodeBytes(await bytesOf(given, maxBytes), options), options);
  } catch (error) {
    // The functions below do not know the name of the recording.
    if (!(error instanceof AudioError) || file === undefined || error.place.file !== undefined) throw error;
    const { fault, reason, hint, cause } = error;
    throw new AudioError(fault, reason, { file, hint, cause });
  }
}

const decodeBytes = async (bytes: Uint8Array, options: SpeechOptions): Promise<Waveform> =>
  isWav(bytes) ? readWav(bytes, options) : decodeCompressed(bytes, options);

type Location = Exclude<ReturnType<typeof audioSourceOf>, { waveform: unknown }>;

async function bytesOf(given: Location, maxBytes: number): Promise<Uint8Array> {
  if ('bytes' in given) return limited(given.bytes, given.bytes.length, maxBytes);
  if ('blob' in given) {
    checkBytes(given.blob.size, maxBytes);
    const content = await given.blob.arrayBuffer().catch((cause: unknown) => {
      throw new AudioError('undecodable', 'is a Blob that cannot be read', { cause });
    });
    return new Uint8Array(content);
  }
  const path = pathOf(given.address);
  try {
    const stats = await stat(path);
    // Some devices never end.
    if (!stats.isCharacterDevice()) {
      checkBytes(stats.size, maxBytes);
      return await readFile(path);
    }
  } catch (cause) {
    if (cause instanceof AudioError) throw cause;
    throw fileError('read', path, cause);
  }
  throw new MienError('file', 'is a device, not a recording', { file: path });
}

const limited = (bytes: Uint8Array, length: number, maxBytes: number): Uint8Array => {
  checkBytes(length, maxBytes);
  return bytes;
};

function checkBytes(length: number, maxBytes: number): void {
  if (length <= maxBytes) return;
  throw new AudioError('too-long', `has ${length} bytes, more than the limit of ${maxBytes}`, {
    hint: 'Cut it, or raise the limit with maxBytes.',
  });
}

function pathOf(address: string): string {
  const [, scheme] = /^\s*([a-z][a-z\d+.-]+):\/\//i.exec(address) ?? [];
  if (scheme === undefined) return address;
  if (scheme.toLowerCase() !== 'file')
    throw new MienError('usage', `recordings are not fetched from the network (${scheme}:)`, {
      field: 'audio',
      hint: 'Fetch it first and pass its bytes.',
    });
  try {
    return fileURLToPath(address.trim());
  } catch (cause) {
    throw new AudioError('undecodable', 'is a file: URL that names no file of this computer', { cause });
  }
}
