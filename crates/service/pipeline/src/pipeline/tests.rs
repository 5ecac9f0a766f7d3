//! The running pipeline, from submission to answer.

use alephd_rules::MessageStatus;
use alephd_store::{
    Store, StoreConfig,
    read::{Deeds, WireRecord},
};
use alephd_tasks::ManualClock;
use alephd_testkit::{builder, keys};
use serde_json::json;

use super::*;

struct Node {
    store: Store,
    pipeline: Pipeline,
    _folder: tempfile::TempDir,
}

impl Node {
    fn start() -> Self {
        Self::start_with(Blobs::in_memory())
    }

    fn start_with(blobs: Blobs) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&StoreConfig::at(folder.path().join("db"))).expect("opens");
        let config = PipelineConfig {
            engine: EngineConfig::default(),
            verifiers: 1,
            bulk: false,
            keep: None,
        };
        let pipeline = Pipeline::start(
            store.take_writer().expect("the first to ask"),
            blobs,
            config,
            Arc::new(ManualClock::new(1_800_000_000_000_000)),
            Handle::current(),
        );
        Self {
            store,
            pipeline: pipeline.expect("starts"),
            _folder: folder,
        }
    }

    async fn submit(&self, envelope: &Envelope) -> Outcome {
        let outcome = self.pipeline.submit(envelope.clone(), Origin::Network).await;
        outcome.expect("an outcome")
    }

    async fn tell(&self, record: &TombstoneRecord) -> TombstoneOutcome {
        let outcome = self.pipeline.submit_tombstone(record.clone(), false).await;
        outcome.expect("an outcome")
    }

    async fn stop(self) {
        let closing = tokio::task::spawn_blocking(move || self.pipeline.close());
        closing.await.expect("closes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tombstone_is_verified_and_answered() {
    let alice = keys::evm("alice");
    let gone = builder::post(&alice, "chat", json!({})).at(1.0).seal();
    let by = builder::forget(&alice, std::slice::from_ref(&gone.item_hash))
        .at(2.0)
        .seal();
    let source = Node::start();
    source.submit(&gone).await;
    source.submit(&by).await;
    let wire = source.store.reader().wire(1).expect("a read");
    let Some(WireRecord::Tombstone(record)) = wire else {
        panic!("the content is still there");
    };
    assert_eq!(record.deeds, Deeds::default());
    source.stop().await;

    let node = Node::start();
    let needed = TombstoneOutcome::NeedsForget(vec![by.item_hash.clone()]);
    assert_eq!(node.tell(&record).await, needed);
    assert_eq!(node.submit(&by).await.status, MessageStatus::Pending);
    let mut forged = record.clone();
    forged.envelope.sender = keys::evm("bob").address().to_owned();
    assert_eq!(
        node.tell(&forged).await,
        TombstoneOutcome::Refused(TombstoneRefusal::Signature)
    );
    assert_eq!(node.tell(&record).await, TombstoneOutcome::Taken);
    assert_eq!(node.submit(&by).await.status, MessageStatus::Processed);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_fetches_is_told_what_to_fetch() {
    let alice = keys::evm("alice");
    let node = Node::start();
    let waiting = node.pipeline.waiting();
    node.submit(&builder::post(&alice, "chat", json!({})).seal())
        .await;
    let (bare, _) = builder::post(&alice, "chat", json!({"far": "away"})).seal_as_file();
    assert_eq!(node.submit(&bare).await.status, MessageStatus::Pending);
    // It was notified once, and before that of nothing.
    waiting.notified().await;
    let wanted = node.store.reader().wanted(0, 9).expect("a read");
    assert_eq!(
        wanted.iter().map(|want| &want.name).collect::<Vec<_>>(),
        [&bare.item_hash]
    );
    let store = builder::store(&alice, &alephd_testkit::sha256(b"a file")).seal();
    node.submit(&store).await;
    waiting.notified().await;
    assert_eq!(node.store.reader().wanted(0, 9).expect("a read").len(), 2);
    node.stop().await;
}

/// Verification reads contents on the threads on which those wait who find the queue full. However many
/// they are, one is left.
#[test]
fn a_crowd_before_a_full_queue_leaves_threads_to_those_who_empty_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(4)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let folder = tempfile::tempdir().expect("a folder");
        let blobs = Blobs::open_folder(folder.path()).await.expect("opens");
        let node = Node::start_with(blobs.clone());
        let alice = keys::solana("alice");
        let (message, content) = builder::post(&alice, "chat", json!({})).seal_as_file();
        let mut writer = blobs.writer_sha256(1 << 20);
        writer.write(content.as_bytes()).await.expect("room");
        let stored = writer.finish(alephd_blobs::BlobName::Sha256).await;
        assert_eq!(stored.expect("kept").name, message.item_hash);
        let crowd = (0..2 * QUEUE).map(|_| node.submit(&message));
        for outcome in futures_util::future::join_all(crowd).await {
            assert_eq!(outcome.status, MessageStatus::Processed);
        }
        node.stop().await;
    });
}
