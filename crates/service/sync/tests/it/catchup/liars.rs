//! Peers that send what they should not.

use std::{sync::Arc, time::Duration};

use alephd_message::ItemHash;
use alephd_peer_protocol::catchup::{Record, id_of};
use alephd_reconcile::{Known, KnownIndex};
use alephd_rules::{Interest, MessageStatus};
use alephd_signature::sign::wire_json;
use alephd_store::read::KnownRow;
use alephd_sync::catchup::{
    Conduct, Holdings, HoldingsError, KnownPage, Taken, Trouble, View, initiate, respond,
};
use alephd_testkit::{builder::post, copies, keys, rng::Rng, sha256};
use async_trait::async_trait;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::compat::TokioAsyncReadCompatExt as _;

use super::site::{Site, conduct};

/// Hands out what it is told to.
struct Liar(Vec<Record>);

#[async_trait]
impl Holdings for Liar {
    async fn known(&self, _: i64, _: u64) -> Result<KnownPage, HoldingsError> {
        Ok(KnownPage::default())
    }

    async fn known_parked(&self) -> Result<Vec<KnownRow>, HoldingsError> {
        Ok(Vec::new())
    }

    async fn records(&self, rows: Vec<i64>) -> Result<Vec<Option<Record>>, HoldingsError> {
        Ok(rows
            .into_iter()
            .map(|row| self.0.get(row as usize).cloned())
            .collect())
    }

    fn within(&self, _: Vec<Interest>) -> Arc<dyn Holdings> {
        unreachable!("nobody here keeps a part")
    }

    async fn take(&self, _: Record, _: bool) -> Result<Taken, HoldingsError> {
        Ok(Taken::Refused)
    }
}

