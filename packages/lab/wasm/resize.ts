// The inner loops of `src/encoders/resize.ts`, in AssemblyScript: only WebAssembly has vector instructions here.
// `npm run generate` compiles this file to `src/encoders/resize-module.ts`.
//
// Sums are in units of 2^-22, as in Pillow and ONNX Runtime: they start at one half, and shifting them rounds.
// Addresses and strides are in bytes. Weights are `[positions, taps]`, int32; `first` has the first pixel read for each
// position, int32.

const HALF: i32 = 1 << 21;
const FRACTION: i32 = 22;

/** Resizes rows of RGB pixels to `size` pixels each, four bytes apart: R, G, B and a byte without meaning. */
export function rows(
  source: usize,
  sourceStride: usize,
  count: i32,
  target: usize,
  targetStride: usize,
  size: i32,
  first: usize,
  weights: usize,
  taps: i32,
): void {
  for (let y = 0; y < count; y++) {
    let weight = weights;
    for (let x = 0; x < size; x++) {
      let pixel = source + <usize>load<i32>(first + ((<usize>x) << 2)) * 3;
      let sum = i32x4.splat(HALF);
      for (let tap = 0; tap < taps; tap++) {
        const channels = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(pixel)));
        sum = i32x4.add(sum, i32x4.mul(channels, v128.load32_splat(weight)));
        pixel += 3;
        weight += 4;
      }
      const whole = i32x4.shr_s(sum, FRACTION);
      const clamped = i16x8.narrow_i32x4_s(whole, whole);
      v128.store_lane<u32>(target + ((<usize>x) << 2), i8x16.narrow_i16x8_u(clamped, clamped), 0);
    }
    source += sourceStride;
    target += targetStride;
  }
}

/** Resizes columns of bytes to `size` bytes each; `stride` is a multiple of 16. */
export function columns(
  source: usize,
  target: usize,
  stride: usize,
  size: i32,
  first: usize,
  weights: usize,
  taps: i32,
): void {
  for (let y = 0; y < size; y++) {
    const row = source + <usize>load<i32>(first + ((<usize>y) << 2)) * stride;
    for (let x: usize = 0; x < stride; x += 16) {
      let a = i32x4.splat(HALF);
      let b = a;
      let c = a;
      let d = a;
      let bytes = row + x;
      let weight = weights;
      for (let tap = 0; tap < taps; tap++) {
        const factor = v128.load32_splat(weight);
        const all = v128.load(bytes);
        const low = i16x8.extend_low_i8x16_u(all);
        const high = i16x8.extend_high_i8x16_u(all);
        a = i32x4.add(a, i32x4.mul(i32x4.extend_low_i16x8_u(low), factor));
        b = i32x4.add(b, i32x4.mul(i32x4.extend_high_i16x8_u(low), factor));
        c = i32x4.add(c, i32x4.mul(i32x4.extend_low_i16x8_u(high), factor));
        d = i32x4.add(d, i32x4.mul(i32x4.extend_high_i16x8_u(high), factor));
        bytes += stride;
        weight += 4;
      }
      const left = i16x8.narrow_i32x4_s(i32x4.shr_s(a, FRACTION), i32x4.shr_s(b, FRACTION));
      const right = i16x8.narrow_i32x4_s(i32x4.shr_s(c, FRACTION), i32x4.shr_s(d, FRACTION));
      v128.store(target + x, i8x16.narrow_i16x8_u(left, right));
    }
    target += stride;
    weights += (<usize>taps) << 2;
  }
}

/** One channel (0 to 2) of `size` rows as float32 `[size, size]`: byte × `scale` + `shift`, each rounded to float32. */
export function plane(
  source: usize,
  stride: usize,
  size: i32,
  channel: i32,
  target: usize,
  scale: f32,
  shift: f32,
): void {
  const scales = f32x4.splat(scale);
  const shifts = f32x4.splat(shift);
  const mask = i32x4.splat(255);
  for (let y = 0; y < size; y++) {
    let x = 0;
    for (; x + 4 <= size; x += 4) {
      const pixels = v128.load(source + ((<usize>x) << 2));
      const bytes = v128.and(i32x4.shr_u(pixels, channel << 3), mask);
      v128.store(target, f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(bytes), scales), shifts));
      target += 16;
    }
    for (; x < size; x++) {
      store<f32>(target, <f32>load<u8>(source + ((<usize>x) << 2) + channel) * scale + shift);
      target += 4;
    }
    source += stride;
  }
}
