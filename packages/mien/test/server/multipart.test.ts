// Forms as bytes: as each client writes them, truncated, malformed, oversized; and encoded bodies.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Item } from '../../src/recognizer/types.js';
import { ServiceError } from '../../src/server/errors.js';
import { readMultipart } from '../../src/server/multipart.js';
import { recognised, serveFunction, type Called, type TestService } from './support.js';

const FORM = 'multipart/form-data; boundary=X';

let service: TestService;
/** Items of the last request. */
let items: readonly Item[] = [];

beforeAll(async () => {
  const compute = async (given: readonly Item[]) => {
    items = given;
    return given.map(() => recognised());
  };
  service = await serveFunction(compute, { maxItems: 2, maxBody: 100_000 });
});
afterAll(() => service.stop());

/** Lines as bytes, one a character, each line ended as on the wire. */
const bytes = (lines: string): Buffer => Buffer.from(lines.replace(/\r?\n/g, '\r\n'), 'latin1');
const utf8 = (text: string): string => Buffer.from(text).toString('latin1');
const part = (headers: string, content = ''): string => `--X\n${headers}\n\n${content}\n`;
const form = (...parts: readonly string[]): Buffer => bytes(`${parts.join('')}--X--\n`);
const field = (name: string, value: string): string =>
  part(`Content-Disposition: form-data; name="${name}"`, value);
const file = (name: string, content: string, filename = 'a.jpg'): string =>
  part(
    `Content-Disposition: form-data; name="${name}"; filename="${filename}"\nContent-Type: image/jpeg`,
    content,
  );

const post = (body: Buffer, headers: Record<string, string> = {}): Promise<Called> =>
  service.call('/v1/recognize', {
    method: 'POST',
    headers: { 'content-type': FORM, ...headers },
    body: body as Uint8Array<ArrayBuffer>,
  });

/** The items that a form becomes, with images as one byte a character. */
async function read(body: Buffer, contentType = FORM): Promise<unknown> {
  const { status, body: answer } = await post(body, { 'content-type': contentType });
  expect([status, answer.error]).toEqual([200, undefined]);
  return items.map(({ text, image }) => [
    text,
    image instanceof Uint8Array ? Buffer.from(image).toString('latin1') : image,
  ]);
}

async function refused(body: Buffer, headers: Record<string, string> = {}): Promise<unknown[]> {
  const { status, body: answer } = await post(body, headers);
  return [status, answer.error.code, answer.error.message];
}

