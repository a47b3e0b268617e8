// The page: passes text, picture, camera, voice and recordings to the engine and shows its answers.
import { isRecognition, type Result } from 'mien/browser';
import { averageFrames } from 'mien/page';
import { startCamera, type Camera } from './camera.js';
import { onlyLatest, type Engine } from './engine.js';
import { clearFaces, showFaces } from './faces.js';
import { defaultGroups, labelGroups } from './labels.js';
import { whenLoaded } from './loading.js';
import { reads, setModalities } from './modalities.js';
import { element, percent } from './page.js';
import { choosePicture, onChosen, onFile, openPicture, type Picture } from './picture.js';
import { openPlayer, type Player } from './player.js';
import { announce, layOutTable, show, showNothing } from './reading.js';
import { addToTimeline, clearTimeline } from './timeline.js';
import { forgetVoice, lastHeard, offerMicrophone } from './voice.js';
import { offerReasons, withdrawReasons } from './why.js';

const words = element('words', 'textarea');
const problem = element('face-problem', 'p');
const rate = element('rate', 'span');
const recordingFile = element('recording-file', 'input');
const buttons = {
  choose: element('choose', 'button'),
  camera: element('camera', 'button'),
  another: element('another', 'button'),
  remove: element('remove', 'button'),
  recording: element('choose-recording', 'button'),
};

let engine: Engine | undefined;
let nowLoaded: (engine: Engine) => void;
const loaded = new Promise<Engine>((resolve) => (nowLoaded = resolve));
let picture: Picture | undefined;
let camera: Camera | undefined;
let player: Player | undefined;

/** Milliseconds from the last key press to recognition. */
const TYPING_PAUSE = 150;
/** Milliseconds for which an utterance counts beside frames of the camera, as the face moves on. */
const VOICE_LASTS = 10_000;
let typing: ReturnType<typeof setTimeout> | undefined;

const textInput = (): { text?: string } => (words.value.trim() ? { text: words.value } : {});

/** Recognises text, picture and voice, unless the camera is on, whose next frame includes the others. */
const recognizeInput = onlyLatest(async () => {
  if (!engine || camera || player) return;
  // The latest text is recognised now: doing so again later would remove an explanation requested meanwhile.
  clearTimeout(typing);
  const shown = picture;
  const given = { ...textInput(), ...lastHeard() };
  withdrawReasons();
  if (!shown && !given.text && !given.audio) {
    offerReasons(engine, undefined);
    return showNothing();
  }
  const image = await shown?.copy();
  const result = await engine.recognize(image ? { ...given, image } : given);
  if (shown !== picture || camera || player) return;
  show(result);
  // Of a voice alone there is nothing to explain.
  const isExplained = isRecognition(result) && (result.text ?? result.face);
  offerReasons(engine, isExplained ? { ...given, label: result.label, picture: shown } : undefined);
  if (shown) showFaces(result, { ...shown, mirrored: false });
  else clearFaces();
});

words.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(recognizeInput, TYPING_PAUSE);
});
for (const example of document.querySelectorAll<HTMLButtonElement>('.example'))
  example.addEventListener('click', () => {
    words.value = example.textContent;
    recognizeInput(undefined);
  });

/** Files whose type the browser does not know. */
const RECORDING = /\.(wav|mp3|m4a|aac|ogg|oga|opus|flac|mp4|m4v|mov|webm|mkv)$/i;

onFile((file) => {
  const isRecording =
    /^(audio|video)\//.test(file.type) || (file instanceof File && RECORDING.test(file.name));
  if (isRecording) openRecording(file);
  else void showPicture(file);
});
onChosen(recordingFile, openRecording);
buttons.choose.addEventListener('click', choosePicture);
buttons.another.addEventListener('click', () => (player ? recordingFile.click() : choosePicture()));
buttons.recording.addEventListener('click', () => recordingFile.click());
buttons.camera.addEventListener('click', () => void turnOnCamera());
buttons.remove.addEventListener('click', () => {
  const first = player ? buttons.recording : buttons.choose;
  clearStage();
  recognizeInput(undefined);
  first.focus();
});

async function showPicture(blob: Blob): Promise<void> {
  problem.textContent = '';
  try {
    const opened = await openPicture(blob);
    clearStage(opened);
    picture = opened;
    showStage('picture');
    recognizeInput(undefined);
  } catch (error) {
    problem.textContent = (error as Error).message;
  }
}

/** Removes the picture or recording and turns the camera off. `next` is already shown in their place. */
function clearStage(next?: Picture): void {
  camera?.stop();
  player?.close();
  if (!next) picture?.close();
  camera = picture = player = undefined;
  clearFaces();
  clearTimeline();
  rate.textContent = '';
  problem.textContent = '';
  showStage('nothing');
}

type Stage = 'nothing' | 'picture' | 'camera' | 'recording';

