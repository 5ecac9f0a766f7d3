//! The signed STORE that may come along with a file.

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use alephd_economy::cost::Demand;
use alephd_message::{Content, Envelope, ItemType, MessageType, Micros, content::Body as ContentBody};

use crate::{ApiError, handlers::publish};

/// A signed STORE that comes along with a file.
pub(super) struct Metadata {
    pub(super) envelope: Envelope,
    /// The file that it names.
    pub(super) file: String,
    pub(super) sync: bool,
    /// What has to be paid.
    pub(super) demand: Demand,
    /// The signed time.
    pub(super) time: Micros,
}

#[derive(Deserialize)]
struct RawMetadata<'a> {
    #[serde(borrow)]
    message: &'a RawValue,
    sync: serde_json::Value,
}

impl Metadata {
    /// Reads the part, and checks everything that needs no file: signature first.
    ///
    /// `engine` is how the message has to name files.
    pub(super) fn parse(bytes: &[u8], engine: ItemType) -> Result<Self, ApiError> {
        let undecodable = |why: String| {
            let reason = format!("Could not decode metadata: {why}");
            ApiError::reason(StatusCode::UNPROCESSABLE_ENTITY, reason)
        };
        let raw: RawMetadata<'_> =
            serde_json::from_slice(bytes).map_err(|error| undecodable(error.to_string()))?;
        let sync = publish::truth(&raw.sync).ok_or_else(|| undecodable("sync must be a boolean".into()))?;
        let envelope =
            Envelope::parse(raw.message.get().as_bytes()).map_err(|error| undecodable(error.to_string()))?;
        alephd_signature::verify(&envelope).map_err(|_| ApiError::status(StatusCode::FORBIDDEN))?;
        let invalid = |why: String| {
            let reason = format!("Invalid store message content: {why}");
            ApiError::reason(StatusCode::UNPROCESSABLE_ENTITY, reason)
        };
        let text = envelope.item_content.as_deref();
        let text = text.filter(|_| envelope.message_type == MessageType::Store);
        let text = text.ok_or_else(|| invalid("an inline STORE message is expected".into()))?;
        let content = Content::parse(MessageType::Store, text).map_err(|error| invalid(error.to_string()))?;
        let demand = Demand::of(&content, text, &envelope.item_hash);
        let demand = demand.map_err(|error| invalid(error.to_string()))?;
        let time = content.position_time();
        let (ContentBody::Store(store), Some(demand)) = (content.body, demand) else {
            return Err(invalid("an inline STORE message is expected".into()));
        };
        if store.item_type != engine {
            let found = store.item_type;
            let reason = match engine {
                ItemType::Ipfs => format!("Expected item_type=ipfs in STORE message, got {found}"),
                _ => format!("Invalid store message content: item_type must be {engine}, not {found}"),
            };
            return Err(ApiError::reason(StatusCode::UNPROCESSABLE_ENTITY, reason));
        }
        Ok(Self {
            envelope,
            file: store.item_hash.to_string(),
            sync,
            demand,
            time,
        })
    }

    /// Refuses a file that is not the one that the message names.
    pub(super) fn check(&self, file: &str) -> Result<(), ApiError> {
        if self.file == file {
            return Ok(());
        }
        let reason = format!("File hash does not match ({file} != {})", self.file);
        Err(ApiError::reason(StatusCode::UNPROCESSABLE_ENTITY, reason))
    }
}
