// `mien watch`: a video or sound file in, a timeline of who shows what when out.
import type { Command } from 'commander';
import { defined, MienError } from 'mien-engine/base';
import type { RecordingSummary } from '../../watch/summary.js';
import { decimal, positiveInteger } from '../arguments.js';
import { type Output, outputOf } from '../output.js';
import { progressOf } from '../progress.js';
import { interruption } from '../run.js';
import { renderText } from '../text-table.js';

interface Options {
  readonly out?: string;
  readonly every?: number;
  readonly html?: boolean;
  readonly thumbnails?: boolean;
  readonly mirror: boolean;
  readonly transcribe?: boolean;
  readonly transcript?: string;
  readonly bundle?: string;
  readonly threads?: number;
  readonly overwrite?: boolean;
}

export function defineWatch(program: Command): void {
  program
    .command('watch')
    .description('follow the people of a video or sound file and write a timeline of their emotions')
    .argument('<file>', 'a video or sound file')
    .option('--out <dir>', 'folder for the timeline; resumes an interrupted run (default: the summary only)')
    .option('--every <seconds>', 'time between the frames that are looked at (default: 0.2)', decimal)
    .option('--html', 'write a page of the timeline, too')
    .option('--thumbnails', 'show a face of each person on the page')
    .option('--no-mirror', 'do not average each face with its mirror image; takes half the time')
    .option('--transcribe', 'read what is said as well, if the bundle has files for words')
    .option(
      '--transcript <file>',
      'what is said: SRT, WebVTT, or CSV or JSONL with start and end in seconds, and text',
    )
    .option('--bundle <dir>', 'folder or URL of a bundle (default: the bundled model)')
    .option('--threads <n>', 'inference threads (default: all cores)', positiveInteger)
    .option('--overwrite', 'replace the results of an earlier run')
    .option('--json', 'print the summary as JSON')
    .action((file: string, options: Options, command: Command) => run(file, options, outputOf(command)));
}

async function run(file: string, options: Options, output: Output): Promise<void> {
  const { out, every, html = false, thumbnails = false, bundle, threads, overwrite = false } = options;
  if (html && out === undefined)
    throw new MienError('usage', '--html needs a folder to write to', { hint: 'Add --out DIR.' });
  if (thumbnails && !html)
    throw new MienError('usage', '--thumbnails are shown on the page only', { hint: 'Add --html.' });
  const [
    { loadRecognizer },
    { recordTimeline, summarizeTimeline },
    { recordingPath },
    { readTranscript },
    { checkWatchOptions },
  ] = await Promise.all([
    import('../../recognizer/node/load.js'),
    import('../../watch/run-folder.js'),
    import('../../watch/open-media.js'),
    import('../../watch/transcript-file.js'),
    import('../../watch/watch.js'),
  ]);
  // Before the model is loaded, which takes longer.
  await recordingPath(file);
  const transcript = options.transcript === undefined ? undefined : await readTranscript(options.transcript);
  const watching = defined({
    every,
    mirror: options.mirror ? undefined : false,
    transcribe: options.transcribe,
    transcript,
  });
  checkWatchOptions(watching);
  const progress = await progressOf(output);
  const settings = { signal: interruption(), progress, ...watching };
  const recognizer = await loadRecognizer(defined({ bundle, threads }));
  try {
    const summary =
      out === undefined
        ? await summarizeTimeline(recognizer, file, settings)
        : await recordTimeline(recognizer, file, out, { ...settings, html, thumbnails, overwrite });
    const { NOTES } = await import('../../watch/page.js');
    for (const note of summary.notes) output.warn(`${file}: ${NOTES[note]}`);
    output.result(summary, () => rendered(summary, output.width));
  } finally {
    progress.end();
    await recognizer.dispose();
  }
}

const share = (value: number): string => value.toFixed(2).replace(/^0\./, '.');

function rendered({ people }: RecordingSummary, width: number): string {
  if (people.length === 0) return 'Nobody was seen or heard.';
  return renderText(
    {
      columns: [
        { header: 'person' },
        { header: 'from', align: 'right' },
        { header: 'to', align: 'right' },
        { header: 'seconds', align: 'right' },
        { header: 'labels' },
      ],
      groups: [
        {
          rows: people.map(({ person, first, last, seconds, labels }) => [
            person === null ? '–' : String(person),
            first.toFixed(1),
            last.toFixed(1),
            seconds.toFixed(1),
            Object.entries(labels)
              .sort((a, b) => b[1] - a[1])
              .slice(0, 3)
              .map(([label, value]) => `${label} ${share(value)}`)
              .join(', '),
          ]),
        },
      ],
    },
    { width },
  );
}
