// UUIDs from crypto.getRandomValues: randomUUID is missing where the page comes over plain http from another machine.

export type RandomBytes = (count: number) => Uint8Array;

const fromCrypto: RandomBytes = (count) => crypto.getRandomValues(new Uint8Array(count));

function text(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

function stamp(bytes: Uint8Array, version: number): Uint8Array {
  bytes[6] = (bytes[6]! & 0x0f) | (version << 4);
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes;
}

// Random (version 4).
export function uuid4(random: RandomBytes = fromCrypto): string {
  return text(stamp(random(16), 4));
}

// Version 7: `now` (ms since 1970) in the first 48 bits, so that ids sort by time.
export function uuid7(now: number = Date.now(), random: RandomBytes = fromCrypto): string {
  const bytes = random(16);
  for (let i = 0; i < 6; ++i) bytes[i] = Math.floor(now / 2 ** (8 * (5 - i))) % 256;
  return text(stamp(bytes, 7));
}
