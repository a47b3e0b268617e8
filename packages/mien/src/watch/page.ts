// The timeline as one HTML file that asks for nothing from outside: who is on screen, and posteriors over time.
import type { Probabilities } from '../recognizer/types.js';
import type { PersonSummary, RecordingSummary } from './summary.js';
import type { TimelineRow } from './timeline.js';

/** Bins of the time axis: more than one pixel each on a wide screen. */
const BINS = 400;
/** Seconds below which a person is counted instead of shown: passers-by, and false faces. */
const BRIEF = 1;
/** Most people with a chart of their own. */
const MOST_CHARTS = 24;

/** Most sentences that are shown. */
const MOST_SENTENCES = 1000;

const WIDTH = 800;
const HEIGHT = 120;

const policy =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

const COLORS: Readonly<Record<string, string>> = {
  anger: '#d55e01',
  disgust: '#009e74',
  fear: '#b0609a',
  joy: '#e69f01',
  sadness: '#0072b3',
  neutral: '#8a8b91',
  surprise: '#56b4ea',
  guilt: '#6b4fa1',
  shame: '#8b8b2a',
};

const style = `
:root{color-scheme:light dark;--ink:#1d1f24;--muted:#5c6068;--rule:#dcdde1;--surface:#fffefe;--accent:#2a5f8f}
@media (prefers-color-scheme:dark){:root{--ink:#e8e6e1;--muted:#a9abb1;--rule:#3a3d44;--surface:#16181c;--accent:#7db4e0}}
*{box-sizing:border-box}
body{margin:0;background:var(--surface);color:var(--ink);font:1rem/1.55 system-ui,sans-serif}
.page{max-width:60rem;margin:0 auto;padding:clamp(1.2rem,5vw,3.5rem)}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .6rem;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:2.6rem 0 .6rem;display:flex;gap:.8rem;align-items:center}
h2 img{border-radius:.4rem}
p{max-width:44rem;margin:0 0 1rem}
.muted,figcaption{color:var(--muted);font-size:.9rem}
a{color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:3px}
figure{margin:0 0 .6rem}
svg{display:block;width:100%;height:auto;border-bottom:1px solid var(--rule)}
.table{overflow-x:auto}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums;min-width:100%}
caption{text-align:left;font-weight:600;padding:0 0 .5rem}
th,td{text-align:left;font-weight:400;padding:.25rem 1.2rem .25rem 0;white-space:nowrap}
thead th{color:var(--muted);border-bottom:1px solid var(--muted)}
tbody tr+tr>*{border-top:1px solid var(--rule)}
.right{text-align:right}
.words{white-space:normal;overflow-wrap:anywhere;min-width:14rem}
.key{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;padding:0;margin:.5rem 0 0;font-size:.9rem}
.key span{display:inline-block;width:.8em;height:.8em;margin-right:.4em;border-radius:.15em}
details{margin:.4rem 0}summary{cursor:pointer;color:var(--accent);font-size:.9rem}
@media print{details{display:none}}
`.trim();

/** Text in HTML, and in the values of its attributes. */
const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** `1:05:09.2` */
function clock(seconds: number): string {
  const tenths = Math.round(seconds * 10);
  const [hours, minutes, rest] = [
    Math.floor(tenths / 36_000),
    Math.floor(tenths / 600) % 60,
    (tenths % 600) / 10,
  ];
  const two = (value: number, digits: number): string => value.toFixed(digits).padStart(digits ? 4 : 2, '0');
  return hours > 0 ? `${hours}:${two(minutes, 0)}:${two(rest, 1)}` : `${minutes}:${two(rest, 1)}`;
}

/** Sums of posteriors in one bin. */
interface Bin {
  rows: number;
  readonly sums: Map<string, number>;
}

/**
 * The page of a timeline. Its size does not grow with the length of the recording, but for the words, of which there is a
 * limit.
 * @param rows the rows, in the order of time
 * @param thumbnails JPEG of a person's face as base64, by number
 */
