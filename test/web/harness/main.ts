// What library.test.ts does in the browser: `mien/browser` in a page and in a worker, one picture in every form.
import {
  type AudioSource,
  type BrowserImageSource,
  type BrowserRecognizer,
  isRecognition,
  type LoadOptions,
  loadRecognizer,
  MienError,
  type Result,
} from 'mien/browser';
import { DETECTOR_FILE, uprightBitmap, type WebRuntime } from 'mien/page';

const settings: LoadOptions = { bundle: 'model', device: 'wasm', threads: 1 };
let recognizer: Promise<BrowserRecognizer> | undefined;
/** With a model of voices. */
let voiced: Promise<BrowserRecognizer> | undefined;
const loaded = (): Promise<BrowserRecognizer> => (recognizer ??= loadRecognizer(settings));

async function element(address: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}

async function drawn(address: string): Promise<HTMLCanvasElement> {
  const image = await element(address);
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight });
  canvas.getContext('2d')!.drawImage(image, 0, 0);
  return canvas;
}

async function bytesOf(address: string): Promise<ArrayBuffer> {
  return (await fetch(address)).arrayBuffer();
}

async function pixels(address: string): Promise<ImageData> {
  const { width, height, ...canvas } = await drawn(address).then((made) => ({
    width: made.width,
    height: made.height,
    context: made.getContext('2d')!,
  }));
  return canvas.context.getImageData(0, 0, width, height);
}

/** The forms of a picture at an address. */
const forms: Readonly<Record<string, (address: string) => Promise<BrowserImageSource>>> = {
  address: async (address) => address,
  URL: async (address) => new URL(address, location.href),
  // In the alphabet of addresses, and percent-encoded in part.
  'data URL': async (address) => {
    const binary = Array.from(new Uint8Array(await bytesOf(address)), (byte) => String.fromCharCode(byte));
    const base64 = btoa(binary.join('')).replaceAll('+', '-').replaceAll('/', '_');
    return `data:image/png;base64,${base64.replaceAll('=', '%3D').replaceAll('A', '%41')}`;
  },
  'object URL': async (address) => URL.createObjectURL(new Blob([await bytesOf(address)])),
  Blob: async (address) => new Blob([await bytesOf(address)]),
  ArrayBuffer: bytesOf,
  Uint8Array: async (address) => new Uint8Array(await bytesOf(address)),
  ImageData: pixels,
  RGB: async (address) => {
    const { width, height, data } = await pixels(address);
    return { width, height, data: data.filter((_, i) => i % 4 !== 3) };
  },
  ImageBitmap: async (address) => createImageBitmap(new Blob([await bytesOf(address)])),
  img: element,
  canvas: drawn,
  OffscreenCanvas: async (address) => {
    const canvas = await drawn(address);
    const off = new OffscreenCanvas(canvas.width, canvas.height);
    off.getContext('2d')!.drawImage(canvas, 0, 0);
    return off;
  },
  VideoFrame: async (address) => new VideoFrame(await drawn(address), { timestamp: 0 }),
};

/** What the error's code and message are, where a promise fails. */
const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'nothing went wrong',
    (error: unknown) => (error instanceof MienError ? `${error.code}: ${error.message}` : String(error)),
  );

/** The real detector takes a minute on WebGPU without a graphics processor: another one is computed with in its place. */
async function withSmallDetector(): Promise<WebRuntime> {
  const runtime: WebRuntime = await import('onnxruntime-web/jspi');
  const small = new Uint8Array(await bytesOf('detector.onnx'));
  const create = ((model: Uint8Array, options: object) =>
    runtime.InferenceSession.create(
      model.length === DETECTOR_FILE.bytes ? small : model,
      options,
    )) as WebRuntime['InferenceSession']['create'];
  return { Tensor: runtime.Tensor, env: runtime.env, InferenceSession: { create } };
}

