// Fetches and checks ONNX Runtime's WebAssembly file, and explains why the runtime could not start.
import { defined, MienError } from 'mien-engine/base';
import { fetchFile, unexpected, type FetchOptions, type Received } from '../fetch-file.js';

const HINT = 'Serve it next to the script, or set the option wasm to its URL.';

/** @throws MienError `offline` if it cannot be fetched or is not WebAssembly, `interrupted` if the signal is aborted. */
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
 * The reason why the runtime could not start, which itself reports only that it has no backend: the error of fetching its
 * file again, if the file is known.
 */
export async function notStarted(cause: unknown): Promise<MienError> {
  const file = globalThis.performance
    ?.getEntriesByType('resource')
    .findLast(({ name }) => /\.wasm(\?|$)/.test(name))?.name;
  const found = file === undefined ? undefined : await fetchWasm(file, {}).catch((error: unknown) => error);
  if (found instanceof MienError) return found;
  const [reason = ''] = String(cause).split('\n');
  return new MienError('offline', `ONNX Runtime could not start (${reason.slice(0, 200)})`, {
    cause,
    ...defined({ file }),
    hint: `Its .wasm file may be missing or from another version. ${HINT}`,
  });
}