describe('forms as clients write them', () => {
  const JPEG = '\u00ff\u00d8\u00ff\r\n--\u0000--Y';
  it.each<[client: string, form: Buffer, contentType?: string]>([
    ['curl', form(field('text', 'joy'), file('image', JPEG))],
    [
      '.NET',
      form(
        part('Content-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; name=text', 'joy'),
        part("Content-Disposition: form-data; name=image; filename=a.jpg; filename*=utf-8''a.jpg", JPEG),
      ),
      'multipart/form-data; boundary="X"',
    ],
    [
      '.NET, without a file name',
      form(
        part('Content-Disposition: form-data; name=text', 'joy'),
        part('Content-Type: image/jpeg\nContent-Disposition: form-data; name=image', JPEG),
      ),
    ],
    [
      'Go, Python and Java',
      form(
        field('text', 'joy'),
        part(
          'Content-Disposition: form-data; name="image"; filename="a.jpg"\nContent-Type: application/octet-stream',
          JPEG,
        ),
      ),
      'multipart/form-data;charset=UTF-8;boundary=X',
    ],
    [
      'an extended file name alone',
      form(
        field('text', 'joy'),
        part("Content-Disposition: form-data; name=image; filename*=UTF-8''%e2%82%ac.jpg", JPEG),
      ),
    ],
    [
      'a preamble and an epilogue',
      Buffer.concat([
        bytes('This is a message in MIME format.\n\n'),
        form(field('text', 'joy'), file('image', JPEG)),
        bytes('\nan: epilogue\n\n--Y\n'),
      ]),
    ],
    ['no line break at the end', form(field('text', 'joy'), file('image', JPEG)).subarray(0, -2)],
    [
      'header names and values in capitals, folded, with blanks behind',
      form(
        part('CONTENT-DISPOSITION: FORM-DATA;\n NAME="text"; ', 'joy'),
        part('content-disposition:form-data;name="image";filename="a;b=\\c.jpg"', JPEG),
      ),
    ],
    [
      'a mail library, which encodes',
      form(
        part('Content-Disposition: form-data; name="text"\nContent-Transfer-Encoding: 8bit', 'joy'),
        part(
          'Content-Disposition: form-data; name="image"; filename="a.jpg"\nContent-Transfer-Encoding: base64',
          Buffer.from(JPEG, 'latin1').toString('base64').replace(/.{8}/g, '$&\n'),
        ),
      ),
    ],
    ['brackets, as PHP wants them', form(field('text', 'joy'), file('image[]', JPEG))],
    ['brackets with a number', form(field('text', 'joy'), file('image[0]', JPEG))],
  ])('%s', async (_client, body, contentType) => {
    expect(await read(body, contentType)).toEqual([['joy', JPEG]]);
  });

  it('reads texts in UTF-8, and in the charset of a part', async () => {
    expect(await read(form(field('text', utf8('\ufeffé 😀\n日'))))).toEqual([['é 😀\r\n日', null]]);
    const latin1 =
      'Content-Type: text/plain; charset="ISO-8859-1"\nContent-Disposition: form-data; name=text';
    expect(await read(form(part(latin1, '\u00e9')))).toEqual([['é', null]]);
    const unnamed = latin1.replace('ISO-8859-1', '');
    expect(await read(form(part(unnamed, utf8('é'))))).toEqual([['é', null]]);
  });

  it('finds the files that items name, in any script, with brackets or without', async () => {
    const given = JSON.stringify([{ image: 'größe' }, { image: 'b[]' }]);
    const body = form(field('items', utf8(given)), file(utf8('größe[]'), 'A'), file('b', 'B'));
    expect(await read(body)).toEqual([
      [null, 'A'],
      [null, 'B'],
    ]);
  });
});

describe('file fields without a chosen file', () => {
  const NONE = part(
    'Content-Disposition: form-data; name="image"; filename=""\nContent-Type: application/octet-stream',
  );
  it('are no image when sent with a text', async () => {
    expect(await read(form(field('text', 'joy'), NONE))).toEqual([['joy', null]]);
    expect(await read(form(field('text', 'joy'), field('image', '')))).toEqual([['joy', null]]);
    const unquoted = part('Content-Disposition: form-data; name=image; filename=');
    expect(await read(form(field('text', 'joy'), unquoted))).toEqual([['joy', null]]);
  });

  it('are an item without input when sent alone', async () => {
    expect(await read(form(NONE))).toEqual([[null, null]]);
    expect(await read(form(NONE, field('text', '')))).toEqual([['', null]]);
  });

  it('are ignored next to a chosen file, and where items name them', async () => {
    expect(await read(form(NONE, file('image', 'A'), NONE))).toEqual([[null, 'A']]);
    const first = NONE.replace('image', 'first');
    expect(await read(form(field('items', '[{"text":"joy","image":"first"}]'), first))).toEqual([
      ['joy', null],
    ]);
    expect(await read(form(field('items', '[{"text":"joy"}]'), first))).toEqual([['joy', null]]);
  });

  it('differ from an empty file', async () => {
    expect(await read(form(field('text', 'joy'), file('image', '')))).toEqual([['joy', '']]);
  });

  it('correspond to empty strings in JSON', async () => {
    await service.recognize({ items: [{ text: 'joy', image: '' }] });
    expect(items).toEqual([{ text: 'joy', image: null, audio: null }]);
  });
});

