//! The sign of life that nodes publish every two minutes.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Bytes of a beacon. Real ones have some 150.
const MAX_BEACON: usize = 4096;
/// Bytes of the address in it: a URL or a multiaddress through a relay.
const MAX_ADDRESS: usize = 512;
/// Bytes of the version in it.
const MAX_VERSION: usize = 64;

/// How the address of a beacon is to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PeerType {
    /// A multiaddress of the gossip network.
    P2p,
    /// A base URL of the HTTP API.
    Http,
    /// A multiaddress of IPFS.
    Ipfs,
}

impl PeerType {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::P2p => "P2P",
            Self::Http => "HTTP",
            Self::Ipfs => "IPFS",
        }
    }
}

impl fmt::Display for PeerType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A sign of life. Who sent it is not in it: that is the author of the gossip message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beacon {
    /// Where the sender says to be reached. Unchecked.
    pub address: String,
    /// What kind of address it is.
    pub peer_type: PeerType,
    /// The software of the sender; empty if it does not say.
    pub version: String,
}

/// Why a beacon could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BeaconError {
    /// Longer than any beacon.
    #[error("{0} bytes are too many for a beacon")]
    TooLong(usize),
    /// Not JSON, or not of the right form.
    #[error("not a beacon")]
    Form(#[from] serde_json::Error),
    /// A field holds what it may not.
    #[error("{0} of a beacon is not what it should be")]
    Field(&'static str),
}

/// Other keys are ignored, and so is what `interests` says: nobody has ever used it.
#[derive(Deserialize)]
struct Form {
    address: String,
    #[serde(default)]
    peer_type: Option<String>,
    #[serde(default)]
    version: Value,
}

impl Beacon {
    /// Reads a payload, in whichever of its [readings](super::decode) is a beacon.
    pub fn parse(payload: &[u8]) -> Result<Self, BeaconError> {
        if payload.len() > MAX_BEACON {
            return Err(BeaconError::TooLong(payload.len()));
        }
        let mut outcome = Err(BeaconError::Field("payload"));
        for reading in super::decode(payload) {
            outcome = Self::read(&reading);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    fn read(json: &[u8]) -> Result<Self, BeaconError> {
        let form: Form = serde_json::from_slice(json)?;
        if form.address.is_empty()
            || form.address.len() > MAX_ADDRESS
            || form.address.chars().any(char::is_control)
        {
            return Err(BeaconError::Field("address"));
        }
        let peer_type = match form.peer_type.as_deref() {
            // The oldest nodes do not say.
            None | Some("P2P") => PeerType::P2p,
            Some("HTTP") => PeerType::Http,
            Some("IPFS") => PeerType::Ipfs,
            Some(_) => return Err(BeaconError::Field("peer_type")),
        };
        let version = match form.version {
            Value::String(version) if version.len() <= MAX_VERSION => version,
            // Only shown to people; not worth losing an address for.
            _ => String::new(),
        };
        Ok(Self {
            address: form.address,
            peer_type,
            version,
        })
    }

    /// The beacon as older nodes write it, spaces included. To be [encoded](super::encode) before it
    /// is published.
    pub fn to_json(&self) -> String {
        format!(
            r#"{{"address": {}, "interests": null, "peer_type": "{}", "version": {}}}"#,
            Value::from(self.address.as_str()),
            self.peer_type,
            Value::from(self.version.as_str()),
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn beacon() -> Beacon {
        Beacon {
            address: "http://203.0.113.7:4024".into(),
            peer_type: PeerType::Http,
            version: "0.10.3".into(),
        }
    }

    #[test]
    fn beacons_are_written_as_older_nodes_do() {
        assert_eq!(
            beacon().to_json(),
            r#"{"address": "http://203.0.113.7:4024", "interests": null, "peer_type": "HTTP", "version": "0.10.3"}"#
        );
    }

    #[test]
    fn what_other_nodes_may_write_is_read() {
        let minimal = Beacon::parse(br#"{"address":"/ip4/203.0.113.7/tcp/4025","more":[1]}"#).unwrap();
        assert_eq!((minimal.peer_type, minimal.version.as_str()), (PeerType::P2p, ""));
        let odd = br#"{"address":"a","peer_type":"IPFS","version":3,"interests":["x"]}"#;
        assert_eq!(Beacon::parse(odd).unwrap().peer_type, PeerType::Ipfs);
        let quoted = br#"%7B%22address%22%3A%20%22/ip4/1.2.3.4%22%7D"#;
        assert_eq!(Beacon::parse(quoted).unwrap().address, "/ip4/1.2.3.4");
    }

    #[test]
    fn what_no_node_should_write_is_refused() {
        let long = format!(r#"{{"address":"{}"}}"#, "a".repeat(MAX_ADDRESS + 1));
        let huge = format!(r#"{{"address":"a","x":"{}"}}"#, "a".repeat(MAX_BEACON));
        for refused in [
            "",
            "{}",
            "[]",
            "7",
            "null",
            r#"{"address":""}"#,
            r#"{"address":7}"#,
            r#"{"address":"a\n"}"#,
            r#"{"address":"a","peer_type":"FTP"}"#,
            r#"{"address":"a","peer_type":7}"#,
            &long,
            &huge,
            &"[".repeat(MAX_BEACON),
        ] {
            assert!(Beacon::parse(refused.as_bytes()).is_err(), "{refused:.40}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(address in "[ -~é]{1,60}", version in "\\PC{0,12}") {
            let beacon = Beacon { address, version, peer_type: PeerType::P2p };
            let json = beacon.to_json();
            prop_assert_eq!(Beacon::parse(json.as_bytes()).unwrap(), beacon.clone());
        }

        #[test]
        fn anything_can_be_parsed(payload: Vec<u8>) {
            let _ = Beacon::parse(&payload);
        }
    }
}