export async function timelinePage(
  summary: RecordingSummary,
  rows: () => AsyncIterable<TimelineRow>,
  thumbnails: Readonly<Record<string, string>>,
): Promise<string> {
  const { people, every } = summary;
  const end = Math.max(summary.seconds ?? 0, ...people.map(({ last }) => last + every), every);
  const shown = people
    .filter(({ seconds, person }) => seconds >= BRIEF || person === null)
    .slice(0, MOST_CHARTS);
  // A frame is never wider than a bin, so that short recordings have no gaps.
  const count = Math.max(1, Math.min(BINS, Math.floor(end / every)));
  const charts = new Map(shown.map(({ person }) => [person, new Map<number, Bin>()]));
  const said: Sentence[] = [];
  for await (const { person, time, fused, text, words } of rows()) {
    if (text && words !== undefined) addWords(said, { person, from: time, to: time, text, words }, every);
    const bins = charts.get(person);
    if (!bins) continue;
    const at = Math.min(count - 1, Math.floor((time / end) * count + 1e-9));
    let bin = bins.get(at);
    if (!bin) bins.set(at, (bin = { rows: 0, sums: new Map() }));
    bin.rows++;
    for (const [label, p] of Object.entries(fused)) bin.sums.set(label, (bin.sums.get(label) ?? 0) + p);
  }
  const labels = [...new Set(shown.flatMap(({ mean }) => Object.keys(mean)))].sort();
  const rest = people.length - shown.length;
  const title = `Timeline of ${summary.file}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="color-scheme" content="light dark"><title>${escapeHtml(title)}</title><style>${style}</style></head>
<body><div class="page"><header><h1>${escapeHtml(title)}</h1>
<p class="muted">${escapeHtml(describe(summary))}</p></header><main>
${peopleTable(shown, labels)}
${rest > 0 ? `<p class="muted">${rest} more ${rest === 1 ? 'person was' : 'people were'} on screen for less than ${BRIEF} s, or are beyond the first ${MOST_CHARTS}; the table has them.</p>` : ''}
${labels.length > 0 ? keyOf(labels) : '<p>Nobody was seen or heard.</p>'}
${wordsTable(said)}
${shown.map((person) => sectionOf(person, charts.get(person.person)!, { labels, count, end, thumbnail: thumbnails[String(person.person)] })).join('\n')}
</main><footer><p class="muted">Posteriors of a model that was trained on posed and collected faces, not on people in conversation: they say what an expression resembles, not what somebody feels. Numbers of people are tracks of faces, not identities.</p></footer></div></body></html>
`;
}

/** Words that are said from one time to another. */
interface Sentence {
  readonly person: number | null;
  readonly from: number;
  to: number;
  readonly text: Probabilities;
  readonly words: string;
}

/** Successive rows with the same words are of one sentence. */
function addWords(said: Sentence[], sentence: Sentence, every: number): void {
  const last = said.at(-1);
  if (last?.words === sentence.words && sentence.to - last.to < 1.5 * every) last.to = sentence.to;
  else said.push(sentence);
}

function wordsTable(said: readonly Sentence[]): string {
  if (said.length === 0) return '';
  const row = ({ person, from, text, words }: Sentence): string =>
    `<tr><td>${clock(from)}</td><td>${person === null ? '–' : `Person ${person}`}</td><td class="words">${escapeHtml(words)}</td><td>${top(text)}</td></tr>`;
  const rest = said.length - MOST_SENTENCES;
  return `<section><h2>Words</h2><details><summary>${said.length === 1 ? 'One sentence' : `${said.length} sentences`}</summary><div class="table" tabindex="0" role="region" aria-label="Words over time"><table><thead><tr><th scope="col">From</th><th scope="col">Person</th><th scope="col">Words</th><th scope="col">Label</th></tr></thead><tbody>${said.slice(0, MOST_SENTENCES).map(row).join('')}</tbody></table></div>${rest > 0 ? `<p class="muted">${rest} more are in the table.</p>` : ''}</details></section>`;
}

function describe({ seconds, every, bundle, video, sound, notes }: RecordingSummary): string {
  const parts = [
    seconds === null ? '' : clock(seconds),
    video ? `video of ${video.width} × ${video.height} pixels` : 'no video',
    sound ? 'with sound' : 'without sound',
    `one frame every ${every} s`,
    `bundle ${bundle}`,
    ...notes.map((note) => NOTES[note]),
  ];
  return parts.filter(Boolean).join(' · ');
}

export const NOTES: Readonly<Record<RecordingSummary['notes'][number], string>> = {
  truncated: 'the file ends before the length that it states, or is damaged',
  'no-face': 'no face was found',
  'voice-unread': 'its sound was not read, since the bundle hears no voices',
  'unclear-words':
    'some of its words were left out as uncertain: they may not be English, or drowned in noise',
};

const nameOf = ({ person }: Pick<PersonSummary, 'person'>): string =>
  person === null ? 'Off screen or several on screen' : `Person ${person}`;

const percent = (value: number): string => `${Math.round(100 * value)}%`;

