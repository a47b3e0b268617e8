// The page: what is written and shown goes to the engine, what it reads is shown.
import './style/base.css';
import './style/inputs.css';
import './style/reading.css';
import './style/why.css';
import './style/loading.css';
import './style/narrow.css';
import { isRecognition, type Result } from 'mien/browser';
import { averageFrames } from 'mien/page';
import { startCamera, type Camera } from './camera.js';
import { onlyLatest, type Engine } from './engine.js';
import { clearFaces, showFaces } from './faces.js';
import { labelGroups, usualGroups } from './labels.js';
import { whenLoaded } from './loading.js';
import { element, percent } from './page.js';
import { choosePicture, onPicture, openPicture, type Picture } from './picture.js';
import { layOutRows, say, show, showNothing } from './reading.js';
import { addToTimeline, clearTimeline } from './timeline.js';
import { offerReasons, withdrawReasons } from './why.js';

const words = element('words', 'textarea');
const problem = element('face-problem', 'p');
const rate = element('rate', 'span');
const buttons = {
  choose: element('choose', 'button'),
  camera: element('camera', 'button'),
  another: element('another', 'button'),
  remove: element('remove', 'button'),
};

let engine: Engine | undefined;
let picture: Picture | undefined;
let camera: Camera | undefined;

/** Milliseconds after the last key before a sentence is read. */
const PAUSE = 150;
let pause: ReturnType<typeof setTimeout> | undefined;

const given = (): { text?: string } => (words.value.trim() ? { text: words.value } : {});

/** Reads the words and the picture, unless the camera's next frame will take them along. */
const readStill = onlyLatest(async () => {
  if (!engine || camera) return;
  // What was typed last is read now: reading it once more would take away the reasons that somebody asks for meanwhile.
  clearTimeout(pause);
  const of = picture;
  const text = given();
  withdrawReasons();
  if (!of && !text.text) {
    offerReasons(engine, undefined);
    return showNothing();
  }
  const image = await of?.copy();
  const { result } = await engine.read(image ? { ...text, image } : text);
  if (of !== picture || camera) return;
  show(result);
  offerReasons(engine, isRecognition(result) ? { ...text, label: result.label, picture: of } : undefined);
  if (of) showFaces(result, { ...of, mirrored: false });
  else clearFaces();
});

words.addEventListener('input', () => {
  clearTimeout(pause);
  pause = setTimeout(readStill, PAUSE);
});
for (const example of document.querySelectorAll<HTMLButtonElement>('.example'))
  example.addEventListener('click', () => {
    words.value = example.textContent;
    readStill(undefined);
  });

onPicture((blob) => void takePicture(blob));
buttons.choose.addEventListener('click', choosePicture);
buttons.another.addEventListener('click', choosePicture);
buttons.camera.addEventListener('click', () => void turnOn());
buttons.remove.addEventListener('click', () => {
  letGo();
  readStill(undefined);
  buttons.choose.focus();
});

async function takePicture(blob: Blob): Promise<void> {
  problem.textContent = '';
  try {
    const opened = await openPicture(blob);
    letGo(opened);
    picture = opened;
    showStage('picture');
    readStill(undefined);
  } catch (error) {
    problem.textContent = (error as Error).message;
  }
}

/** Forgets the picture and turns the camera off. `next` is already shown in their place. */
function letGo(next?: Picture): void {
  camera?.stop();
  if (!next) picture?.close();
  camera = picture = undefined;
  clearFaces();
  clearTimeline();
  rate.textContent = '';
  problem.textContent = '';
  showStage('nothing');
}

function showStage(what: 'nothing' | 'picture' | 'camera'): void {
  element('empty', 'div').hidden = what !== 'nothing';
  element('view', 'div').hidden = what === 'nothing';
  element('picture', 'img').hidden = what !== 'picture';
  element('video', 'video').hidden = what !== 'camera';
  document.body.classList.toggle('live', what === 'camera');
  element('under', 'p').hidden = what === 'nothing';
  buttons.another.hidden = what !== 'picture';
  buttons.remove.textContent = what === 'camera' ? 'Turn off the camera' : 'Remove it';
  // The button that was pressed is gone: the next one to press has the focus.
  if (what !== 'nothing' && document.activeElement === document.body) buttons.remove.focus();
}

async function turnOn(): Promise<void> {
  problem.textContent = '';
  buttons.camera.disabled = true;
  try {
    const average = averageFrames();
    const started = await startCamera({
      read: readFrame,
      show: (reading) => showFrame(reading, average),
      onEnd() {
        letGo();
        problem.textContent = 'The camera was turned off.';
      },
    });
    letGo();
    // A camera has moved on before its reasons are known.
    if (engine) offerReasons(engine, undefined);
    camera = started;
    showStage('camera');
    buttons.remove.focus();
  } catch (error) {
    problem.textContent = (error as Error).message;
  } finally {
    buttons.camera.disabled = false;
  }
}

interface FrameReading {
  readonly result: Result;
  readonly width: number;
  readonly height: number;
}

async function readFrame(frame: ImageBitmap): Promise<FrameReading | undefined> {
  const { width, height } = frame;
  if (!engine || !camera) {
    frame.close();
    return undefined;
  }
  const { result } = await engine.read({ ...given(), image: frame, at: performance.now() });
  return { result, width, height };
}

function showFrame(reading: FrameReading | undefined, average: ReturnType<typeof averageFrames>): void {
  if (!reading || !camera) return;
  const { result, width, height } = reading;
  const time = performance.now();
  const shown = average(result, time);
  show(shown, { quiet: true });
  showFaces(shown, { width, height, mirrored: true });
  if (isRecognition(shown) && shown.face) addToTimeline(shown.probabilities, bands(shown), time);
  sayWhenSettled(shown, time);
  countReading(time);
}

const bands = ({ probabilities }: { probabilities: object }): string[] => {
  const known = labelGroups(engine!.info.labels).flat();
  return known.filter((label) => label in probabilities);
};

const SETTLED = 2000;
let settling: { label: string; since: number } | undefined;

/** A screen reader hears a new reading when it has stood for two seconds. */
function sayWhenSettled(result: Result, time: number): void {
  const label = isRecognition(result) ? result.label : result.error.message;
  if (settling?.label !== label) settling = { label, since: time };
  if (time - settling.since < SETTLED) return;
  say(
    isRecognition(result)
      ? `${label}, ${percent(Math.round(10 * result.probabilities[label]!) / 10)}`
      : label,
  );
  settling.since = Infinity;
}

let readings = 0;
let counted = { since: 0, readings: 0 };

function countReading(time: number): void {
  counted.readings++;
  // Benchmarks count along.
  rate.dataset['readings'] = String(++readings);
  const seconds = (time - counted.since) / 1000;
  if (seconds < 1) return;
  // The first second began before the camera did.
  const often = Math.round(counted.readings / seconds);
  if (seconds < 3) rate.textContent = often === 1 ? '1 reading a second' : `${often} readings a second`;
  counted = { since: time, readings: 0 };
}

layOutRows(usualGroups);
showNothing();
showStage('nothing');
whenLoaded((loaded) => {
  engine = loaded;
  layOutRows(labelGroups(loaded.info.labels));
  showNothing();
  readStill(undefined);
});
