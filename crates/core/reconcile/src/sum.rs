//! Sums of ids: what fingerprints are made of.

use sha2::{Digest, Sha256};

use crate::{Id, wire};

/// Bytes of a fingerprint.
pub(crate) const FINGERPRINT: usize = 16;

/// The sum of ids as 256-bit numbers, little-endian, modulo 2^256. A group: what was added can be
/// taken away, so that the sum of a range is the difference of two others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum([u64; 4]);

impl Sum {
    pub(crate) fn add_id(&mut self, id: &Id) {
        let mut lanes = [0; 4];
        for (lane, bytes) in lanes.iter_mut().zip(id.as_chunks::<8>().0) {
            *lane = u64::from_le_bytes(*bytes);
        }
        self.add(&Self(lanes));
    }

    pub(crate) fn add(&mut self, other: &Self) {
        let mut carry = false;
        for (lane, more) in self.0.iter_mut().zip(other.0) {
            let (sum, first) = lane.overflowing_add(more);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            *lane = sum;
            carry = first | second;
        }
    }

    pub(crate) fn subtract(&mut self, other: &Self) {
        let mut borrow = false;
        for (lane, less) in self.0.iter_mut().zip(other.0) {
            let (rest, first) = lane.overflowing_sub(less);
            let (rest, second) = rest.overflowing_sub(u64::from(borrow));
            *lane = rest;
            borrow = first | second;
        }
    }

    /// The fingerprint of `count` ids with this sum.
    pub(crate) fn fingerprint(&self, count: usize) -> [u8; FINGERPRINT] {
        let mut text = Vec::with_capacity(42);
        for lane in self.0 {
            text.extend(lane.to_le_bytes());
        }
        wire::put_varint(&mut text, count as u64);
        let digest = Sha256::digest(&text);
        let mut fingerprint = [0; FINGERPRINT];
        fingerprint.copy_from_slice(&digest[..FINGERPRINT]);
        fingerprint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_and_borrows_pass_through_all_lanes() {
        let mut sum = Sum::default();
        sum.add_id(&[0xff; 32]);
        let full = sum;
        let mut one = [0; 32];
        one[0] = 1;
        sum.add_id(&one);
        assert_eq!(sum, Sum::default(), "modulo 2^256");
        let mut unit = Sum::default();
        unit.add_id(&one);
        sum.subtract(&unit);
        assert_eq!(sum, full);
    }
}
