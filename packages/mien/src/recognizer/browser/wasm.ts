// ONNX Runtime's WebAssembly file: fetched and looked at before it is compiled, and why the runtime did not start.
import { MienError } from 'mien-engine/base';
import { fetchFile, unexpected, type FetchOptions, type Received } from '../fetch-file.js';

const HINT = 'Serve it beside the script, or give its address with the option wasm.';

/** @throws MienError `offline` when it cannot be fetched or is something else, `interrupted`. */
export async function fetchWasm(url: string, options: FetchOptions): Promise<Uint8Array> {
  const received = await fetchFile(url, { ...options, hint: HINT });
  if (!isWasm(received)) throw notWasm(url, received);
  return received.content;
}

const isWasm = ({ content }: Received): boolean =>
  [0, 0x61, 0x73, 0x6d].every((byte, i) => content[i] === byte);

const notWasm = (url: string, received: Received): MienError =>
  unexpected(url, received, { code: 'offline', message: 'is not ONNX Runtime’s WebAssembly' });

/**
 * What the runtime, which says of every failure that it has no backend, failed at: its file, fetched once more, if it
 * can be told which.
 */
export async function notStarted(cause: unknown): Promise<MienError> {
  const file = globalThis.performance
    ?.getEntriesByType('resource')
    .findLast(({ name }) => /\.wasm(\?|$)/.test(name))?.name;
  const found = file === undefined ? undefined : await fetchWasm(file, {}).catch((error: unknown) => error);
  if (found instanceof MienError) return found;
  const reason = String(cause).split('\n')[0]!.slice(0, 200);
  return new MienError('offline', `ONNX Runtime could not start (${reason})`, {
    cause,
    ...(file === undefined ? {} : { file }),
    hint: `Its .wasm file may be missing or of another version. ${HINT}`,
  });
}
