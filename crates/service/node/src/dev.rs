//! Accounts of the local network, with keys that everybody can derive, and money for them.
//!
//! The local network begins with the two messages that fund them, in every data folder, whether a
//! node or an import made it: otherwise two folders with the same messages would differ by the
//! command that was used first. They are the same bytes each time, so a folder that is used again
//! knows them already.

use sha2::{Digest, Sha256};

use serde_json::json;

use alephd_message::{Chain, Envelope, MessageType, Micros};
use alephd_pipeline::{Origin, Pipeline};
use alephd_signature::sign::{EvmKey, seal, wire_json};

use crate::{Config, NodeError, Profile};

/// How many accounts there are.
const ACCOUNTS: usize = 10;
/// What the key of the funder is the hash of. Its address is what the local profile trusts.
const FUNDER: &str = "aleph-conformance-funder";
/// What stands before the number of an account when its key is derived.
const ACCOUNT: &str = "alephd-dev-account-";
/// Tokens that each account holds.
const TOKENS: u64 = 1_000_000;
/// Credits that each account holds: a thousand dollars.
const CREDITS: u64 = 1_000_000_000;
/// When the accounts were funded, in seconds: a fixed instant after which credits have their
/// present unit.
const FUNDED_AT: i64 = 1_770_000_000;

/// A funded account.
pub struct DevAccount {
    /// Its address on EVM chains.
    pub address: String,
    /// Its private key in hexadecimal, with `0x`.
    pub private_key: String,
    key: EvmKey,
}

/// The accounts, always the same.
pub fn accounts() -> Vec<DevAccount> {
    let account = |number: usize| {
        let secret = secret(&format!("{ACCOUNT}{number}"));
        let key = key(secret);
        DevAccount {
            address: key.address().to_owned(),
            private_key: format!("0x{}", hex::encode(secret)),
            key,
        }
    };
    (1..=ACCOUNTS).map(account).collect()
}

/// What each account holds: tokens, credits.
pub fn holdings() -> (u64, u64) {
    (TOKENS, CREDITS)
}

/// Whether a node with this configuration funds the accounts: on a network that keeps to this
/// machine and believes the funder, whose key everybody knows.
pub fn funds(config: &Config, profile: &Profile) -> bool {
    let funder = key(secret(FUNDER));
    let trusts = |oracles: &[String]| oracles.iter().any(|oracle| oracle == funder.address());
    let is_trusted = trusts(&profile.balances.oracles) && trusts(&profile.credits.oracles);
    config.network.test_accounts && profile.loopback_only && is_trusted
}

/// Gives the accounts what [`holdings`] says, by messages like any other.
pub(crate) async fn fund(pipeline: &Pipeline, config: &Config, profile: &Profile) -> Result<(), NodeError> {
    if !funds(config, profile) {
        return Ok(());
    }
    for message in funding(profile) {
        let outcome = pipeline.submit(message, Origin::History).await?;
        if !outcome.status.is_live() {
            let code = outcome.code.map_or(String::new(), |code| format!(" with {code}"));
            let status = outcome.status.as_str();
            return Err(NodeError::Pipeline(format!(
                "funding the test accounts is {status}{code}"
            )));
        }
    }
    Ok(())
}

fn funding(profile: &Profile) -> Vec<Envelope> {
    let funder = key(secret(FUNDER));
    let accounts = accounts();
    let balances: serde_json::Map<String, serde_json::Value> = accounts
        .iter()
        .map(|account| (account.address.clone(), TOKENS.into()))
        .collect();
    let lines: Vec<_> = accounts
        .iter()
        .map(|account| {
            json!({"address": account.address, "amount": CREDITS, "price": "0.000001", "tx_hash": "0x00",
                "provider": "ALEPH", "payment_method": "dev"})
        })
        .collect();
    let post = |post_type: &str, channel: Option<&String>, content: serde_json::Value| {
        let content = json!({
            "address": funder.address(), "time": FUNDED_AT, "type": post_type, "content": content,
        });
        let time = Micros(FUNDED_AT * 1_000_000);
        seal(
            &funder,
            Chain::Eth,
            MessageType::Post,
            content.to_string(),
            time,
            channel.cloned(),
        )
    };
    let report = json!({"chain": "ETH", "main_height": 1, "balances": balances});
    let distribution = json!({"distribution": {"credits": lines, "token": "ALEPH", "chain": "ETH"}});
    vec![
        post(&profile.balances.post_type, None, report),
        post(
            "aleph_credit_distribution",
            profile.credits.channels.first(),
            distribution,
        ),
    ]
}

/// A signed message of an account that can be sent as it is, as a wire object.
pub fn example_post(account: &DevAccount, now: Micros) -> String {
    let content = json!({
        "address": account.address, "time": now.as_seconds(), "type": "greeting",
        "content": {"body": "Hello from alephd"},
    });
    let envelope = seal(
        &account.key,
        Chain::Eth,
        MessageType::Post,
        content.to_string(),
        now,
        Some("TEST".to_owned()),
    );
    wire_json(&envelope)
}

fn secret(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

fn key(secret: [u8; 32]) -> EvmKey {
    EvmKey::from_bytes(secret).expect("all names here were tried: their hashes are keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_local_network_funds_accounts() {
        let mut config = Config::default();
        assert!(funds(&config, &Profile::load("local").unwrap()));
        assert!(!funds(&config, &Profile::load("mainnet").unwrap()));
        assert!(!funds(&config, &Profile::load("testnet").unwrap()));
        config.network.test_accounts = false;
        assert!(!funds(&config, &Profile::load("local").unwrap()));
    }

    #[test]
    fn accounts_and_their_funding_never_change() {
        let profile = Profile::load("local").unwrap();
        let hashes = |()| {
            funding(&profile)
                .iter()
                .map(|message| message.item_hash.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(hashes(()), hashes(()));
        let addresses: std::collections::BTreeSet<_> =
            accounts().into_iter().map(|account| account.address).collect();
        assert_eq!(addresses.len(), ACCOUNTS);
        for message in funding(&profile) {
            alephd_signature::verify(&message).unwrap();
            let parsed = Envelope::parse(wire_json(&message).as_bytes()).unwrap();
            assert_eq!(parsed.item_hash, message.item_hash);
        }
    }
}
