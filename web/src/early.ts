// Asks for the larger files of a first answer at once: each step until the recogniser would do so takes time on the line.
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import type { LoadOptions } from 'mien/browser';
import { cachedFiles } from 'mien/page';
import type { LoadSettings } from './recognition.js';

type Fetch = NonNullable<LoadOptions['fetch']>;

/**
 * Asks for the bundle's manifest, the text's model, if it is not stored, and ONNX Runtime, if it is clear which build.
 * Returns a `fetch` that hands over these responses once, and does not end them on abort: the worker ends instead.
 */
export function askEarly({ bundle, device }: LoadSettings): Fetch {
  /** Undefined once it was handed over, or asked for by others. */
  const early = new Map<string, Promise<Response> | undefined>();
  const ask = (url: string, response: () => Promise<Response>): void => {
    if (early.has(url)) return;
    const asked = response();
    // Whoever takes it learns of an error.
    asked.catch(() => undefined);
    early.set(url, asked);
  };
  const askForText = async (manifest: ArrayBuffer): Promise<void> => {
    const { text, files } = JSON.parse(new TextDecoder().decode(manifest)) as {
      text?: { model: string };
      files: Readonly<Record<string, { sha256: string }>>;
    };
    const file = text && files[text.model];
    if (!file || (await (await cachedFiles())?.has(file.sha256))) return;
    const url = new URL(text.model, bundle).href;
    ask(url, () => fetch(url));
  };
  const manifestUrl = new URL('manifest.json', bundle).href;
  ask(manifestUrl, async () => {
    const response = await fetch(manifestUrl, { cache: 'no-cache' });
    if (response.status !== 200) return response;
    const content = await response.arrayBuffer();
    // What is wrong with it, the recogniser says.
    askForText(content).catch(() => undefined);
    return new Response(content, response);
  });
  const wasmUrl = new URL(wasm, location.href).href;
  if (device === 'wasm' || !('gpu' in navigator)) ask(wasmUrl, () => fetch(wasmUrl));
  return (url, init) => {
    const asked = early.get(url);
    early.set(url, undefined);
    return asked ?? fetch(url, init);
  };
}
