// Log-mel spectrograms of sound on the graph, as Whisper reads them: the same numbers in every runtime, with a gradient down
// to the samples. Sources: Radford et al. 2023, section 2.2; `log_mel_spectrogram` in openai/whisper's audio.py; mel filters
// as in librosa's `filters.mel` (Slaney's scale and normalisation).
import {
  add,
  cast,
  constant,
  conv1d,
  float32,
  int32,
  less,
  log,
  matmul,
  max,
  maximum,
  mul,
  reflectPad,
  reshape,
  sub,
  type Tensor,
  type Value,
} from 'mien-engine';

/** Samples a second. */
export const SAMPLE_RATE = 16_000;
/** Samples from one frame to the next: 10 ms. */
export const HOP = 160;
/** Samples of a frame: 25 ms. */
const WINDOW = 400;
/** Frequencies of a frame's spectrum, 0 to 8 kHz. */
const BINS = WINDOW / 2 + 1;
/** Samples reflected at either end. Whisper reflects 200 at the end too and drops the last frame; 40 make one frame less. */
const MARGIN_BEFORE = WINDOW / 2;
const MARGIN_AFTER = WINDOW / 2 - HOP;

/** Least power of a band, and how far below the loudest value of the clip others are cut off, in units of log₁₀. */
const LEAST_POWER = 1e-10;
const RANGE = 8;

/** Slaney's mel scale: linear below 1 kHz, logarithmic above. */
const LINEAR_STEP = 200 / 3;
const LOG_STEP = Math.log(6.4) / 27;
const melOf = (hertz: number): number =>
  hertz < 1000 ? hertz / LINEAR_STEP : 15 + Math.log(hertz / 1000) / LOG_STEP;
const hertzOf = (mel: number): number =>
  mel < 15 ? mel * LINEAR_STEP : 1000 * Math.exp((mel - 15) * LOG_STEP);

/** Triangular filters of equal area from 0 to 8 kHz, `[bands, 201]`. */
export function melFilters(bands: number): Tensor<'float32'> {
  const top = melOf(SAMPLE_RATE / 2);
  const edges = Array.from({ length: bands + 2 }, (_, i) => hertzOf((top * i) / (bands + 1)));
  const filters = new Float32Array(bands * BINS);
  for (let band = 0; band < bands; band++) {
    const [low, centre, high] = edges.slice(band, band + 3) as [number, number, number];
    for (let bin = 0; bin < BINS; bin++) {
      const hertz = (bin * SAMPLE_RATE) / WINDOW;
      const height = Math.max(0, Math.min((hertz - low) / (centre - low), (high - hertz) / (high - centre)));
      filters[band * BINS + bin] = (height * 2) / (high - low);
    }
  }
  return float32([bands, BINS], filters);
}

/**
 * Cosines and negative sines of every frequency under a periodic Hann window, `[2 · 201, 1, 400]`: a discrete Fourier
 * transform as the kernel of a convolution, which ONNX Runtime computes as a matrix product.
 */
function fourierKernel(): Tensor<'float32'> {
  const kernel = new Float32Array(2 * BINS * WINDOW);
  for (let bin = 0; bin < BINS; bin++)
    for (let t = 0; t < WINDOW; t++) {
      const hann = 0.5 - 0.5 * Math.cos((2 * Math.PI * t) / WINDOW);
      // Reduced first, so that the angle is exact.
      const angle = (2 * Math.PI * ((bin * t) % WINDOW)) / WINDOW;
      kernel[bin * WINDOW + t] = hann * Math.cos(angle);
      kernel[(BINS + bin) * WINDOW + t] = -hann * Math.sin(angle);
    }
  return float32([2 * BINS, 1, WINDOW], kernel);
}

/**
 * The log-mel spectrogram of samples at 16 kHz: `[batch, samples]` → `[batch, bands, ⌊samples / 160⌋]`, at least 201
 * samples. Frames are centred every 10 ms, the sound reflected at both ends. Values are log₁₀ of the power, no less than 8
 * below the largest of the clip, plus 4, divided by 4. The number of samples may be known only at run time; a gradient
 * needs it.
 */
export function logMel(samples: Value, bands = 80): Value {
  return limitRange(decadesOf(reflectPad(samples, 1, MARGIN_BEFORE, MARGIN_AFTER), bands));
}

/**
 * As `logMel`, of a batch of clips of different lengths: each as `reflected` lays it out, followed by zeros, and the
 * frames of each, int32 `[batch]`. Frames after a clip's last are 0.
 */
export function logMelOfBatch(reflectedSamples: Value, frames: Value, bands = 80): Value {
  const decades = decadesOf(reflectedSamples, bands);
  const real = reshape(isWithin(frames, decades.shape[2] as number), [
    frames.shape[0]!,
    1,
    decades.shape[2]!,
  ]);
  // What follows a clip must not count as its loudest part.
  return mul(limitRange(add(mul(decades, real), mul(sub(1, real), Math.log10(LEAST_POWER)))), real);
}

/** Frames of a clip of so many samples. */
export const framesOf = (samples: number): number => Math.floor(samples / HOP);

/** Samples of a batch whose clips have at most so many frames. */
export const samplesOfBatch = (frames: number): number => MARGIN_BEFORE + frames * HOP + MARGIN_AFTER;

/** Writes a clip into a row of `samplesOfBatch` zeros, reflected at both ends as `logMel` does it. */
export function reflected(clip: Float32Array, row: Float32Array): void {
  const last = clip.length - 1;
  for (let i = 1; i <= MARGIN_BEFORE; i++) row[MARGIN_BEFORE - i] = clip[i]!;
  row.set(clip, MARGIN_BEFORE);
  for (let i = 1; i <= MARGIN_AFTER; i++) row[MARGIN_BEFORE + last + i] = clip[last - i]!;
}

/** 1 for places before `counts` (int32 `[batch]`), 0 for the others: float32 `[batch, places]`; place i stands at i · stride. */
export function isWithin(counts: Value, places: number, stride = 1): Value {
  const at = Int32Array.from({ length: places }, (_, i) => i * stride);
  const row = constant(counts.graph, int32([1, places], at));
  return cast(less(row, reshape(counts, [counts.shape[0]!, 1])), 'float32');
}

/** log₁₀ of the power in each band, from samples with what is reflected at both ends. */
function decadesOf(padded: Value, bands: number): Value {
  const { graph } = padded;
  const [batch] = padded.shape as [number];
  const spectrum = conv1d(reshape(padded, [batch, 1, padded.shape[1]!]), constant(graph, fourierKernel()), {
    stride: HOP,
  });
  const filters = melFilters(bands);
  const rows = Array.from({ length: bands }, (_, band) =>
    filters.data.subarray(band * BINS, (band + 1) * BINS),
  );
  // Filters stand twice side by side: for the squares of real and of imaginary parts.
  const twice = float32(
    [bands, 2 * BINS],
    rows.flatMap((row) => [...row, ...row]),
  );
  const power = matmul(constant(graph, twice), mul(spectrum, spectrum));
  return mul(log(maximum(power, LEAST_POWER)), 1 / Math.LN10);
}

/** Nothing is more than `RANGE` below the loudest value of its clip; then scaled as Whisper reads it. */
function limitRange(decades: Value): Value {
  const clamped = maximum(decades, sub(max(decades, [1, 2], true), RANGE));
  return mul(add(clamped, 4), 1 / 4);
}
