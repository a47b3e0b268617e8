// Opens a recording by what is installed: node-av, else ffmpeg, else mien's own decoders of sound.
import { open, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { MienError } from 'mien-engine/base';
import { fileError } from 'mien-engine/node';
import { importAv } from '../audio/av.js';
import { containerIn } from '../audio/codecs.js';
import { decodeAudio } from '../audio/decode.js';
import { AudioError } from '../audio/waveform.js';
import { SPEECH_RATE } from '../audio/speech.js';
import { openAv } from './media-av.js';
import { hasFfmpeg, openFfmpeg } from './media-ffmpeg.js';
import type { Media } from './media.js';

/** What decodes a recording. */
export type MediaDecoder = 'node-av' | 'ffmpeg' | 'mien';

/** The path of a recording. @throws MienError `usage` if it is none, `file` if there is no such file. */
export async function recordingPath(source: string | URL): Promise<string> {
  const address = String(source);
  const [, scheme] = /^([a-z][a-z\d+.-]+):\/\//i.exec(address) ?? [];
  if (scheme !== undefined && scheme.toLowerCase() !== 'file')
    throw new MienError('usage', `recordings are not fetched from the network (${scheme}:)`, {
      hint: 'Download it first and pass its path.',
    });
  const path = scheme === undefined ? address : fileURLToPath(address);
  const stats = await stat(path).catch((cause: unknown) => {
    throw fileError('read', path, cause);
  });
  if (!stats.isFile()) throw new MienError('file', 'is not a file', { file: path });
  if (stats.size === 0) throw new MienError('data', 'contains no bytes', { file: path });
  return path;
}

/**
 * Opens a recording.
 * @param decoder by default the first that is installed
 * @throws MienError `data` if it cannot be read, `usage` if what decodes it is not installed.
 */
export async function openMedia(path: string, decoder?: MediaDecoder): Promise<Media> {
  const av =
    decoder === undefined || decoder === 'node-av' ? await importAv().catch(() => undefined) : undefined;
  if (av) return openAv(av, path);
  if ((decoder === undefined || decoder === 'ffmpeg') && (await hasFfmpeg())) return openFfmpeg(path);
  if (decoder === 'node-av' || decoder === 'ffmpeg') throw missing(path);
  return openSound(path);
}

const missing = (file: string, cause?: unknown): MienError =>
  new MienError('usage', 'needs a decoder of videos, which is not installed', {
    file,
    cause,
    hint: 'Install the package node-av beside mien (npm install node-av), or the programs ffmpeg and ffprobe.',
  });

/** The first bytes of a file. */
async function startOf(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read({ buffer: new Uint8Array(64) });
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** A recording of sound alone, by mien's decoders, which read all of it at once. */
async function openSound(path: string): Promise<Media> {
  // Videos are among such files: their sound alone would be an answer without faces.
  if (containerIn(await startOf(path))) throw missing(path);
  const { samples, notes } = await decodeAudio(path).catch((cause: unknown) => {
    if (cause instanceof AudioError && cause.fault === 'undecodable') throw missing(path, cause);
    throw cause;
  });
  return {
    decoder: 'mien',
    seconds: samples.length / SPEECH_RATE,
    video: undefined,
    sound: true,
    notes: new Set(notes.includes('truncated') ? ['truncated'] : []),
    async *frames() {
      // There are none.
    },
    async *samples() {
      yield Promise.resolve(samples);
    },
  };
}
