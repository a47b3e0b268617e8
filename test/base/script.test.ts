// A child's script lies beside the module that starts it, in sources and in what is built from them.
import { expect, test } from 'vitest';
import { scriptBeside } from '../../src/base/script.js';

test('a source runs a source, through a loader; a built module runs a built one', () => {
  expect(scriptBeside('file:///a%20b/src/pool.ts', 'child')).toEqual({
    path: '/a b/src/child.ts',
    execArgv: ['--import', 'tsx'],
  });
  expect(scriptBeside('file:///a/dist/pool.js', 'child')).toEqual({
    path: '/a/dist/child.js',
    execArgv: [],
  });
});
