//! Bytes as text in the bases that identifiers are written in.

use crate::CidError;

/// Letters of the texts this crate reads; an identifier of 128 inlined bytes has 270 in base 16.
pub(crate) const MAX_CHARS: usize = 320;

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const BASE36: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// A base for the text of a version 1 identifier; the first letter of the text tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// `f`, lower-case hexadecimal.
    Base16,
    /// `b`, lower case without padding: the usual text.
    Base32,
    /// `k`, lower case: keys and names of subdomains, where 63 letters must do.
    Base36,
    /// `z`, the Bitcoin alphabet.
    Base58,
}

/// Reads a text with its base letter. Upper-case forms of the case-insensitive bases count too.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, CidError> {
    if text.len() > MAX_CHARS {
        return Err(CidError::Length);
    }
    let mut letters = text.chars();
    let base = letters.next().ok_or(CidError::Base)?;
    let digits = letters.as_str();
    match base {
        'b' => decode_base32(digits.as_bytes()),
        'k' => decode_base36(digits.as_bytes()),
        'f' => decode_base16(digits.as_bytes()),
        'B' | 'K' | 'F' if digits.bytes().any(|digit| digit.is_ascii_lowercase()) => Err(CidError::Alphabet),
        'B' => decode_base32(digits.to_ascii_lowercase().as_bytes()),
        'K' => decode_base36(digits.to_ascii_lowercase().as_bytes()),
        'F' => decode_base16(digits.to_ascii_lowercase().as_bytes()),
        'z' => bs58::decode(digits).into_vec().map_err(|_| CidError::Alphabet),
        _ => Err(CidError::Base),
    }
}

/// Writes bytes with their base letter.
pub(crate) fn encode(base: Base, bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len() + 1);
    match base {
        Base::Base16 => {
            text.push('f');
            let digit = |half: u8| char::from(BASE36[usize::from(half)]);
            text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
        }
        Base::Base32 => {
            text.push('b');
            encode_base32(bytes, &mut text);
        }
        Base::Base36 => {
            text.push('k');
            encode_base36(bytes, &mut text);
        }
        Base::Base58 => {
            text.push('z');
            text.push_str(&bs58::encode(bytes).into_string());
        }
    }
    text
}

/// Decodes the characters after the `b`.
pub(crate) fn decode_base32(text: &[u8]) -> Result<Vec<u8>, CidError> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut bits, mut pending) = (0_u32, 0_u32);
    for &character in text {
        let digit = match character {
            b'a'..=b'z' => character - b'a',
            b'2'..=b'7' => character - b'2' + 26,
            _ => return Err(CidError::Alphabet),
        };
        bits = bits << 5 | u32::from(digit);
        pending += 5;
        if pending >= 8 {
            pending -= 8;
            bytes.push((bits >> pending) as u8);
            bits &= (1 << pending) - 1;
        }
    }
    // Bits that belong to no byte must be zero and fewer than a digit, or several texts would name
    // one block.
    if bits == 0 && pending < 5 {
        Ok(bytes)
    } else {
        Err(CidError::Padding)
    }
}

pub(crate) fn encode_base32(bytes: &[u8], text: &mut String) {
    let (mut bits, mut pending) = (0_u32, 0_u32);
    let mut push = |value: u32| text.push(char::from(BASE32[(value & 31) as usize]));
    for &byte in bytes {
        bits = (bits << 8 | u32::from(byte)) & 0xfff;
        pending += 8;
        while pending >= 5 {
            pending -= 5;
            push(bits >> pending);
        }
    }
    if pending > 0 {
        push(bits << (5 - pending));
    }
}

fn decode_base16(text: &[u8]) -> Result<Vec<u8>, CidError> {
    let half = |digit: u8| match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(CidError::Alphabet),
    };
    let (pairs, []) = text.as_chunks() else {
        return Err(CidError::Padding);
    };
    pairs
        .iter()
        .map(|&[high, low]| Ok(half(high)? << 4 | half(low)?))
        .collect()
}

