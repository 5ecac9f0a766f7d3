//! Who this node is: the key by which peers know it.
//!
//! Three forms of key files are read: PKCS#8 DER of an RSA key, which the sidecar of the reference
//! uses, so that a node can be replaced under the same name; PKCS#8 DER of an ed25519 key, which is
//! what is written here; and libp2p's own encoding.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use libp2p::PeerId;
use libp2p::identity::Keypair;

use crate::error::IdentityError;

/// RFC 8410: the DER of an ed25519 key in PKCS#8 is these bytes and the 32 of the seed.
const ED25519_DER: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
/// The part of [`ED25519_DER`] that version 2, which appends the public key, has too.
const ED25519_BODY: &[u8] = &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// An RSA key of 8192 bits takes some 4.7 kB.
const MAX_FILE: u64 = 16 * 1024;

/// The key of a node.
#[derive(Clone)]
pub struct Identity {
    keypair: Keypair,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Identity").field(&self.peer_id()).finish()
    }
}

impl Identity {
    /// A new ed25519 key that is kept nowhere.
    pub fn generate() -> Self {
        Self {
            keypair: Keypair::generate_ed25519(),
        }
    }

    /// The key in this file; a new ed25519 key is written to it, readable by its owner alone, if
    /// there is no such file.
    pub fn load_or_create(path: &Path) -> Result<Self, IdentityError> {
        match File::open(path) {
            Ok(file) => Self::read(path, file),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                let identity = Self::generate();
                identity.write(path).map_err(|cause| failed(path, cause))?;
                Ok(identity)
            }
            Err(cause) => Err(failed(path, cause)),
        }
    }

    /// The key in this file.
    pub fn from_file(path: &Path) -> Result<Self, IdentityError> {
        let file = File::open(path).map_err(|cause| failed(path, cause))?;
        Self::read(path, file)
    }

    /// The key in these bytes, in one of the three forms.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let keypair = match ed25519_seed(bytes) {
            Some(mut seed) => Keypair::ed25519_from_bytes(&mut seed[..]),
            None => Keypair::rsa_from_pkcs8(&mut bytes.to_vec())
                .or_else(|_| Keypair::from_protobuf_encoding(bytes)),
        };
        keypair.ok().map(|keypair| Self { keypair })
    }

    /// The name that follows from the key.
    pub fn peer_id(&self) -> PeerId {
        self.keypair.public().to_peer_id()
    }

    pub(crate) fn keypair(&self) -> &Keypair {
        &self.keypair
    }

    fn read(path: &Path, file: File) -> Result<Self, IdentityError> {
        let mut bytes = Vec::new();
        file.take(MAX_FILE)
            .read_to_end(&mut bytes)
            .map_err(|cause| failed(path, cause))?;
        Self::from_bytes(&bytes).ok_or_else(|| IdentityError::Form {
            path: path.display().to_string(),
        })
    }

    /// Writes beside and renames, so that a crash leaves no half of a key: a node that finds one
    /// would not start.
    fn write(&self, path: &Path) -> io::Result<()> {
        let key = self
            .keypair
            .clone()
            .try_into_ed25519()
            .map_err(|_| io::Error::other("only ed25519 keys are written"))?;
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let beside = Path::new(&beside);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(beside)?;
        file.write_all(&ED25519_DER)?;
        file.write_all(key.secret().as_ref())?;
        file.sync_all()?;
        fs::rename(beside, path)?;
        match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    }
}

fn ed25519_seed(der: &[u8]) -> Option<[u8; 32]> {
    // Both versions: SEQUENCE, its length, INTEGER of one byte, then the body.
    let body = der.get(5..)?.strip_prefix(ED25519_BODY)?;
    (der.first() == Some(&0x30)).then_some(())?;
    body.get(..32)?.try_into().ok()
}

fn failed(path: &Path, cause: io::Error) -> IdentityError {
    IdentityError::File {
        path: path.display().to_string(),
        cause,
    }
}

#[cfg(test)]
mod tests;
