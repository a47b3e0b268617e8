// A sound or video file on the page: played beside what it tells over time, as a chart and as a table.
import type { Result } from 'mien/browser';
import { drawRun, startDrawing } from './chart.js';
import type { Engine } from './engine.js';
import { colourOf, labelGroups } from './labels.js';
import { capitalised } from './modalities.js';
import { element, make, percent, sentence } from './page.js';
import { announce } from './reading.js';
import {
  type Lane,
  lanesOf,
  type Recorded,
  recognizeRecording,
  resultAt,
  spansOf,
  startOf,
} from './recording.js';

const film = element('film', 'video');
const reading = element('reading', 'div');
const readingLabel = element('reading-label', 'label');
const bar = element('reading-bar', 'progress');
const figure = element('lanes', 'figure');
const rows = element('lane-rows', 'div');
const playhead = element('playhead', 'div');
const axisEnd = element('axis-end', 'span');
const key = element('key', 'ul');
const summary = element('recording-summary', 'p');
const spans = element('spans', 'details');
const spanTable = element('span-table', 'table');
const rateLabel = element('frame-rate-label', 'label');
const rate = element('frame-rate', 'select');

export interface Player {
  /** Removes the recording from the page. */
  close(): void;
}

export interface PlayerHandlers {
  /** Called with what is known of the time that is played or being read. */
  onMoment(result: Result | undefined, time: number, size: Recorded['size']): void;
  /** Called with a message for the user if the recording cannot be read; the player is closed then. */
  onFail(message: string): void;
}

/** "1:05.2" */
const clock = (seconds: number): string => {
  const tenths = Math.round(10 * seconds);
  return `${Math.floor(tenths / 600)}:${((tenths % 600) / 10).toFixed(1).padStart(4, '0')}`;
};

/** Shows a file, and reads it as soon as the model is loaded. */
export function openPlayer(
  file: Blob,
  engine: Promise<Engine>,
  { onMoment, onFail }: PlayerHandlers,
): Player {
  const address = URL.createObjectURL(file);
  const closed = new AbortController();
  const { signal } = closed;
  let recorded: Recorded | undefined;
  let labels: readonly string[] = [];
  /** Aborted when the recording is read anew. */
  let round = new AbortController();
  let isReading = true;
  let moment: Result | undefined;

  const close = (): void => {
    closed.abort();
    round.abort();
    film.removeAttribute('src');
    film.load();
    URL.revokeObjectURL(address);
    reset();
  };
  const drawAll = (): void => {
    if (recorded) drawLanes(lanesOf(recorded), recorded.seconds, labels);
  };
  const showMoment = (force = false): void => {
    if (!recorded || isReading) return;
    const { currentTime: time } = film;
    playhead.style.setProperty('--at', String(Math.min(1, time / recorded.seconds)));
    const result = resultAt(recorded, time);
    if (result === moment && !force) return;
    moment = result;
    onMoment(result, time, recorded.size);
  };
  const follow = (): void => {
    showMoment();
    if (!film.paused && !signal.aborted) requestAnimationFrame(follow);
  };

  const read = async (): Promise<void> => {
    round.abort();
    round = new AbortController();
    const mine = round.signal;
    isReading = true;
    film.pause();
    film.controls = false;
    reset();
    reading.hidden = false;
    readingLabel.textContent = 'Waiting for the model';
    bar.removeAttribute('value');
    try {
      const loaded = await engine;
      mine.throwIfAborted();
      readingLabel.textContent = 'Reading the recording';
      labels = labelGroups(loaded.info.labels).flat();
      recorded = await recognizeRecording(file, film, loaded, {
        framesPerSecond: Number(rate.value),
        signal: mine,
        onProgress(soFar, share) {
          recorded = soFar;
          bar.value = share;
          drawAll();
          const { time, result } = soFar.frames.at(-1) ?? {};
          if (result) onMoment(result, time!, soFar.size);
        },
      });
      isReading = false;
      reading.hidden = true;
      film.controls = true;
      film.currentTime = startOf(recorded);
      rateLabel.hidden = recorded.frames.length === 0;
      drawAll();
      tell(recorded);
      showMoment(true);
    } catch (error) {
      if (mine.aborted) return;
      close();
      onFail(sentence((error as Error).message));
    }
  };

  const redraw = new ResizeObserver(drawAll);
  redraw.observe(rows);
  signal.addEventListener('abort', () => redraw.disconnect());
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll, { signal });
  film.addEventListener('play', follow, { signal });
  film.addEventListener('seeked', () => showMoment(), { signal });
  rows.addEventListener(
    'click',
    ({ clientX }) => {
      const canvas = rows.querySelector('canvas');
      if (!recorded || isReading || !canvas) return;
      const { left, width } = canvas.getBoundingClientRect();
      film.currentTime = Math.max(0, Math.min(1, (clientX - left) / width)) * recorded.seconds;
    },
    { signal },
  );
  rate.addEventListener('change', () => void read(), { signal });
  film.src = address;
  film.addEventListener('loadedmetadata', () => film.classList.toggle('sound', film.videoWidth === 0), {
    signal,
  });
  void read();
  return { close };
}

