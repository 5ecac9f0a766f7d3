//! Filters over what comes against filters of lists.

use std::{collections::BTreeSet, sync::Arc};

use alephd_blobs::Blobs;
use alephd_content::Content;
use alephd_message::{Chain, Envelope, ItemHash, MessageType, Micros, PaymentType};
use alephd_pipeline::{EngineConfig, Origin, Pipeline, PipelineConfig};
use alephd_signature::sign::Signer;
use alephd_store::{
    BlockIndex, Store, StoreConfig,
    read::{Order, Sort, Window},
};
use alephd_tasks::{ManualClock, Tasks};
use alephd_testkit::{
    builder,
    keys::{self, Account},
    rng::Rng,
    sha256,
};
use serde_json::json;

use super::*;
use crate::{Alone, ApiParts, ApiSettings, metrics::Gauges};

/// A node without a network.
pub(crate) fn api(folder: &tempfile::TempDir) -> Api {
    let store = Store::open(&StoreConfig::at(folder.path().join("db"))).expect("opens");
    let clock = Arc::new(ManualClock::new(1_800_000_000_000_000));
    let blobs = Blobs::in_memory();
    let pipeline = Pipeline::start(
        store.take_writer().expect("the first to ask"),
        blobs.clone(),
        PipelineConfig {
            engine: EngineConfig::default(),
            verifiers: 1,
            bulk: false,
            keep: None,
        },
        Arc::<ManualClock>::clone(&clock),
        tokio::runtime::Handle::current(),
    )
    .expect("starts");
    let settings = ApiSettings::default();
    Api::new(ApiParts {
        store,
        pipeline,
        content: Content::new(blobs, BlockIndex::in_memory().expect("an index")),
        settings,
        clock,
        network: Arc::new(Alone),
        gauges: Gauges::default(),
    })
}

const CHANNELS: [&str; 3] = ["A", "B", "C"];
const LABELS: [&str; 3] = ["chat", "note", "settings"];
const TAGS: [&str; 3] = ["red", "green", "blue"];

fn signers() -> Vec<Account> {
    vec![
        keys::evm("one").into(),
        keys::evm("two").into(),
        keys::solana("three").into(),
    ]
}

/// A message of any kind that is accepted without others.
fn message(rng: &mut Rng, signers: &[Account], file: &ItemHash) -> Envelope {
    let signer = &signers[rng.below(signers.len() as u64) as usize];
    let label = *rng.pick(&LABELS);
    let content = json!({"n": rng.bits()});
    let mut draft = match rng.below(5) {
        0..=1 => builder::post(signer, label, content),
        2 => builder::aggregate(signer, label, content),
        3 => builder::store(signer, file).set("n", rng.bits()),
        _ => builder::instance(signer, file),
    };
    if rng.chance(60) {
        draft = draft.channel(*rng.pick(&CHANNELS));
    }
    if rng.chance(50) {
        draft = draft.tags(&[*rng.pick(&TAGS), *rng.pick(&TAGS)]);
    }
    if rng.chance(30) && draft.content().contains_key("type") {
        draft = draft.reference(*rng.pick(&LABELS));
    }
    draft.at(1_700_000_000.0 + rng.below(20) as f64).seal()
}

