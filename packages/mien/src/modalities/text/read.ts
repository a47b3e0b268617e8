// Prepares a text for the model: normalises and tokenises it, and warns of what the model cannot read.
import { normalizeText } from '../../data/cleaning.js';
import { readingOf, type TextReading, type Tokenizer } from '../../encoders/tokenizer.js';
import { warning, type ItemError, type Warning } from '../modality.js';
import { foreignLanguage } from './language.js';

/** A text that was read at least in part. */
export interface ReadText {
  /** Token ids, special ones included. */
  readonly ids: Int32Array;
  /** As `TextPosterior.read`. */
  readonly read: number;
}

/** The warnings and the error of a text. */
interface Side {
  readonly warnings: readonly Warning[];
  readonly error?: ItemError;
}

/**
 * Texts are warned of if less than this share was read: with as many unknown words, the answer to every third of ISEAR's
 * validation texts changes (`bench/unread.ts`).
 */
const MIN_SHARE_READ = 0.7;
/** Unread pieces named in a message, and characters of each. */
const MAX_NAMED = 3;
const MAX_NAMED_LENGTH = 20;

/** A text without a single known word counts as empty, since the encoder's answer would be no evidence. */
export async function prepareText(
  input: string,
  tokenizer: Tokenizer,
): Promise<Side & { readonly text?: ReadText }> {
  const text = normalizeText(input);
  const encoding = tokenizer.encode(text);
  const reading = readingOf(text, encoding);
  if (!reading.hasWords) return noText('the text has no words');
  const language = await foreignLanguage(text, encoding.pieces);
  const warnings =
    language === undefined
      ? []
      : [
          warning(
            'not-english',
            `the text seems to be in ${nameOf(language)}; the model was trained on English only`,
          ),
        ];
  if (!reading.isEvidence)
    return noText(`the text cannot be read: the model does not know ${named(reading)}`, warnings);
  if (encoding.truncated)
    warnings.push(
      warning(
        'text-truncated',
        `the text was truncated at ${encoding.ids.length} tokens; the rest was not read`,
      ),
    );
  if (reading.shareBeforeCut < MIN_SHARE_READ)
    warnings.push(
      warning(
        'text-unread',
        `only ${percent(reading.shareBeforeCut)} of the text could be read: the model does not know ${named(reading)}`,
      ),
    );
  return { text: { ids: encoding.ids, read: reading.share }, warnings };
}

/** The English name of a language. */
const nameOf = (code: string): string =>
  code === 'und' ? 'another language' : (new Intl.DisplayNames('en', { type: 'language' }).of(code) ?? code);

const noText = (message: string, warnings: readonly Warning[] = []): Side => ({
  warnings,
  error: { code: 'empty-text', message },
});

const percent = (share: number): string => `${Math.ceil(100 * share)} %`;

/** The first unread pieces, shortened. */
function named({ unread }: TextReading): string {
  const names = unread.slice(0, MAX_NAMED).map((piece) => {
    const characters = [...piece.slice(0, 4 * MAX_NAMED_LENGTH)];
    const isLong = characters.length > MAX_NAMED_LENGTH;
    return isLong ? `${characters.slice(0, MAX_NAMED_LENGTH).join('')}…` : piece;
  });
  return names.join(', ') + (unread.length > MAX_NAMED ? ', …' : '');
}
