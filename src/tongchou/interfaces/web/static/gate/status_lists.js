// W3C Bitstring Status Lists as core/passes/status_lists.py reads them: what unpacks to more than MOST_BITS is not unpacked.
export const LIST_BITS = 131072;
export const MOST_BITS = 2 ** 20;

export async function decodeList(text) {
  if (!text.startsWith("u")) throw new Error("does not begin with u (base64url)");
  const packed = Uint8Array.from(atob(text.slice(1).replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  const bits = new Uint8Array(MOST_BITS / 8);
  let size = 0;
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    if (size + piece.value.length > bits.length) {
      await reader.cancel();
      throw new Error(`unpacks to more than ${MOST_BITS} bits`);
    }
    bits.set(piece.value, size);
    size += piece.value.length;
  }
  if (size * 8 < LIST_BITS) throw new Error(`has fewer than ${LIST_BITS} bits`);
  return bits.slice(0, size);
}

// `lists`: Map of list number → bits. A list that is not at hand is newer, or its passes long expired: not set.
export function isSet(lists, number) {
  const bits = lists.get(Math.floor(number / LIST_BITS));
  const index = number % LIST_BITS;
  return bits !== undefined && (bits[index >> 3] & (128 >> (index & 7))) !== 0;
}