/// A filter with up to three dimensions.
fn filter(rng: &mut Rng, signers: &[Account], messages: &[Envelope], file: &ItemHash) -> MessageFilter {
    let mut filter = MessageFilter::default();
    let address = |rng: &mut Rng| {
        vec![
            signers[rng.below(signers.len() as u64) as usize]
                .address()
                .to_owned(),
        ]
    };
    let text = |rng: &mut Rng, texts: &[&str; 3]| {
        let first = (*rng.pick(texts)).to_owned();
        if rng.chance(50) {
            vec![first, (*rng.pick(texts)).to_owned()]
        } else {
            vec![first]
        }
    };
    for _ in 0..=rng.below(3) {
        match rng.below(14) {
            0 => {
                filter.types = [MessageType::Post, *rng.pick(MessageType::ALL)]
                    .into_iter()
                    .collect()
            }
            1 => filter.senders = address(rng),
            2 => filter.owners = address(rng),
            3 => filter.references = text(rng, &LABELS),
            4 => filter.content_hashes = vec![file.clone()],
            5 => filter.content_keys = text(rng, &LABELS),
            6 => filter.content_types = text(rng, &LABELS),
            7 => filter.chains = vec![*rng.pick(&[Chain::Eth, Chain::Sol, Chain::Avax])],
            8 => filter.channels = text(rng, &CHANNELS),
            9 => filter.tags = text(rng, &TAGS),
            10 => {
                filter.hashes = vec![
                    rng.pick(messages).item_hash.clone(),
                    rng.pick(messages).item_hash.clone(),
                ]
            }
            11 => filter.payments = vec![*rng.pick(PaymentType::ALL)],
            12 => {
                let second = |rng: &mut Rng| Micros((1_700_000_000 + rng.below(20) as i64) * 1_000_000);
                filter.start = rng.chance(50).then(|| second(rng));
                filter.end = rng.chance(50).then(|| second(rng));
            }
            _ => {
                filter.start_block = rng.chance(60).then_some(5);
                filter.end_block = rng.chance(40).then_some(9);
            }
        }
    }
    filter
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_subscriptions_agree() {
    let seed = 20_240_519;
    let mut rng = Rng::new(seed);
    let folder = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a folder");
    let api = api(&folder);
    let tasks = Tasks::new();
    tasks.spawn_worker("live", api.live_task(tasks.token()));
    let bytes: &[u8] = b"a file";
    let file = sha256(bytes);
    let mut writer = api.blobs().writer_for(&file, 100).expect("a name");
    writer.write(bytes).await.expect("writes");
    writer
        .finish(alephd_blobs::BlobName::Sha256)
        .await
        .expect("finishes");
    api.pipeline
        .file_arrived(
            file.clone(),
            bytes.len() as u64,
            alephd_store::read::FileKind::File,
        )
        .await
        .expect("recorded");

    let signers = signers();
    let messages: Vec<_> = (0..150).map(|_| message(&mut rng, &signers, &file)).collect();
    let filters: Vec<_> = (0..300)
        .map(|_| filter(&mut rng, &signers, &messages, &file))
        .collect();
    let mut subscriptions: Vec<_> = filters
        .iter()
        .map(|filter| api.subscribe(filter.clone(), true))
        .collect();
    let mut everything = api.subscribe(MessageFilter::default(), false);
    let mut live = 0;
    for message in &messages {
        let outcome = api
            .pipeline
            .submit(message.clone(), Origin::Network)
            .await
            .expect("takes");
        live += usize::from(outcome.status.is_live());
    }
    assert!(live > 100, "only {live} were accepted");
    for _ in 0..live {
        everything.next().await.expect("told");
    }
    // That one may be told before others are; the counter moves after all of them.
    while api.gauges.broadcast.load(Ordering::Relaxed) < live as u64 {
        tokio::task::yield_now().await;
    }

    let mut matched = 0;
    for (filter, subscription) in filters.iter().zip(&mut subscriptions) {
        let mut told = BTreeSet::new();
        while let Some(frame) = subscription.frames.try_recv() {
            assert!(told.insert(frame.hash), "told twice");
        }
        let window = Window::Page {
            offset: 0,
            limit: None,
        };
        let list = api.read(|reader| reader.message_list(filter, Sort::Time, Order::Ascending, &window));
        let list: BTreeSet<_> = list
            .expect("reads")
            .into_iter()
            .map(|row| row.item_hash)
            .collect();
        assert_eq!(told, list, "seed {seed}: {filter:?}");
        matched += list.len();
    }
    assert!(
        matched > 1_000,
        "the filters are too narrow to prove anything: {matched}"
    );
    tasks.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_are_bounded_as_frames_are() {
    let folder = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a folder");
    let api = api(&folder);
    let tasks = Tasks::new();
    tasks.spawn_worker("live", api.live_task(tasks.token()));
    let mut slow = api.subscribe(MessageFilter::default(), true);
    let mut quick = api.subscribe(MessageFilter::default(), false);
    let body = "x".repeat(190_000);
    // Content and its text: about 380,000 bytes a frame.
    for index in 0..60 {
        let message = builder::post(&keys::evm("one"), "chat", json!({"n": index, "body": body})).seal();
        api.pipeline
            .submit(message, Origin::Network)
            .await
            .expect("takes");
        quick.next().await.expect("told");
    }
    slow.overflow().await;
    let mut bytes = 0;
    while let Some(frame) = slow.next().await {
        bytes += frame.text.len();
    }
    assert!((QUEUE_BYTES..QUEUE_BYTES + 800_000).contains(&bytes), "{bytes}");
    assert_eq!(api.gauges.slow_sockets.load(Ordering::Relaxed), 1);
    tasks.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_falls_behind_by_a_queue_is_dropped() {
    let folder = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a folder");
    let api = api(&folder);
    let tasks = Tasks::new();
    tasks.spawn_worker("live", api.live_task(tasks.token()));
    let mut slow = api.subscribe(MessageFilter::default(), true);
    let mut quick = api.subscribe(MessageFilter::default(), true);
    for index in 0..=QUEUE {
        assert_eq!(
            api.gauges.slow_sockets.load(Ordering::Relaxed),
            0,
            "message {index}"
        );
        let message = builder::post(&keys::evm("one"), "chat", json!({"n": index})).seal();
        api.pipeline
            .submit(message, Origin::Network)
            .await
            .expect("takes");
        quick.next().await.expect("told");
    }
    slow.overflow().await;
    for _ in 0..QUEUE {
        slow.next().await.expect("what was queued is there");
    }
    assert!(slow.next().await.is_none());
    tasks.cancel();
}