function reset(): void {
  for (const one of [reading, figure, spans, rateLabel]) one.hidden = true;
  rows.replaceChildren();
  summary.textContent = '';
  playhead.style.setProperty('--at', '0');
}

const nameOf = ({ name }: Lane): string => (name === undefined ? 'Together' : capitalised(name));

function drawLanes(lanes: readonly Lane[], seconds: number, labels: readonly string[]): void {
  figure.hidden = lanes.length === 0;
  if (rows.childElementCount !== lanes.length)
    rows.replaceChildren(
      ...lanes.map(() => {
        const canvas = make('canvas', '');
        canvas.role = 'img';
        return make('div', 'lane', make('span', 'lane-name'), canvas);
      }),
    );
  axisEnd.textContent = clock(seconds);
  const used = labels.filter((label) =>
    lanes.some(({ runs }) => runs.some((run) => run.some(({ probabilities }) => label in probabilities))),
  );
  key.replaceChildren(
    ...used.map((label) => {
      const dot = make('span', 'dot');
      dot.style.setProperty('--colour', colourOf(label));
      return make('li', '', dot, label);
    }),
  );
  lanes.forEach((lane, i) => {
    const [name, canvas] = rows.children[i]!.children as unknown as [HTMLElement, HTMLCanvasElement];
    name.textContent = nameOf(lane);
    canvas.ariaLabel = `${nameOf(lane)}, over ${clock(seconds)}: ${mostlyOf(lane)}`;
    const drawing = startDrawing(canvas);
    if (!drawing) return;
    for (const run of lane.runs) drawRun(drawing, run, labels, (time) => (drawing.width * time) / seconds);
  });
}

/** "mostly joy (12.0 of 15.0 s)" */
function mostlyOf(lane: Lane): string {
  const seconds = new Map<string, number>();
  for (const { label, from, to } of spansOf(lane)) seconds.set(label, (seconds.get(label) ?? 0) + to - from);
  const all = [...seconds.values()].reduce((a, b) => a + b, 0);
  const [label, most] = [...seconds].reduce((a, b) => (b[1] > a[1] ? b : a));
  return `mostly ${label} (${most.toFixed(1)} of ${all.toFixed(1)} s)`;
}

function tell(recorded: Recorded): void {
  const lanes = lanesOf(recorded);
  const found =
    lanes.length > 0
      ? lanes.map((lane) => `${nameOf(lane)}: ${mostlyOf(lane)}.`)
      : ['Nobody is seen or heard in this recording.'];
  summary.textContent = [...found, ...recorded.notes].join(' ');
  announce(`The recording has been read. ${summary.textContent}`);
  fillTable(lanes);
}

/** What the chart shows, for those who cannot see it or want numbers. */
function fillTable(lanes: readonly Lane[]): void {
  spans.hidden = lanes.length === 0;
  spanTable.replaceChildren();
  spanTable.createCaption().append(make('span', 'unseen', 'The recording over time'));
  const head = spanTable.createTHead().insertRow();
  for (const title of ['From', 'To', 'Emotion', 'Probability']) {
    const cell = make('th', '', title);
    cell.scope = 'col';
    head.append(cell);
  }
  for (const lane of lanes) {
    const body = spanTable.createTBody();
    const name = make('th', '', nameOf(lane));
    Object.assign(name, { scope: 'rowgroup', colSpan: 4 });
    body.insertRow().append(name);
    for (const { from, to, label, share } of spansOf(lane))
      body
        .insertRow()
        .append(...[clock(from), clock(to), label, percent(share)].map((text) => make('td', '', text)));
  }
}
