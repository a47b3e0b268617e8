// `mien demo`: serves the page that recognises in the browser, on this computer.
import { existsSync } from 'node:fs';
import { spawn } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import type { Hono } from 'hono';
import { MienError } from 'mien-engine/base';
import { bundledModel, inPackage } from '../../base/package.js';
import { outputOf, type Output } from '../output.js';

interface Options {
  readonly port: number;
  readonly open?: boolean;
  readonly bundle?: string;
}

/** Present in every bundle; not imported from bundle/, which would make help slow. */
const MANIFEST = 'manifest.json';

export function defineDemo(program: Command): void {
  program
    .command('demo')
    .description('serve the page that recognises in the browser: words, pictures, camera, microphone')
    .option('--port <n>', 'port to listen on, on this computer only; 0 picks a free one', parsePort, 8080)
    .option('--open', 'open it in the browser')
    .option('--bundle <dir>', 'folder of a bundle to serve (default: the bundled model)')
    .option('--json', 'print the URL as JSON')
    .action((options: Options, command: Command) => run(options, outputOf(command)));
}

function parsePort(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65535)
    throw new InvalidArgumentError('Expected a whole number from 0 to 65535.');
  return value;
}

async function run({ port, open, bundle }: Options, output: Output): Promise<void> {
  const bundled = bundledModel();
  const candidates = bundle === undefined ? [bundled, inPackage('dist/web/model')] : [bundle];
  const model = candidates.find((folder) => existsSync(`${folder}/${MANIFEST}`));
  if (model === undefined)
    throw new MienError('file', 'there is no bundle in this folder', {
      file: bundle ?? bundled,
      hint: 'Pass the folder of a bundle with --bundle; `mien export` creates one.',
    });
  const { url } = await servePage({ page: inPackage('dist/web'), model, port });
  output.result({ url }, () => `The page is at ${url}\nPress Ctrl-C to stop.`);
  if (open) openBrowser(url);
}

export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves the page on this computer only, with the headers that let WebAssembly use threads.
 * @throws MienError `file` when the page has not been built, `usage` when the port is in use.
 */
export async function servePage(options: {
  readonly page: string;
  readonly model: string;
  readonly port: number;
}): Promise<Served> {
  if (!existsSync(`${options.page}/index.html`))
    throw new MienError('file', 'the page has not been built', {
      file: options.page,
      hint: 'Build it with npm run build:web.',
    });
  const { serve } = await import('@hono/node-server');
  const app = await pageApp(options);
  return new Promise((resolve, reject) => {
    const server = serve(
      { fetch: app.fetch, port: options.port, hostname: '127.0.0.1' },
      (address: AddressInfo) =>
        resolve({
          url: `http://localhost:${address.port}/`,
          close: () =>
            new Promise((closed) => {
              server.close(() => closed());
              if ('closeAllConnections' in server) server.closeAllConnections();
            }),
        }),
    );
    server.on('error', (cause: NodeJS.ErrnoException) => {
      const message =
        cause.code === 'EADDRINUSE' ? `port ${options.port} is in use` : `cannot listen: ${cause.message}`;
      reject(
        new MienError('usage', message, { cause, hint: 'Choose another with --port; 0 picks a free one.' }),
      );
    });
  });
}

/** The page loads nothing from other origins, which the browser enforces. */
const HEADERS: Readonly<Record<string, string>> = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Content-Security-Policy':
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob:; media-src 'self' blob:; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
};

async function pageApp({ page, model }: { page: string; model: string }): Promise<Hono> {
  const [{ Hono }, { serveStatic }] = await Promise.all([
    import('hono'),
    import('@hono/node-server/serve-static'),
  ]);
  const app = new Hono();
  app.use('*', async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(HEADERS)) context.header(name, value);
    // The names of these files contain a hash of their content.
    const isImmutable = context.req.path.startsWith('/assets/');
    context.header('Cache-Control', isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache');
  });
  // Files that were built with the page have compressed forms beside them.
  app.use(
    '/model/*',
    serveStatic({ root: model, rewriteRequestPath: (path) => `/${basename(path)}`, precompressed: true }),
  );
  app.use('*', serveStatic({ root: page, precompressed: true }));
  return app;
}

function openBrowser(url: string): void {
  const [command, ...args]: readonly [string, ...string[]] =
    process.platform === 'darwin'
      ? ['open', url]
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start', '', url]
        : ['xdg-open', url];
  // If there is no browser, the URL has been printed.
  spawn(command, args, { stdio: 'ignore', detached: true })
    .on('error', () => undefined)
    .unref();
}
