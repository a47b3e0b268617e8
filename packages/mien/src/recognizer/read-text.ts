// A text as the model reads it: normalised, in tokens, with what of it could not be read and what to warn of.
import { normalizeText } from '../data/cleaning.js';
import { readingOf, type Reading, type Tokenizer } from '../encoders/tokenizer.js';
import { foreignLanguage } from './language.js';
import type { Failure, Item, Warning, WarningCode } from './types.js';

/** A text of which something was read. */
export interface ReadText {
  /** Token ids, special ones included. */
  readonly ids: Int32Array;
  /** As `TextPosterior.read`. */
  readonly read: number;
}

/** What becomes of a text or an image by itself. */
export interface Side {
  readonly warnings: readonly Warning[];
  readonly error?: Failure['error'];
}

export const warning = (code: WarningCode, message: string): Warning => ({ code, message });

/**
 * A text of which less than this share was read is warned of: with so many words unknown, every third of ISEAR's
 * validation texts is answered otherwise than whole (`bench/unread.ts`).
 */
const LITTLE_READ = 0.7;
/** Pieces that are named when they could not be read, and characters of each. */
const NAMED = 3;
const NAMED_LENGTH = 20;

/** What a text has no tokens for is no evidence: one of which nothing was read is no text. */
export async function readText(
  given: Item['text'],
  tokenizer: Tokenizer | undefined,
): Promise<Side & { readonly text?: ReadText }> {
  if (given === undefined || given === null) return { warnings: [] };
  if (!tokenizer) return { warnings: [warning('text-missing', 'this bundle reads no texts')] };
  const text = normalizeText(given);
  const encoding = tokenizer.encode(text);
  const reading = readingOf(text, encoding);
  if (!reading.hasWords) return noText('the text has no words');
  const language = await foreignLanguage(text, encoding.pieces);
  const warnings =
    language === undefined
      ? []
      : [warning('not-english', `the text looks like ${nameOf(language)}; the model knows English only`)];
  if (!reading.isEvidence)
    return noText(`the text cannot be read: the model does not know ${named(reading)}`, warnings);
  if (encoding.truncated)
    warnings.push(
      warning(
        'text-truncated',
        `the text was cut at ${encoding.ids.length} tokens; what follows was not read`,
      ),
    );
  if (reading.shareBeforeCut < LITTLE_READ)
    warnings.push(
      warning(
        'text-unread',
        `only ${percent(reading.shareBeforeCut)} of the text can be read: the model does not know ${named(reading)}`,
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

/** What was not read, as far as it fits a line. */
function named({ unread }: Reading): string {
  const some = unread.slice(0, NAMED).map((piece) => {
    const characters = [...piece.slice(0, 4 * NAMED_LENGTH)];
    return characters.length > NAMED_LENGTH ? `${characters.slice(0, NAMED_LENGTH).join('')}…` : piece;
  });
  return some.join(', ') + (unread.length > NAMED ? ', …' : '');
}
