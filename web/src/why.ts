// Explains the latest answer on request; the explanation is removed when the input changes.
import type { RawAudio } from 'mien/browser';
import type { Engine } from './engine.js';
import { element, sentence } from './page.js';
import type { Picture } from './picture.js';
import { announce } from './reading.js';
import { reasonsOf, summaryOf } from './reasons.js';

/** An answer's label and input. */
export interface Answer {
  readonly label: string;
  readonly text?: string | undefined;
  readonly audio?: RawAudio | undefined;
  readonly picture?: Picture | undefined;
}

const block = element('why', 'div');
const button = element('ask', 'button');
const working = element('working', 'div');
const problem = element('why-problem', 'p');
const reasons = element('reasons', 'div');

let offered: { engine: Engine; answer: Answer } | undefined;
let state: 'idle' | 'working' | 'shown' = 'idle';
/** Incremented to discard a pending explanation. */
let generation = 0;

/** Shows the button for an answer, or hides it without one. */
export function offerReasons(engine: Engine, answer: Answer | undefined): void {
  withdrawReasons();
  offered = answer && { engine, answer };
  block.hidden = !answer;
  setState('idle');
}

/** Stops a pending explanation and removes a shown one. */
export function withdrawReasons(): void {
  generation++;
  if (state === 'working') offered?.engine.stopExplaining();
  problem.textContent = '';
  reasons.replaceChildren();
  setState('idle');
}

/** One button serves all states, so that it keeps the focus. */
function setState(next: typeof state): void {
  state = next;
  const { label = '' } = offered?.answer ?? {};
  button.textContent = { idle: `Why ${label}?`, working: 'Stop', shown: 'Hide the explanation' }[state];
  working.hidden = state !== 'working';
  reasons.hidden = state !== 'shown';
}

button.addEventListener('click', () => {
  if (state === 'idle') void explain();
  else withdrawReasons();
});

async function explain(): Promise<void> {
  if (!offered) return;
  const { engine, answer } = offered;
  withdrawReasons();
  const current = generation;
  setState('working');
  announce(`Explaining ${answer.label}. This takes some seconds.`);
  try {
    const text = answer.text === undefined ? {} : { text: answer.text };
    const given = answer.audio === undefined ? text : { ...text, audio: answer.audio };
    const image = await answer.picture?.copy();
    const explanation = await engine.explain(image ? { ...given, image } : given);
    const photograph = await answer.picture?.copy();
    if (current !== generation || !explanation) return;
    if (explanation.error) throw new Error(explanation.error.message);
    reasons.replaceChildren(...reasonsOf(explanation, { ...text, photograph }));
    photograph?.close();
    setState('shown');
    announce(summaryOf(explanation));
  } catch (error) {
    if (current !== generation) return;
    setState('idle');
    problem.textContent = `The answer could not be explained. ${sentence((error as Error).message)}`;
  }
}