/** What is no image, or no longer one. */
async function noImages(address: string): Promise<Readonly<Record<string, unknown>>> {
  const [bitmap, frame] = [
    await createImageBitmap(await drawn(address)),
    new VideoFrame(await drawn(address), { timestamp: 0 }),
  ];
  bitmap.close();
  frame.close();
  const gone = new Uint8Array(await bytesOf(address));
  structuredClone(gone.buffer, { transfer: [gone.buffer] });
  const revoked = URL.createObjectURL(new Blob(['x']));
  URL.revokeObjectURL(revoked);
  const broken = new Image();
  broken.src = 'data:image/png;base64,AAAA';
  return {
    bitmap,
    frame,
    gone,
    revoked,
    broken,
    video: document.createElement('video'),
    promise: Promise.resolve(),
    response: new Response('x'),
    stream: new Blob(['x']).stream(),
    symbol: Symbol('image'),
    file: 'file:///face.jpg',
    host: 'http://',
    path: '\0',
    empty: new Blob([]),
    array: [255, 0, 0],
    floats: { width: 1, height: 1, data: Float32Array.of(0, 0.5, 1) },
    throws: new Proxy({}, { get: () => { throw new Error('no'); } }), // prettier-ignore
  };
}

const harness = {
  /** Codes of what is no image, by name, between two texts that are recognised. */
  async noImages(address: string): Promise<Record<string, string>> {
    const found = await noImages(address);
    const results = await (
      await loaded()
    ).recognize([
      { text: 'joy' },
      ...Object.values(found).map((image) => ({ image: image as BrowserImageSource })),
      { text: 'joy' },
    ]);
    const codes = results.map((result) => (isRecognition(result) ? result.label : result.error.code));
    const names = ['first', ...Object.keys(found), 'last'];
    return Object.fromEntries(names.map((name, i) => [name, codes[i]!]));
  },
  /** Size of a picture that stands upright, and whether its corners are light in red: from the upper left in rows. */
  async upright(base64: string): Promise<string> {
    const file = new Blob([Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))]);
    const { bitmap } = await uprightBitmap(file);
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext('2d')!;
    context.drawImage(bitmap, 0, 0);
    const corners = [0, height - 1].flatMap((y) =>
      [0, width - 1].map((x) => [...context.getImageData(x, y, 1, 1).data.subarray(0, 2)]),
    );
    return `${width}×${height} ${corners.map(([red, green]) => `${Number(red! > 127)}${Number(green! > 127)}`).join(' ')}`;
  },
  forms: Object.keys(forms),
  async read(form: string, address: string, text?: string): Promise<Result> {
    return (await loaded()).recognize({
      ...(text === undefined ? {} : { text }),
      image: await forms[form]!(address),
    });
  },
  /** What a recording says: the file at an address as it is, its samples, or what the browser decoded at its own rate. */
  async hear(
    form: 'address' | 'Blob' | 'samples' | 'AudioBuffer',
    address: string,
    rate: number,
  ): Promise<Result> {
    const heard = async (): Promise<AudioSource> => {
      if (form === 'address') return address;
      const bytes = await bytesOf(address);
      if (form === 'Blob') return new Blob([bytes]);
      const buffer = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes);
      return form === 'AudioBuffer' ? buffer : { sampleRate: rate, data: buffer.getChannelData(0) };
    };
    const recognizer = await (voiced ??= loadRecognizer({ ...settings, bundle: 'voiced' }));
    return recognizer.recognize({ audio: await heard() });
  },
  /** How often each model ran, by its input, for a picture and a recording beside one text after the other. */
  async runs(picture: string, recording: string, texts: readonly string[]): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    const runtime: WebRuntime = await import('onnxruntime-web/wasm');
    const create = (async (model: Uint8Array, options: object) => {
      const session = await runtime.InferenceSession.create(model, options);
      const run = session.run.bind(session);
      const [input] = session.inputNames;
      return Object.assign(session, {
        run: (...given: Parameters<typeof run>) => {
          counts[input!] = (counts[input!] ?? 0) + 1;
          return run(...given);
        },
      });
    }) as WebRuntime['InferenceSession']['create'];
    const counting = async (): Promise<WebRuntime> => ({ ...runtime, InferenceSession: { create } });
    const own = await loadRecognizer({ ...settings, bundle: 'voiced', runtime: counting });
    const [image, audio] = [new Blob([await bytesOf(picture)]), new Blob([await bytesOf(recording)])];
    for (const text of texts) await own.recognize({ text, image, audio });
    await own.dispose();
    return counts;
  },
  /** With the file of a form in which none was chosen, as a page gets it from the form. */
  async unchosen(text: string): Promise<Result> {
    const form = document.createElement('form');
    form.innerHTML = '<input type="file" name="image" />';
    return (await loaded()).recognize({ text, image: new FormData(form).get('image') as File });
  },
  async stream(texts: string[]): Promise<string[]> {
    const labels: string[] = [];
    const found = (await loaded()).stream(texts.map((text) => ({ text })));
    for await (const result of found) labels.push(isRecognition(result) ? result.label : result.error.code);
    return labels;
  },
  /** Loads anew and tells every progress. */
  async progress(options: Partial<LoadOptions> = {}): Promise<{ loaded: number; total: number }[]> {
    const told: { loaded: number; total: number }[] = [];
    const own = await loadRecognizer({ ...settings, ...options, onProgress: (one) => told.push({ ...one }) });
    await own.dispose();
    return told;
  },
  /**
   * Texts first, with a cache that cannot be written to: what was answered before the face's files arrived and after, what
   * was stored, and rejections that nobody handled.
   */
  async textFirst(picture: string): Promise<Readonly<Record<string, unknown>>> {
    const unhandled: string[] = [];
    const note = (event: PromiseRejectionEvent): void => void unhandled.push(String(event.reason));
    addEventListener('unhandledrejection', note);
    const put = Cache.prototype.put;
    const puts: string[] = [];
    Cache.prototype.put = (request) => {
      puts.push(String(request));
      return Promise.reject(new DOMException('full', 'QuotaExceededError'));
    };
    const fetched: string[] = [];
    const original = globalThis.fetch;
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    globalThis.fetch = async (input, init) => {
      const name = String(input).split('/').at(-1)!;
      fetched.push(name);
      if (name === 'face.onnx') await held;
      return original(input, init);
    };
    try {
      await caches.delete('mien-models');
      const own = await loadRecognizer({ ...settings, textFirst: true });
      const [text, putsBefore] = [await own.recognize({ text: 'I felt joy' }), puts.length];
      const before = [...fetched];
      const both = own.recognize({ text: 'I felt joy', image: picture });
      release();
      const fused = await both;
      await own.stored;
      await own.dispose();
      // What is disposed while its files are on their way.
      await (await loadRecognizer({ ...settings, textFirst: true })).dispose();
      await new Promise((resolve) => setTimeout(resolve, 100));
      return { text, putsBefore, before, fused, fetched, puts: puts.length, unhandled };
    } finally {
      Cache.prototype.put = put;
      globalThis.fetch = original;
      removeEventListener('unhandledrejection', note);
    }
  },
  fail: (options: Partial<LoadOptions>) => failure(loadRecognizer({ ...settings, ...options })),
  aborted: () => failure(loadRecognizer({ ...settings, signal: AbortSignal.abort() })),
  async disposed(): Promise<string> {
    const own = await loadRecognizer(settings);
    await own.dispose();
    return failure(own.recognize({ text: 'joy' }));
  },
  backend: async (device: 'auto' | 'webgpu', text: string) => {
    const own = await loadRecognizer({ ...settings, device, runtime: withSmallDetector });
    return { backend: own.backend, result: await own.recognize({ text }) };
  },
  inWorker: (input: 'image' | 'audio', address: string): Promise<Result> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
      worker.addEventListener('message', ({ data }: MessageEvent<Result>) => resolve(data));
      worker.addEventListener('error', ({ message }) => reject(new Error(message)));
      worker.postMessage({ [input]: new URL(address, location.href).href });
    }),
};

Object.assign(globalThis, { harness });