describe('invalid forms', () => {
  it('have an error that says what is wrong', async () => {
    const disposition = 'Content-Disposition: form-data';
    for (const [body, message] of [
      [Buffer.alloc(0), /the form is incomplete/],
      [bytes('hello\n'), /the form is incomplete/],
      [form(field('text', 'joy')).subarray(0, -5), /the form is incomplete/],
      [form(file('image', 'ABC')).subarray(0, -9), /the form is incomplete/],
      [
        Buffer.from('--X\nContent-Disposition: form-data; name="text"\n\njoy\n--X--\n'),
        /the form is incomplete/,
      ],
      [form(field('text', 'joy'), part('Content-Type: text/plain', 'fear')), /part 2 of the form needs/],
      [form(part(disposition, 'joy')), /part 1 .*Content-Disposition: form-data with a name/],
      [form(part('Content-Disposition: attachment; name="image"; filename="a"', 'A')), /part 1/],
      [form(field('', 'joy')), /part 1/],
      [form(field('n'.repeat(300), 'joy')), /part 1 .*at most 256/],
      [form(part('', 'joy')), /part 1/],
      [form(part('no header', 'joy')), /part 1/],
      [form(`--X\n${disposition}; name="text"\n`), /part 1/],
      [form(part(`X-Long: ${'a'.repeat(20_000)}\n${disposition}; name="text"`, 'joy')), /part 1/],
      [form(field('text', '\u00e9 t\u00e9')), /the part text is not utf-8/],
      [form(part(`${disposition}; name=text\nContent-Type: text/plain; charset=klingon`, 'x')), /klingon/],
      [
        form(part(`${disposition}; name=image; filename=a\nContent-Transfer-Encoding: base64`, 'A*=')),
        /image is not base64/,
      ],
    ] as const)
      expect(await refused(body)).toEqual([400, 'malformed-body', expect.stringMatching(message)]);
    for (const [contentType, message] of [
      ['multipart/form-data', /has no boundary/],
      ['multipart/form-data; boundary=""', /has no boundary/],
      [`multipart/form-data; boundary=${'x'.repeat(300)}`, /too long/],
    ] as const)
      expect(await refused(form(field('text', 'joy')), { 'content-type': contentType })).toEqual([
        400,
        'malformed-body',
        expect.stringMatching(message),
      ]);
  });

  it('include repeated fields and unknown names', async () => {
    for (const body of [
      form(field('text', 'joy'), field('text', 'fear')),
      form(file('image', 'A'), file('image', 'B')),
      form(file('image[]', 'A'), file('image[]', 'B')),
      form(file('image', 'A'), file('image[]', 'B')),
    ])
      expect(await refused(body)).toEqual([
        400,
        'invalid-request',
        expect.stringMatching(/was sent more than once/),
      ]);
    for (const name of ['txt', 'constructor', '__proto__'])
      expect(await refused(form(field('text', 'joy'), field(name, 'x')))).toEqual([
        400,
        'invalid-request',
        expect.stringMatching(/must be a file part|is not allowed as the name/),
      ]);
  });

  it('include too many parts, and unsupported transfer encodings', async () => {
    const many = Array.from({ length: 500 }, (_, i) => file(`f${i}`, ''));
    expect(await refused(form(...many))).toEqual([413, 'body-too-large', 'the form has more than 17 parts']);
    const quoted = 'Content-Disposition: form-data; name=text\nContent-Transfer-Encoding: quoted-printable';
    expect(await refused(form(part(quoted, 'j=6Fy')))).toEqual([
      415,
      'unsupported-media-type',
      expect.stringContaining('quoted-printable'),
    ]);
  });
});

