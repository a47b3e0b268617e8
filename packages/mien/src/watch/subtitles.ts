// Reads transcripts written as subtitles: SubRip (SRT) and WebVTT.
import { MienError } from 'mien-engine/base';
import type { TranscriptPart } from './spoken.js';

const TIME = String.raw`(?:(\d+):)?([0-5]?\d):([0-5]\d)[.,](\d{3})`;
/** Start and end, then WebVTT's settings or SubRip's coordinates. */
const TIMES = new RegExp(String.raw`^\s*${TIME}\s*-->\s*${TIME}(?:\s.*)?$`);
const WEBVTT = /^\s*WEBVTT(?:\s|$)/;

/** Whether a text is WebVTT or SubRip by its first lines. */
export const isSubtitles = (text: string): boolean =>
  WEBVTT.test(text) || /^\s*(?:\d+[^\S\n]*\n)?[^\S\n]*[\d:.,]+[^\S\n]*-->/.test(text.slice(0, 1000));

/**
 * The subtitles in their order, also where they overlap; those without words are left out, and markup in them.
 * Source: WebVTT, section 4 (https://www.w3.org/TR/webvtt1/). SubRip has no standard; it writes times with a comma.
 * @param text with newlines as line ends.
 * @throws MienError `data` that names the line that is not the time of a subtitle, or if there are no subtitles.
 */
export function readSubtitles(text: string, file: string): TranscriptPart[] {
  const lines = text.split('\n');
  const isWebVtt = WEBVTT.test(text);
  const parts: TranscriptPart[] = [];
  let subtitles = 0;
  for (const [index, block] of blocksOf(lines).entries()) {
    const timed = lines.slice(block.start, block.end).findIndex((line) => line.includes('-->'));
    // The header, which subtitles may follow without a blank line; comments, styles and regions.
    const isHeader = isWebVtt && index === 0;
    if (timed === -1 && (isHeader || (isWebVtt && /^(?:NOTE|STYLE|REGION)\b/.test(lines[block.start]!))))
      continue;
    // A number or a name may stand before the times.
    const at = block.start + (isHeader ? timed : Math.min(1, Math.max(0, timed)));
    const times = timesOf(lines[at]!);
    if (!times)
      throw new MienError('data', 'is not the time of a subtitle', {
        file,
        row: at + 1,
        hint: 'Expected start and end, in this order, as 00:01:02,500 --> 00:01:04,000. A blank line ends a subtitle.',
      });
    subtitles += 1;
    const words = plainText(lines.slice(at + 1, block.end).join(' '));
    if (words) parts.push({ ...times, text: words });
  }
  if (subtitles === 0) throw new MienError('data', 'holds no subtitles', { file });
  return parts;
}

/** Runs of lines that are not blank: indices of the first line and of that after the last. */
function blocksOf(lines: readonly string[]): { readonly start: number; readonly end: number }[] {
  const blocks: { start: number; end: number }[] = [];
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const last = blocks.at(-1);
    if (last?.end === i) last.end = i + 1;
    else blocks.push({ start: i, end: i + 1 });
  }
  return blocks;
}

/** Start and end in seconds; undefined if a line has none, or in the wrong order. */
function timesOf(line: string): { readonly start: number; readonly end: number } | undefined {
  const found = TIMES.exec(line);
  if (!found) return undefined;
  const [start, end] = [1, 5].map((at) => {
    const [hours = 0, minutes = 0, seconds = 0, milliseconds = 0] = found
      .slice(at, at + 4)
      .map((digits?: string) => Number(digits ?? 0));
    return ((hours * 60 + minutes) * 60_000 + seconds * 1000 + milliseconds) / 1000;
  }) as [number, number];
  return start <= end ? { start, end } : undefined;
}

/** WebVTT's tags with classes and names, times of words, SubRip's tags of HTML, and positions of other players. */
const MARKUP = /<\/?(?:b|c|i|s|u|v|font|lang|rt|ruby)(?:[.\s][^<>]*)?>|<[\d:.]+>|\{\\[^{}]*\}/gi;
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  nbsp: ' ',
  lrm: '',
  rlm: '',
};

const plainText = (marked: string): string =>
  marked
    .replace(MARKUP, '')
    .replace(/&(amp|lt|gt|nbsp|lrm|rlm);/g, (_, name: string) => ENTITIES[name]!)
    .replace(/\s+/g, ' ')
    .trim();
