// What a command prints and where: results on standard output, everything else on standard error.
import pc from 'picocolors';
import type { Command } from 'commander';

/** Where a command's words go. With `--json`, standard output carries the JSON value and nothing else. */
export interface Output {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Columns to format for: the terminal's, `COLUMNS`, or 100. */
  readonly width: number;
  /** Colours of standard output; identity functions where colour is not wanted. */
  readonly colors: Colors;
  /** The command's result: `value` as JSON with `--json`, else the text that `render` makes of it. */
  result(value: unknown, render: () => string): void;
  /** Text for people, on standard output; with `--json` on standard error. */
  print(text: string): void;
  /** A remark for people, on standard error; nothing with `--quiet`. */
  message(text: string): void;
  /** A warning, on standard error, with `--quiet` too. */
  warn(text: string): void;
}

type Colors = ReturnType<typeof pc.createColors>;

/** Options that every command understands, besides its own. */
export interface CommonOptions {
  json?: boolean;
  quiet?: boolean;
  debug?: boolean;
}

type Stream = NodeJS.WriteStream;

/**
 * Whether a stream gets colour: never with a non-empty `NO_COLOR`, always with `FORCE_COLOR` (other than `0` or
 * `false`), else on terminals that are not `dumb`.
 */
function wantsColor(stream: Pick<Stream, 'isTTY'>, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env['NO_COLOR']) return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  // Off a terminal `isTTY` is undefined, which would let the colour library decide by itself.
  return Boolean(stream.isTTY) && env['TERM'] !== 'dumb';
}

/** JSON as it goes to standard output; typed arrays become arrays, numbers that are not finite become null. */
const formatJson = (value: unknown): string =>
  JSON.stringify(
    value,
    (_key, item: unknown) =>
      ArrayBuffer.isView(item) ? Array.from(item as unknown as ArrayLike<unknown>) : item,
    2,
  );

/** The output of a running command, from its own and the global options. */
export function outputOf(command: Command): Output {
  return createOutput(command.optsWithGlobals<CommonOptions>());
}

function createOutput(options: CommonOptions, out = process.stdout, err = process.stderr): Output {
  const json = options.json === true;
  const quiet = options.quiet === true;
  const line = (stream: Stream, text: string): void => {
    stream.write(text.endsWith('\n') ? text : `${text}\n`);
  };
  const errorColors = pc.createColors(wantsColor(err));
  const print = (text: string): void => line(json ? err : out, text);
  const columns = out.columns ?? Number(process.env['COLUMNS']);
  return {
    json,
    quiet,
    width: columns >= 20 ? columns : 100,
    colors: pc.createColors(!json && wantsColor(out)),
    result: (value, render) => (json ? line(out, formatJson(value)) : print(render())),
    print,
    message: (text) => (quiet ? undefined : line(err, text)),
    warn: (text) => line(err, `${errorColors.yellow('warning:')} ${text}`),
  };
}
