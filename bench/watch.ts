// How fast recordings are watched: `node --import tsx bench/watch.ts VIDEO [EVERY]` prints seconds of video for each second
// on the clock, and for each of processor time.
import { loadRecognizer } from 'mien';
import { watch } from 'mien/watch';

const [file, every = '0.2'] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: node --import tsx bench/watch.ts VIDEO [EVERY]');
const recognizer = await loadRecognizer();
// The first frame compiles and loads what the others use.
for await (const _ of watch(recognizer, file, { every: Number(every) })) break;
const [start, before] = [performance.now(), process.cpuUsage()];
let rows = 0;
let seconds = 0;
for await (const { time } of watch(recognizer, file, { every: Number(every) })) {
  rows++;
  seconds = time + Number(every);
}
const { user, system } = process.cpuUsage(before);
const [clock, processor] = [(performance.now() - start) / 1000, (user + system) / 1e6];
const speed = (spent: number): string => (seconds / spent).toFixed(1);
console.log(
  `${seconds.toFixed(1)} s of video, ${rows} rows: ${clock.toFixed(1)} s on the clock (${speed(clock)} times real time), ` +
    `${processor.toFixed(1)} s of processor time (${speed(processor)} times on one core)`,
);
await recognizer.dispose();
