// What is said in an item's recording, where that is asked for: it becomes the text of an item that has none.
import type { OpenBundle } from '../bundle/open.js';
import {
  type Reading,
  type ReadingOptions,
  type ReadingTools,
  warning,
  type Warning,
} from '../modalities/modality.js';
import { unheard } from '../modalities/voice/read.js';
import type { Transcript } from '../words/transcribe.js';
import type { ReadItem } from './read-item.js';

/** What was said in a recording. */
export interface Said {
  readonly transcript?: Transcript;
  /** The text of the item, if the bundle reads texts and there are words. */
  readonly text?: string;
  /** Why there is none, or how sure it is. */
  readonly reading: Reading<never>;
}

/**
 * Less sure transcripts, by the mean natural logarithm of their words' probabilities, are warned of: 1 % of RAVDESS's English
 * clips, 93 % of EMO-DB's German and 90 % of nEMO's Polish ones (`bench/words-unclear.ts`, on which it was chosen).
 */
const LEAST_SURE = -0.8;

/** A recording is decoded once, though both its words and its voice are read. */
export function decodingOnce({ listen, ...tools }: ReadingTools): ReadingTools {
  if (!listen) return tools;
  let decoded: ReturnType<typeof listen> | undefined;
  return { ...tools, listen: (given) => (decoded ??= listen(given)) };
}

/**
 * Transcribes an item's recording. A text that was given wins: then, and without a recording, nothing is transcribed.
 * @throws MienError `bundle` if the bundle lacks the files for it.
 */
export async function saidIn(
  { text: given = '', audio }: ReadItem,
  bundle: Pick<OpenBundle, 'manifest' | 'transcriber'>,
  { tools: { listen }, options }: { readonly tools: ReadingTools; readonly options: ReadingOptions },
): Promise<Said | undefined> {
  if (!options.transcribe || audio === undefined || given.trim() !== '' || !listen) return undefined;
  let samples: Float32Array;
  try {
    ({ samples } = await listen(audio));
  } catch (cause) {
    // A bundle that hears voices says the same of them.
    return { reading: bundle.manifest.voice ? { units: [], warnings: [] } : unheard(cause) };
  }
  const transcript = await (await bundle.transcriber()).transcribe(samples);
  const { text } = transcript;
  if (text === '') {
    const error = { code: 'no-words', message: 'no words were understood in the recording' } as const;
    return { transcript, reading: { units: [], warnings: [], error } };
  }
  const reading = { units: [], warnings: unclear(transcript) };
  return { transcript, ...(bundle.manifest.text ? { text } : {}), reading };
}

function unclear({ segments }: Transcript): Warning[] {
  const mean = segments.reduce((sum, { logProbability }) => sum + logProbability, 0) / segments.length;
  if (mean >= LEAST_SURE) return [];
  const message = `the words of the recording are uncertain (mean probability ${Math.exp(mean).toFixed(2)}): it may be noisy, or not in English`;
  return [warning('unclear-words', message)];
}
