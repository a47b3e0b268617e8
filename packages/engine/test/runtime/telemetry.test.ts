// ONNX Runtime's telemetry is disabled: it would store a device ID in the user's folder.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { builtOf } from '../../../../test/support/build.js';

const model = join(import.meta.dirname, '../../../../models/lite/decision.onnx');
const module = (name: string): string =>
  JSON.stringify(pathToFileURL(join(builtOf('mien-engine'), name)).href);

test('leaves no files in the user’s folder', async () => {
  const home = await mkdtemp(join(tmpdir(), 'mien-home-'));
  const program = `
    import { readFile } from 'node:fs/promises';
    const { createSession } = await import(${module('runtime/session.js')});
    const session = await createSession(await readFile(${JSON.stringify(model)}), { threads: 1 });
    console.log(session.inputs.join(' '));`;
  // Without the variables of CI machines, which disable telemetry too.
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    XDG_CACHE_HOME: join(home, 'cache'),
    TMPDIR: tmpdir(),
  };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    env,
  });
  expect(stdout).toContain('text logits');
  expect(await readdir(home)).toEqual([]);
  await rm(home, { recursive: true });
});
