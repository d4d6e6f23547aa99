// Base45 (RFC 9285). `decode` gives bytes, or null for anything that `encode` could not have written.
const SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

export function decode(text) {
  const values = [];
  for (const sign of text) {
    const value = SIGNS.indexOf(sign);
    if (value < 0) return null;
    values.push(value);
  }
  if (values.length % 3 === 1) return null;
  const bytes = [];
  for (let at = 0; at < values.length; at += 3) {
    const whole = at + 2 < values.length;
    const number = values[at] + 45 * values[at + 1] + (whole ? 2025 * values[at + 2] : 0);
    if (number > (whole ? 0xffff : 0xff)) return null;
    if (whole) bytes.push(number >> 8);
    bytes.push(number & 0xff);
  }
  return Uint8Array.from(bytes);
}
