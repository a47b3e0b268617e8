// The voice's part of the page: the microphone, its level, and what was heard.
import { isRecognition, type RawAudio, type Recognition } from 'mien/browser';
import { SPEECH_RATE, type SpeechSegment } from 'mien/page';
import type { Engine } from './engine.js';
import { colourOf } from './labels.js';
import { type Microphone, startMicrophone } from './microphone.js';
import { reads } from './modalities.js';
import { element, make, percent, sentence } from './page.js';

const missing = element('voice-missing', 'p');
const button = element('microphone', 'button');
const openButton = element('choose-recording', 'button');
const forgetButton = element('unhear', 'button');
const level = element('level', 'div');
const state = element('voice-state', 'p');
const heard = element('heard', 'ul');
const problem = element('voice-problem', 'p');

/** Utterances in the list. */
const MOST_HEARD = 5;
/** Least level shown, in dB of full scale. */
const FLOOR = -60;
/** Share of the level that is left after a block without sound, so that the meter falls slowly. */
const DECAY = 0.8;
/** Milliseconds between updates of the level for screen readers. */
const LEVEL_INTERVAL = 1000;
/** Milliseconds of digital silence after which the microphone seems to be muted. */
const MUTED = 3000;

let engine: Engine | undefined;
let changed: () => void = () => undefined;
let microphone: Microphone | undefined;
/** The last utterance, and when it was recognised. */
let last: { readonly audio: RawAudio; readonly at: number } | undefined;
/** Incremented to ignore utterances that are still being recognised. */
let generation = 0;

/** Offers the microphone if the model hears voices, else says why not; calls back when something was heard or forgotten. */
export function offerMicrophone(loaded: Engine, onChange: () => void): void {
  [engine, changed] = [loaded, onChange];
  missing.hidden = reads('voice');
  button.hidden = !reads('voice');
  openButton.textContent = reads('voice') ? 'Open a sound or video file' : 'Open a video file';
}

/** The last utterance, unless it is older than this in milliseconds. */
export const lastHeard = (most = Infinity): { audio?: RawAudio } =>
  last && performance.now() - last.at <= most ? { audio: last.audio } : {};

/** Turns the microphone off and forgets what was heard. */
export function forgetVoice(): void {
  generation++;
  last = undefined;
  heard.replaceChildren();
  forgetButton.hidden = true;
  problem.textContent = '';
  void turnOff();
}

button.addEventListener('click', () => void (microphone ? turnOff() : turnOn()));
forgetButton.addEventListener('click', () => {
  forgetVoice();
  button.focus();
  changed();
});

async function turnOn(): Promise<void> {
  if (!engine) return;
  problem.textContent = '';
  button.disabled = true;
  const current = ++generation;
  try {
    microphone = await startMicrophone({
      onLevel: showLevel,
      onHeard: (utterance) => void hear(utterance, current),
      onEnd() {
        showOff();
        problem.textContent = 'The microphone was unplugged or turned off.';
      },
    });
    button.textContent = 'Turn off the microphone';
    level.hidden = false;
    state.textContent = 'Loading the model of voices.';
    // The file of voices is fetched with the first recording: silence, so that the first utterance does not wait for it.
    await engine.recognize({ audio: { sampleRate: SPEECH_RATE, data: new Float32Array(SPEECH_RATE) } });
    if (microphone && current === generation) state.textContent = LISTENING;
  } catch (error) {
    void turnOff();
    problem.textContent = sentence((error as Error).message);
  } finally {
    button.disabled = false;
  }
}

const LISTENING = 'Listening. Speak, and pause: the answer follows after a second or two.';
const SILENT = 'The microphone gives no sound. Is it muted?';

async function turnOff(): Promise<void> {
  const stopped = microphone;
  showOff();
  await stopped?.stop();
}

function showOff(): void {
  microphone = undefined;
  button.textContent = 'Turn on the microphone';
  level.hidden = true;
  state.textContent = '';
}

let shown = 0;
let described = 0;
let sounded = 0;

function showLevel(peak: number): void {
  const now = performance.now();
  shown = Math.max(peak, shown * DECAY);
  const decibels = Math.max(FLOOR, 20 * Math.log10(shown));
  const isClipped = peak >= 0.99;
  level.style.setProperty('--level', (1 - decibels / FLOOR).toFixed(3));
  level.classList.toggle('clipped', isClipped);
  if (now - described > LEVEL_INTERVAL) {
    described = now;
    level.ariaValueNow = decibels.toFixed(0);
    level.ariaValueText = isClipped ? 'too loud' : decibels > -40 ? 'sound' : 'quiet';
  }
  if (peak > 0 || sounded === 0) sounded = now;
  if (state.textContent === LISTENING && now - sounded > MUTED) state.textContent = SILENT;
  else if (state.textContent === SILENT && peak > 0) state.textContent = LISTENING;
}

async function hear({ samples, start, end }: SpeechSegment, current: number): Promise<void> {
  const audio = { sampleRate: SPEECH_RATE, data: samples };
  try {
    const result = await engine!.recognize({ audio });
    // A cough or a door may turn out to be too short to be speech.
    if (current !== generation || !isRecognition(result)) return;
    last = { audio, at: performance.now() };
    list(result, end - start);
    changed();
  } catch (error) {
    if (current === generation) problem.textContent = sentence((error as Error).message);
  }
}

function list({ label, probabilities }: Recognition, seconds: number): void {
  const dot = make('span', 'dot');
  const item = make(
    'li',
    '',
    dot,
    make('span', '', `${label} ${percent(probabilities[label])}`),
    make('span', 'when', `${seconds.toFixed(1)} s, ${new Date().toLocaleTimeString()}`),
  );
  dot.style.setProperty('--colour', colourOf(label));
  heard.prepend(item);
  for (const old of [...heard.children].slice(MOST_HEARD)) old.remove();
  forgetButton.hidden = false;
}
