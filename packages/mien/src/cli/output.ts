// A command's output: results on standard output, everything else on standard error.
import pc from 'picocolors';
import type { Command } from 'commander';

/** Prints for a command. With `--json`, standard output is only the JSON value. */
export interface Output {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Columns: the terminal's, `COLUMNS`, or 100. */
  readonly width: number;
  /** Colours of standard output; identity functions without colour. */
  readonly colors: Colors;
  /** Prints the command's result: `value` as JSON with `--json`, otherwise the text of `render`. */
  result(value: unknown, render: () => string): void;
  /** Prints text for people on standard output, with `--json` on standard error. */
  print(text: string): void;
  /** Prints a message for people on standard error, unless `--quiet`. */
  message(text: string): void;
  /** Prints a warning on standard error, even with `--quiet`. */
  warn(text: string): void;
}

type Colors = ReturnType<typeof pc.createColors>;

/** Options of every command. */
export interface CommonOptions {
  json?: boolean;
  quiet?: boolean;
  debug?: boolean;
}

type Stream = NodeJS.WriteStream;

/**
 * Whether to colour a stream: never with a non-empty `NO_COLOR`, always with `FORCE_COLOR` (other than `0` or `false`),
 * otherwise on terminals that are not `dumb`.
 */
function wantsColor(stream: Pick<Stream, 'isTTY'>, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env['NO_COLOR']) return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  // Without a terminal `isTTY` is undefined, which would leave the decision to the colour library.
  return Boolean(stream.isTTY) && env['TERM'] !== 'dumb';
}

/** JSON with typed arrays as arrays and non-finite numbers as null. */
const formatJson = (value: unknown): string =>
  JSON.stringify(
    value,
    (_key, item: unknown) =>
      ArrayBuffer.isView(item) ? Array.from(item as unknown as ArrayLike<unknown>) : item,
    2,
  );

/** The output of a command, by its own and the global options. */
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
