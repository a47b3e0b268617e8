// Signs that a vocabulary can be given tokens for: emoticons as the emoji that mean the same, placeholders of corpora,
// and marks for words in capitals and lengthened words, which an uncased vocabulary would lose.

/** Behind a word in capitals. */
export const LOUD = '⇧';
/** Behind a lengthened word. */
export const LONG = '⟷';
/** Somebody: a handle, or a corpus's placeholder for a name. */
const PERSON = '👤';
/** An address on the web. */
const LINK = '🔗';

/** Those that show no feeling by themselves, with words that mean about the same. */
export const MANNERS: Readonly<Record<string, string>> = {
  [LOUD]: 'loud shouting',
  [LONG]: 'long very',
  [PERSON]: 'someone person',
  [LINK]: 'link website',
};

/** What is written for a sign, separated by spaces. */
const WRITTEN: Readonly<Record<string, string>> = {
  [PERSON]: '@user [NAME] [PERSON]',
  [LINK]: 'http https ://',
  '🙂': ':) :-) :] :-] =) =] (: (-: :} =} :^)',
  '😃': ':D :-D =D :DD',
  '😆': 'xD XD xDD XDD x-D X-D',
  '😉': ';) ;-) ;] ;D ;-D',
  '😊': '^^ ^_^ ^.^ ^-^ n_n',
  '😛': ':P :-P :p :-p =P =p ;P ;p :b',
  '🥲': ":') :'-) :')) :'D",
  '😘': ':* :-* =*',
  '😎': 'B-) 8-)',
  '🥰': 'uwu UwU UWU',
  '❤': '<3 <33 <333',
  '💔': '</3 <\\3',
  '🙌': '\\o/ \\O/',
  '🙁': ':( :-( :[ :-[ =( =[ )-: :{ :^(',
  '😢': ":'( :'-( :,( :,-( ='(",
  '😭': ';_; ;-; T_T T.T TT_TT Q_Q QQ T^T',
  '😞': ':(( v_v',
  '😣': '>.< >_< >~<',
  '😠': '>:( >:-( >:[ >:-[ >=( D:< >:O >:o',
  '😈': '>:) >:-) >:D }:)',
  '😕': ':/ :-/ :\\ :-\\ =/ =\\ :S :s :-S :-s',
  '😐': ':| :-| =| :I',
  '😑': '-_- -__- -.- -___-',
  '😮': ':O :-O :o :-o =O =o :0 :-0',
  '😳': 'O_O o_o O.O o.o O.o o.O O_o o_O 0_0 0_o',
  '😺': ':3 :-3',
  '🤷': '¯\\_(ツ)_/¯ ¯\\(ツ)/¯',
  '😡': '(╯°□°)╯︵',
  '🤨': 'ಠ_ಠ',
};

/** Every written sequence with the sign that it stands for. */
export const SEQUENCES: ReadonlyMap<string, string> = new Map(
  Object.entries(WRITTEN).flatMap(([sign, written]) => written.split(' ').map((one) => [one, sign] as const)),
);

const LENGTHENED = /(\p{L})\1{2,}/giu;
const isLengthened = (word: string): boolean => /(\p{L})\1{2,}/iu.test(word);

/** A word as a vocabulary with marks reads it: itself or a shorter spelling, and the marks behind it. */
export interface Marked {
  readonly word: string;
  readonly marks: readonly string[];
}

/**
 * A word's emphasis: in capitals from three letters on; lengthened where a letter stands three times and more. Of the
 * spellings with the letter twice and once the more frequent one is taken (`sooo` so, `cooool` cool), which a vocabulary
 * counts first. `idOf` says the id of a token, and is asked in lower case.
 */
export function emphasisOf(word: string, idOf: (word: string) => number | undefined): Marked {
  const marks = /^\p{Lu}{3,}$/u.test(word) && !/^(.)\1+$/u.test(word) ? [LOUD] : [];
  if (!isLengthened(word) || /^(\p{L})\1+$/iu.test(word)) return { word, marks };
  const [two, one] = [word.replace(LENGTHENED, '$1$1'), word.replace(LENGTHENED, '$1')];
  const rank = (spelling: string): number => idOf(spelling.toLowerCase()) ?? Infinity;
  return { word: rank(one) < rank(two) ? one : two, marks: [...marks, LONG] };
}
