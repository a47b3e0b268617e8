// Passages of a model card that its evaluation does not hold, on data, training, fairness and limits: written for the first
// time from the data, or taken over from an earlier card.
import { MienError } from 'mien-engine/base';
import type { SetCounts } from 'mien/parts/data';
import { corpusTitle } from '../data/corpora/definitions.js';
import type { CorpusCounts } from '../data/corpora/prepare.js';
import { peopleConclusions, peopleSheets } from '../data/people.js';
import { table } from './markdown.js';
import { VOICE_DATA, VOICE_LIMITS } from './voice-card.js';

/** What a card says of data and training, which its evaluation does not hold. */
export interface CardPassages {
  /** The section on fairness; empty if nothing is known of the sets. */
  readonly fairness: string;
  readonly data: string;
  /** One line for each part. */
  readonly training: readonly string[];
  readonly limits: readonly string[];
}

export interface CardSources {
  readonly counts: Readonly<Partial<Record<'isear' | 'fer2013' | 'rafdb', SetCounts>>>;
  /** Further corpora of texts. */
  readonly corpora?: readonly CorpusCounts[];
  /** Where training began and how it was set, by modality. */
  readonly training: Readonly<Record<string, string>>;
}

/** Of the sections that they are in. */
export const HEADINGS = {
  fairness: '## What cannot be known about fairness',
  data: '## Data',
  training: '## Training',
  limits: '## Limits',
} as const;
/** The passages of a card that is written for the first time. */
export function passagesOf({ counts, corpora = [], training }: CardSources): CardPassages {
  return {
    fairness: peopleSection(counts),
    data: [
      dataTable(counts, corpora),
      `Test splits: ${corpora.length > 0 ? 'further corpora of texts as published; ' : ''}FER2013’s PublicTest and PrivateTest and RAF-DB’s test part as published; of ISEAR’s texts a fifth, whose writers are in no other part. Repeated texts, and training faces that (nearly) repeat one of a test part, are dropped; a tenth of training, of other writers and other duplicate groups, selects and calibrates.`,
    ].join('\n\n'),
    training: Object.entries(training).map(([name, how]) => `${name}: ${how}`),
    limits: [corpora.length > 0 ? WIDE : ISEAR_ALONE, ...FACE_LIMITS],
  };
}

/**
 * The passages of a card that `modelCard` wrote, without what it adds from the evaluation of a voice.
 * @throws MienError `bundle` if it lacks one.
 */
export function passagesIn(card: string, file: string): CardPassages {
  const section = (heading: string): string | undefined =>
    card.split(`\n${heading}\n`)[1]?.split('\n## ')[0]!.trim();
  const needed = (heading: string): string => {
    const found = section(heading);
    if (found === undefined)
      throw new MienError('bundle', `has a card without the section "${heading.slice(3)}"`, {
        file,
        hint: 'Export the bundle with this version of mien.',
      });
    return found;
  };
  const linesIn = (heading: string): string[] =>
    needed(heading)
      .split('\n')
      .flatMap((line) => (line.startsWith('- ') ? line.slice(2) : []));
  return {
    fairness: section(HEADINGS.fairness) ?? '',
    data: needed(HEADINGS.data).split(VOICE_DATA)[0]!.trim(),
    training: linesIn(HEADINGS.training),
    limits: linesIn(HEADINGS.limits).filter((line) => !VOICE_LIMITS.includes(line)),
  };
}

const ISEAR_ALONE =
  'Texts are ISEAR’s: students in 37 countries, asked in the 1990s to tell of a situation in which they felt a given emotion, in English or translated to it. Chat, news, irony and other languages are not in it, nor is a text of no emotion.';
const WIDE =
  'Texts are comments and posts of the web, film subtitles and ISEAR’s reports, in English: labels are what readers saw in them (ISEAR’s: what its writers were asked for), one sentence at a time and without what was said before. Irony is mostly missed. Guilt and shame are known from ISEAR and a few comments only.';

const FACE_LIMITS = [
  'Faces are of the web: FER2013’s are grey, 48 pixels wide, found by searching for emotion words; about a tenth of its labels are disputed (people agree with them in some 65 of 100 cases). RAF-DB’s are labelled by some forty people each. Both hold posed and acted expressions, few old people and small children, more light than dark skin, and more of joy than of disgust and fear.',
  'What is right in FER2013’s labels may be wrong for a careful reader, so that part of the errors are the labels’.',
];

/** What cannot be known about fairness, of the sets that the bundle was made of. */
function peopleSection(counts: CardSources['counts']): string {
  const sheets = peopleSheets.filter(({ key }) => counts[key]);
  if (sheets.length === 0) return '';
  return [
    sheets
      .map(
        ({ set, says, silent, follows }) =>
          `- **${set}.** _It says:_ ${says} _It does not say:_ ${silent} _So:_ ${follows}`,
      )
      .join('\n'),
    `${peopleConclusions.join(' ')} Measure it on texts and faces of the people you mean to read: \`mien evaluate --group\`.`,
  ].join('\n\n');
}

function dataTable(counts: CardSources['counts'], corpora: readonly CorpusCounts[]): string {
  const titles = { isear: 'ISEAR', fer2013: 'FER2013', rafdb: 'RAF-DB' } as const;
  const total = (labels: Readonly<Record<string, number>> = {}): string =>
    String(Object.values(labels).reduce((sum, count) => sum + count, 0));
  const names = (Object.keys(titles) as (keyof typeof titles)[]).filter((name) => counts[name]);
  const rows = names.map((name) => {
    const { splits, dropped, total: all } = counts[name]!;
    const lost = Object.values(dropped).reduce((sum, labels) => sum + Number(total(labels)), 0);
    return [
      titles[name],
      String(all),
      ...['train', 'validation', 'test'].map((s) => total(splits[s])),
      String(lost),
    ];
  });
  const further = corpora.map(({ name, items: { train, validation, test }, dropped }) => {
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    return [
      corpusTitle(name),
      ...[train + validation + test + lost, train, validation, test, lost].map(String),
    ];
  });
  return table(
    ['set', 'items', 'training', 'validation', 'test', 'dropped'],
    [...rows.slice(0, 1), ...further, ...rows.slice(1)],
  );
}
