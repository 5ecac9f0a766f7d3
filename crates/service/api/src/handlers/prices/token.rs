//! The token that opens guarded routes: a recent time, signed with the key of the network.
//!
//! ```text
//!   X-Auth-Token: base64( "<unix seconds>" ":" base64( DER signature of the seconds as text ) )
//! ```
//!
//! ECDSA on secp256k1 over the SHA-256 of the text. Both halves of `s` are accepted, as the common
//! libraries make either.

use std::str::FromStr as _;

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secp256k1::{Message, PublicKey, Secp256k1, ecdsa::Signature};
use sha2::{Digest as _, Sha256};

use alephd_message::Micros;

use crate::ApiError;

const NAME: &str = "x-auth-token";
/// Age up to which a token opens, in microseconds.
const OLDEST: i64 = 300 * 1_000_000;
/// How far the clock of its maker may be ahead.
const AHEAD: i64 = 30 * 1_000_000;

/// The route stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No token came.
    Missing,
    /// What came does not open.
    Invalid,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        const BEARER: HeaderValue = HeaderValue::from_static("Bearer");
        let text = match self {
            Self::Missing => "Missing X-Auth-Token header",
            Self::Invalid => "Invalid or expired authentication token",
        };
        let error = ApiError::text(StatusCode::UNAUTHORIZED, text);
        ([(header::WWW_AUTHENTICATE, BEARER)], error).into_response()
    }
}

/// Checks the token of a request with the key of the network, a compressed one in hexadecimal.
pub(super) fn check(key: Option<&str>, headers: &HeaderMap, now: Micros) -> Result<(), Refusal> {
    let token = headers.get(NAME).filter(|token| !token.is_empty());
    let token = token.ok_or(Refusal::Missing)?;
    let opens = key.and_then(|key| verify(key, token.as_bytes(), now));
    opens.ok_or(Refusal::Invalid)
}

fn verify(key: &str, token: &[u8], now: Micros) -> Option<()> {
    let token = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
    let (seconds, signature) = token.split_once(':')?;
    let made = seconds.parse::<i64>().ok()?.checked_mul(1_000_000)?;
    let age = now.0.checked_sub(made)?;
    if !(-AHEAD..=OLDEST).contains(&age) {
        return None;
    }
    let mut signature = Signature::from_der(&STANDARD.decode(signature).ok()?).ok()?;
    signature.normalize_s();
    let digest = Message::from_digest(Sha256::digest(seconds.as_bytes()).into());
    let key = PublicKey::from_str(key).ok()?;
    Secp256k1::verification_only()
        .verify_ecdsa(digest, &signature, &key)
        .ok()
}
