//! Identifiers: what they hold and their text and binary forms.

use std::{fmt, str::FromStr};

use crate::multibase;

/// Multihash prefix: function `sha2-256`, digest of 32 bytes.
const SHA2_256: [u8; 2] = [0x12, 0x20];
/// A version 0 identifier always has this many characters: 34 bytes starting `12 20`, in base58.
const V0_CHARS: usize = 46;
/// Version 1: `b` and 36 bytes (version, codec, multihash) in base32.
const V1_CHARS: usize = 59;
const V1_BYTES: usize = 36;

/// The version of an identifier. Both versions can name the same block; they differ as names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// A bare multihash in base58, `Qm…`; the codec is always [`Codec::DagPb`].
    V0,
    /// Version, codec and multihash in lower-case base32, `bafy…` or `bafk…`.
    V1,
}

/// What the bytes of the named block are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Codec {
    /// A node of a file tree: links, or a chunk in its wrapping.
    DagPb,
    /// The bytes of a chunk, unwrapped.
    Raw,
}

impl Codec {
    fn code(self) -> u8 {
        match self {
            Self::DagPb => 0x70,
            Self::Raw => 0x55,
        }
    }
}

/// A content identifier over SHA-256, the only hash function files on the network use.
///
/// ```
/// use alephd_cid::{Cid, Codec};
///
/// let cid: Cid = "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH".parse()?;
/// assert_eq!(cid.codec(), Codec::DagPb);
/// assert_eq!(cid.to_string(), "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH");
/// # Ok::<(), alephd_cid::CidError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cid {
    version: Version,
    codec: Codec,
    digest: [u8; 32],
}

impl Cid {
    /// The version 0 identifier of the dag-pb block with this SHA-256.
    pub fn v0(digest: [u8; 32]) -> Self {
        Self {
            version: Version::V0,
            codec: Codec::DagPb,
            digest,
        }
    }

    /// The version 1 identifier of the block with this codec and SHA-256.
    pub fn v1(codec: Codec, digest: [u8; 32]) -> Self {
        Self {
            version: Version::V1,
            codec,
            digest,
        }
    }

    /// Version 0 or 1.
    pub fn version(&self) -> Version {
        self.version
    }

    /// What the named block holds.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// SHA-256 of the named block (of the file itself only for [`Codec::Raw`]).
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The binary form, as links inside blocks carry it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(V1_BYTES);
        if self.version == Version::V1 {
            bytes.extend([1, self.codec.code()]);
        }
        bytes.extend(SHA2_256);
        bytes.extend(self.digest);
        bytes
    }

    /// Reads the binary form; nothing may follow it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CidError> {
        let (version, codec, multihash) = match bytes {
            [0x12, ..] => (Version::V0, Codec::DagPb, bytes),
            [1, 0x70, multihash @ ..] => (Version::V1, Codec::DagPb, multihash),
            [1, 0x55, multihash @ ..] => (Version::V1, Codec::Raw, multihash),
            [1, ..] => return Err(CidError::Codec),
            _ => return Err(CidError::Version),
        };
        let digest = multihash.strip_prefix(&SHA2_256).ok_or(CidError::Multihash)?;
        let digest = digest.try_into().map_err(|_| CidError::Length)?;
        Ok(Self {
            version,
            codec,
            digest,
        })
    }

    fn parse_v0(text: &str) -> Result<Self, CidError> {
        if text.len() != V0_CHARS {
            return Err(CidError::Length);
        }
        let mut bytes = [0; 34];
        let length = bs58::decode(text).onto(&mut bytes).map_err(|error| match error {
            bs58::decode::Error::BufferTooSmall => CidError::Length,
            _ => CidError::Alphabet,
        })?;
        // A leading `1` or a smaller number would leave bytes unused.
        if length != bytes.len() {
            Err(CidError::Length)
        } else {
            Self::from_bytes(&bytes)
        }
    }

    fn parse_v1(text: &str) -> Result<Self, CidError> {
        if text.len() != V1_CHARS {
            return Err(CidError::Length);
        }
        Self::from_bytes(&multibase::decode_base32(&text.as_bytes()[1..])?)
    }
}

impl FromStr for Cid {
    type Err = CidError;

