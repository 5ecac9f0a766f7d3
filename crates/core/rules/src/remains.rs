//! What others still judge a message by when its content is gone.

use serde::{Deserialize, Serialize};

use alephd_message::{
    Content, ItemHash,
    content::{Body, VolumeRole},
};

/// The part of a content that verdicts on other messages look at. A FORGET that is older than one
/// of them may arrive after the content went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remains {
    /// PROGRAM: it may be replaced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    allow_amend: bool,
    /// STORE: its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// Machine: the STOREs that cannot be forgotten while it lives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    volumes: Vec<String>,
}

impl Remains {
    /// What remains of a content.
    pub fn of(content: &Content) -> Self {
        let mut remains = Self::default();
        match &content.body {
            Body::Store(store) => remains.file = Some(store.item_hash.to_string()),
            Body::Program(machine) => remains.allow_amend = machine.allow_amend,
            Body::Post(_) | Body::Aggregate(_) | Body::Forget(_) | Body::Instance(_) | Body::VProgram(_) => {}
        }
        if let Some(machine) = content.machine() {
            // Parents of persistent volumes are copied when the machine starts.
            let protected = machine
                .volumes
                .iter()
                .filter(|volume| volume.role != VolumeRole::PersistentParent);
            remains.volumes = protected.map(|volume| volume.reference.to_string()).collect();
        }
        remains
    }

    /// Whether a PROGRAM may be replaced.
    pub fn allow_amend(&self) -> bool {
        self.allow_amend
    }

    /// The file of a STORE.
    pub fn file(&self) -> Option<ItemHash> {
        ItemHash::parse_lenient(self.file.as_deref()?)
    }

    /// The STOREs that a machine protects.
    pub fn volumes(&self) -> impl Iterator<Item = ItemHash> {
        self.volumes
            .iter()
            .filter_map(|hash| ItemHash::parse_lenient(hash))
    }

    /// As text; `None` if nothing remains.
    pub fn to_json(&self) -> Option<String> {
        let json = serde_json::to_string(self).expect("strings and flags have a text");
        (self != &Self::default()).then_some(json)
    }

    /// From such a text.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}