function showStage(content: Stage): void {
  const isRecording = content === 'recording';
  element('empty', 'div').hidden = content !== 'nothing';
  element('view', 'div').hidden = content === 'nothing';
  element('picture', 'img').hidden = content !== 'picture';
  element('video', 'video').hidden = content !== 'camera';
  element('film', 'video').hidden = !isRecording;
  element('recording', 'div').hidden = !isRecording;
  element('face-title', 'h2').textContent = isRecording ? 'Recording' : 'Face';
  // A recording is looked at by itself.
  element('words-input', 'div').hidden = isRecording || !reads('text');
  for (const one of [element('stage', 'div'), element('face-title', 'h2')])
    one.hidden = !isRecording && !reads('face');
  element('voice-input', 'div').hidden = isRecording || !engine;
  document.body.classList.toggle('live', content === 'camera' || isRecording);
  element('under', 'p').hidden = content === 'nothing';
  buttons.another.hidden = content !== 'picture' && !isRecording;
  buttons.another.textContent = isRecording ? 'Another recording' : 'Another picture';
  buttons.remove.textContent = content === 'camera' ? 'Turn off the camera' : 'Remove it';
  // The pressed button has disappeared: focus the one that undoes it.
  if (content !== 'nothing' && document.activeElement === document.body) buttons.remove.focus();
}

async function turnOnCamera(): Promise<void> {
  problem.textContent = '';
  buttons.camera.disabled = true;
  try {
    const average = averageFrames();
    const started = await startCamera({
      recognize: recognizeFrame,
      show: (recognized) => showFrame(recognized, average),
      onEnd() {
        clearStage();
        problem.textContent = 'The camera was turned off.';
      },
    });
    clearStage();
    // An explanation would be of a frame long gone.
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

function openRecording(file: Blob): void {
  clearStage();
  forgetVoice();
  if (engine) offerReasons(engine, undefined);
  showNothing('what the recording tells is shown here while it is read and played');
  player = openPlayer(file, loaded, {
    onMoment(result, time, size) {
      if (result) show(result, { quiet: true });
      else showNothing(`nobody is seen or heard at ${time.toFixed(1)} s`);
      if (result && size) showFaces(result, { ...size, mirrored: false });
      else clearFaces();
    },
    onFail(message) {
      player = undefined;
      clearStage();
      showNothing();
      problem.textContent = message;
    },
  });
  showStage('recording');
  buttons.remove.focus();
}

interface RecognizedFrame {
  readonly engine: Engine;
  readonly result: Result;
  readonly width: number;
  readonly height: number;
}

async function recognizeFrame(frame: ImageBitmap): Promise<RecognizedFrame | undefined> {
  const { width, height } = frame;
  if (!engine || !camera) {
    frame.close();
    return undefined;
  }
  const given = { ...textInput(), ...lastHeard(VOICE_LASTS) };
  const result = await engine.recognize({ ...given, image: frame, at: performance.now() });
  return { engine, result, width, height };
}

function showFrame(frame: RecognizedFrame | undefined, average: ReturnType<typeof averageFrames>): void {
  if (!frame || !camera) return;
  const { engine, result, width, height } = frame;
  const time = performance.now();
  const averaged = average(result, time);
  show(averaged, { quiet: true });
  showFaces(averaged, { width, height, mirrored: true });
  if (isRecognition(averaged) && averaged.face) {
    const { probabilities } = averaged;
    const labels = labelGroups(engine.info.labels).flat();
    const shown = labels.filter((label) => label in probabilities);
    addToTimeline(probabilities, shown, time);
  }
  announceWhenStable(averaged, time);
  countFrame(time);
}

/** Milliseconds. */
const STABLE = 2000;
let latest: { label: string; since: number } | undefined;

/** Announces a label to screen readers once it has been stable for two seconds. */
function announceWhenStable(result: Result, time: number): void {
  const label = isRecognition(result) ? result.label : result.error.message;
  if (latest?.label !== label) latest = { label, since: time };
  if (time - latest.since < STABLE) return;
  const share = isRecognition(result) ? result.probabilities[label] : undefined;
  announce(share === undefined ? label : `${label}, ${percent(Math.round(10 * share) / 10)}`);
  latest.since = Infinity;
}

let frames = 0;
let counted = { since: 0, frames: 0 };

function countFrame(time: number): void {
  counted.frames++;
  // For benchmarks.
  rate.dataset['readings'] = String(++frames);
  const seconds = (time - counted.since) / 1000;
  if (seconds < 1) return;
  // The first interval began before the camera did.
  const perSecond = Math.round(counted.frames / seconds);
  if (seconds < 3) rate.textContent = `${perSecond} ${perSecond === 1 ? 'frame' : 'frames'} per second`;
  counted = { since: time, frames: 0 };
}

layOutTable(defaultGroups);
showNothing();
showStage('nothing');
whenLoaded((started) => {
  engine = started;
  setModalities(started.modalities);
  layOutTable(labelGroups(started.info.labels));
  offerMicrophone(started, () => recognizeInput(undefined));
  if (!player) {
    showNothing();
    showStage(camera ? 'camera' : picture ? 'picture' : 'nothing');
  }
  nowLoaded(started);
  recognizeInput(undefined);
});
