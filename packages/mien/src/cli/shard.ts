// Which part of the work a process does: stated as options, or by the array variables of a cluster.
import { MienError } from 'mien-engine/base';

/** Share `index` of the `of` shares of a job, from 0. */
export interface JobShare {
  readonly index: number;
  readonly of: number;
}

/** Variables by which clusters number the processes of an array; the first is the index, the second their number. */
const ARRAYS = [
  // Kubernetes sets the index in the pods of an Indexed Job; the job’s author sets the number to its `completions`.
  { index: 'JOB_COMPLETION_INDEX', of: 'JOB_COMPLETIONS' },
  { index: 'SLURM_ARRAY_TASK_ID', of: 'SLURM_ARRAY_TASK_COUNT', first: 'SLURM_ARRAY_TASK_MIN' },
  { index: 'AWS_BATCH_JOB_ARRAY_INDEX', of: 'AWS_BATCH_JOB_ARRAY_SIZE' },
] as const;

const EXAMPLE = 'Parts are counted from 0: of four, --shard 0/4 to --shard 3/4.';

const usage = (message: string, hint: string): MienError => new MienError('usage', message, { hint });

function wholeNumber(text: string, name: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw usage(`${name} is "${text}"`, 'Expected a whole number, as in --shard 0/4 or --shards 4.');
  return Number(text);
}

function checked(index: number, of: number): JobShare {
  if (of < 1 || index < 0 || index >= of) throw usage(`there is no part ${index} of ${of}`, EXAMPLE);
  return { index, of };
}

/**
 * The part of the work to do; undefined for all of it. `--shard i/n`, or `--shard i --shards n`, takes precedence; otherwise
 * the index is a cluster's variable (Kubernetes Indexed Job, Slurm or AWS Batch array) and n is `--shards` or its other one.
 * @throws MienError `usage` if one of the two numbers is missing or they are inconsistent
 */
export function jobShareOf(
  { shard, shards }: { readonly shard?: string | undefined; readonly shards?: string | undefined },
  env: NodeJS.ProcessEnv = process.env,
): JobShare | undefined {
  if (shard !== undefined) {
    const [, index, of = shards] = /^(\d{1,9})(?:\/(\d{1,9}))?$/.exec(shard) ?? [];
    if (index === undefined || of === undefined) throw usage(`--shard is "${shard}", expected i/n`, EXAMPLE);
    return checked(Number(index), wholeNumber(of, 'the number of parts'));
  }
  const array = ARRAYS.find(({ index }) => env[index] !== undefined);
  if (!array) {
    if (shards === undefined) return undefined;
    const names = ARRAYS.map(({ index }) => index).join(', ');
    throw usage(
      `--shards needs the index of this part: ${names} in the environment`,
      `Or specify it. ${EXAMPLE}`,
    );
  }
  const of = shards ?? env[array.of];
  if (of === undefined)
    throw usage(
      `${array.index} is set, but not the number of parts`,
      `Specify --shards n, or set ${array.of} to the number of processes.`,
    );
  const first = 'first' in array ? wholeNumber(env[array.first] ?? '0', array.first) : 0;
  return checked(wholeNumber(env[array.index]!, array.index) - first, wholeNumber(of, 'the number of parts'));
}
