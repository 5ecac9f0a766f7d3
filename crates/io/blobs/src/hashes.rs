//! Every name a content may be asked for, computed in one pass.

use alephd_cid::{Cid, FileHasher, Layout, Verifier};
use bytes::Bytes;
use sha2::{Digest, Sha256};

/// Up to this size a part is hashed in place: about the time that handing it to a thread costs.
const INLINE_SIZE: usize = 64 * 1024;

/// The running hashes of a content.
pub(crate) struct Hashes {
    sha256: Sha256,
    cid_v0: FileHasher,
    check: Option<Verifier>,
}

/// The hashes of a whole content.
pub(crate) struct Names {
    pub(crate) sha256: [u8; 32],
    pub(crate) cid_v0: Cid,
    /// Whether the content was the one checked for, and which that was.
    pub(crate) check: Option<(Cid, bool)>,
}

impl Default for Hashes {
    fn default() -> Self {
        Self {
            sha256: Sha256::new(),
            cid_v0: FileHasher::new(Layout::V0),
            check: None,
        }
    }
}

impl Hashes {
    /// Also compares with a CID that is neither of the usual names.
    pub(crate) fn checking(verifier: Verifier) -> Self {
        Self {
            check: Some(verifier),
            ..Self::default()
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.cid_v0.update(bytes);
        if let Some(check) = &mut self.check {
            check.update(bytes);
        }
    }

    /// Adds a part without holding up the executor. `None` if the runtime is stopping.
    pub(crate) async fn updated(mut self, part: Bytes) -> Option<Self> {
        if part.len() <= INLINE_SIZE {
            self.update(&part);
            return Some(self);
        }
        let hashing = tokio::task::spawn_blocking(move || {
            self.update(&part);
            self
        });
        hashing.await.ok()
    }

    pub(crate) fn finish(self) -> Names {
        Names {
            sha256: self.sha256.finalize().into(),
            cid_v0: self.cid_v0.finish(),
            check: self.check.map(|check| (*check.expected(), check.finish())),
        }
    }
}
