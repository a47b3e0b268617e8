// Why the last reading is what it is: worked out when somebody asks, and gone when something else is read.
import type { Engine } from './engine.js';
import { element, sentence } from './page.js';
import type { Picture } from './picture.js';
import { say } from './reading.js';
import { reasonsOf, summaryOf } from './reasons.js';

/** What was read. */
export interface Subject {
  readonly label: string;
  readonly text?: string | undefined;
  readonly picture?: Picture | undefined;
}

const block = element('why', 'div');
const button = element('ask', 'button');
const working = element('working', 'div');
const problem = element('why-problem', 'p');
const reasons = element('reasons', 'div');

let offered: { engine: Engine; subject: Subject } | undefined;
let state: 'idle' | 'working' | 'shown' = 'idle';
/** Counted up whenever what is being worked out is no longer wanted. */
let turn = 0;

/** Shows the button for a reading; without one there is nothing to ask. */
export function offerReasons(engine: Engine, subject: Subject | undefined): void {
  withdrawReasons();
  offered = subject && { engine, subject };
  block.hidden = !subject;
  become('idle');
}

/** Stops what is being worked out and takes away what was, since it is of an earlier reading. */
export function withdrawReasons(): void {
  turn++;
  if (state === 'working') offered?.engine.stopExplaining();
  problem.textContent = '';
  reasons.replaceChildren();
  become('idle');
}

/** One button for all: whoever pressed it still has it under the finger. */
function become(next: typeof state): void {
  state = next;
  const { label = '' } = offered?.subject ?? {};
  button.textContent = { idle: `Why ${label}?`, working: 'Stop', shown: 'Hide the reasons' }[state];
  working.hidden = state !== 'working';
  reasons.hidden = state !== 'shown';
}

button.addEventListener('click', () => {
  if (state === 'idle') void workOut();
  else withdrawReasons();
});

async function workOut(): Promise<void> {
  if (!offered) return;
  const { engine, subject } = offered;
  withdrawReasons();
  const mine = turn;
  become('working');
  say(`Working out why it is ${subject.label}. This takes some seconds.`);
  try {
    const text = subject.text === undefined ? {} : { text: subject.text };
    const image = await subject.picture?.copy();
    const explanation = await engine.explain(image ? { ...text, image } : text);
    const photograph = await subject.picture?.copy();
    if (mine !== turn || !explanation) return;
    if (explanation.error) throw new Error(explanation.error.message);
    reasons.replaceChildren(...reasonsOf(explanation, { ...text, photograph }));
    photograph?.close();
    become('shown');
    say(summaryOf(explanation));
  } catch (error) {
    if (mine !== turn) return;
    become('idle');
    problem.textContent = `The reasons could not be worked out. ${sentence((error as Error).message)}`;
  }
}
