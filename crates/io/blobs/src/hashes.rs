//! Every name a content may be asked for, computed in one pass.

use alephd_cid::{Cid, FileHasher, Layout, Verifier};
use bytes::Bytes;
use sha2::{Digest, Sha256};

/// Up to this size a part is hashed in place: about the time that handing it to a thread costs.
pub(crate) const INLINE_SIZE: usize = 64 * 1024;

/// The running hashes of a content.
///
/// Each is as much work as the others, so what no name needs is left out.
pub(crate) struct Hashes {
    sha256: Option<Sha256>,
    trees: Option<Trees>,
}

/// The hashes that are roots of trees.
struct Trees {
    cid_v0: FileHasher,
    check: Option<Verifier>,
}

/// The hashes of a whole content.
pub(crate) struct Names {
    pub(crate) sha256: Option<[u8; 32]>,
    pub(crate) cid_v0: Option<Cid>,
    /// Whether the content was the one checked for, and which that was.
    pub(crate) check: Option<(Cid, bool)>,
}

impl Default for Hashes {
    fn default() -> Self {
        Self {
            sha256: Some(Sha256::new()),
            trees: Some(Trees::default()),
        }
    }
}

impl Default for Trees {
    fn default() -> Self {
        Self {
            cid_v0: FileHasher::new(Layout::V0),
            check: None,
        }
    }
}

impl Trees {
    fn update(&mut self, bytes: &[u8]) {
        self.cid_v0.update(bytes);
        if let Some(check) = &mut self.check {
            check.update(bytes);
        }
    }
}

impl Hashes {
    /// Also compares with a CID that is neither of the usual names.
    pub(crate) fn checking(verifier: Verifier) -> Self {
        let trees = Trees {
            check: Some(verifier),
            ..Trees::default()
        };
        Self {
            sha256: Some(Sha256::new()),
            trees: Some(trees),
        }
    }

    /// The SHA-256 and nothing else.
    pub(crate) fn sha256() -> Self {
        Self {
            sha256: Some(Sha256::new()),
            trees: None,
        }
    }

    /// The version 0 CID and nothing else.
    pub(crate) fn cid_v0() -> Self {
        Self {
            sha256: None,
            trees: Some(Trees::default()),
        }
    }

    /// Nothing at all.
    pub(crate) fn none() -> Self {
        Self {
            sha256: None,
            trees: None,
        }
    }

    /// Adds a part without holding up the executor. `None` if the runtime is stopping.
    ///
    /// A large part goes to two threads: one for the SHA-256, one for the trees.
    pub(crate) async fn updated(self, part: Bytes) -> Option<Self> {
        let Self {
            mut sha256,
            mut trees,
        } = self;
        if part.len() <= INLINE_SIZE {
            if let Some(sha256) = &mut sha256 {
                sha256.update(&part);
            }
            if let Some(trees) = &mut trees {
                trees.update(&part);
            }
            return Some(Self { sha256, trees });
        }
        let same = part.clone();
        let flat = sha256.map(|mut sha256| {
            tokio::task::spawn_blocking(move || {
                sha256.update(&part);
                sha256
            })
        });
        let trees = match trees {
            Some(mut trees) => {
                let updating = tokio::task::spawn_blocking(move || {
                    trees.update(&same);
                    trees
                });
                Some(updating.await.ok()?)
            }
            None => None,
        };
        let sha256 = match flat {
            Some(flat) => Some(flat.await.ok()?),
            None => None,
        };
        Some(Self { sha256, trees })
    }

    pub(crate) fn finish(self) -> Names {
        let (cid_v0, check) = match self.trees {
            Some(trees) => (Some(trees.cid_v0.finish()), trees.check),
            None => (None, None),
        };
        Names {
            sha256: self.sha256.map(|sha256| sha256.finalize().into()),
            cid_v0,
            check: check.map(|check| (*check.expected(), check.finish())),
        }
    }
}
