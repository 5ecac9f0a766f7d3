//! Answers of the RPC.

use std::time::Duration;

use alephd_cid::AnyCid;
use bytes::Bytes;
use reqwest::Response;
use serde::{Deserialize, de::DeserializeOwned};
use tokio::time::timeout;

use super::KuboError;

/// Bytes of an answer that says little.
pub(super) const SMALL: usize = 64 * 1024;

/// Bytes of an answer that lists addresses.
pub(super) const ADDRESSES: usize = 1024 * 1024;

/// Characters of a refusal that are passed on.
const MOST_TEXT: usize = 300;

/// An answer as it comes.
pub(super) struct Answer {
    response: Response,
    /// How long it may be silent.
    idle: Duration,
}

impl Answer {
    pub(super) fn new(response: Response, idle: Duration) -> Self {
        Self { response, idle }
    }

    /// The next piece.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, KuboError> {
        let piece = timeout(self.idle, self.response.chunk()).await;
        piece.map_err(|_| KuboError::Silent)?.map_err(KuboError::Http)
    }

    /// All of it, unless it is longer than that.
    pub(super) async fn bytes(mut self, limit: usize) -> Result<Vec<u8>, KuboError> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.next().await? {
            if bytes.len() + piece.len() > limit {
                return Err(KuboError::Answer);
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// Its end; what it says does not matter.
    pub(super) async fn end(self) -> Result<(), KuboError> {
        self.bytes(SMALL).await.map(|_| ())
    }

    /// The JSON value at its beginning; of some commands another one follows for each object.
    pub(super) async fn json<T: DeserializeOwned>(self, limit: usize) -> Result<T, KuboError> {
        let bytes = self.bytes(limit).await?;
        let mut values = serde_json::Deserializer::from_slice(&bytes).into_iter();
        let first = values.next().ok_or(KuboError::Answer)?;
        first.map_err(|_| KuboError::Answer)
    }
}

/// What the RPC says when it refuses.
pub(super) async fn refusal(answer: Answer) -> KuboError {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Refusal {
        message: String,
    }
    let status = answer.response.status();
    let text = match answer.bytes(SMALL).await {
        Ok(body) => match serde_json::from_slice::<Refusal>(&body) {
            Ok(refusal) => refusal.message,
            Err(_) => format!("status {status}"),
        },
        Err(error) => return error,
    };
    KuboError::Refused(text.chars().take(MOST_TEXT).collect())
}

/// What it says of an archive that it was given.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Root {
    root: Option<RootFields>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RootFields {
    cid: Link,
    #[serde(default)]
    pin_error_msg: String,
}

#[derive(Deserialize)]
struct Link {
    #[serde(rename = "/")]
    cid: String,
}

impl Root {
    /// Whether it holds this tree.
    pub(super) fn check(self, expected: &AnyCid) -> Result<(), KuboError> {
        let root = self.root.ok_or(KuboError::Answer)?;
        if !root.pin_error_msg.is_empty() {
            let text = root.pin_error_msg.chars().take(MOST_TEXT).collect();
            return Err(KuboError::Refused(text));
        }
        let cid: AnyCid = root.cid.cid.parse().map_err(|_| KuboError::Answer)?;
        match cid.to_v1() == expected.to_v1() {
            true => Ok(()),
            false => Err(KuboError::Wrong(expected.clone())),
        }
    }
}
