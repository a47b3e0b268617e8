// A process that computes is killed; the next call is answered all the same, and nothing keeps the program alive.
import { execFileSync } from 'node:child_process';
import { loadRecognizer } from 'mien';

const recognizer = await loadRecognizer({ threads: 1, processes: 1 });
const ask = () =>
  recognizer.recognize({ text: 'I am scared' }).then(
    ({ label }) => label,
    ({ code }) => code,
  );
const before = await ask();
const children = execFileSync('pgrep', ['-P', String(process.pid), '-f', 'recognizer/node/child']).toString();
for (const pid of children.trim().split('\n')) process.kill(Number(pid), 'SIGKILL');
console.log([before, await ask(), await ask()].join(', '));
