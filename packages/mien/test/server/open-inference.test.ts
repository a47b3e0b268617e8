// The Open Inference Protocol: tensors in JSON and in bytes, hostile lengths and shapes, errors in the protocol's form.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { Item, Result } from '../../src/recognizer/types.js';
import { decodeByteTensor, encodeByteTensor, encodeFloatTensor } from '../../src/server/byte-tensors.js';
import { openInferenceRoute } from '../../src/server/open-inference.js';
import { recognised, serveFunction, type Called, type TestService } from './support.js';

const INFER = '/v2/models/function/infer';
const LENGTH = 'Inference-Header-Content-Length';
const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47);

let service: TestService;
let seen: Item[] = [];

beforeAll(async () => {
  const compute = async (items: readonly Item[]): Promise<Result[]> => {
    seen.push(...items);
    return items.map(({ text, image, audio }) =>
      text || image || audio
        ? recognised(text === 'sad' ? 'sadness' : 'joy')
        : { error: { code: 'no-input', message: 'nothing' }, warnings: [] },
    );
  };
  service = await serveFunction(
    compute,
    { maxItems: 8, queue: 32, maxText: 20, maxAudio: 10, cors: ['*'] },
    undefined,
    {
      text: ['joy', 'sadness', 'shame'],
      face: ['anger', 'joy'],
    },
  );
});
afterAll(async () => void (await service.stop()));

interface Input {
  readonly name: string;
  readonly shape?: unknown;
  readonly datatype?: string;
  readonly data?: unknown;
  readonly parameters?: unknown;
  /** Bytes after the JSON. */
  readonly bytes?: Uint8Array;
}

const tensor = ({ bytes: _, ...input }: Input) => ({ shape: [1], datatype: 'BYTES', ...input });

/** Sends a request, in binary if an input has bytes. */
async function infer(
  inputs: readonly Input[],
  more: object = {},
  { length, path = INFER }: { readonly length?: string; readonly path?: string } = {},
): Promise<Called> {
  seen = [];
  const json = Buffer.from(JSON.stringify({ inputs: inputs.map(tensor), ...more }));
  const bytes = inputs.flatMap((input) => input.bytes ?? []);
  const headers = length ?? (bytes.length > 0 ? String(json.length) : undefined);
  return service.call(path, {
    method: 'POST',
    headers: headers === undefined ? {} : { [LENGTH]: headers },
    body: Buffer.concat([json, ...bytes]),
  });
}

/** An input whose elements follow the JSON. */
function binary(name: string, elements: readonly Uint8Array[], more: Partial<Input> = {}): Input {
  const bytes = joined(elements);
  return {
    name,
    shape: [elements.length],
    parameters: { binary_data_size: bytes.length },
    bytes,
    ...more,
  };
}

/** Elements as the binary extension has them, written apart from the code under test. */
const joined = (elements: readonly Uint8Array[]): Buffer =>
  Buffer.concat(
    elements.flatMap((element) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(element.length);
      return [length, element];
    }),
  );
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const output = ({ body }: Called, name: string): { data: unknown[]; shape: number[] } =>
  body.outputs.find((one: { name: string }) => one.name === name);

describe('tensors of bytes', () => {
  const elements = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 });

  it('are read as they were written, also from within a larger buffer', () => {
    fc.assert(
      fc.property(elements, fc.nat(7), (given, before) => {
        const whole = Buffer.concat([Buffer.alloc(before, 255), joined(given), Buffer.alloc(3, 255)]);
        const read = decodeByteTensor(whole.subarray(before, whole.length - 3), given.length);
        expect(read.map((bytes) => [...bytes])).toEqual(given.map((bytes) => [...bytes]));
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (texts) => {
        expect(Buffer.from(encodeByteTensor(texts))).toEqual(joined(texts.map(utf8)));
      }),
    );
    expect([...encodeByteTensor(['é', ''])]).toEqual([2, 0, 0, 0, 0xc3, 0xa9, 0, 0, 0, 0]);
    expect([...encodeFloatTensor([1, -0.5])]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xbf]);
  });

  it('are refused unless they have exactly the elements of their shape', () => {
    fc.assert(
      fc.property(elements, fc.nat(14), (given, count) => {
        fc.pre(count !== given.length);
        expect(() => decodeByteTensor(joined(given), count)).toThrow(RangeError);
      }),
    );
  });

  it('are refused or have as many bytes as they say, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(8), (bytes, count) => {
        let read: Uint8Array[];
        try {
          read = decodeByteTensor(bytes, count);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
          return;
        }
        expect(joined(read)).toEqual(Buffer.from(bytes));
      }),
    );
    // Four thousand million bytes, of which none are there.
    expect(() => decodeByteTensor(Uint8Array.of(255, 255, 255, 255), 1)).toThrow('ends within element 0');
    expect(() => decodeByteTensor(Uint8Array.of(0, 0, 0), 1)).toThrow('length of element 0');
  });
});

