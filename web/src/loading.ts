// Loads the model: progress, errors, what it runs on, and removal of stored files.
import { savesData, startEngine, type Engine } from './engine.js';
import { element, make, megabytes, sentence } from './page.js';

const block = element('loading', 'div');
const label = element('progress-label', 'label');
const progress = element('progress', 'progress');
const button = element('fetch', 'button');

/** Loads the model immediately or, if the browser saves data, on request; then calls back. */
export function whenLoaded(onLoad: (engine: Engine) => void): void {
  const load = async (): Promise<void> => {
    block.className = 'loading';
    button.hidden = true;
    progress.hidden = false;
    label.textContent = 'Preparing';
    progress.removeAttribute('value');
    let isLoading = true;
    try {
      // After one file has failed, others may still report progress.
      const engine = await startEngine((update) => {
        if (isLoading) showProgress(update);
      });
      isLoading = false;
      describe(engine);
      onLoad(engine);
    } catch (error) {
      isLoading = false;
      offer(`The model could not be loaded. ${sentence((error as Error).message)}`, 'Try again');
    }
  };
  const offer = (message: string, action: string): void => {
    label.textContent = message;
    progress.hidden = true;
    button.textContent = action;
    button.hidden = false;
  };
  button.addEventListener('click', () => void load());
  void savesData().then((saves) => (saves ? offer('The model is about 50 MB.', 'Download it') : load()));
}

function showProgress({ loaded, total }: { loaded: number; total: number }): void {
  const isComplete = loaded >= total;
  label.textContent = isComplete
    ? 'Starting the model'
    : `Loading the model: ${megabytes(loaded)} of ${megabytes(total)} MB`;
  if (isComplete) progress.removeAttribute('value');
  else progress.value = loaded / total;
}

function describe({ info, backend, stored }: Engine): void {
  const { device, threads } = backend;
  const bytes = Object.values(info.files).reduce((sum, file) => sum + file.bytes, 0);
  const on =
    device === 'webgpu'
      ? 'WebGPU, whose results were checked against WebAssembly'
      : `WebAssembly with ${threads === 1 ? 'one thread' : `${threads} threads`}`;
  block.classList.add('ready');
  progress.hidden = true;
  label.textContent = `Ready: model ${info.name} (${megabytes(bytes)} MB) on ${on}.`;
  element('terms', 'p').textContent =
    info.terms.length > 0
      ? `Terms of the model: ${info.terms.map((term) => term.replace(/\.$/, '')).join('; ')}.`
      : '';
  if ('caches' in window) void stored.then(() => (element('kept', 'span').hidden = false));
}

element('forget', 'button').addEventListener('click', () => {
  void forget().then(() =>
    element('kept', 'span').replaceChildren(
      make('span', '', 'The model’s files have been removed from this browser.'),
    ),
  );
});

async function forget(): Promise<void> {
  for (const name of ['mien-models', 'mien-page']) await caches.delete(name);
  const registration = await navigator.serviceWorker?.getRegistration();
  await registration?.unregister();
}