    fn from_str(text: &str) -> Result<Self, CidError> {
        match text.as_bytes() {
            [b'Q', b'm', ..] => Self::parse_v0(text),
            [b'b', ..] => Self::parse_v1(text),
            _ => Err(CidError::Base),
        }
    }
}

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.to_bytes();
        match self.version {
            Version::V0 => f.write_str(&bs58::encode(bytes).into_string()),
            Version::V1 => {
                let mut text = String::with_capacity(V1_CHARS);
                text.push('b');
                multibase::encode_base32(&bytes, &mut text);
                f.write_str(&text)
            }
        }
    }
}

impl fmt::Debug for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text or some bytes are not a [`Cid`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidError {
    /// The first letter stands for no base that is read here.
    #[error("no text of a known base")]
    Base,
    /// Too long or too short.
    #[error("wrong length")]
    Length,
    /// A character outside the alphabet of the base.
    #[error("character outside the alphabet")]
    Alphabet,
    /// The last digit has bits that belong to no byte.
    #[error("bits left over after the last byte")]
    Padding,
    /// Neither version 0 nor 1.
    #[error("unknown version")]
    Version,
    /// Neither dag-pb nor raw.
    #[error("unknown codec")]
    Codec,
    /// Another hash function than SHA-256, or a shortened digest.
    #[error("not a SHA-256 multihash")]
    Multihash,
    /// A number inside is cut off, too large or longer than it must be.
    #[error("malformed number")]
    Varint,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const V0: &str = "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o";
    const RAW: &str = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";

    fn parse(text: &str) -> Result<Cid, CidError> {
        text.parse()
    }

    #[test]
    fn raw_names_the_bytes_themselves() {
        // SHA-256 of no bytes.
        let digest = [
            0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
            0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
        ];
        assert_eq!(parse(RAW), Ok(Cid::v1(Codec::Raw, digest)));
        assert_eq!(Cid::v1(Codec::Raw, digest).to_string(), RAW);
    }

    #[test]
    fn refuses_what_is_almost_a_cid() {
        let changed = |text: &str, at: usize, with: &str| {
            let mut text = text.to_owned();
            text.replace_range(at..at + 1, with);
            parse(&text)
        };
        assert_eq!(parse(""), Err(CidError::Base));
        assert_eq!(parse("zdj7W"), Err(CidError::Base));
        assert_eq!(parse(&V0[..45]), Err(CidError::Length));
        assert_eq!(parse(&format!("{V0}1")), Err(CidError::Length));
        assert_eq!(changed(V0, 9, "0"), Err(CidError::Alphabet));
        assert_eq!(changed(V0, 9, "é").unwrap_err(), CidError::Length);
        assert_eq!(
            parse("QmzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzZ"),
            Err(CidError::Length)
        );
        assert_eq!(parse(&RAW[..58]), Err(CidError::Length));
        assert_eq!(parse(&RAW.to_uppercase()), Err(CidError::Base));
        assert_eq!(changed(RAW, 20, "1"), Err(CidError::Alphabet));
        assert_eq!(changed(RAW, 58, "v"), Err(CidError::Padding));
        // dag-cbor, a codec no file has.
        assert_eq!(changed(RAW, 3, "y").unwrap_err(), CidError::Codec);
        // Version 1 of blake3.
        let mut bytes = parse(RAW).unwrap().to_bytes();
        bytes[2] = 0x1e;
        assert_eq!(Cid::from_bytes(&bytes), Err(CidError::Multihash));
        assert_eq!(Cid::from_bytes(&[2, 0x55, 0x12, 0x20]), Err(CidError::Version));
        assert_eq!(Cid::from_bytes(&[0x12, 0x20, 1]), Err(CidError::Length));
        assert_eq!(Cid::from_bytes(&[]), Err(CidError::Version));
    }

    proptest! {
        #[test]
        fn forms_round_trip(digest: [u8; 32], raw: bool) {
            let codec = if raw { Codec::Raw } else { Codec::DagPb };
            for cid in [Cid::v0(digest), Cid::v1(codec, digest)] {
                prop_assert_eq!(parse(&cid.to_string()), Ok(cid));
                prop_assert_eq!(Cid::from_bytes(&cid.to_bytes()), Ok(cid));
            }
        }

        #[test]
        fn what_parses_displays_the_same(text in "(Qm[1-9A-Za-z]{44}|bafy(bei)?[a-z2-7]{52,55}|.{0,60})") {
            if let Ok(cid) = parse(&text) {
                prop_assert_eq!(cid.to_string(), text);
            }
        }
    }
}
