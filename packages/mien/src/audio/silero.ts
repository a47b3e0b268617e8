// Silero's voice activity detector (MIT) from a file that the user names: its weights are no part of mien.
// Source: `OnnxWrapper` in silero-vad's utils_vad.py.
import { createSession, float32, int64, MienError, type Tensor } from 'mien-engine';
import type { ActivityDetector } from './activity.js';
import { SPEECH_RATE } from './speech.js';

/** Samples of a frame, and of the frame before that the model sees again. */
const FRAME = 512;
const CONTEXT = 64;
const STATE = [2, 1, 128] as const;
const INPUTS = ['input', 'sr', 'state'];

export interface SileroDetector extends ActivityDetector {
  dispose(): Promise<void>;
}

/**
 * A detector of one recording from the bytes of `silero_vad.onnx`, version 5 or 6.
 * @throws MienError `format` if it is another model.
 */
export async function createSileroDetector(model: Uint8Array): Promise<SileroDetector> {
  const session = await createSession(model, { threads: 1 });
  if (INPUTS.some((name) => !session.inputs.includes(name))) {
    await session.dispose();
    throw new MienError('format', 'is not the ONNX model of Silero VAD, version 5 or 6', {
      hint: `It has the inputs ${session.inputs.join(', ')}.`,
    });
  }
  const rate = int64([], [SPEECH_RATE]);
  let state: Tensor = float32(STATE, new Float32Array(2 * 128));
  const window = new Float32Array(CONTEXT + FRAME);
  let filled = CONTEXT;

  async function decide(): Promise<number> {
    const { output, stateN } = await session.run({
      input: float32([1, window.length], window.slice()),
      state,
      sr: rate,
    });
    state = stateN!;
    window.copyWithin(0, FRAME);
    filled = CONTEXT;
    return Number(output!.data[0]);
  }

  return {
    frame: FRAME,
    async push(samples) {
      const scores: number[] = [];
      for (const sample of samples) {
        window[filled++] = Number.isFinite(sample) ? sample : 0;
        if (filled === window.length) scores.push(await decide());
      }
      return scores;
    },
    async end() {
      if (filled === CONTEXT) return [];
      window.fill(0, filled);
      return [await decide()];
    },
    dispose: () => session.dispose(),
  };
}
