// The microphone: its level, and the utterances that are heard.
import type { SpeechSegment } from 'mien/page';
import captureWorklet from './capture-worklet.ts?worker&url';
import { openDevice } from './devices.js';
import { createHearing } from './hearing.js';

export interface Microphone {
  /** Turns it off; what is being said until then is still heard. */
  stop(): Promise<void>;
}

export interface MicrophoneHandlers {
  /** Largest sample of each block of some 40 ms, from 0 to 1. */
  onLevel(peak: number): void;
  onHeard(utterance: SpeechSegment): void;
  /** Called when it was unplugged, or turned off outside the page. */
  onEnd(): void;
}

/** The voice as it is: browsers' processing for calls changes what the model listens to. */
const UNPROCESSED = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

/**
 * Turns the microphone on.
 * @throws Error with a message for the user.
 */
export async function startMicrophone({ onLevel, onHeard, onEnd }: MicrophoneHandlers): Promise<Microphone> {
  const stream = await openDevice('microphone', { audio: UNPROCESSED, video: false });
  const context = new AudioContext();
  const release = async (): Promise<void> => {
    for (const track of stream.getTracks()) track.stop();
    await context.close();
  };
  try {
    await context.audioWorklet.addModule(captureWorklet);
    const capture = new AudioWorkletNode(context, 'capture', {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: 'explicit',
    });
    const hearing = createHearing(context.sampleRate);
    let running = true;
    const tell = (utterances: readonly SpeechSegment[]): void => utterances.forEach(onHeard);
    const stop = async (): Promise<void> => {
      if (!running) return;
      running = false;
      capture.port.onmessage = null;
      await release();
      tell(await hearing.end());
    };
    capture.port.onmessage = ({ data }: MessageEvent<Float32Array>) => {
      onLevel(data.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0));
      void hearing.push(data).then(tell);
    };
    stream.getAudioTracks()[0]?.addEventListener('ended', () => {
      if (!running) return;
      void stop();
      onEnd();
    });
    context.createMediaStreamSource(stream).connect(capture);
    await context.resume();
    return { stop };
  } catch (cause) {
    await release();
    throw new Error('This browser cannot pass the sound of a microphone to a page.', { cause });
  }
}
