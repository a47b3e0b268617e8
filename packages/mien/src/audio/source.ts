// Classifies whatever a caller passes as sound, the same in Node and in browsers.
import { describeType, tagOf } from 'mien-engine/base';
import { bytesIn, isBlob, steadyBytes } from '../base/bytes.js';
import { AudioError, checkRate, type Waveform } from './waveform.js';

/** Decoded sound. */
export interface RawAudio {
  /** Samples a second. */
  readonly sampleRate: number;
  /** Samples in [−1, 1] of one channel, or an array of channels of one length. */
  readonly data: Float32Array | readonly Float32Array[];
}

/** What is used of WebAudio's `AudioBuffer`. */
export interface AudioBufferLike {
  /** Samples a second. */
  readonly sampleRate: number;
  /** At least one. */
  readonly numberOfChannels: number;
  /** Samples of one channel, from 0. */
  getChannelData(channel: number): Float32Array;
}

/**
 * A path or `file:` URL (Node), an address (browsers), the bytes of a recording, a Blob of one, an `AudioBuffer`, or
 * samples.
 */
export type AudioSource =
  | string
  | URL
  | Uint8Array
  | Uint8ClampedArray
  | DataView
  | ArrayBufferLike
  | Blob
  | AudioBufferLike
  | RawAudio;

/** Samples, the bytes of a recording, a Blob of one, or its location. */
type Source =
  | { readonly waveform: Waveform }
  | { readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly blob: Blob }
  | { readonly address: string };

/** @throws AudioError `undecodable` that names the kind of value if it is not sound, `no-sound` if it is empty. */
export function audioSourceOf(value: unknown): Source {
  if (typeof value === 'string' || tagOf(value) === 'URL') {
    const address = String(value);
    if (address.trim() === '')
      throw new AudioError('undecodable', 'is an empty string, neither a path nor a URL');
    return { address };
  }
  const bytes = bytesIn(value);
  if (bytes) {
    checkNotEmpty(bytes.length);
    return { bytes: steadyBytes(bytes) };
  }
  if (isBlob(value)) {
    checkNotEmpty(value.size);
    return { blob: value };
  }
  if (typeof value === 'object' && value !== null && 'sampleRate' in value)
    return { waveform: waveformOf(value) };
  throw new AudioError('undecodable', `${describeType(value)} is not sound`, {
    hint: 'Pass a path, the bytes of a recording, a Blob, an AudioBuffer, or samples as { sampleRate, data }.',
  });
}

function checkNotEmpty(length: number): void {
  if (length === 0) throw new AudioError('no-sound', 'contains no bytes');
}

function waveformOf(value: object & { readonly sampleRate: unknown }): Waveform {
  const { sampleRate } = value;
  checkRate(sampleRate);
  const { numberOfChannels, getChannelData, data } = value as Partial<
    Record<keyof AudioBufferLike | 'data', unknown>
  >;
  if (typeof getChannelData === 'function' && typeof numberOfChannels === 'number') {
    const buffer = value as AudioBufferLike;
    const channels = Array.from({ length: numberOfChannels }, (_, c) => samplesOf(buffer.getChannelData(c)));
    return { sampleRate, channels };
  }
  if (!Array.isArray(data)) return { sampleRate, channels: [samplesOf(data)] };
  return { sampleRate, channels: data.map(samplesOf) };
}

/** By name, since a Float32Array from an iframe or a test runner has another realm's constructor. */
function samplesOf(data: unknown): Float32Array {
  if (tagOf(data) === 'Float32Array') return data as Float32Array;
  throw new AudioError('undecodable', `its data is ${describeType(data)}`, {
    hint: 'Pass samples from −1 to 1 as a Float32Array, or an array of one for each channel; divide 16-bit ones by 32768.',
  });
}