describe('encoded bodies', () => {
  it.each(['gzip', 'br', 'deflate', 'zstd', 'identity, GZIP', 'snappy'])(
    '%s is refused by name',
    async (coding) => {
      const coded = { 'content-encoding': coding };
      for (const headers of [coded, { ...coded, 'content-type': 'application/json' }]) {
        const { status, headers: answer, body } = await post(Buffer.alloc(50_000, 31), headers);
        expect([status, body.error.code, answer.get('accept-encoding')]).toEqual([
          415,
          'unsupported-media-type',
          'identity',
        ]);
        expect(body.error.message).toContain(`Content-Encoding: ${coding.toLowerCase().split(', ').at(-1)}`);
      }
    },
  );

  it('with a transfer coding other than chunked are rejected', async () => {
    const { send, ended } = service.raw();
    send(`POST /v1/recognize HTTP/1.1\r\nHost: x\r\nContent-Type: ${FORM}\r\n`);
    send('Transfer-Encoding: gzip, chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n');
    expect(await ended).toMatch(/^HTTP\/1\.1 415 [^]*Transfer-Encoding: gzip/);
  });

  it('do not include identity', async () => {
    expect((await post(form(field('text', 'joy')), { 'content-encoding': 'identity' })).status).toBe(200);
  });

  it('rejects JSON that is not UTF-8, and ignores a byte order mark', async () => {
    const json = { 'content-type': 'application/json' };
    const request = '{"items":[{"text":"d\u00e9j\u00e0"}]}';
    expect(await refused(Buffer.from(request, 'latin1'), json)).toEqual([
      400,
      'malformed-body',
      'the body is not utf-8; send UTF-8',
    ]);
    expect((await post(Buffer.from(`\ufeff${request}`), json)).status).toBe(200);
    expect(items).toEqual([{ text: 'déjà', image: null, audio: null }]);
  });
});

describe('the connection', () => {
  const head = (headers: string): string =>
    `POST /v1/recognize HTTP/1.1\r\nHost: x\r\n${headers.replaceAll('\n', '\r\n')}\r\n\r\n`;

  it('is kept after an invalid form, and after one with an epilogue', async () => {
    const { send, ended } = service.raw();
    const bodies = [
      `${form(...Array.from({ length: 500 }, () => field('text', 'joy')))}`,
      `${form(field('text', 'joy'))}${'epilogue\r\n'.repeat(2000)}`,
      `${form(field('text', 'joy'))}`,
    ];
    for (const [i, body] of bodies.entries()) {
      const last = i === bodies.length - 1 ? '\nConnection: close' : '';
      send(head(`Content-Type: ${FORM}\nContent-Length: ${body.length}${last}`) + body);
    }
    expect((await ended).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413', 'HTTP/1.1 200', 'HTTP/1.1 200']);
  });

  it('gets a response when a chunked form ends early', async () => {
    const { send, ended } = service.raw();
    const body = form(field('text', 'joy')).subarray(0, -5).toString('latin1');
    send(head(`Content-Type: ${FORM}\nTransfer-Encoding: chunked\nConnection: close`));
    send(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
    expect(await ended).toMatch(/^HTTP\/1\.1 400 [^]*"malformed-body"/);
  });
});

it('reads a form whose bytes arrive one by one', async () => {
  const { send, ended } = service.raw();
  const body = form(field('text', 'joy'), file('image', '\r\n--\r\n-X\r\n\r\n--Y')).toString('latin1');
  send(`POST /v1/recognize HTTP/1.1\r\nHost: x\r\nContent-Type: ${FORM}\r\nConnection: close\r\n`);
  send('Transfer-Encoding: chunked\r\n\r\n');
  for (const byte of body) send(`1\r\n${byte}\r\n`);
  send('0\r\n\r\n');
  expect(await ended).toMatch(/^HTTP\/1\.1 200/);
  const image = new Uint8Array(Buffer.from('\r\n--\r\n-X\r\n\r\n--Y'));
  expect(items).toEqual([{ text: 'joy', image, audio: null }]);
});

it('returns parts or throws a typed error for any bytes', async () => {
  // Pieces of forms in any order: nearly right, and wrong in the ways that matter.
  const piece = fc.oneof(
    fc.constantFrom('--X', '\r\n', '--', '\r\n\r\n', '--X--', 'Content-Disposition: form-data; name=a', '\n'),
    fc.string({ maxLength: 9 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 30 }), async (pieces) => {
      const body = Buffer.from(pieces.join(''));
      const outcome = await readMultipart(body, { boundary: 'X', maxParts: 10 }).catch(
        (error: unknown) => error,
      );
      if (!Array.isArray(outcome)) expect(outcome).toBeInstanceOf(ServiceError);
    }),
    { numRuns: 200 },
  );
});
