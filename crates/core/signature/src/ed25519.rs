//! Ed25519 with the strict rules of libsodium, shared by Solana and Tezos.

use ed25519_dalek::{Signature, VerifyingKey};

/// Whether `signature` is one of `key` over `message`. Refused beside wrong signatures: a scalar
/// not reduced, points of small order, and keys written in a non-canonical way.
pub(crate) fn verify(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    if !is_canonical(key) {
        return false;
    }
    let Ok(key) = VerifyingKey::from_bytes(key) else {
        return false;
    };
    key.verify_strict(message, &Signature::from_bytes(signature))
        .is_ok()
}

/// Whether the `y` coordinate is written below the field prime 2^255 - 19.
fn is_canonical(point: &[u8; 32]) -> bool {
    let [low, middle @ .., high] = point;
    !(high & 0x7f == 0x7f && middle.iter().all(|&byte| byte == 0xff) && *low >= 0xed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_from_the_prime_up_are_not_canonical() {
        let mut point = [0xff; 32];
        for sign in [0x7f, 0xff] {
            point[31] = sign;
            for (low, canonical) in [(0xec, true), (0xed, false), (0xee, false), (0xff, false)] {
                point[0] = low;
                assert_eq!(is_canonical(&point), canonical, "{low:x} {sign:x}");
            }
        }
        point[0] = 0xff;
        point[17] = 0xfe;
        assert!(is_canonical(&point));
    }
}
