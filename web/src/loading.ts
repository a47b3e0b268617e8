// Loading as the page shows it: progress, what went wrong, what it runs on, and removing what was kept.
import { startEngine, type Engine } from './engine.js';
import { element, make, megabytes, sentence } from './page.js';

const block = element('loading', 'div');
const label = element('progress-label', 'label');
const progress = element('progress', 'progress');
const button = element('fetch', 'button');

/** Loads, at once or, where somebody saves data, when asked to; then calls back. */
export function whenLoaded(use: (engine: Engine) => void): void {
  const load = async (): Promise<void> => {
    block.className = 'loading';
    button.hidden = true;
    progress.hidden = false;
    label.textContent = 'Getting ready';
    progress.removeAttribute('value');
    let going = true;
    try {
      // News of other files may still be on its way when one could not be had.
      const engine = await startEngine((news) => {
        if (going) showProgress(news);
      });
      describe(engine);
      use(engine);
    } catch (error) {
      going = false;
      ask(`The model could not be loaded. ${sentence((error as Error).message)}`, 'Try again');
    }
  };
  const ask = (question: string, answer: string): void => {
    label.textContent = question;
    progress.hidden = true;
    button.textContent = answer;
    button.hidden = false;
  };
  button.addEventListener('click', () => void load());
  void savesData().then((saves) => (saves ? ask('The model takes some 50 MB.', 'Fetch it') : load()));
}

/** Whether somebody asked the browser to save data, and the model is not there from an earlier visit. */
async function savesData(): Promise<boolean> {
  const { connection } = navigator as { connection?: { saveData?: boolean } };
  return connection?.saveData === true && !(await caches.has('mien-models').catch(() => false));
}

function showProgress({ loaded, total }: { loaded: number; total: number }): void {
  const done = loaded >= total;
  label.textContent = done
    ? 'Starting the model'
    : `Loading the model: ${megabytes(loaded)} of ${megabytes(total)} MB`;
  if (done) progress.removeAttribute('value');
  else progress.value = loaded / total;
}

function describe({ info, backend }: Engine): void {
  const { device, threads } = backend;
  const bytes = Object.values(info.files).reduce((sum, file) => sum + file.bytes, 0);
  const on =
    device === 'webgpu'
      ? 'WebGPU, after its results were compared with those of WebAssembly'
      : `WebAssembly with ${threads === 1 ? 'one thread' : `${threads} threads`}`;
  block.classList.add('ready');
  progress.hidden = true;
  label.textContent = `Ready: model ${info.name} (${megabytes(bytes)} MB) on ${on}.`;
  element('terms', 'p').textContent =
    info.terms.length > 0
      ? `Terms of the model: ${info.terms.map((term) => term.replace(/\.$/, '')).join('; ')}.`
      : '';
  if ('caches' in window) element('kept', 'span').hidden = false;
}

element('forget', 'button').addEventListener('click', () => {
  void forget().then(() =>
    element('kept', 'span').replaceChildren(
      make('span', '', 'The model’s files are removed from this browser.'),
    ),
  );
});

async function forget(): Promise<void> {
  for (const name of ['mien-models', 'mien-page']) await caches.delete(name);
  const registration = await navigator.serviceWorker?.getRegistration();
  await registration?.unregister();
}