/// One number in base 36; leading zero bytes are leading `0` digits. Quadratic, hence [`MAX_CHARS`].
fn decode_base36(text: &[u8]) -> Result<Vec<u8>, CidError> {
    let zeros = text.iter().take_while(|&&digit| digit == b'0').count();
    // The lowest byte first.
    let mut number: Vec<u8> = Vec::new();
    for &character in &text[zeros..] {
        let mut carry = u32::from(match character {
            b'0'..=b'9' => character - b'0',
            b'a'..=b'z' => character - b'a' + 10,
            _ => return Err(CidError::Alphabet),
        });
        for byte in &mut number {
            carry += u32::from(*byte) * 36;
            *byte = carry as u8;
            carry >>= 8;
        }
        if carry > 0 {
            number.push(carry as u8);
        }
    }
    number.resize(number.len() + zeros, 0);
    number.reverse();
    Ok(number)
}

fn encode_base36(bytes: &[u8], text: &mut String) {
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    // The lowest digit first.
    let mut digits: Vec<u8> = Vec::new();
    for &byte in &bytes[zeros..] {
        let mut carry = u32::from(byte);
        for digit in &mut digits {
            carry += u32::from(*digit) << 8;
            *digit = (carry % 36) as u8;
            carry /= 36;
        }
        while carry > 0 {
            digits.push((carry % 36) as u8);
            carry /= 36;
        }
    }
    digits.resize(digits.len() + zeros, 0);
    text.extend(
        digits
            .iter()
            .rev()
            .map(|&digit| char::from(BASE36[usize::from(digit)])),
    );
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn published_texts_of_bytes() {
        type Case = (&'static [u8], [(Base, &'static str); 4]);
        // From the test vectors of the multibase specification.
        let cases: [Case; 3] = [
            (
                b"yes mani !",
                [
                    (Base::Base16, "f796573206d616e692021"),
                    (Base::Base32, "bpfsxgidnmfxgsibb"),
                    (Base::Base36, "k2lcpzo5yikidynfl"),
                    (Base::Base58, "z7paNL19xttacUY"),
                ],
            ),
            (
                b"\x00yes mani !",
                [
                    (Base::Base16, "f00796573206d616e692021"),
                    (Base::Base32, "bab4wk4zanvqw42jaee"),
                    (Base::Base36, "k02lcpzo5yikidynfl"),
                    (Base::Base58, "z17paNL19xttacUY"),
                ],
            ),
            (
                b"\x00\x00yes mani !",
                [
                    (Base::Base16, "f0000796573206d616e692021"),
                    (Base::Base32, "baaahszltebwwc3tjeaqq"),
                    (Base::Base36, "k002lcpzo5yikidynfl"),
                    (Base::Base58, "z117paNL19xttacUY"),
                ],
            ),
        ];
        for (bytes, texts) in cases {
            for (base, text) in texts {
                assert_eq!(encode(base, bytes), text);
                assert_eq!(decode(text).as_deref(), Ok(bytes), "{text}");
                if base != Base::Base58 {
                    assert_eq!(decode(&text.to_uppercase()).as_deref(), Ok(bytes), "{text}");
                }
            }
        }
    }

    #[test]
    fn refuses_other_texts() {
        for (text, error) in [
            ("", CidError::Base),
            ("é", CidError::Base),
            ("f0", CidError::Padding),
            ("f0g", CidError::Alphabet),
            ("F0a", CidError::Alphabet),
            ("Baa", CidError::Alphabet),
            ("ba", CidError::Padding),
            ("bab", CidError::Padding),
            ("k-", CidError::Alphabet),
            ("z0", CidError::Alphabet),
            (&"k".repeat(MAX_CHARS + 1), CidError::Length),
        ] {
            assert_eq!(decode(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn bases_round_trip(bytes in prop::collection::vec(any::<u8>(), 0..140)) {
            for base in [Base::Base16, Base::Base32, Base::Base36, Base::Base58] {
                prop_assert_eq!(decode(&encode(base, &bytes)), Ok(bytes.clone()));
            }
        }
    }
}