describe('infer', () => {
  it('recognises items of tensors in JSON; what is empty is missing', async () => {
    const called = await infer(
      [
        { name: 'text', shape: [3], data: ['sad', '', ''] },
        { name: 'image', shape: [3, 1], data: [[''], [Buffer.from(PNG).toString('base64')], ['']] },
      ],
      { id: 'r1', model_name: 'function' },
    );
    expect(called.status).toBe(200);
    expect(called.body).toMatchObject({ model_name: 'function', model_version: '1', id: 'r1' });
    expect(output(called, 'label')).toEqual({
      name: 'label',
      datatype: 'BYTES',
      shape: [3],
      data: ['sadness', 'joy', ''],
    });
    expect(output(called, 'labels').data).toEqual(['anger', 'joy', 'sadness', 'shame']);
    expect(output(called, 'probabilities')).toMatchObject({
      datatype: 'FP32',
      shape: [3, 4],
      data: [0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0],
    });
    expect(output(called, 'from').data).toEqual(['text', 'text', '']);
    expect(output(called, 'error').data).toEqual(['', '', 'no-input']);
    expect(seen).toEqual([
      { text: 'sad', image: null, audio: null },
      { text: null, image: new Uint8Array(PNG), audio: null },
      { text: null, image: null, audio: null },
    ]);
  });

  it('reads binary tensors, beside ones in JSON, in the order of the inputs', async () => {
    const called = await infer([
      binary('image', [PNG, new Uint8Array()]),
      { name: 'audio', shape: [2], data: ['', 'AAAA'] },
      binary('text', [new Uint8Array(), utf8('sad')], { shape: [2, 1] }),
    ]);
    expect(output(called, 'label').data).toEqual(['joy', 'sadness']);
    expect(seen).toEqual([
      { text: null, image: new Uint8Array(PNG), audio: null },
      { text: 'sad', image: null, audio: new Uint8Array(3) },
    ]);
  });

  it('returns the outputs that are asked for, in bytes if asked', async () => {
    const text = { name: 'text', shape: [2], data: ['sad', 'joy'] };
    const some = await infer([text], { outputs: [{ name: 'from' }, { name: 'label' }] });
    expect(some.body.outputs.map(({ name }: { name: string }) => name)).toEqual(['from', 'label']);

    const response = await fetch(service.url + INFER, {
      method: 'POST',
      body: JSON.stringify({
        inputs: [tensor(text)],
        parameters: { binary_data_output: true },
        outputs: [
          { name: 'label' },
          { name: 'from', parameters: { binary_data: false } },
          { name: 'probabilities', parameters: { binary_data: true } },
        ],
      }),
    });
    const body = Buffer.from(await response.arrayBuffer());
    const length = Number(response.headers.get(LENGTH));
    const { outputs } = JSON.parse(body.subarray(0, length).toString());
    expect(outputs).toEqual([
      { name: 'label', datatype: 'BYTES', shape: [2], parameters: { binary_data_size: 18 } },
      { name: 'from', datatype: 'BYTES', shape: [2], data: ['text', 'text'] },
      { name: 'probabilities', datatype: 'FP32', shape: [2, 4], parameters: { binary_data_size: 32 } },
    ]);
    const bytes = body.subarray(length);
    expect(
      decodeByteTensor(bytes.subarray(0, 18), 2).map((element) => Buffer.from(element).toString()),
    ).toEqual(['sadness', 'joy']);
    const floats = Array.from({ length: 8 }, (_, i) => bytes.readFloatLE(18 + 4 * i));
    expect(floats).toEqual([0, 0, 1, 0, 0, 1, 0, 0]);
  });

  it('gives an item that cannot be read an error of its own', async () => {
    const called = await infer([
      { name: 'text', shape: [4], data: ['joy', 'x'.repeat(21), '', ''] },
      { name: 'image', shape: [4], data: ['', '', 'no base64!', ''] },
      binary('audio', [new Uint8Array(), new Uint8Array(), new Uint8Array(), new Uint8Array(11)]),
    ]);
    expect(output(called, 'error').data).toEqual(['', 'invalid-item', 'undecodable-image', 'audio-too-long']);
    expect(output(called, 'label').data).toEqual(['joy', '', '', '']);
  });

  it('says what is wrong with a request, in the form of the protocol', async () => {
    const joy = { name: 'text', data: ['joy'] };
    const wrong = async (given: Promise<Called>, status = 400): Promise<string> => {
      const { status: sent, body } = await given;
      expect([sent, Object.keys(body)]).toEqual([status, ['error']]);
      expect(seen).toEqual([]);
      return body.error;
    };
    for (const shape of [[], [0], [-1], [2, 2], [1, 1, 1], [1.5], ['1'], [2 ** 60], 1, null, undefined])
      expect(await wrong(infer([{ ...joy, shape }]))).toContain('inputs[0].shape');
    expect(await wrong(infer([{ ...joy, shape: [2] }]))).toContain('has 1 elements, by its shape 2');
    expect(await wrong(infer([{ ...joy, shape: [9] }]))).toContain('has 9 items; the maximum is 8');
    expect(await wrong(infer([joy, { name: 'image', shape: [2], data: ['', ''] }]))).toContain(
      'inputs[1].shape: has 2 items, that of text 1',
    );
    expect(await wrong(infer([joy, joy]))).toContain('more than once');
    expect(await wrong(infer([{ ...joy, name: 'txt' }]))).toContain('inputs[0].name');
    expect(await wrong(infer([{ ...joy, datatype: 'FP32' }]))).toContain('inputs[0].datatype');
    expect(await wrong(infer([{ ...joy, data: [7] }]))).toContain('element 0 is not a string');
    expect(await wrong(infer([{ ...joy, data: [['a', 'b']] }]))).toContain('element 0 is not a string');
    expect(await wrong(infer([{ ...joy, data: 'joy' }]))).toContain('must be a list');
    expect(await wrong(infer([{ name: 'text' }]))).toContain('is needed');
    expect(await wrong(infer([]))).toContain('inputs');
    expect(await wrong(infer(Array(100_000).fill(joy)))).toContain('has 100000 inputs; the maximum is 3');
    expect(await wrong(infer([joy], { outputs: [{ name: 'lable' }] }))).toContain('outputs[0].name');
    expect(await wrong(infer([joy], { parameters: { face: 'cropped' } }))).toContain('Did you mean "faces"');
    expect(await wrong(infer([joy], { parameters: { prior: '{' } }))).toContain('not valid JSON');
    expect(await wrong(infer([joy], { parameters: { prior: 'evn' } }))).toContain('prior');
    expect(
      await wrong(infer([joy], { outputs: [{ name: 'label', parameters: { classification: 3 } }] })),
    ).toContain('unknown property "classification". Known: binary_data.');

    const path = (name: string) => ({ path: INFER.replace('function', name) });
    expect(await wrong(infer([joy], {}, path('other')), 404)).toContain('no model "other"');
    expect(await wrong(infer([joy], {}, path('function/versions/2')), 404)).toContain('no version "2"');
    expect(await wrong(service.call('/v2/none'), 404)).toContain('/v2/none');
    expect(await wrong(service.call(INFER), 405)).toContain('POST');
    expect((await infer([joy], {}, path('function/versions/1'))).status).toBe(200);
  });

  it('refuses lengths that lie', async () => {
    const one = binary('text', [utf8('joy')]);
    const refused = async (given: Promise<Called>, message: string): Promise<void> => {
      const { status, body } = await given;
      expect([status, body.error]).toEqual([400, expect.stringContaining(message)]);
    };
    for (const length of ['-1', '1e2', '99999', 'x', '0x10'])
      await refused(infer([one], {}, { length }), 'must be the length of the JSON');
    await refused(infer([one], {}, { length: '5' }), 'not valid JSON');
    const sized = (size: number) => ({ ...one, parameters: { binary_data_size: size } });
    await refused(infer([sized(8)]), 'is 8, but the body has only 7 bytes left');
    await refused(infer([sized(6)]), 'ends within element 0');
    await refused(infer([sized(3)]), 'ends within the length of element 0');
    await refused(infer([sized(-1)]), 'binary_data_size');
    await refused(infer([{ ...one, shape: [2] }]), 'has 1 elements, by its shape 2');
    await refused(
      infer([binary('text', [utf8('a'), utf8('b')], { shape: [1] })]),
      'bytes after its 1 elements',
    );
    await refused(infer([one, { name: 'image', data: [''], bytes: Uint8Array.of(1) }]), '1 bytes more');
    await refused(infer([{ ...one, data: ['joy'] }]), 'is needed');
    await refused(infer([binary('text', [Uint8Array.of(0xff)])]), 'element 0 of text is not utf-8');
    // Without the header, what follows the JSON is no JSON.
    const body = Buffer.concat([
      Buffer.from(JSON.stringify({ inputs: [tensor(one)] })),
      joined([utf8('joy')]),
    ]);
    const { status } = await service.call(INFER, { method: 'POST', body });
    expect(status).toBe(400);
  });

  it('never fails on arbitrary bodies', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), fc.uint8Array({ maxLength: 16 }), async (json, bytes) => {
        const given = Buffer.from(json);
        const { status } = await service.call(INFER, {
          method: 'POST',
          headers: { [LENGTH]: String(given.length) },
          body: Buffer.concat([given, bytes]),
        });
        expect(status).toBe(400);
      }),
      { numRuns: 50 },
    );
  });
});

