// Which clips a training of voices learns from, is validated on and leaves out: always whole speakers.
import { MienError, suggestion } from 'mien-engine/base';
import { assignSpeech, type SpeechItem } from '../data/speech.js';
import { SPEECH_CORPUS_NAMES } from '../data/speech-names.js';
import type { VoiceLearnSettings } from './settings.js';

export interface VoiceClips {
  readonly training: readonly SpeechItem[];
  readonly validation: readonly SpeechItem[];
  /** What neither the training nor the selection of the epoch hears. */
  readonly held: readonly SpeechItem[];
}

/**
 * Divides clips by the settings `calm`, `hold` and `validation`. Who is held out is nothing else, even if named for
 * validation; corpora that are not there are passed over. If no speaker for validation is left, about a tenth of the clips
 * is drawn, in whole speakers.
 * @throws MienError `config` that names the setting, for a corpus that is not known or a speaker whom a corpus does not have.
 */
export function divideClips(
  items: readonly SpeechItem[],
  settings: Pick<VoiceLearnSettings, 'calm' | 'hold' | 'validation' | 'seed'>,
): VoiceClips {
  const kept = settings.calm === 'drop' ? items.filter(({ source }) => source !== 'calm') : items;
  const isHeld = namedIn(kept, settings.hold, 'hold');
  const isNamed = namedIn(kept, settings.validation, 'validation');
  const rest = kept.filter((item) => !isHeld(item));
  const isChosen = rest.some(isNamed) ? rest.map(isNamed) : drawn(rest, settings.seed);
  return {
    training: rest.filter((_, i) => !isChosen[i]),
    validation: rest.filter((_, i) => isChosen[i]),
    held: kept.filter(isHeld),
  };
}

const nameOf = ({ corpus, speaker }: SpeechItem): string => `${corpus}/${speaker}`;

/** Whole speakers with a tenth of the clips; more if there are so few speakers that nobody has as little. */
function drawn(items: readonly SpeechItem[], seed: number): boolean[] {
  for (const validationFraction of [0.1, 0.2, 0.4]) {
    const splits = assignSpeech(items, { seed, testFraction: 0, validationFraction });
    if (splits.includes('validation')) return splits.map((split) => split === 'validation');
  }
  return items.map(() => false);
}

/** Whether an item is of a named corpus or speaker. */
function namedIn(
  items: readonly SpeechItem[],
  names: readonly string[],
  field: string,
): (item: SpeechItem) => boolean {
  const speakers = new Set(items.map(nameOf));
  const corpora = new Set<string>(items.map(({ corpus }) => corpus));
  for (const name of names) {
    const [corpus, speaker] = name.split('/');
    if (!SPEECH_CORPUS_NAMES.some((one) => one === corpus))
      throw new MienError('config', `there is no corpus "${corpus}"`, {
        field,
        hint: suggestion(corpus!, SPEECH_CORPUS_NAMES),
      });
    if (speaker !== undefined && corpora.has(corpus!) && !speakers.has(name))
      throw new MienError('config', `${corpus} has no speaker "${speaker}"`, {
        field,
        hint: suggestion(
          name,
          [...speakers].filter((one) => one.startsWith(`${corpus}/`)),
        ),
      });
  }
  const wanted = new Set(names);
  return (item) => wanted.has(item.corpus) || wanted.has(nameOf(item));
}
