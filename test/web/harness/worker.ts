// The library in a worker, where there is no document.
import { loadRecognizer } from 'mien/browser';

addEventListener('message', ({ data }: MessageEvent<string>) => {
  void (async () => {
    const bundle = new URL('model', data);
    const recognizer = await loadRecognizer({ bundle, device: 'wasm', threads: 1 });
    postMessage(await recognizer.recognize({ image: data }));
  })();
});
