// The worker: it loads the model and computes, so that the page stays free.
import { expose } from 'comlink';
import { loadRecognizer, type BrowserRecognizer, type LoadProgress, type Result } from 'mien/browser';

let recognizer: BrowserRecognizer | undefined;

const api = {
  async load(bundle: string, onProgress: (progress: LoadProgress) => void): Promise<void> {
    recognizer = await loadRecognizer({ bundle, onProgress });
  },
  async read(text: string, image?: ImageBitmap): Promise<Result> {
    if (!recognizer) throw new Error('The model is not loaded.');
    try {
      return await recognizer.recognize({ text: text || undefined, image });
    } finally {
      image?.close();
    }
  },
};

export type Api = typeof api;

expose(api);
