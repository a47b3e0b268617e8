// Sound sources in browsers: addresses, files, bytes, audio buffers and samples, as speech at 16 kHz.
import { MienError } from 'mien-engine/base';
import { audioSourceOf } from '../../audio/source.js';
import { type Speech, speechOf, type SpeechOptions } from '../../audio/speech.js';
import { AudioError, checkLength, type Waveform } from '../../audio/waveform.js';
import { isWav, readWav } from '../../audio/wav.js';

/** The rate at which the browser decodes: it resamples other recordings itself. */
const DECODED_RATE = 48_000;

/**
 * Speech from any sound source. WAV is read as in Node; other formats are decoded by the browser, at 48 kHz.
 * @throws AudioError with the `fault` if it cannot be used; MienError `data` if it cannot be fetched.
 */
export async function decodeAudio(source: unknown, options: SpeechOptions = {}): Promise<Speech> {
  const given = audioSourceOf(source);
  if ('waveform' in given) return speechOf(given.waveform, options);
  const bytes = 'bytes' in given ? given.bytes : new Uint8Array(await (await blobOf(given)).arrayBuffer());
  return speechOf(isWav(bytes) ? readWav(bytes, options) : await decoded(bytes, options), options);
}

async function blobOf(given: { blob: Blob } | { address: string }): Promise<Blob> {
  if ('blob' in given) return given.blob;
  const file = given.address;
  const response = await fetch(file).catch((cause: unknown) => {
    throw new MienError('data', 'could not be fetched', { file, cause });
  });
  if (!response.ok) throw new MienError('data', `could not be fetched (status ${response.status})`, { file });
  return response.blob();
}

async function decoded(bytes: Uint8Array<ArrayBuffer>, { maxSeconds }: SpeechOptions): Promise<Waveform> {
  if (typeof OfflineAudioContext === 'undefined')
    throw new AudioError('no-decoder', 'is in a format that browsers decode in pages only, not in workers', {
      hint: 'Decode it in the page, and pass { sampleRate, data } to the worker.',
    });
  // A context without output, which needs no user gesture.
  const context = new OfflineAudioContext(1, 1, DECODED_RATE);
  // Decoding detaches the buffer, so it gets a copy.
  const buffer = await context.decodeAudioData(bytes.slice().buffer).catch((cause: unknown) => {
    throw new AudioError('undecodable', 'is not a recording that this browser can decode', { cause });
  });
  checkLength(buffer.length, buffer.sampleRate, maxSeconds);
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, c) => buffer.getChannelData(c));
  return { sampleRate: buffer.sampleRate, channels };
}
