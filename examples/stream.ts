// Many texts, line by line from standard input: answers in their order, however many there are, and each as soon as it
// can be had.
//     npx tsx examples/stream.ts < lines.txt
import { createInterface } from 'node:readline';
import { isRecognition, loadRecognizer, type Item } from 'mien';

async function* lines(): AsyncGenerator<Item> {
  for await (const text of createInterface({ input: process.stdin })) yield { text };
}

await using recognizer = await loadRecognizer({ bundle: process.env['MIEN_BUNDLE'] });
// At most `batchSize` items are held at a time. A line that cannot be recognised, an empty one for instance, has an
// error and leaves the others alone.
for await (const result of recognizer.stream(lines(), { batchSize: 32 }))
  console.log(isRecognition(result) ? result.label : `(${result.error.code})`);
