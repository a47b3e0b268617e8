// Opens a bundle's transcriber at the first recording whose words are asked for; without its files, says how to get them.
import { MienError, type SessionOptions } from 'mien-engine';
import type { Transcriber } from '../words/transcribe.js';
import { WORDS_FILES } from '../words/vocabulary.js';
import type { BundleManifest } from './manifest.js';

/** What to do if a bundle cannot transcribe. */
const HINT =
  'Add them, 42 MB in three files, with mien-lab: mien export --words openai/whisper-tiny.en --out BUNDLE, then load that bundle (docs/voice.md#words).';

/** @throws MienError `bundle` if it has none. */
export function checkTranscribes({ name, words }: { readonly name: string; readonly words: unknown }): void {
  if (words) return;
  throw new MienError(
    'bundle',
    `the bundle ${name} has no files for words, without which speech cannot be transcribed`,
    {
      hint: HINT,
    },
  );
}

/** Opens the transcriber of a bundle, once; after a failure it is tried again. */
export function transcriberOf(
  { name, words }: Pick<BundleManifest, 'name' | 'words'>,
  read: (file: string) => Promise<Uint8Array | undefined>,
  options: SessionOptions,
): { open(): Promise<Transcriber>; dispose(): Promise<void> } {
  let opened: Promise<Transcriber> | undefined;
  const open = async (): Promise<Transcriber> => {
    checkTranscribes({ name, words });
    const files: Record<string, Uint8Array> = {};
    for (const [kind, file] of Object.entries(WORDS_FILES) as [keyof typeof WORDS_FILES, string][]) {
      const bytes = await read(words![kind]).catch((cause: unknown) => {
        if (!(cause instanceof MienError) || cause.code !== 'file') throw cause;
        const place = { file: words![kind], cause, hint: HINT };
        throw new MienError('bundle', `is missing from the bundle ${name}`, place);
      });
      if (bytes) files[file] = bytes;
    }
    // Loaded here: most programs never transcribe.
    const { openTranscriber } = await import('../words/transcribe.js');
    const { threads, spinning } = options;
    return openTranscriber(files, {
      ...(threads === undefined ? {} : { threads }),
      ...(spinning === undefined ? {} : { spinning }),
    });
  };
  return {
    open: () => {
      opened ??= open().catch((error: unknown) => {
        opened = undefined;
        throw error;
      });
      return opened;
    },
    dispose: async () => (await opened)?.dispose(),
  };
}
