// The id of a message in the network: what Rust's `DefaultHasher` makes of a `Vec<u8>`, in decimal. That
// is SipHash-1-3 with a key of zeros over the length, eight bytes little-endian, and then the bytes.

const MASK = (1n << 64n) - 1n
const rotate = (x, by) => ((x << by) | (x >> (64n - by))) & MASK

export function messageId (data) {
  const input = Buffer.alloc(8 + data.length)
  input.writeBigUInt64LE(BigInt(data.length))
  input.set(data, 8)
  return sipHash13(input).toString()
}

function sipHash13 (input) {
  let a = 0x736f6d6570736575n
  let b = 0x646f72616e646f6dn
  let c = 0x6c7967656e657261n
  let d = 0x7465646279746573n
  const round = () => {
    a = (a + b) & MASK; b = rotate(b, 13n) ^ a; a = rotate(a, 32n)
    c = (c + d) & MASK; d = rotate(d, 16n) ^ c
    a = (a + d) & MASK; d = rotate(d, 21n) ^ a
    c = (c + b) & MASK; b = rotate(b, 17n) ^ c; c = rotate(c, 32n)
  }
  const whole = input.length - input.length % 8
  // The last word: the bytes that are left, and the length in the highest byte.
  const last = Buffer.alloc(8)
  last.set(input.subarray(whole))
  last[7] = input.length & 0xff
  const words = [input.subarray(0, whole), last]
  for (const part of words) {
    for (let at = 0; at < part.length; at += 8) {
      const word = part.readBigUInt64LE(at)
      d ^= word
      round()
      a ^= word
    }
  }
  c ^= 0xffn
  round(); round(); round()
  return a ^ b ^ c ^ d
}