function peopleTable(people: readonly PersonSummary[], labels: readonly string[]): string {
  if (people.length === 0) return '';
  const row = (person: PersonSummary): string => {
    const { first, last, seconds, mean, agreement } = person;
    const shares = labels.map(
      (label) => `<td class="right">${mean[label] === undefined ? '–' : percent(mean[label])}</td>`,
    );
    return `<tr><th scope="row">${nameOf(person)}</th><td>${clock(first)}–${clock(last)}</td><td class="right">${seconds.toFixed(1)} s</td>${shares.join('')}<td class="right">${agreement === undefined ? '–' : agreement.toFixed(2)}</td></tr>`;
  };
  const head = ['First to last', 'On screen', ...labels, 'Agreement'];
  return `<div class="table" tabindex="0" role="region" aria-label="People"><table><caption>People, and their mean posteriors</caption><thead><tr><th scope="col">Person</th>${head.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('')}</tr></thead><tbody>${people.map(row).join('')}</tbody></table></div>`;
}

const colorOf = (label: string): string => COLORS[label] ?? '#5c6068';

const keyOf = (labels: readonly string[]): string =>
  `<ul class="key" aria-label="Colours">${labels.map((label) => `<li><span style="background:${colorOf(label)}"></span>${escapeHtml(label)}</li>`).join('')}</ul>`;

interface Chart {
  readonly labels: readonly string[];
  readonly count: number;
  readonly end: number;
  readonly thumbnail: string | undefined;
}

function sectionOf(person: PersonSummary, bins: ReadonlyMap<number, Bin>, chart: Chart): string {
  const name = nameOf(person);
  const image = chart.thumbnail
    ? `<img src="data:image/jpeg;base64,${chart.thumbnail}" width="48" height="48" alt="Face of ${name}">`
    : '';
  const spans = spansOf(bins, chart);
  const summary = `${name}: ${spans.length === 1 ? 'one span' : `${spans.length} spans`} of time; mostly ${top(person.labels)}`;
  return `<section><h2>${image}${name}</h2><figure>${stack(bins, chart, summary)}<figcaption>Posterior by label, from ${clock(0)} to ${clock(chart.end)}; blank where not on screen.</figcaption></figure>
<details><summary>As a table</summary><div class="table" tabindex="0" role="region" aria-label="${name} over time"><table><thead><tr><th scope="col">From</th><th scope="col">To</th><th scope="col">Label</th><th scope="col">Posterior</th></tr></thead><tbody>${spans
    .map(
      ({ from, to, label, p }) =>
        `<tr><td>${clock(from)}</td><td>${clock(to)}</td><td>${escapeHtml(label)}</td><td class="right">${percent(p)}</td></tr>`,
    )
    .join('')}</tbody></table></div></details></section>`;
}

const top = (shares: Probabilities): string =>
  escapeHtml(Object.entries(shares).sort((a, b) => b[1] - a[1])[0]?.[0] ?? '–');

/** Stacked areas, one rectangle for each label of each bin. */
function stack(bins: ReadonlyMap<number, Bin>, { labels, count }: Chart, summary: string): string {
  const wide = WIDTH / count;
  const paths = new Map<string, string>();
  for (const [at, { rows, sums }] of [...bins].sort(([a], [b]) => a - b)) {
    let y = HEIGHT;
    for (const label of labels) {
      const high = ((sums.get(label) ?? 0) / rows) * HEIGHT;
      if (high < 0.1) continue;
      y -= high;
      const path = `M${(at * wide).toFixed(1)} ${y.toFixed(1)}h${wide.toFixed(2)}v${high.toFixed(1)}h-${wide.toFixed(2)}z`;
      paths.set(label, (paths.get(label) ?? '') + path);
    }
  }
  const areas = [...paths].map(
    ([label, d]) => `<path fill="${colorOf(label)}" d="${d}"><title>${escapeHtml(label)}</title></path>`,
  );
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${summary}">${areas.join('')}</svg>`;
}

/** Successive bins with the same most probable label. */
function spansOf(
  bins: ReadonlyMap<number, Bin>,
  { count, end }: Chart,
): { from: number; to: number; label: string; p: number }[] {
  const spans: { from: number; to: number; label: string; p: number; bins: number }[] = [];
  const seconds = end / count;
  for (const [at, { rows, sums }] of [...bins].sort(([a], [b]) => a - b)) {
    const [label, sum] = [...sums].sort((a, b) => b[1] - a[1])[0]!;
    const last = spans.at(-1);
    if (last?.label === label && last.to >= at * seconds - seconds / 2) {
      last.to = (at + 1) * seconds;
      last.p += sum / rows;
      last.bins++;
    } else spans.push({ from: at * seconds, to: (at + 1) * seconds, label, p: sum / rows, bins: 1 });
  }
  return spans.map(({ bins: many, p, ...span }) => ({ ...span, p: p / many }));
}
