// The page: it hands words and pictures to the worker and shows what comes back.
import { proxy, transfer, wrap } from 'comlink';
import type { Api } from './worker.js';

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const form = element<HTMLFormElement>('form');
const words = element<HTMLInputElement>('words');
const picture = element<HTMLInputElement>('picture');
const said = element<HTMLOutputElement>('said');
const progress = element<HTMLProgressElement>('progress');

// Written so, bundlers find the worker.
const worker = wrap<Api>(new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }));
const loading = worker.load(
  '/models/lite',
  proxy(({ loaded, total }) => (progress.value = loaded / total)),
);

async function read(): Promise<void> {
  await loading;
  const file = picture.files?.[0];
  // A bitmap goes over without being copied.
  const image = file && (await createImageBitmap(file));
  const result = await worker.read(words.value, image && transfer(image, [image]));
  said.value = result.error ? result.error.message : `${result.label}, from ${result.from}`;
}

const show = (error: unknown): void => {
  said.value = error instanceof Error ? error.message : String(error);
};

form.addEventListener('submit', (event) => {
  event.preventDefault();
  read().catch(show);
});
loading
  .then(() => (said.value = 'ready'))
  .catch(show)
  .finally(() => progress.remove());
