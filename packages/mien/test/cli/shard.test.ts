// Which part of the work a process does, from options and from the array variables of clusters.
import { expect, test } from 'vitest';
import { jobShareOf } from '../../src/cli/shard.js';

test.each([
  [{}, {}, undefined],
  [{ shard: '0/1' }, {}, { index: 0, of: 1 }],
  [{ shard: '3/4' }, { JOB_COMPLETION_INDEX: '1', JOB_COMPLETIONS: '2' }, { index: 3, of: 4 }],
  [{ shard: '3', shards: '4' }, {}, { index: 3, of: 4 }],
  [{ shards: '8' }, { JOB_COMPLETION_INDEX: '7' }, { index: 7, of: 8 }],
  [
    {},
    { SLURM_ARRAY_TASK_ID: '3', SLURM_ARRAY_TASK_MIN: '1', SLURM_ARRAY_TASK_COUNT: '4' },
    { index: 2, of: 4 },
  ],
  [{}, { AWS_BATCH_JOB_ARRAY_INDEX: '0', AWS_BATCH_JOB_ARRAY_SIZE: '2' }, { index: 0, of: 2 }],
  [{}, { JOB_COMPLETION_INDEX: '0', JOB_COMPLETIONS: '2' }, { index: 0, of: 2 }],
  [{}, { JOB_COMPLETIONS: '2' }, undefined],
])('%o with %o', (options, env, part) => {
  expect(jobShareOf(options, env)).toEqual(part);
});

test.each([
  [{ shard: '4/4' }, {}, /no part 4 of 4/],
  [{ shard: '0/0' }, {}, /no part 0 of 0/],
  [{ shard: '1' }, {}, /expected i\/n/],
  [{ shard: '-1/4' }, {}, /expected i\/n/],
  [{ shards: '4' }, {}, /needs the index of this part: JOB_COMPLETION_INDEX/],
  [{}, { JOB_COMPLETION_INDEX: '1' }, /not the number of parts/],
  [{ shards: 'four' }, { JOB_COMPLETION_INDEX: '1' }, /"four"/],
  [{ shards: '4' }, { JOB_COMPLETION_INDEX: '' }, /JOB_COMPLETION_INDEX is ""/],
  [{ shards: '2' }, { JOB_COMPLETION_INDEX: '2' }, /no part 2 of 2/],
])('%o with %o is rejected', (options, env, message) => {
  expect(() => jobShareOf(options, env)).toThrow(message);
});