it('describes server and model, and says whether they are ready', async () => {
  expect((await service.call('/v2')).body).toMatchObject({
    name: 'mien',
    extensions: ['binary_tensor_data'],
  });
  for (const path of ['/v2/models/function', '/v2/models/function/versions/1']) {
    expect((await service.call(path)).body).toMatchObject({
      name: 'function',
      versions: ['1'],
      outputs: [{ name: 'label' }, { shape: [-1, 4] }, { name: 'from' }, { name: 'error' }, { shape: [4] }],
    });
    expect((await service.call(`${path}/ready`)).body).toEqual({ name: 'function', ready: true });
  }
  expect((await service.call('/v2/health/live')).body).toEqual({ live: true });
  expect((await service.call('/v2/health/ready')).body).toEqual({ ready: true });
  const preflight = await fetch(service.url + INFER, {
    method: 'OPTIONS',
    headers: { origin: 'https://page.example', 'access-control-request-method': 'POST' },
  });
  expect(preflight.headers.get('access-control-allow-headers')).toContain(LENGTH);
});

it('counts requests by route, without the name of the model', async () => {
  expect(
    ['/v2', '/v2/health/live', '/v2/models/a%20b/versions/x/infer', '/v2/models/a/ready'].map(
      openInferenceRoute,
    ),
  ).toEqual([
    '/v2',
    '/v2/health/live',
    '/v2/models/{name}/versions/{version}/infer',
    '/v2/models/{name}/ready',
  ]);
  for (const path of ['/v2/', '/v2/models/', '/v2/models/a/b', '/v1/model', '/v2/models/a/infer/x'])
    expect(openInferenceRoute(path)).toBeUndefined();
  await infer([{ name: 'text', data: ['joy'] }]);
  expect((await service.call('/metrics')).body).toContain(
    'route="/v2/models/{name}/infer",method="POST",status="200"',
  );
  expect(service.lines.some(({ route }) => route === '/v2/models/{name}/infer')).toBe(true);
});
