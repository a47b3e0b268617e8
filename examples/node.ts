// A script: what a sentence and a photograph say together, and each alone.
//     npx tsx examples/node.ts "At last we won!" photograph.jpg
//     npx tsx examples/node.ts "At last we won!"
//     npx tsx examples/node.ts "" photograph.jpg
import { isRecognition, loadRecognizer } from 'mien';

const [text, image] = process.argv.slice(2);
await using recognizer = await loadRecognizer({ bundle: process.env['MIEN_BUNDLE'] });
const result = await recognizer.recognize({ text: text || undefined, image });

if (isRecognition(result)) {
  const { label, probabilities, from, text: said, face: shown, warnings } = result;
  console.log(`${label} (${Math.round(100 * probabilities[label]!)} %), from ${from}`);
  if (said) console.log(`the text alone: ${said.label}`);
  if (shown) console.log(`the face alone: ${shown.label}`);
  for (const { message } of warnings) console.log(`note: ${message}`);
} else {
  console.error(result.error.message);
  process.exitCode = 1;
}
