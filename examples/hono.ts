// A route in a Hono application: a form with a sentence, a picture or both in, an emotion out. `serve.ts` runs it;
// `mien serve` is a whole service, with batches, limits and metrics.
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { isRecognition, type Recognizer } from 'mien';

const LARGEST_BODY = 5_000_000;

/** `POST /emotion` with the fields `text` and `image` of a form. */
export function emotionRoute(recognizer: Recognizer): Hono {
  const app = new Hono();
  app.post('/emotion', bodyLimit({ maxSize: LARGEST_BODY }), async (context) => {
    const { text, image } = await context.req.parseBody();
    const result = await recognizer.recognize(
      {
        text: typeof text === 'string' ? text : undefined,
        // Only what was uploaded, and not the empty file that a browser sends where none was chosen. A string would be
        // a path: load the recogniser with `files: false`, and no path is read even if one gets through.
        image: image instanceof Blob && image.size > 0 ? image : undefined,
      },
      { signal: context.req.raw.signal },
    );
    if (!isRecognition(result)) return context.json({ error: result.error }, 422);
    const { label, probabilities, from, warnings } = result;
    return context.json({ label, probabilities, from, warnings: warnings.map(({ code }) => code) });
  });
  return app;
}
