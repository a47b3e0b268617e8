// A process of a pool that does what tests tell it.
import { MienError } from '../../src/base/errors.js';
import { serveTasks } from '../../src/base/serve-tasks.js';

export type Setup = 'open' | 'refuse' | 'end';

export type Chore =
  | { readonly say: unknown; readonly first?: readonly string[] }
  /** Lasts until it is told to stop. */
  | { readonly until: 'stopped' }
  /** Hears nothing, for ever. */
  | { readonly until: 'killed' }
  | { readonly fail: 'here' | 'elsewhere' }
  | { readonly end: number }
  | { readonly answer: 'uncloneable' };

const refusal = (message: string): MienError =>
  new MienError('data', message, { file: 'texts.csv', row: 7, hint: 'Leave it out.' });

serveTasks<Setup, Chore, unknown, { pid: number }, string>((setup) => {
  if (setup === 'end') process.exit(4);
  if (setup === 'refuse') throw refusal('is not to be opened');
  return {
    info: { pid: process.pid },
    run(chore, { signal, note }) {
      if ('say' in chore) {
        chore.first?.forEach(note);
        return chore.say;
      }
      if ('end' in chore) process.exit(chore.end);
      if ('answer' in chore) return () => undefined;
      if ('fail' in chore) throw chore.fail === 'here' ? refusal('x'.repeat(390)) : new RangeError('too far');
      note('begun');
      if (chore.until === 'killed') for (;;);
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new MienError('interrupted', 'put down')));
      });
    },
  };
});
