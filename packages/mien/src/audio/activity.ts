// Distinguishes speech from pauses in streamed sound at 16 kHz, without a model: how far each frame is above the noise,
// and how periodic it is. Noise floors are minima over time, after Martin 2001, "Noise power spectral density
// estimation based on optimal smoothing and minimum statistics".

/** Scores frames of streamed sound at 16 kHz. */
export interface ActivityDetector {
  /** Samples of a frame. */
  readonly frame: number;
  /** Scores from 0 (pause) to 1 (speech) of the frames that can be decided now, in order. */
  push(samples: Float32Array): readonly number[] | Promise<readonly number[]>;
  /** Scores of the frames that are left when the sound ends; the last may be incomplete. */
  end(): readonly number[] | Promise<readonly number[]>;
}

/** Samples of a frame: 20 ms. */
const FRAME = 320;
/** Coefficient of the high-pass filter that removes offsets and rumble: 100 Hz. */
const HIGH_PASS = 0.961;
/** Larger samples are clipped; NaN counts as silence. */
const LARGEST = 32;

/** The low band, up to 2 kHz, has every fourth sample after this filter. */
const DECIMATION = 4;
const LOW_PASS = [1, 2, 3, 4, 3, 2, 1, 0].map((tap) => tap / 16);
const LOW_FRAME = FRAME / DECIMATION;
/** Pitch periods in samples of the low band: 70 to 400 Hz. */
const [SHORTEST, LONGEST] = [10, 57];
/** Samples that are compared with those a period later: 40 ms. */
const COMPARED = 160;
/** How many samples the comparison starts before its frame, so that it is centred. */
const LEAD = Math.floor((COMPARED + LONGEST - LOW_FRAME) / 2);

/** Frames before and after a frame among which the quietest give the noise: 3 s and 1 s. */
const [BACK, AHEAD] = [150, 50];
/** Frames on either side that support a frame: 0.2 s. */
const SUPPORT = 10;
/** Least noise in dB of full scale: what is not well above it is not heard. */
const LEAST_NOISE = -75;
/** Frames farther above the noise are not more likely to be speech. */
const MOST_ABOVE = 25;
/** Frames that are remembered, a power of two. */
const MEMORY = 256;

/**
 * Of a frame, in the band up to 2 kHz: dB above the noise, and these times periodicity from 0 to 1; and the means of
 * both over 0.2 s on either side. (The full band added nothing.)
 */
export type ActivityFeatures = readonly [number, number, number, number];

/**
 * Logistic regression on speech of actors 1 to 12 of RAVDESS among pauses, with white and pink noise, hum and clicks at
 * 0 to 50 dB: `bench/voice-activity.ts --fit`.
 */
const WEIGHTS: ActivityFeatures = [-0.189, 1.31, 0.419, 0.338];
const BIAS = -2.53;

const fitted = (features: ActivityFeatures): number => {
  const logit = features.reduce((sum, x, i) => sum + x * WEIGHTS[i]!, BIAS);
  return 1 / (1 + Math.exp(-logit));
};

const decibels = (power: number): number => 10 * Math.log10(power + 1e-12);

/** The largest normalised autocorrelation among periods of voices, from `start` in a ring of samples. */
function periodicity(ring: Float64Array, start: number): number {
  const size = ring.length - 1;
  const window = new Float64Array(COMPARED + LONGEST);
  for (let i = 0; i < window.length; i++) window[i] = ring[(start + i) & size]!;
  let own = 0;
  for (let i = 0; i < COMPARED; i++) own += window[i]! ** 2;
  if (own < COMPARED * 1e-9) return 0;
  let later = 0;
  for (let i = SHORTEST; i < SHORTEST + COMPARED; i++) later += window[i]! ** 2;
  let best = 0;
  for (let lag = SHORTEST; lag <= LONGEST; lag++) {
    let product = 0;
    for (let i = 0; i < COMPARED; i++) product += window[i]! * window[i + lag]!;
    if (product > 0) best = Math.max(best, product / Math.sqrt(own * Math.max(later, own * 1e-3)));
    later += (window[lag + COMPARED] ?? 0) ** 2 - window[lag]! ** 2;
  }
  return Math.min(1, best);
}

/**
 * A detector that needs no model. It decides a frame of 20 ms one second later; memory and time per frame are constant.
 * @param score the probability of speech from features of a frame, by default as fitted
 */
export function createActivityDetector(
  score: (features: ActivityFeatures) => number = fitted,
): ActivityDetector {
  const at = (frame: number): number => frame & (MEMORY - 1);
  /** Levels in dB and periodicities of frames. */
  const [levels, voiced] = [new Float64Array(MEMORY), new Float64Array(MEMORY)];
  const history = new Float64Array(LOW_PASS.length);
  const lowBand = new Float64Array(1024);
  /** Samples, samples of the low band, frames that are measured, frames that are decided. */
  let [heard, lowHeard, measured, decided] = [0, 0, 0, 0];
  let [previous, filtered, power] = [0, 0, 0];

  function hear(sample: number): void {
    const x = Number.isFinite(sample) ? Math.max(-LARGEST, Math.min(LARGEST, sample)) : 0;
    // The first sample is not a step: sound may start away from zero.
    filtered = heard === 0 ? 0 : HIGH_PASS * (filtered + x - previous);
    previous = x;
    history[heard & (history.length - 1)] = filtered;
    if (heard % DECIMATION === DECIMATION - 1) {
      let y = 0;
      for (let tap = 0; tap < LOW_PASS.length; tap++)
        y += LOW_PASS[tap]! * history[(heard - tap) & (history.length - 1)]!;
      lowBand[lowHeard++ & (lowBand.length - 1)] = y;
      power += y * y;
    }
    if (++heard % FRAME === 0) measure();
  }

  function measure(): void {
    levels[at(measured)] = decibels(power / LOW_FRAME);
    power = 0;
    voiced[at(measured)] = 0;
    // The comparison for a frame extends into the next.
    if (measured > 0) voiced[at(measured - 1)] = periodicity(lowBand, (measured - 1) * LOW_FRAME - LEAD);
    measured++;
  }

  /** The quietest of means of three frames. */
  function noiseAmong(from: number, to: number): number {
    let least = Infinity;
    for (let t = from + 1; t < to - 1; t++)
      least = Math.min(least, (levels[at(t - 1)]! + levels[at(t)]! + levels[at(t + 1)]!) / 3);
    return Math.max(LEAST_NOISE, least === Infinity ? levels[at(from)]! : least);
  }

  function decide(): number {
    const [from, to] = [Math.max(0, decided - BACK), Math.min(measured, decided + AHEAD)];
    const noise = noiseAmong(from, to);
    const above = (t: number): number => Math.max(0, Math.min(MOST_ABOVE, levels[at(t)]! - noise));
    const voice = (t: number): number => voiced[at(t)]! * above(t);
    let [count, support, voicedSupport] = [0, 0, 0];
    for (let t = Math.max(0, decided - SUPPORT); t < Math.min(measured, decided + SUPPORT + 1); t++) {
      count++;
      support += above(t);
      voicedSupport += voice(t);
    }
    const t = decided++;
    return score([above(t), voice(t), support / count, voicedSupport / count]);
  }

  return {
    frame: FRAME,
    push(samples) {
      const scores: number[] = [];
      for (const sample of samples) {
        hear(sample);
        while (decided + AHEAD < measured) scores.push(decide());
      }
      return scores;
    },
    end() {
      while (heard % FRAME !== 0) hear(previous);
      const scores: number[] = [];
      while (decided < measured) scores.push(decide());
      return scores;
    },
  };
}
