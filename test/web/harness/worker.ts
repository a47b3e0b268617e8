// The library in a worker, where there is no document.
import { loadRecognizer } from 'mien/browser';

addEventListener('message', ({ data }: MessageEvent<{ image?: string; audio?: string }>) => {
  void (async () => {
    const bundle = new URL(data.audio ? 'voiced' : 'model', data.image ?? data.audio);
    const recognizer = await loadRecognizer({ bundle, device: 'wasm', threads: 1 });
    postMessage(await recognizer.recognize(data));
  })();
});
