//! Identifiers of blocks of any kind, as links, archives and gateways have them.

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};

use crate::{Cid, CidError, Codec, Version, multibase, multibase::Base, varint};

/// Bytes that an identifier can carry instead of a hash. More would let a link hide a block from
/// every limit on blocks; other implementations have the same bound.
pub const MAX_INLINE_SIZE: usize = 128;

/// A number of the multicodec table: what a block holds, or how it was hashed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Multicodec(pub u64);

impl Multicodec {
    /// Bytes without structure.
    pub const RAW: Self = Self(0x55);
    /// CBOR without links.
    pub const CBOR: Self = Self(0x51);
    /// Nodes of files and directories.
    pub const DAG_PB: Self = Self(0x70);
    /// CBOR with links.
    pub const DAG_CBOR: Self = Self(0x71);
    /// A public key, or its hash: an IPNS name rather than a block.
    pub const LIBP2P_KEY: Self = Self(0x72);
    /// JSON with links.
    pub const DAG_JSON: Self = Self(0x0129);
    /// JSON without links.
    pub const JSON: Self = Self(0x0200);
    /// No hash function: the digest is the block.
    pub const IDENTITY: Self = Self(0x00);
    /// SHA-256.
    pub const SHA2_256: Self = Self(0x12);
    /// BLAKE3 of 32 bytes.
    pub const BLAKE3: Self = Self(0x1e);
    /// BLAKE2b of 32 bytes.
    pub const BLAKE2B_256: Self = Self(0xb220);
}

impl fmt::Display for Multicodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::RAW => "raw",
            Self::CBOR => "cbor",
            Self::DAG_PB => "dag-pb",
            Self::DAG_CBOR => "dag-cbor",
            Self::LIBP2P_KEY => "libp2p-key",
            Self::DAG_JSON => "dag-json",
            Self::JSON => "json",
            Self::IDENTITY => "identity",
            Self::SHA2_256 => "sha2-256",
            Self::BLAKE3 => "blake3",
            Self::BLAKE2B_256 => "blake2b-256",
            Self(code) => return write!(f, "{code:#x}"),
        })
    }
}

impl fmt::Debug for Multicodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A hash and the function it is of. Two identifiers with the same one name the same bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Multihash {
    function: Multicodec,
    digest: Inline,
}

/// Nearly every digest has 32 bytes; those need no memory of their own.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Inline {
    Usual([u8; 32]),
    Other(Box<[u8]>),
}

impl fmt::Debug for Multihash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}",
            self.function,
            multibase::encode(Base::Base16, self.digest())
        )
    }
}

impl Multihash {
    /// SHA-256.
    pub fn sha2_256(digest: [u8; 32]) -> Self {
        Self {
            function: Multicodec::SHA2_256,
            digest: Inline::Usual(digest),
        }
    }

    /// The function.
    pub fn function(&self) -> Multicodec {
        self.function
    }

    /// The value of the function; for [`Multicodec::IDENTITY`] the block.
    pub fn digest(&self) -> &[u8] {
        match &self.digest {
            Inline::Usual(digest) => digest,
            Inline::Other(digest) => digest,
        }
    }

    /// Reads a multihash and how many bytes it has.
    fn read(bytes: &[u8]) -> Result<(Self, usize), CidError> {
        let (function, at) = varint::read(bytes).ok_or(CidError::Varint)?;
        let (length, more) = varint::read(&bytes[at..]).ok_or(CidError::Varint)?;
        let length = usize::try_from(length).map_err(|_| CidError::Length)?;
        if length > MAX_INLINE_SIZE {
            return Err(CidError::Length);
        }
        let at = at + more;
        let digest = bytes.get(at..at + length).ok_or(CidError::Length)?;
        let digest = match digest.try_into() {
            Ok(digest) => Inline::Usual(digest),
            Err(_) => Inline::Other(digest.into()),
        };
        let function = Multicodec(function);
        Ok((Self { function, digest }, at + length))
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        varint::push(bytes, self.function.0);
        varint::push(bytes, self.digest().len() as u64);
        bytes.extend_from_slice(self.digest());
    }
}

/// An identifier with any codec and hash function.
///
/// Files on the network are named by a [`Cid`], which is narrower; this is for what links, archives
/// and gateways bring.
///
/// ```
/// use alephd_cid::{AnyCid, Multicodec};
///
/// let empty: AnyCid = "bafkqaaa".parse()?;
/// assert_eq!(empty.codec(), Multicodec::RAW);
/// assert_eq!(empty.inline(), Some(&[][..]));
/// # Ok::<(), alephd_cid::CidError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AnyCid {
    version: Version,
    codec: Multicodec,
    hash: Multihash,
}

impl AnyCid {
    /// The version 1 identifier of these.
    pub fn v1(codec: Multicodec, hash: Multihash) -> Self {
        Self {
            version: Version::V1,
            codec,
            hash,
        }
    }

    /// Version 0 or 1.
    pub fn version(&self) -> Version {
        self.version
    }

