// A route of Next.js: /emotion?processes=1
import { answers } from '../../app.mjs';

export const dynamic = 'force-dynamic';

export async function GET(request) {
  const processes = Number(new URL(request.url).searchParams.get('processes') ?? 0);
  return new Response(await answers({ processes }));
}
