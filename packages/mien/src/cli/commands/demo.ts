// `mien demo`: the page that recognises in the browser, served from this computer.
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

/** What every bundle has; its floor is too heavy to import for this. */
const MANIFEST = 'manifest.json';

export function defineDemo(program: Command): void {
  program
    .command('demo')
    .description('serve the page that recognises in the browser: words, pictures, camera')
    .option('--port <n>', 'where it listens, on this computer only; 0 takes any that is free', port, 8080)
    .option('--open', 'open it in the browser')
    .option('--bundle <dir>', 'the model to serve; the bundled one by default')
    .option('--json', 'print the address as JSON')
    .action((options: Options, command: Command) => run(options, outputOf(command)));
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65535)
    throw new InvalidArgumentError('It must be a whole number from 0 to 65535.');
  return value;
}

async function run({ port: wanted, open, bundle }: Options, output: Output): Promise<void> {
  const models = [bundledModel(), inPackage('dist/web/model')];
  const model = bundle ?? models.find((folder) => existsSync(`${folder}/${MANIFEST}`));
  if (model === undefined || !existsSync(`${model}/${MANIFEST}`))
    throw new MienError('file', 'no bundle is here', {
      file: model ?? models[0]!,
      hint: 'Name the folder of one with --bundle; `mien export` makes one.',
    });
  const { url } = await servePage({ page: inPackage('dist/web'), model, port: wanted });
  output.result({ url }, () => `The page is at ${url}\nCtrl-C ends it.`);
  if (open) openBrowser(url);
}

export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves the page with the headers that give WebAssembly threads, on this computer only.
 * @throws MienError `file` when the page was not built, `usage` when the port is taken.
 */
export async function servePage(options: {
  readonly page: string;
  readonly model: string;
  readonly port: number;
}): Promise<Served> {
  if (!existsSync(`${options.page}/index.html`))
    throw new MienError('file', 'the page has not been built', {
      file: options.page,
      hint: 'Build it: npm run build:web',
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
      const taken = cause.code === 'EADDRINUSE';
      reject(
        new MienError('usage', taken ? `port ${options.port} is taken` : `cannot listen: ${cause.message}`, {
          cause,
          hint: 'Choose another with --port; 0 takes any that is free.',
        }),
      );
    });
  });
}

/** Nothing from elsewhere is loaded, and the browser is told to see to it. */
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
    // Names of these files change with what is in them.
    const fixed = context.req.path.startsWith('/assets/');
    context.header('Cache-Control', fixed ? 'public, max-age=31536000, immutable' : 'no-cache');
  });
  app.use('/model/*', serveStatic({ root: model, rewriteRequestPath: (path) => `/${basename(path)}` }));
  app.use('*', serveStatic({ root: page }));
  return app;
}

function openBrowser(url: string): void {
  const [command, ...args] =
    process.platform === 'darwin'
      ? ['open', url]
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start', '', url]
        : ['xdg-open', url];
  // Without a browser the address is there to be copied.
  spawn(command!, args, { stdio: 'ignore', detached: true })
    .on('error', () => undefined)
    .unref();
}
