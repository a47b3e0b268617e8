// The discrete Fourier transform in memory: filters sound by responses that are given by frequency, and by long
// impulses.

/** cos and −sin of 2πk / n for k < n / 2, of the last length: clips of similar length share it. */
let twiddles: { readonly n: number; readonly cos: Float64Array; readonly sin: Float64Array } | undefined;

function twiddlesOf(n: number) {
  if (twiddles?.n !== n) {
    const angle = (k: number): number => (2 * Math.PI * k) / n;
    twiddles = {
      n,
      cos: Float64Array.from({ length: n / 2 }, (_, k) => Math.cos(angle(k))),
      sin: Float64Array.from({ length: n / 2 }, (_, k) => -Math.sin(angle(k))),
    };
  }
  return twiddles;
}

/** Transforms complex numbers in place, their number being a power of 2 (Cooley & Tukey 1965, decimation in time). */
export function fourier(re: Float64Array, im: Float64Array): void {
  const n = re.length;
  const { cos, sin } = twiddlesOf(n);
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i >= j) continue;
    const real = re[i]!;
    const imaginary = im[i]!;
    re[i] = re[j]!;
    im[i] = im[j]!;
    re[j] = real;
    im[j] = imaginary;
  }
  for (let half = 1; half < n; half *= 2) {
    const stride = n / (2 * half);
    for (let start = 0; start < n; start += 2 * half)
      for (let k = 0, at = start; k < half; k++, at++) {
        // Separate constants: destructured arrays would double the time.
        const c = cos[k * stride]!;
        const s = sin[k * stride]!;
        const x = re[at + half]!;
        const y = im[at + half]!;
        const u = x * c - y * s;
        const v = x * s + y * c;
        re[at + half] = re[at]! - u;
        im[at + half] = im[at]! - v;
        re[at]! += u;
        im[at]! += v;
      }
  }
}

export interface Filter {
  /** Gain at a frequency in Hz; 1 by default. */
  readonly gain?: (hertz: number) => number;
  /** Response to a single sample of 1. */
  readonly impulse?: Float32Array;
}

/** Sound after a filter, as long as before: what the impulse adds at the end is cut off. */
export function filtered(samples: Float32Array, rate: number, { gain, impulse }: Filter): Float32Array {
  const least = samples.length + (impulse?.length ?? 0);
  const n = 2 ** Math.max(1, Math.ceil(Math.log2(least)));
  // Both are real, so that one transform does for two: samples + i · impulse.
  const re = new Float64Array(n);
  const im = new Float64Array(n);
  re.set(samples);
  if (impulse) im.set(impulse);
  fourier(re, im);
  for (let k = 0; k <= n / 2; k++) {
    const mirror = (n - k) % n;
    let [x, y] = [(re[k]! + re[mirror]!) / 2, (im[k]! - im[mirror]!) / 2];
    if (impulse) {
      const [a, b] = [(im[k]! + im[mirror]!) / 2, (re[mirror]! - re[k]!) / 2];
      [x, y] = [x * a - y * b, x * b + y * a];
    }
    const weight = (gain?.((k * rate) / n) ?? 1) / n;
    // Conjugated: the transform of the conjugate is n times the inverse's conjugate.
    [re[k], im[k]] = [x * weight, -y * weight];
    [re[mirror], im[mirror]] = [x * weight, y * weight];
  }
  fourier(re, im);
  return Float32Array.from(re.subarray(0, samples.length));
}
