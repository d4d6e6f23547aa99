// The part of CBOR (RFC 8949) that a pass is made of, read strictly: shortest lengths only, nothing endless, no key twice, nothing behind.
// Whole numbers beyond 2^53 come as BigInt, so that no check for a number takes them.
const DEEPEST = 8;

export class Malformed extends Error {}

export class Tagged {
  constructor(tag, value) {
    this.tag = tag;
    this.value = value;
  }
}

export function decode(bytes) {
  const reader = new Reader(bytes);
  const found = reader.item(0);
  if (reader.at !== bytes.length) throw new Malformed("something follows");
  return found;
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  item(depth) {
    if (depth > DEEPEST) throw new Malformed("too deep");
    const head = this.take(1)[0];
    const major = head >> 5;
    if (major === 7) return this.simple(head & 31);
    const count = this.count(head & 31);
    switch (major) {
      case 0: return count;
      case 1: return typeof count === "bigint" ? -1n - count : -1 - count;
      case 2: return this.take(count).slice();
      case 3: return this.text(count);
      case 4: return Array.from({ length: this.bounded(count) }, () => this.item(depth + 1));
      case 5: return this.map(count, depth);
      default: return new Tagged(count, this.item(depth + 1));
    }
  }

  map(count, depth) {
    const found = new Map();
    for (let left = this.bounded(count); left > 0; left--) {
      const key = this.item(depth + 1);
      if (!["number", "string", "bigint"].includes(typeof key) || found.has(key)) throw new Malformed("key");
      found.set(key, this.item(depth + 1));
    }
    return found;
  }

  text(count) {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.take(count));
    } catch {
      throw new Malformed("not UTF-8");
    }
  }

  simple(kind) {
    if (kind >= 20 && kind <= 22) return [false, true, null][kind - 20];
    if (kind !== 27) throw new Malformed("simple value");
    this.take(8);
    return this.view.getFloat64(this.at - 8) + 0.5; // no claim is a fraction; whatever stands here is no whole number
  }

  count(kind) {
    if (kind < 24) return kind;
    if (kind > 27) throw new Malformed("endless or reserved");
    const size = 1 << (kind - 24);
    this.take(size);
    const start = this.at - size;
    const wide = size === 8 ? this.view.getBigUint64(start) : 0n;
    const count = size === 1 ? this.view.getUint8(start) : size === 2 ? this.view.getUint16(start)
      : size === 4 ? this.view.getUint32(start) : wide > BigInt(Number.MAX_SAFE_INTEGER) ? wide : Number(wide);
    if (count < [24, 0x100, 0x10000, 0x100000000][kind - 24]) throw new Malformed("not the shortest form");
    return count;
  }

  bounded(count) {
    if (count > this.bytes.length - this.at) throw new Malformed("cut short");
    return Number(count);
  }

  take(count) {
    const size = this.bounded(count);
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }
}
