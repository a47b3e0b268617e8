// The EXIF orientation of WebP files. Browsers rotate JPEG, PNG and AVIF; Chromium ignores the orientation of WebP, other
// browsers may not. It is therefore removed from the file, so that no browser rotates the image, which is then rotated
// here as in Node. (exifr, the usual reader of EXIF data, does not support WebP.)

/** A chunk type that decoders ignore. */
const UNKNOWN = new TextEncoder().encode('mien');
const ORIENTATION_TAG = 0x0112;
const SHORT = 3;

const typeAt = (bytes: Uint8Array, offset: number): string =>
  String.fromCharCode(...bytes.subarray(offset, offset + 4));

/**
 * A WebP file without its orientation, and that orientation (1 to 8; 1 is upright); any other file unchanged.
 * Source: the WebP container specification.
 */
export async function takeOrientation(
  blob: Blob,
): Promise<{ readonly blob: Blob; readonly orientation: number }> {
  const head = new Uint8Array(await blob.slice(0, 12).arrayBuffer());
  if (typeAt(head, 0) !== 'RIFF' || typeAt(head, 8) !== 'WEBP') return { blob, orientation: 1 };
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const view = new DataView(bytes.buffer);
  for (let at = 12; at + 8 <= bytes.length;) {
    const size = view.getUint32(at + 4, true);
    if (typeAt(bytes, at) === 'EXIF') {
      const orientation = orientationOf(bytes.subarray(at + 8, at + 8 + size));
      if (orientation === 1) break;
      bytes.set(UNKNOWN, at);
      return { blob: new Blob([bytes], { type: blob.type }), orientation };
    }
    // Chunks begin at even offsets.
    at += 8 + size + (size % 2);
  }
  return { blob, orientation: 1 };
}

/**
 * The orientation in EXIF data, with or without the marker of JPEG files; 1 if there is none.
 * Source: TIFF 6.0, "Image File Directory".
 */
function orientationOf(data: Uint8Array): number {
  const tiff = typeAt(data, 0) === 'Exif' ? data.subarray(6) : data;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const little = typeAt(tiff, 0).startsWith('II');
  const short = (at: number): number => (at + 2 <= tiff.length ? view.getUint16(at, little) : 0);
  const directory = tiff.length >= 8 ? view.getUint32(4, little) : tiff.length;
  const entries = short(directory);
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + 12 * i;
    if (short(entry) !== ORIENTATION_TAG || short(entry + 2) !== SHORT) continue;
    const orientation = short(entry + 8);
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
  }
  return 1;
}
