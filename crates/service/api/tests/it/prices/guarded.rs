//! Routes for who has the key of the operators.

use alephd_api::ApiSettings;
use alephd_testkit::sha256;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secp256k1::{Message, PublicKey, Secp256k1, SecretKey};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{failed, parsed, stored};
use crate::fixture::{Fixture, NOW};

/// A token for the guarded routes, made at a time by a key.
fn token(secret: &SecretKey, seconds: i64) -> String {
    let text = seconds.to_string();
    let digest = Message::from_digest(Sha256::digest(text.as_bytes()).into());
    let signature = Secp256k1::new().sign_ecdsa(digest, secret).serialize_der();
    STANDARD.encode(format!("{text}:{}", STANDARD.encode(signature)))
}

#[tokio::test(flavor = "multi_thread")]
async fn guarded_routes_want_a_token() {
    let secret = SecretKey::from_byte_array([7; 32]).expect("a key");
    let public = PublicKey::from_secret_key(&Secp256k1::new(), &secret).to_string();
    let node = Fixture::with(ApiSettings {
        auth_public_key: Some(public),
        ..ApiSettings::default()
    });
    let store = stored(&node, "bob", 1, 10, "hold").await;
    stored(&node, "bob", 2, 10, "credit").await;
    let all = "/api/v0/price/recalculate";
    let one = format!("/api/v0/price/{store}/recalculate");
    let now = NOW / 1_000_000;

    for uri in [all, &one] {
        for (value, text) in [
            (None, "Missing X-Auth-Token header"),
            (Some(String::new()), "Missing X-Auth-Token header"),
            (Some("nope".to_owned()), "Invalid or expired authentication token"),
            (
                Some(token(&secret, now - 300)),
                "Invalid or expired authentication token",
            ),
            (
                Some(token(&secret, now + 31)),
                "Invalid or expired authentication token",
            ),
            (
                Some(token(&SecretKey::from_byte_array([8; 32]).expect("a key"), now)),
                "Invalid or expired authentication token",
            ),
        ] {
            let headers: Vec<_> = value
                .iter()
                .map(|value| ("x-auth-token", value.as_str()))
                .collect();
            let answer = node.post(uri, &headers, "").await;
            assert_eq!(failed(&answer), (401, text), "{value:?}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
        for (time, bills) in [(now - 299, 2), (now + 30, 2)] {
            let bills = if uri == all { bills } else { 1 };
            let answer = node
                .post(uri, &[("x-auth-token", &token(&secret, time))], "")
                .await;
            let found = parsed(&answer);
            assert_eq!(
                (&found["recalculated_count"], &found["total_messages"]),
                (&json!(0), &json!(bills))
            );
        }
    }
    let unknown = format!("/api/v0/price/{}/recalculate", sha256(b"unknown"));
    let answer = node
        .post(&unknown, &[("x-auth-token", &token(&secret, now))], "")
        .await;
    assert_eq!(answer.status, 404);

    let closed = Fixture::new();
    let answer = closed
        .post(all, &[("x-auth-token", &token(&secret, now))], "")
        .await;
    assert_eq!(failed(&answer), (401, "Invalid or expired authentication token"));
}
