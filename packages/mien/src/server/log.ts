// The service's log: one JSON object per line, without any content that users sent.
import { MienError } from 'mien-engine/base';

type Level = 'info' | 'warn' | 'error';
export type Log = (level: Level, event: string, fields?: Readonly<Record<string, unknown>>) => void;

/** With `quiet`, lines of level `info` are left out. */
export const createLog =
  (write: (line: string) => void, { quiet = false } = {}): Log =>
  (level, event, fields = {}) => {
    if (quiet && level === 'info') return;
    write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`);
  };

/**
 * An error as fields of the log. Messages of errors other than mien's may quote a user's input: only their kind and stack
 * are logged.
 */
export function errorFields(error: unknown): Record<string, unknown> {
  if (error instanceof MienError) return { code: error.code, message: error.message };
  if (!(error instanceof Error)) return { kind: typeof error };
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return { kind: error.name, at: frames.slice(0, 5).map((line) => line.trim()) };
}