/// What a node makes of a peer with these records.
async fn listen_to(site: &Site, records: Vec<Record>) -> Result<(), Trouble> {
    let mut index = KnownIndex::new();
    let known = |(row, record): (usize, &Record)| Known {
        time: row as u64,
        id: id_of(record.hash()),
        row: row as i64,
    };
    index.update(records.iter().enumerate().map(known).collect(), Vec::new());
    let theirs = View {
        set: index.snapshot(),
        ..View::default()
    };
    let liar: Arc<dyn Holdings> = Arc::new(Liar(records));
    let (near, far) = tokio::io::duplex(16 << 10);
    let ours = site.catalogue.refresh().await.unwrap();
    let conduct = conduct(false);
    let ((_, result), _) = tokio::join!(
        initiate(near.compat(), ours, &site.holdings, &conduct),
        respond(far.compat(), theirs, &liar, &conduct),
    );
    result
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bytes_are_not_taken_and_the_session_is_over() {
    let site = Site::new();
    let alice = keys::evm("alice");
    let message = post(&alice, "t", json!({"n": 1})).seal();
    let other = post(&alice, "t", json!({"n": 2})).seal();
    let hash = message.item_hash.clone();
    let record = |copies: Vec<String>, content: Option<&str>| {
        let content = content.map(str::to_owned);
        vec![Record::Message {
            hash: hash.clone(),
            copies,
            content,
        }]
    };
    let (as_file, _) = post(&alice, "t", json!({"n": 3})).seal_as_file();
    let wrong_content = Record::Message {
        hash: as_file.item_hash.clone(),
        copies: vec![wire_json(&as_file)],
        content: Some("{}".into()),
    };
    let tombstone = Record::Tombstone {
        hash: hash.clone(),
        json: "{}".into(),
    };
    for records in [
        record(vec![wire_json(&other)], None),
        record(vec!["{}".into()], None),
        record(vec![wire_json(&message), wire_json(&other)], None),
        vec![wrong_content],
    ] {
        let result = listen_to(&site, records).await;
        assert!(matches!(result, Err(Trouble::WrongBytes)), "{result:?}");
    }
    assert!(
        listen_to(&site, vec![tombstone]).await.is_ok(),
        "one may be of a newer form"
    );
    for hash in [&hash, &other.item_hash, &as_file.item_hash] {
        assert_eq!(site.status(hash), None);
    }
    assert!(!site.blobs.exists(&as_file.item_hash).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_nobody_signed_are_refused_and_many_end_it() {
    let site = Site::new();
    let alice = keys::evm("alice");
    let forged = |number: u64| {
        let message = post(&alice, "t", json!({ "n": number })).seal();
        let forged = copies::forged(&message, &keys::evm("eve"));
        let copies = vec![wire_json(&forged)];
        Record::Message {
            hash: message.item_hash,
            copies,
            content: None,
        }
    };
    assert!(listen_to(&site, (0..3).map(forged).collect()).await.is_ok());
    let result = listen_to(&site, (0..30).map(forged).collect()).await;
    assert!(matches!(result, Err(Trouble::Invalid)), "{result:?}");
    for record in (0..30).map(forged) {
        assert_ne!(site.status(record.hash()), Some(MessageStatus::Processed));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_on_the_stream_is_the_end_of_it() {
    let site = Site::new();
    let message = post(&keys::evm("alice"), "t", json!({})).seal();
    site.submit(&message).await;
    let mut rng = Rng::new(11);
    for round in 0..40_usize {
        let (near, mut far) = tokio::io::duplex(4 << 10);
        let view = site.catalogue.refresh().await.unwrap();
        let mut garbage: Vec<u8> = (0..200).flat_map(|_| rng.bits().to_le_bytes()).collect();
        match round % 4 {
            // A frame of four gibibytes, one of four mebibytes, and small ones.
            0 => garbage[..4].fill(0xff),
            1 => garbage[..4].copy_from_slice(&[0, 0x40, 0, 0]),
            2 => garbage[..4].copy_from_slice(&[0, 0, 0, 9]),
            _ => {}
        }
        let feed = async {
            // It may hang up at once.
            let _ = far.write_all(&garbage).await;
            let _ = far.shutdown().await;
            let mut answer = Vec::new();
            let _ = far.read_to_end(&mut answer).await;
        };
        let conduct = conduct(false);
        let listen = async {
            if round % 2 == 0 {
                respond(near.compat(), view, &site.holdings, &conduct).await
            } else {
                initiate(near.compat(), view, &site.holdings, &conduct).await
            }
        };
        let ((report, result), ()) = tokio::join!(listen, feed);
        assert!(result.is_err());
        assert_eq!((report.sent, report.received), (0, 0));
    }
    assert_eq!(site.status(&message.item_hash), Some(MessageStatus::Processed));
}

#[tokio::test]
async fn a_peer_that_falls_silent_is_left() {
    let impatient = Conduct {
        idle: Duration::from_millis(20),
        ..conduct(false)
    };
    let liar: Arc<dyn Holdings> = Arc::new(Liar(Vec::new()));
    let (near, _far) = tokio::io::duplex(4 << 10);
    let (_, result) = respond(near.compat(), View::default(), &liar, &impatient).await;
    assert!(matches!(result, Err(Trouble::Silent)), "{result:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_lists_what_it_does_not_have_brings_nothing() {
    let site = Site::new();
    let mut index = KnownIndex::new();
    let listed = (0..300_u64).map(|number| Known {
        time: number,
        id: id_of(&sha256(&number.to_be_bytes())),
        row: 9_999,
    });
    index.update(listed.collect(), Vec::new());
    let theirs = View {
        set: index.snapshot(),
        ..View::default()
    };
    let liar: Arc<dyn Holdings> = Arc::new(Liar(Vec::new()));
    let (near, far) = tokio::io::duplex(16 << 10);
    let ours = site.catalogue.refresh().await.unwrap();
    let conduct = conduct(false);
    let ((report, result), _) = tokio::join!(
        initiate(near.compat(), ours, &site.holdings, &conduct),
        respond(far.compat(), theirs, &liar, &conduct),
    );
    result.unwrap();
    assert_eq!((report.received, report.gone), (0, 300));
}

#[test]
fn ids_of_cids_are_hashes_of_their_text() {
    let cid = ItemHash::parse_strict("QmW2WQi7j6c7UgJTarActp7tDNikE4B2qXtFCfLPdsgaTQ").unwrap();
    assert_eq!(ItemHash::Sha256(id_of(&cid)), sha256(cid.to_string().as_bytes()));
    assert_eq!(id_of(&sha256(b"x")), *b"\x2d\x71\x16\x42\xb7\x26\xb0\x44\x01\x62\x7c\xa9\xfb\xac\x32\xf5\xc8\x53\x0f\xb1\x90\x3c\xc4\xdb\x02\x25\x87\x17\x92\x1a\x48\x81");
}
