// Signs that a vocabulary can have tokens for: emoticons as the emoji of the same meaning, placeholders of corpora, and
// marks for words in capitals and lengthened words, which an uncased vocabulary would lose.

/** Follows a word in capitals. */
export const LOUD = '⇧';
/** Follows a lengthened word. */
export const LONG = '⟷';
/** A person: a handle, or a corpus's placeholder for a name. */
const PERSON = '👤';
/** A web address. */
const LINK = '🔗';

/** Signs that express no emotion by themselves, with words of about the same meaning. */
export const MANNERS: Readonly<Record<string, string>> = {
  [LOUD]: 'loud shouting',
  [LONG]: 'long very',
  [PERSON]: 'someone person',
  [LINK]: 'link website',
};

/** The spellings of each sign, separated by spaces. */
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

/** Each spelling with its sign. */
export const SEQUENCES: ReadonlyMap<string, string> = new Map(
  Object.entries(WRITTEN).flatMap(([sign, written]) => written.split(' ').map((one) => [one, sign] as const)),
);

const LENGTHENED = /(\p{L})\1{2,}/giu;
const isLengthened = (word: string): boolean => /(\p{L})\1{2,}/iu.test(word);

/** A word as a vocabulary with marks reads it: itself or a shorter spelling, and the marks that follow it. */
interface MarkedWord {
  readonly word: string;
  readonly marks: readonly string[];
}

/**
 * A word's emphasis: capitals if it has at least three letters, and lengthening if a letter occurs three or more times in
 * a row. Of the spellings with that letter twice and once, the more frequent one is used (`sooo` so, `cooool` cool), the
 * one with the smaller id.
 * @param idOf the id of a token in lower case
 */
export function emphasisOf(word: string, idOf: (word: string) => number | undefined): MarkedWord {
  const marks = /^\p{Lu}{3,}$/u.test(word) && !/^(.)\1+$/u.test(word) ? [LOUD] : [];
  if (!isLengthened(word) || /^(\p{L})\1+$/iu.test(word)) return { word, marks };
  const [doubled, single] = [word.replace(LENGTHENED, '$1$1'), word.replace(LENGTHENED, '$1')];
  const rank = (spelling: string): number => idOf(spelling.toLowerCase()) ?? Infinity;
  return { word: rank(single) < rank(doubled) ? single : doubled, marks: [...marks, LONG] };
}
