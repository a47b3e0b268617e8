// Decoded recordings, and the reasons why one cannot be used.
import { type ErrorPlace, MienError } from 'mien-engine/base';

/** Samples of one or more channels of one length, nominally in [−1, 1]. */
export interface Waveform {
  /** Samples a second in each channel. */
  readonly sampleRate: number;
  readonly channels: readonly Float32Array[];
  /** Whether the file ends before its sound does, or parts of it were unreadable. */
  readonly truncated?: boolean;
}

/** Why a recording cannot be used; programs may switch on it. */
export type AudioFault =
  /** Not a recording in a known format, or damaged beyond use. */
  | 'undecodable'
  /** Without a channel, or without a sample. */
  | 'no-sound'
  /** Too quiet to be anything but a muted microphone. */
  | 'silent'
  | 'too-short'
  | 'too-long'
  /** With samples that are NaN or infinite. */
  | 'not-finite'
  /** In a format whose decoder is not installed. */
  | 'no-decoder';

/** A recording that cannot be used: a `data` error (`usage` for a missing decoder) that says why in `fault`. */
export class AudioError extends MienError {
  /** What is wrong with the recording. */
  readonly fault: AudioFault;
  /** The message without place and hint. */
  readonly reason: string;

  constructor(
    fault: AudioFault,
    message: string,
    options: ErrorPlace & { hint?: string | undefined; cause?: unknown } = {},
  ) {
    const place = options.file === undefined ? { field: 'audio' } : {};
    super(fault === 'no-decoder' ? 'usage' : 'data', message, { ...place, ...options });
    this.name = 'AudioError';
    this.fault = fault;
    this.reason = message;
  }
}

/** For imports of optional packages: bundlers accept one that they do not find if its import is caught. */
export const rethrow = (cause: unknown): never => {
  throw cause;
};

/** The error of a recording whose decoder has to be installed first. */
export const notInstalled = (title: string, needed: string, cause: unknown): AudioError =>
  new AudioError('no-decoder', `is ${title}, for which ${needed} is not installed`, {
    cause,
    hint: `Install it beside mien: npm install ${needed}`,
  });

/** Sample rates that exist, from the slowest telephone to the fastest converter. */
const RATES = { least: 4000, most: 768_000 };

/** @throws AudioError `undecodable` if sound cannot have this sample rate. */
export function checkRate(sampleRate: unknown): asserts sampleRate is number {
  if (typeof sampleRate === 'number' && sampleRate >= RATES.least && sampleRate <= RATES.most) return;
  throw new AudioError('undecodable', `a sample rate of ${String(sampleRate)} Hz is not possible`, {
    hint: `Rates from ${RATES.least} to ${RATES.most} Hz are read.`,
  });
}

/** Longest recording by default, in seconds. */
export const MOST_SECONDS = 600;

/** @throws AudioError `too-long` if a recording of `samples` a channel is longer than `maxSeconds`. */
export function checkLength(samples: number, sampleRate: number, maxSeconds: number = MOST_SECONDS): void {
  if (samples <= maxSeconds * sampleRate) return;
  throw new AudioError('too-long', `is longer than the limit of ${maxSeconds} s`, {
    hint: 'Cut it at pauses, or raise the limit with maxSeconds.',
  });
}

/** Channels of sound that was decoded in parts, each of as many channels of one length. */
export function joined(parts: readonly (readonly Float32Array[])[]): Float32Array[] {
  const total = parts.reduce((sum, [first]) => sum + first!.length, 0);
  return (parts[0] ?? []).map((_, c) => {
    const channel = new Float32Array(total);
    let at = 0;
    for (const part of parts) {
      channel.set(part[c]!, at);
      at += part[c]!.length;
    }
    return channel;
  });
}
