// Reading a pass as core/passes/tokens.py reads it: COSE_Sign1 over a CWT, Ed25519 by the browser. The same text gives the same answer.
import { decode as fromBase45 } from "./base45.js";
import { decode as fromCbor, Malformed, Tagged } from "./cbor.js";

export const PREFIX = "TC1:";
const LONGEST = 512;
const HIGHEST = Number.MAX_SAFE_INTEGER;
const FACTS = ["sampled_at", "doses", "last_dose_on"];
const KINDS = new Map([[1, "entry"], [2, "passage"]]);
const HEADER = [0xa2, 0x01, 0x27, 0x04, 0x48]; // {1: -8, 4: eight bytes}

export class BadPass extends Error {
  constructor(fault, claimsIssuer = "") {
    super(fault);
    this.fault = fault;
    this.claimsIssuer = claimsIssuer;
  }
}

// Whether this browser can check an Ed25519 signature at all.
export async function canVerify() {
  try {
    await crypto.subtle.importKey("raw", new Uint8Array(32), "Ed25519", false, ["verify"]);
    return true;
  } catch {
    return false;
  }
}

// `keys`: Map of key id in hexadecimal → {key: CryptoKey, issuer}.
export async function importKeys(given) {
  const keys = new Map();
  for (const { id, public: hex, issuer } of given) {
    keys.set(id, { key: await crypto.subtle.importKey("raw", bytesOf(hex), "Ed25519", false, ["verify"]), issuer });
  }
  return keys;
}

export async function readPass(text, keys) {
  if ([...text].length > LONGEST) throw new BadPass("oversized");
  if (!text.startsWith(PREFIX)) throw new BadPass("not_a_pass");
  try {
    return await read(text, keys);
  } catch (error) {
    throw error instanceof Malformed ? new BadPass("malformed") : error;
  }
}

async function read(text, keys) {
  const content = fromBase45(text.slice(PREFIX.length));
  if (content === null) throw new Malformed("base45");
  const [header, payload, signature] = parts(fromCbor(content));
  if (header.length !== HEADER.length + 8 || HEADER.some((byte, at) => header[at] !== byte)) throw new Malformed("header");
  const known = keys.get(hexOf(header.subarray(HEADER.length)));
  if (known === undefined) throw new BadPass("unknown_key", said(fromCbor(payload)).issuer);
  if (!(await crypto.subtle.verify("Ed25519", known.key, signature, toBeSigned(header, payload)))) throw new BadPass("forged");
  const found = said(fromCbor(payload));
  if (found.issuer !== known.issuer) throw new BadPass("forged");
  return found;
}

function parts(found) {
  const list = found instanceof Tagged && found.tag === 18 && Array.isArray(found.value) ? found.value : [];
  const [header, unprotected, payload, signature] = list;
  const isBytes = [header, payload, signature].every((part) => part instanceof Uint8Array);
  if (list.length !== 4 || !(unprotected instanceof Map) || unprotected.size || !isBytes || signature.length !== 64) throw new Malformed("parts");
  return [header, payload, signature];
}

function said(claims) {
  const ours = claims instanceof Map ? claims.get(-65537) : undefined;
  const given = ours instanceof Map ? ours.get(4) : undefined;
  if (!(given instanceof Map)) throw new Malformed("claims");
  const [issuer, expiresAt, issuedAt] = [1, 4, 6].map((label) => claims.get(label));
  const [kind, holder, statusIndex] = [1, 2, 3].map((label) => ours.get(label));
  const whole = (number) => Number.isSafeInteger(number) && number >= 0 && number <= HIGHEST;
  if (typeof issuer !== "string" || !KINDS.has(kind) || ![holder, statusIndex, issuedAt, expiresAt, ...given.values()].every(whole)) {
    throw new Malformed("claims");
  }
  const facts = {};
  for (const [number, value] of given) {
    if (typeof number === "string") throw new Malformed("facts");
    if (number >= 1 && number <= FACTS.length) facts[FACTS[number - 1]] = value;
  }
  return { issuer, kind: KINDS.get(kind), holder, statusIndex, issuedAt, expiresAt, facts };
}

// CBOR of ["Signature1", header, b"", payload] (RFC 9052, 4.4).
function toBeSigned(header, payload) {
  const title = new TextEncoder().encode("Signature1");
  const written = [0x84, 0x60 | title.length, ...title, ...bytesHead(header.length), ...header, 0x40, ...bytesHead(payload.length), ...payload];
  return Uint8Array.from(written);
}

const bytesHead = (size) => (size < 24 ? [0x40 | size] : size < 256 ? [0x58, size] : [0x59, size >> 8, size & 0xff]);
const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
