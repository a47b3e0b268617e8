// Changes the sample rate of sound by a band-limited polyphase filter, the same in Node and in browsers.

/** Zero crossings of the sinc on either side of its centre. */
const CROSSINGS = 40;
/** Kaiser's β: side lobes about 80 dB down. */
const BETA = 8;
/** Where the filter is down to a half, relative to the lower of both Nyquist frequencies. */
const CUTOFF = 0.94;
/** Most phases of a filter bank; other ratios are replaced by the nearest with as many. */
const MOST_PHASES = 640;

/** Modified Bessel function of the first kind, order 0, by its power series. */
function besselI0(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; term > 1e-12 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/** The fraction nearest to `ratio` with a numerator of at most `most`, by continued fractions. */
function nearestFraction(ratio: number, most: number): readonly [numerator: number, denominator: number] {
  let [p, q, before, under] = [Math.floor(ratio), 1, 1, 0];
  for (let rest = ratio - p; rest > 1e-9;) {
    const whole = Math.floor(1 / rest);
    rest = 1 / rest - whole;
    const [next, below] = [whole * p + before, whole * q + under];
    if (next > most || below > most * 64) break;
    [p, q, before, under] = [next, below, p, q];
  }
  return [p, q];
}

interface FilterBank {
  readonly up: number;
  readonly down: number;
  /** Coefficients of one phase. */
  readonly taps: number;
  /** `[up, taps]` */
  readonly coefficients: Float32Array;
}

function createBank(from: number, to: number): FilterBank {
  const [up, down] = nearestFraction(to / from, MOST_PHASES);
  // Frequencies are in units of the source's Nyquist frequency.
  const band = Math.min(1, up / down);
  const cutoff = CUTOFF * band;
  const half = CROSSINGS / band;
  const taps = 2 * Math.ceil(half);
  const coefficients = new Float32Array(up * taps);
  const scale = besselI0(BETA);
  for (let phase = 0; phase < up; phase++) {
    const row = coefficients.subarray(phase * taps, (phase + 1) * taps);
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const x = tap - taps / 2 + 1 - phase / up;
      const angle = Math.PI * cutoff * x;
      const window = Math.abs(x) < half ? besselI0(BETA * Math.sqrt(1 - (x / half) ** 2)) / scale : 0;
      row[tap] = (x === 0 ? 1 : Math.sin(angle) / angle) * window;
      sum += row[tap]!;
    }
    // Every phase passes a constant as it is.
    for (let tap = 0; tap < taps; tap++) row[tap]! /= sum;
  }
  return { up, down, taps, coefficients };
}

/** Of the last pair of rates: recordings that are read one after another usually share them. */
let last: { readonly from: number; readonly to: number; readonly bank: FilterBank } | undefined;

/**
 * Sound at another sample rate, of ⌈samples · to / from⌉ samples, aligned in time: a windowed sinc of 80 zero crossings
 * (Kaiser, β 8) as a polyphase filter, with zeros beyond both ends. Tones up to 0.86 of the lower Nyquist frequency come
 * out with a signal-to-noise ratio of at least 80 dB, and what lies more than 2 % above it is at least 75 dB down.
 */
export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  if (from === to) return samples;
  if (last?.from !== from || last.to !== to) last = { from, to, bank: createBank(from, to) };
  const { up, down, taps, coefficients } = last.bank;
  const before = taps / 2 - 1;
  const padded = new Float32Array(samples.length + 2 * taps);
  padded.set(samples, before);
  const output = new Float32Array(Math.ceil((samples.length * up) / down));
  const filter = (at: number, row: number): number => {
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) sum += padded[at + tap]! * coefficients[row + tap]!;
    return sum;
  };
  // Outputs that are `up` apart have the same phase, and their samples are `down` apart; eight at a time, so that each
  // coefficient is loaded once for all of them.
  for (let first = 0; first < Math.min(up, output.length); first++) {
    const row = ((first * down) % up) * taps;
    let at = Math.floor((first * down) / up);
    let i = first;
    for (; i + 7 * up < output.length; i += 8 * up, at += 8 * down) {
      let [a, b, c, d, e, f, g, h] = [0, 0, 0, 0, 0, 0, 0, 0];
      for (let tap = 0; tap < taps; tap++) {
        const coefficient = coefficients[row + tap]!;
        const from = at + tap;
        a += padded[from]! * coefficient;
        b += padded[from + down]! * coefficient;
        c += padded[from + 2 * down]! * coefficient;
        d += padded[from + 3 * down]! * coefficient;
        e += padded[from + 4 * down]! * coefficient;
        f += padded[from + 5 * down]! * coefficient;
        g += padded[from + 6 * down]! * coefficient;
        h += padded[from + 7 * down]! * coefficient;
      }
      output[i] = a;
      output[i + up] = b;
      output[i + 2 * up] = c;
      output[i + 3 * up] = d;
      output[i + 4 * up] = e;
      output[i + 5 * up] = f;
      output[i + 6 * up] = g;
      output[i + 7 * up] = h;
    }
    for (; i < output.length; i += up, at += down) output[i] = filter(at, row);
  }
  return output;
}
