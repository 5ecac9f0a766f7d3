//! The vectors of the repository: messages with the verdict that the network gives them.

use std::{fs, io, path::PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

/// The files in `vectors/`, without their ending.
pub const FILES: [&str; 3] = ["real-messages", "derived-mutations", "synthetic"];

/// One message and its verdict.
#[derive(Clone, Debug, Deserialize)]
pub struct Vector {
    /// Name of the vector.
    pub id: String,
    /// `real`, `derived` or `synthetic`.
    pub kind: String,
    /// Where it comes from, or what was changed.
    #[serde(default)]
    pub provenance: Vec<String>,
    /// Anything worth knowing.
    #[serde(default)]
    pub note: Option<String>,
    /// The message as on the wire, byte for byte.
    pub message: Box<RawValue>,
    /// What the network says.
    pub expected: Expected,
}

/// The verdict over schema and signature, and how it comes about. Permissions, balances and
/// dependencies are not looked at.
#[derive(Clone, Debug, Deserialize)]
pub struct Expected {
    /// `valid` or `invalid`.
    pub verdict: String,
    /// The code of the refusal: 0, 1 or -1.
    pub error_code: Option<i16>,
    /// Whether the signature verifies, by the protocol's definition.
    pub signature: String,
    /// Whether it verifies in the reference implementation, where that could be run.
    #[serde(default)]
    pub reference_signature: Option<String>,
    /// Whether the envelope is well formed.
    pub format: String,
    /// Whether the content is: `valid`, `invalid`, or `unavailable` if it is a file.
    pub content: String,
    /// The reason, for people.
    #[serde(default)]
    pub why: String,
}

/// The vectors of one of [`FILES`].
pub fn load(file: &str) -> io::Result<Vec<Vector>> {
    let path = folder().join(file).with_extension("jsonl");
    let text = fs::read_to_string(path)?;
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str(line).map_err(io::Error::from))
        .collect()
}

/// All vectors.
pub fn all() -> io::Result<Vec<Vector>> {
    let lists: io::Result<Vec<_>> = FILES.iter().map(|file| load(file)).collect();
    Ok(lists?.concat())
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../vectors")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_file_loads_and_names_are_unique() {
        let vectors = all().unwrap();
        assert_eq!(vectors.len(), 318);
        let names: HashSet<_> = vectors.iter().map(|vector| &vector.id).collect();
        assert_eq!(names.len(), vectors.len());
        for Vector { id, expected, .. } in &vectors {
            let is_valid = expected.verdict == "valid";
            assert_eq!(is_valid, expected.error_code.is_none(), "{id}");
        }
    }
}
