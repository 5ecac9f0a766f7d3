//! Where blobs are kept, as an operator writes it down.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A storage to open with [`Blobs::open`](crate::Blobs::open).
///
/// ```toml
/// kind = "s3"
/// endpoint = "https://s3.example.org"
/// bucket = "alephd"
/// key_file = "/etc/alephd/s3-keys"
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum BlobConfig {
    /// A folder of this machine.
    Folder {
        /// The folder; created if it is missing.
        path: PathBuf,
    },
    /// A bucket of an S3-compatible service.
    S3(S3Config),
}

/// A bucket of an S3-compatible service. Has no secret in it: keys come from a file or from the
/// environment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct S3Config {
    /// Name of the bucket, which must exist.
    pub bucket: String,
    /// Address of the service, `http://` or `https://`; without one, that of AWS for the region.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Folder within the bucket. It belongs to one node: see [`crate`].
    #[serde(default)]
    pub prefix: String,
    /// Region that requests are signed for. Services that have none take any.
    #[serde(default = "default_region")]
    pub region: String,
    /// Whether the bucket is named in the path (`host/bucket/key`) rather than in the host
    /// (`bucket.host/key`).
    #[serde(default = "default_path_style")]
    pub path_style: bool,
    /// File with `aws_access_key_id` and `aws_secret_access_key`, in the form that AWS tools read.
    /// Without one, the environment variables `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// Seconds without a byte from the service after which an attempt counts as failed.
    #[serde(default = "default_timeout_seconds")]
    pub timeout_seconds: u64,
    /// Attempts after the first failed one.
    #[serde(default = "default_retries")]
    pub retries: usize,
}

impl S3Config {
    /// A bucket with the default of every other setting.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            endpoint: None,
            prefix: String::new(),
            region: default_region(),
            path_style: default_path_style(),
            key_file: None,
            timeout_seconds: default_timeout_seconds(),
            retries: default_retries(),
        }
    }
}

fn default_region() -> String {
    "us-east-1".to_owned()
}

/// Every service understands it, and it needs no wildcard name in DNS.
fn default_path_style() -> bool {
    true
}

/// A part of 5 MiB leaves in that time over a line of 1.5 Mbit/s.
fn default_timeout_seconds() -> u64 {
    30
}

/// With pauses that double from a tenth of a second, about three seconds of refusals.
fn default_retries() -> usize {
    5
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<BlobConfig, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn forms() {
        assert_eq!(
            parse("kind = 'folder'\npath = '/data'").unwrap(),
            BlobConfig::Folder { path: "/data".into() }
        );
        assert_eq!(
            parse("kind = 's3'\nbucket = 'b'").unwrap(),
            BlobConfig::S3(S3Config::new("b"))
        );
        let full = "kind = 's3'\nbucket = 'b'\nendpoint = 'http://h:1'\nprefix = 'p/q'\nregion = 'r'\n\
                    path_style = false\nkey_file = '/k'\ntimeout_seconds = 7\nretries = 0";
        let expected = S3Config {
            bucket: "b".into(),
            endpoint: Some("http://h:1".into()),
            prefix: "p/q".into(),
            region: "r".into(),
            path_style: false,
            key_file: Some("/k".into()),
            timeout_seconds: 7,
            retries: 0,
        };
        assert_eq!(parse(full).unwrap(), BlobConfig::S3(expected));
    }

    #[test]
    fn unknown_keys_are_errors() {
        for text in [
            "kind = 's3'",
            "kind = 'tape'",
            "kind = 's3'\nbucket = 'b'\nsecret_key = 'x'",
            "kind = 'folder'\npath = '/data'\nbucket = 'b'",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
