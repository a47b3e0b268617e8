// Values that stand where a text or an image should, each of which has made some reader throw.
import { Readable } from 'node:stream';

const refusing = (): never => {
  throw new Error('nobody reads this');
};

/** Throws what is no error, and cannot even be made a text. */
const refusingOddly = (): never => {
  throw Object.create(null);
};

/** An object of which no property can be read. */
const closed = (): object =>
  new Proxy({}, { get: refusing, has: refusing, ownKeys: refusing, getPrototypeOf: refusing });

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable([], {});
  revoke();
  return proxy;
}

/** A view of memory that was handed to somebody else. */
function transferred(): Uint8Array {
  const view = new Uint8Array(12);
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
}

function revokedUrl(): string {
  const url = URL.createObjectURL(new Blob(['x']));
  URL.revokeObjectURL(url);
  return url;
}

const size = { width: 2, height: 2 };

/** Neither text nor image, by what they are. */
export const hostileValues = (): readonly unknown[] => [
  0,
  -1,
  NaN,
  7n,
  true,
  false,
  Symbol('text'),
  () => 'joy',
  new Intl.Locale('en'),
  new String('joy'),
  [],
  ['joy'],
  { a: 1 },
  Object.create(null),
  new Map(),
  new Date(NaN),
  /x/,
  new Error('x'),
  Promise.resolve('joy'),
  { then: refusing },
  new WeakMap(),
  closed(),
  revoked(),
  new Response('x'),
  new Request('http://localhost'),
  new Blob(['x']).stream(),
  Readable.from(['x']),
  transferred(),
  transferred().buffer,
  new SharedArrayBuffer(4),
  new Blob([]),
  new Blob(['x']),
  new Float32Array(12),
  new BigInt64Array(3),
  [255, 0, 0],
  { type: 'Buffer', data: [1, 2, 3] },
  new URL('file://host/x.png'),
  new URL('https://example.com/a.jpg'),
  new URL('data:,x'),
  { ...size, data: new Float32Array(12).fill(0.5) },
  { ...size, data: 'pixels' },
  { ...size, data: { length: 12 } },
  { ...size, get data() { return refusing(); } }, // prettier-ignore
  { width: 1e9, height: 1e9, data: [] },
  { [Symbol.toStringTag]: 'Blob', arrayBuffer: refusing },
  { [Symbol.toStringTag]: 'ArrayBuffer' },
  { get [Symbol.toStringTag]() { return refusing(); } }, // prettier-ignore
  { ...size, get data() { return refusingOddly(); } }, // prettier-ignore
];

/** Texts that are no images. */
export const hostileAddresses = (): readonly string[] => [
  '',
  ' ',
  'file://host/x.png',
  'file:///pictures/100%.jpg',
  'http://',
  'data:',
  'data:image/png;base64,?',
  '\0',
  'a\ud800',
  '/dev/zero',
  '.',
  revokedUrl(),
  '/9j/4AAQ'.repeat(100_000),
];

/** What stands where an item should. */
export const hostileItems = (): readonly unknown[] => [
  null,
  undefined,
  'joy',
  7,
  7n,
  Symbol('item'),
  () => ({ text: 'joy' }),
  [],
  ['joy'],
  new Set(['joy']),
  Promise.resolve({ text: 'joy' }),
  closed(),
  revoked(),
  { txt: 'joy' },
  { TEXT: 1 },
  { get text() { return refusing(); } }, // prettier-ignore
  { get text() { return refusingOddly(); } }, // prettier-ignore
  { text: 'joy', get image() { return refusing(); } }, // prettier-ignore
  { get id() { return refusing(); }, text: 'joy' }, // prettier-ignore
];
