// A local server that answers as the Hugging Face hub does, and misbehaves on request.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HubRepository {
  /** 40 hexadecimal digits; what `main` stands for. */
  commit: string;
  /** Large files (`.safetensors`, `.bin`) are served from another origin by redirect, as the hub does. */
  files: Record<string, Uint8Array>;
}

/** What the next answers that send a large file's bytes do wrong, one entry an answer. */
/** A cut comes as soon as half has been sent, or once the client says that it has arrived. */
type Mishap =
  'cut' | { readonly cutWhen: () => boolean } | 'corrupt' | 'stall' | 'unavailable' | 'ignore-range';

export interface HubServer {
  readonly endpoint: string;
  readonly repositories: Record<string, HubRepository>;
  readonly mishaps: Mishap[];
  /** One line a request: `GET hub /path` or `GET cdn /path bytes=5-`. */
  readonly requests: string[];
  /** `Authorization` headers seen, by origin. */
  readonly tokens: { hub: (string | undefined)[]; cdn: (string | undefined)[] };
  close(): Promise<void>;
}

const listen = async (handler: RequestListener): Promise<[Server, string]> => {
  const server = createServer(handler);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return [server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`];
};

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const gitSha1 = (bytes: Uint8Array): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
const isLarge = (path: string): boolean => /\.(safetensors|bin)$/.test(path);

export async function startHubServer(repositories: Record<string, HubRepository>): Promise<HubServer> {
  const requests: string[] = [];
  const mishaps: Mishap[] = [];
  const tokens: HubServer['tokens'] = { hub: [], cdn: [] };
  const hashes = new WeakMap<Uint8Array, string>();
  const hashOf = (bytes: Uint8Array): string => {
    const hash = hashes.get(bytes) ?? sha256(bytes);
    hashes.set(bytes, hash);
    return hash;
  };

  const log = (origin: 'hub' | 'cdn', request: IncomingMessage): void => {
    requests.push(`${request.method} ${origin} ${request.url} ${request.headers.range ?? ''}`.trim());
    tokens[origin].push(request.headers.authorization);
  };
  const refuse = (response: ServerResponse, status: number, code: string): void => {
    response.writeHead(status, { 'x-error-code': code }).end();
  };

  const [cdn, cdnOrigin] = await listen((request, response) => {
    log('cdn', request);
    const [, org, name, ...path] = decodeURIComponent(request.url ?? '').split('/');
    const bytes = repositories[`${org}/${name}`]?.files[path.join('/')];
    if (bytes === undefined) return void response.writeHead(403).end();
    const mishap = request.method === 'GET' ? mishaps.shift() : undefined;
    if (mishap === 'unavailable') return void response.writeHead(503).end();
    const range = mishap === 'ignore-range' ? undefined : /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
    const start = range ? Number(range[1]) : 0;
    if (start >= bytes.length && start > 0) return void response.writeHead(416).end();
    let body = bytes.subarray(start);
    if (mishap === 'corrupt') {
      body = body.slice();
      body[body.length >> 1]! ^= 1;
    }
    response.writeHead(range ? 206 : 200, {
      'content-length': body.length,
      etag: '"the-cdn-has-etags-of-its-own"',
      ...(range ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}),
    });
    if (request.method === 'HEAD') return void response.end();
    if (mishap === 'cut' || mishap === 'stall' || typeof mishap === 'object') {
      const cut = (): void => {
        if (typeof mishap === 'object' && !mishap.cutWhen()) setTimeout(cut, 5);
        else response.destroy();
      };
      response.write(
        body.subarray(0, body.length >> 1),
        () => void (mishap === 'stall' || setTimeout(cut, 5)),
      );
      return;
    }
    response.end(body);
  });

  const [hub, endpoint] = await listen((request, response) => {
    log('hub', request);
    const url = decodeURIComponent((request.url ?? '').split('?')[0]!);
    const parts = /^\/(?:api\/resolve-cache\/models\/)?([^/]+\/[^/]+)\/(?:resolve\/)?([^/]+)\/(.+)$/.exec(
      url,
    );
    const repository = parts ? repositories[parts[1]!] : undefined;
    if (!parts || !repository) return refuse(response, 401, 'RepoNotFound');
    const [, id, revision, path] = parts as unknown as [string, string, string, string];
    if (revision !== 'main' && revision !== repository.commit)
      return refuse(response, 404, 'RevisionNotFound');
    const bytes = repository.files[path];
    if (bytes === undefined) return refuse(response, 404, 'EntryNotFound');
    const common = { 'x-repo-commit': repository.commit };
    if (isLarge(path)) {
      response.writeHead(302, {
        ...common,
        etag: '"something-else"',
        'x-linked-etag': `"${hashOf(bytes)}"`,
        'x-linked-size': bytes.length,
        location: `${cdnOrigin}/${id}/${path}`,
      });
      return void response.end();
    }
    if (!url.startsWith('/api/')) {
      // Small files come by way of the hub's own file cache.
      response.writeHead(307, {
        ...common,
        location: `/api/resolve-cache/models/${id}/${repository.commit}/${path}?etag=x`,
      });
      return void response.end();
    }
    response.writeHead(200, { ...common, etag: `W/"${gitSha1(bytes)}"`, 'content-length': bytes.length });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  });

  const stop = (server: Server): Promise<void> =>
    new Promise((done) => {
      server.closeAllConnections();
      server.close(() => done());
    });
  return {
    endpoint,
    repositories,
    mishaps,
    requests,
    tokens,
    close: async () => {
      await Promise.all([stop(hub), stop(cdn)]);
    },
  };
}
