// Processor time of a process with all its descendants: on a machine that others use too, it tells more than a clock.
import { readdir, readFile } from 'node:fs/promises';

/** Linux counts in hundredths of a second, whatever its own clock does. */
const TICKS = 100;

/** User and system time of a process so far, and who started it; undefined where it has ended. */
async function read(pid: number): Promise<{ parent: number; seconds: number } | undefined> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (line === undefined) return undefined;
  // The name, in parentheses, may hold anything. Source: proc_pid_stat(5); its fields 4, 14 and 15.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), seconds: (Number(fields[11]) + Number(fields[12])) / TICKS };
}

/** Seconds that a process and its descendants have computed so far; undefined where there is no /proc. */
export async function processorSeconds(pid: number): Promise<number | undefined> {
  const names = await readdir('/proc').catch(() => []);
  const all = new Map<number, { parent: number; seconds: number }>();
  for (const name of names) {
    const found = /^\d+$/.test(name) ? await read(Number(name)) : undefined;
    if (found) all.set(Number(name), found);
  }
  if (!all.has(pid)) return undefined;
  const family = [pid];
  for (const member of family) for (const [id, { parent }] of all) if (parent === member) family.push(id);
  return family.reduce((sum, member) => sum + all.get(member)!.seconds, 0);
}
