// A host behind a line of limited speed: passes requests on to another and sends the answers as fast as the line allows:
// compressed if the other does so, and code and WebAssembly in any case, as static hosts do.
import { createServer, get, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const COMPRESSED = /javascript|wasm|css|html|json|svg/;
const CHUNK = 32 * 1024;
/**
 * Milliseconds of lost time that are made up for if this process was not scheduled: a real host has processors of its own,
 * and network buffers fill while the receiver's processors are busy.
 */
const CAUGHT_UP = 50;
const compress = promisify(gzip);

/** @param megabits per second, for all connections together */
export async function openLine(
  host: string,
  megabits: number,
): Promise<{ readonly url: string; close(): void }> {
  const bytesPerMillisecond = (megabits * 1e6) / 8 / 1000;
  // What is already compressed: a round must not pay for it.
  const answers = new Map<string, Promise<{ body: Buffer; headers: OutgoingHttpHeaders }>>();
  const read = async (path: string, accepted: string) => {
    const request = get(new URL(path, host), { headers: { 'accept-encoding': accepted } });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const body = await buffer(response);
    const {
      'content-length': _length,
      'transfer-encoding': _transfer,
      connection: _,
      ...headers
    } = response.headers;
    return headers['content-encoding'] === undefined && COMPRESSED.test(headers['content-type'] ?? '')
      ? { body: await compress(body), headers: { ...headers, 'content-encoding': 'gzip' } }
      : { body, headers: { ...headers, 'content-length': body.length } };
  };
  /** When the line has sent all that was given to it. */
  let free = 0;
  async function* paced(body: Buffer) {
    for (let at = 0; at < body.length; at += CHUNK) {
      const chunk = body.subarray(at, at + CHUNK);
      free = Math.max(free, performance.now() - CAUGHT_UP) + chunk.length / bytesPerMillisecond;
      const wait = free - performance.now();
      if (wait > 1) await setTimeout(wait);
      yield chunk;
    }
  }
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    const accepted = String(request.headers['accept-encoding'] ?? '');
    const key = `${path} ${accepted}`;
    const answer = answers.get(key) ?? read(path, accepted);
    answers.set(key, answer);
    answer
      .then(({ body, headers }) => {
        response.writeHead(200, headers);
        return pipeline(paced(body), response);
      })
      .catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