    /// What the named block holds.
    pub fn codec(&self) -> Multicodec {
        self.codec
    }

    /// The hash of the block, the same for all identifiers of the block.
    pub fn hash(&self) -> &Multihash {
        &self.hash
    }

    /// The block, if the identifier carries it instead of a hash.
    pub fn inline(&self) -> Option<&[u8]> {
        (self.hash.function == Multicodec::IDENTITY).then(|| self.hash.digest())
    }

    /// The same name in version 1, in which each name has one form.
    pub fn to_v1(&self) -> Self {
        Self::v1(self.codec, self.hash.clone())
    }

    /// The name as one of a file on the network, if it is.
    pub fn file(&self) -> Option<Cid> {
        let Inline::Usual(digest) = self.hash.digest else {
            return None;
        };
        let codec = match self.codec {
            Multicodec::DAG_PB => Codec::DagPb,
            Multicodec::RAW => Codec::Raw,
            _ => return None,
        };
        if self.hash.function != Multicodec::SHA2_256 {
            return None;
        }
        Some(match self.version {
            Version::V0 => Cid::v0(digest),
            Version::V1 => Cid::v1(codec, digest),
        })
    }

    /// Checks that `block` is the block named.
    pub fn check(&self, block: &[u8]) -> Result<(), HashError> {
        let usual: [u8; 32] = match self.hash.function {
            Multicodec::IDENTITY if self.hash.digest() == block => return Ok(()),
            Multicodec::IDENTITY => return Err(HashError::Mismatch),
            Multicodec::SHA2_256 => Sha256::digest(block).into(),
            Multicodec::BLAKE3 => blake3::hash(block).into(),
            Multicodec::BLAKE2B_256 => blake2::Blake2b::<blake2::digest::consts::U32>::digest(block).into(),
            other => return Err(HashError::Function(other)),
        };
        // A shortened digest is weaker than its function; nobody needs one.
        if self.hash.digest() == usual {
            Ok(())
        } else {
            Err(HashError::Mismatch)
        }
    }

    /// The binary form, as links and archives carry it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(36);
        if self.version == Version::V1 {
            bytes.push(1);
            varint::push(&mut bytes, self.codec.0);
        }
        self.hash.write(&mut bytes);
        bytes
    }

    /// Reads the binary form; nothing may follow it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CidError> {
        match Self::read(bytes)? {
            (cid, length) if length == bytes.len() => Ok(cid),
            _ => Err(CidError::Length),
        }
    }

    /// Reads the binary form that `bytes` begin with, and tells its length.
    pub fn read(bytes: &[u8]) -> Result<(Self, usize), CidError> {
        // No version 1 begins so: 0x12 would be its version.
        if let [0x12, 0x20, rest @ ..] = bytes {
            let digest = rest.first_chunk().ok_or(CidError::Length)?;
            return Ok((Cid::v0(*digest).into(), 34));
        }
        let (version, at) = varint::read(bytes).ok_or(CidError::Varint)?;
        if version != 1 {
            return Err(CidError::Version);
        }
        let (codec, more) = varint::read(&bytes[at..]).ok_or(CidError::Varint)?;
        let at = at + more;
        let (hash, length) = Multihash::read(&bytes[at..])?;
        Ok((Self::v1(Multicodec(codec), hash), at + length))
    }

    /// The text in a base of choice; `None` for version 0, which has one text only.
    pub fn text(&self, base: Base) -> Option<String> {
        (self.version == Version::V1).then(|| multibase::encode(base, &self.to_bytes()))
    }
}

impl From<Cid> for AnyCid {
    fn from(cid: Cid) -> Self {
        Self {
            version: cid.version(),
            codec: match cid.codec() {
                Codec::DagPb => Multicodec::DAG_PB,
                Codec::Raw => Multicodec::RAW,
            },
            hash: Multihash::sha2_256(*cid.digest()),
        }
    }
}

/// Reads version 0 (`Qm…`) and version 1 in each [`Base`], so several texts can give one name.
impl FromStr for AnyCid {
    type Err = CidError;

    fn from_str(text: &str) -> Result<Self, CidError> {
        if text.starts_with("Qm") {
            return Ok(text.parse::<Cid>()?.into());
        }
        let cid = Self::from_bytes(&multibase::decode(text)?)?;
        // Version 0 has no base letter.
        if cid.version == Version::V0 {
            return Err(CidError::Version);
        }
        Ok(cid)
    }
}

/// The usual text: `Qm…` or base 32.
impl fmt::Display for AnyCid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text(Base::Base32) {
            Some(text) => f.write_str(&text),
            None => f.write_str(&bs58::encode(self.to_bytes()).into_string()),
        }
    }
}

impl fmt::Debug for AnyCid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a block is not the one that an identifier names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The bytes have another hash.
    #[error("the hash is another")]
    Mismatch,
    /// Nobody can tell: the function is not known here.
    #[error("hash function {0} is not supported")]
    Function(Multicodec),
}

#[cfg(test)]
mod tests;
