// What .ci/run does about Chromium: tests of the page are not skipped where a browser could have been installed.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mien-ci-'));
  mkdirSync(join(folder, 'house/.ci'), { recursive: true });
  copyFileSync(join(import.meta.dirname, '../../.ci/run'), join(folder, 'house/.ci/run'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs it where there are only these commands, and says how it ended. */
function run(name: string, commands: Readonly<Record<string, string>>, chromium = '') {
  const bin = join(folder, name);
  mkdirSync(bin);
  for (const tool of ['bash', 'dirname', 'env', 'mktemp']) symlinkSync(`/usr/bin/${tool}`, join(bin, tool));
  for (const [command, script] of Object.entries({ npm: 'echo npm "$@"', ...commands })) {
    writeFileSync(join(bin, command), `#!/usr/bin/env bash\n${script}\n`);
    chmodSync(join(bin, command), 0o755);
  }
  const { status, stdout, stderr } = spawnSync('/usr/bin/env', ['bash', join(folder, 'house/.ci/run')], {
    encoding: 'utf8',
    env: { PATH: bin, MIEN_CHROMIUM: chromium },
  });
  return { status, stdout, stderr };
}

describe.runIf(process.platform === 'linux')('.ci/run', () => {
  test('as root, fails when Chromium cannot be installed', () => {
    const { status, stdout, stderr } = run('root', { id: 'echo 0', 'apt-get': 'exit 100' });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/Chromium could not be installed/);
  });

  test('as another user, says that the tests of the page are skipped', () => {
    const { status, stdout, stderr } = run('user', { id: 'echo 1000', 'apt-get': 'exit 100' });
    expect(status).toBe(0);
    expect(stderr).toMatch(/tests of the page are skipped/);
    expect(stdout.split('\n').slice(0, 2)).toEqual(['npm ci', 'npm test']);
  });

  test('installs nothing where there is one, and hands its path to the tests', () => {
    const { status, stdout, stderr } = run('there', {
      id: 'echo 0',
      'apt-get': 'exit 100',
      chromium: '',
      npm: 'echo "$MIEN_CHROMIUM"',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(join(folder, 'there/chromium'));
  });

  test('refuses a MIEN_CHROMIUM that cannot be executed', () => {
    expect(run('wrong', {}, join(folder, 'none'))).toMatchObject({ status: 1, stdout: '' });
  });
});
