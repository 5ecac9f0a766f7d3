//! Whether bytes are the file a CID names.

use sha2::{Digest, Sha256};

use crate::{Cid, Codec, FileHasher, Layout, Version};

/// Checks a stream of bytes against an expected CID.
///
/// A CID does not tell how it was made. This tries every layout of `ipfs add` that could have
/// made it: one for version 0, both leaf kinds for version 1 dag-pb. A raw CID is the hash of the
/// bytes, whatever their number.
///
/// `false` does not prove that the content is wrong, only that it was not added with the default
/// chunks: a name made with other options needs its blocks to be checked one by one.
#[derive(Clone, Debug)]
pub struct Verifier {
    expected: Cid,
    /// At most two.
    layouts: Vec<FileHasher>,
    plain: Option<Sha256>,
}

impl Verifier {
    /// Starts a check.
    pub fn new(expected: &Cid) -> Self {
        let layouts: &[Layout] = match (expected.version(), expected.codec()) {
            (Version::V0, _) => &[Layout::V0],
            (Version::V1, Codec::DagPb) => {
                &[Layout::V1 { raw_leaves: true }, Layout::V1 { raw_leaves: false }]
            }
            (Version::V1, Codec::Raw) => &[],
        };
        Self {
            expected: *expected,
            layouts: layouts.iter().copied().map(FileHasher::new).collect(),
            plain: (expected.codec() == Codec::Raw).then(Sha256::new),
        }
    }

    /// The CID it checks against.
    pub fn expected(&self) -> &Cid {
        &self.expected
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for hasher in &mut self.layouts {
            hasher.update(bytes);
        }
        if let Some(plain) = &mut self.plain {
            plain.update(bytes);
        }
    }

    /// Ends the stream: whether it was the file.
    pub fn finish(self) -> bool {
        let digest = self.plain.map(|plain| <[u8; 32]>::from(plain.finalize()));
        digest.is_some_and(|digest| digest == *self.expected.digest())
            || self
                .layouts
                .into_iter()
                .any(|hasher| hasher.finish() == self.expected)
    }
}

/// Whether `bytes` are the file that `expected` names; see [`Verifier`].
pub fn matches(expected: &Cid, bytes: &[u8]) -> bool {
    let mut verifier = Verifier::new(expected);
    verifier.update(bytes);
    verifier.finish()
}
