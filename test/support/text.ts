// Characters to make up texts of.
import fc from 'fast-check';

/** Any code point, unpaired surrogates too. fast-check's own unit of this kind takes most of a second to set up. */
export const codePoint = fc.nat(0x10ffff).map((code) => String.fromCodePoint(code));
