// A React hook and a component: the model is loaded once for the page, when it is first asked for, and reads what is
// typed a moment after typing stopped. A text takes some milliseconds, so the page computes itself; photographs take
// longer and belong into a worker (`worker/`).
import { useEffect, useState } from 'react';
import { loadRecognizer, type BrowserRecognizer, type Result } from 'mien/browser';

/** Milliseconds without a keystroke. */
const PAUSE = 200;

const recognizers = new Map<string, Promise<BrowserRecognizer>>();

function recognizerOf(bundle: string): Promise<BrowserRecognizer> {
  const known = recognizers.get(bundle);
  if (known) return known;
  const loading = loadRecognizer({ bundle });
  recognizers.set(bundle, loading);
  // What could not be loaded is tried again with the next text.
  loading.catch(() => recognizers.delete(bundle));
  return loading;
}

export interface Emotion {
  /** Of the text as it is now; undefined while it is being read, and without a text. */
  readonly result?: Result;
  /** Why nothing can be read: the model could not be loaded, for instance. */
  readonly problem?: string;
}

/** What a text says, by the bundle at an address. */
export function useEmotion(text: string, bundle: string): Emotion {
  const [emotion, setEmotion] = useState<Emotion>({});
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const read = async (): Promise<void> => {
      try {
        const recognizer = await recognizerOf(bundle);
        const result = await recognizer.recognize({ text }, { signal });
        if (!signal.aborted) setEmotion({ result });
      } catch (error) {
        // When the text changed meanwhile, nobody waits for this one.
        if (!signal.aborted) setEmotion({ problem: error instanceof Error ? error.message : String(error) });
      }
    };
    setEmotion({});
    const timer = text.trim() === '' ? undefined : setTimeout(() => void read(), PAUSE);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [text, bundle]);
  return emotion;
}

/** A field that says what it reads. */
export function EmotionField({ bundle }: { readonly bundle: string }) {
  const [text, setText] = useState('');
  const { result, problem } = useEmotion(text, bundle);
  return (
    <label>
      How was your day? <input value={text} onChange={(event) => setText(event.target.value)} />
      <output>{problem ?? (result?.error ? result.error.message : result?.label)}</output>
    </label>
  );
}
