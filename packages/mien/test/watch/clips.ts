// Clips that the tests make of pictures, by node-av's encoders.
import { writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { DecodedImage } from '../../src/encoders/encoder.js';

const load = async () => {
  const [av, constants] = await Promise.all([import('node-av'), import('node-av/constants')]);
  return { ...av, ...constants };
};

/** Whether clips can be made here: node-av has binaries for this machine. */
export const canMakeClips = await load().then(
  () => true,
  () => false,
);

interface Clip {
  /** Picture by its time in seconds: the container stores times, so that rates may vary. */
  readonly pictures?: readonly { readonly at: number; readonly image: DecodedImage }[];
  /** Seconds of a tone of 440 Hz, of amplitude .3. */
  readonly tone?: number;
  /** Seconds without sound in the middle of the tone, of which nothing is stored. */
  readonly hole?: number;
  /** Clockwise degrees by which players turn it. */
  readonly turn?: number;
}

/** 16.16 fixed point, as MP4 stores it. */
function displayMatrix(turn: number): Buffer {
  const [cos, sin] = [Math.cos((turn * Math.PI) / 180), Math.sin((turn * Math.PI) / 180)];
  const matrix = Buffer.alloc(36);
  [cos, sin, 0, -sin, cos, 0, 0, 0, 0x4000].forEach((value, i) =>
    matrix.writeInt32LE(i === 8 ? 0x40000000 : Math.round(value * 65_536), 4 * i),
  );
  return matrix;
}

/** Codecs of sound by the extension; all others have AAC. */
const SOUND: Readonly<Record<string, string>> = { webm: 'libopus', aiff: 'pcm_s16be', wma: 'wmav2' };

/**
 * Writes a clip: MP4 (H.264, AAC) or WebM (VP8, Opus) by its name, or another container of sound alone; key frames once
 * a second.
 */
export async function makeClip(
  path: string,
  { pictures = [], tone = 0, hole = 0, turn = 0 }: Clip,
): Promise<void> {
  const av = await load();
  av.Log.setLevel(av.AV_LOG_QUIET);
  const isWebm = path.endsWith('.webm');
  const isMp4 = /\.(mp4|m4a)$/.test(path);
  const muxer = await av.Muxer.open(path, isMp4 ? { options: { movflags: 'faststart' } } : {});
  const rate = 1000;
  const jobs: (() => Promise<void>)[] = [];
  if (pictures.length > 0) {
    const encoder = await av.Encoder.create(
      av.Codec.findEncoderByName((isWebm ? 'libvpx' : 'libx264') as never)!,
      {
        autoFormat: true,
        gopSize: 10,
        maxBFrames: 0,
        bitrate: '1M',
        threadCount: 1,
      },
    );
    const index = muxer.addStream(encoder);
    const frames = async function* () {
      for (const { at, image } of pictures)
        yield await Promise.resolve(
          av.Frame.fromVideoBuffer(Buffer.from(image.data), {
            width: image.width,
            height: image.height,
            format: av.AV_PIX_FMT_RGB24,
            timeBase: { num: 1, den: rate },
            pts: BigInt(Math.round(at * rate)),
          }),
        );
      yield null;
    };
    jobs.push(async () => {
      for await (const packet of encoder.packets(frames())) await muxer.writePacket(packet, index);
      encoder.close();
    });
  }
  if (tone > 0) {
    const encoder = await av.Encoder.create(
      av.Codec.findEncoderByName((SOUND[extname(path).slice(1)] ?? 'aac') as never)!,
      {
        autoFormat: true,
        autoResample: true,
      },
    );
    const index = muxer.addStream(encoder);
    const samples = async function* () {
      const size = 960;
      for (let i = 0; i < (tone * 48_000) / size; i++) {
        const data = Float32Array.from(
          { length: size },
          (_, j) => 0.3 * Math.sin((2 * Math.PI * 440 * (i * size + j)) / 48_000),
        );
        yield await Promise.resolve(
          av.Frame.fromAudioBuffer(Buffer.from(data.buffer), {
            nbSamples: size,
            format: av.AV_SAMPLE_FMT_FLT,
            sampleRate: 48_000,
            channelLayout: av.AV_CHANNEL_LAYOUT_MONO,
            timeBase: { num: 1, den: 48_000 },
            pts: BigInt(i * size),
          }),
        );
      }
      yield null;
    };
    jobs.push(async () => {
      for await (const packet of encoder.packets(samples())) {
        if (packet && packet.pts > tone * 24_000) {
          packet.pts += BigInt(hole * 48_000);
          packet.dts += BigInt(hole * 48_000);
        }
        await muxer.writePacket(packet, index);
      }
      encoder.close();
    });
  }
  await Promise.all(jobs.map((job) => job()));
  await muxer.close();
  if (turn !== 0) await turnMp4(path, turn);
}

/** Overwrites the display matrix in the video's track header (`tkhd`, big-endian), as a camera that is held upright does. */
async function turnMp4(path: string, turn: number): Promise<void> {
  const { readFile } = await import('node:fs/promises');
  const bytes = await readFile(path);
  const at = bytes.indexOf('tkhd') + 4 + 40;
  const matrix = displayMatrix(turn);
  for (let i = 0; i < 9; i++) bytes.writeInt32BE(matrix.readInt32LE(4 * i), at + 4 * i);
  await writeFile(path, bytes);
}
