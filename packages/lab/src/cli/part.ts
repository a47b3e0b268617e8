// Which part of a feature store this machine fills: `--shard i/n`, or the index a Kubernetes Indexed Job gives.
import { MienError } from 'mien-engine/base';
import type { Part } from '../features/format.js';

const usage = (message: string, hint: string): MienError => new MienError('usage', message, { hint });

function positiveInteger(text: string, name: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw usage(`${name} is "${text}"`, 'Expected a whole number, as in --shard 0/4 or --shards 4.');
  return Number(text);
}

/**
 * The part to fill, or undefined for the whole store. `--shard i/n` decides by itself (i from 0); else the index is
 * `JOB_COMPLETION_INDEX`, which Kubernetes sets in the pods of an Indexed Job, and n is `--shards` or
 * `JOB_COMPLETIONS`, which the job's author sets to its `completions`.
 * @throws MienError `usage` when one of the two numbers is missing or they do not fit each other.
 */
export function partOf(
  options: { shard?: string | undefined; shards?: string | undefined },
  env: NodeJS.ProcessEnv = process.env,
): Part | undefined {
  const example = 'Parts are counted from 0: of four, --shard 0/4 to --shard 3/4.';
  if (options.shard !== undefined) {
    const match = /^(\d{1,9})\/(\d{1,9})$/.exec(options.shard);
    if (match === null) throw usage(`--shard is "${options.shard}", expected i/n`, example);
    return checked(Number(match[1]), Number(match[2]));
  }
  const index = env['JOB_COMPLETION_INDEX'];
  const of = options.shards ?? env['JOB_COMPLETIONS'];
  if (index === undefined) {
    if (options.shards === undefined) return undefined;
    throw usage('--shards needs JOB_COMPLETION_INDEX in the environment', `Or name the part. ${example}`);
  }
  if (of === undefined)
    throw usage(
      'JOB_COMPLETION_INDEX is set, but not how many parts there are',
      'Give --shards n, or set JOB_COMPLETIONS to the completions of the job.',
    );
  return checked(positiveInteger(index, 'JOB_COMPLETION_INDEX'), positiveInteger(of, 'the number of parts'));

  function checked(i: number, n: number): Part {
    if (n < 1 || i >= n) throw usage(`there is no part ${i} of ${n}`, example);
    return { index: i, of: n };
  }
}
