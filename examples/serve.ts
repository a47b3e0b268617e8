// The route of `hono.ts` as a server. The model computes in a child process, so that other requests are answered
// meanwhile; `files: false` keeps it from opening files, whatever a request names.
//     PORT=8080 npx tsx examples/serve.ts
//     curl -F text="At last we won!" -F image=@photograph.jpg localhost:8080/emotion
import { serve } from '@hono/node-server';
import { loadRecognizer } from 'mien';
import { emotionRoute } from './hono.js';

const recognizer = await loadRecognizer({
  bundle: process.env['MIEN_BUNDLE'],
  processes: 1,
  files: false,
});
const { fetch } = emotionRoute(recognizer);
const server = serve({ fetch, port: Number(process.env['PORT'] ?? 8080) }, ({ port }) =>
  console.log(`http://localhost:${port}/emotion`),
);

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => server.close(() => void recognizer.dispose()));
