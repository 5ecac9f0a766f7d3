//! Files from several peers at once, some of whom lie, stall or leave. Time is paused: it jumps to
//! the next timer when nothing else can happen.

mod over_net;
pub(crate) mod peers;
mod serve;

use alephd_blobs::{BlobName, Blobs};
use alephd_cid::{AnyCid, Version};
use alephd_content::{Content, Facts};
use alephd_message::ItemHash;
use alephd_store::BlockIndex;
use alephd_sync::{
    exchange::{Exchange, ExchangeConfig, Fault},
    fetch::{Demand, SourceError},
};
use alephd_testkit::sha256;
use alephd_unixfs::{
    Kind, TreeBuilder,
    car::{encode_header, section_head},
};
use futures_util::TryStreamExt as _;

use self::peers::{Fakes, Quirk};

/// Bytes that repeat nowhere near.
pub(crate) fn pattern(size: usize) -> Vec<u8> {
    let mut state = 1_u32;
    (0..size)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect()
}

pub(crate) fn content() -> Content {
    Content::new(Blobs::in_memory(), BlockIndex::in_memory().unwrap())
}

pub(crate) fn demand(name: &ItemHash) -> Demand {
    Demand {
        name: name.clone(),
        file_limit: 64 << 20,
        archive_limit: 64 << 20,
    }
}

/// A directory as an archive of its blocks: its name and its bytes.
pub(crate) fn archive(file: &[u8]) -> (ItemHash, Vec<u8>) {
    let mut blocks: Vec<(AnyCid, Vec<u8>)> = Vec::new();
    let mut keep = |block: &alephd_cid::Block<'_>| blocks.push((block.cid().into(), block.to_vec()));
    let mut tree = TreeBuilder::new(Version::V1);
    let layout = alephd_cid::Layout::V1 { raw_leaves: true };
    let mut builder = alephd_cid::FileBuilder::with_sizes(layout, 1_000, 10);
    builder.update(file, &mut keep);
    let built = builder.finish(&mut keep);
    tree.add_file("file", built.cid.into(), built.weight).unwrap();
    let root: AnyCid = tree.finish(&mut keep).unwrap().cid.into();
    let mut car = encode_header(std::slice::from_ref(&root));
    for (cid, bytes) in &blocks {
        car.extend(section_head(cid, bytes.len()));
        car.extend(bytes);
    }
    (ItemHash::parse_strict(&root.to_string()).unwrap(), car)
}

/// Small pieces, so that small files have many.
fn config() -> ExchangeConfig {
    ExchangeConfig {
        piece: 10_000,
        ..ExchangeConfig::default()
    }
}

/// A node that fetches `name` from peers with these quirks.
struct Try {
    content: Content,
    exchange: Exchange<Fakes>,
    fakes: Fakes,
}

fn with(bytes: &[u8], quirks: &[Quirk]) -> Try {
    let fakes = Fakes::new(bytes, quirks);
    let content = content();
    Try {
        exchange: Exchange::new(fakes.clone(), content.clone(), config()),
        content,
        fakes,
    }
}

impl Try {
    async fn fetch(&self, name: &ItemHash) -> Result<Facts, SourceError> {
        self.exchange.fetch(&demand(name)).await
    }

    /// Fetches what must come.
    async fn is_fetched(&self, bytes: &[u8]) {
        let name = sha256(bytes);
        let facts = self.fetch(&name).await.unwrap();
        let size = bytes.len() as u64;
        let kind = Kind::File;
        assert_eq!(facts, Facts { kind, size });
        let held = self.content.blobs().read_all(&name, u64::MAX).await.unwrap();
        assert!(held == bytes);
    }

    /// Fetches what cannot come, and leaves nothing behind.
    async fn is_not_fetched(&self, name: &ItemHash) -> SourceError {
        let error = self.fetch(name).await.unwrap_err();
        let held: Vec<_> = self.content.blobs().list().try_collect().await.unwrap();
        assert_eq!(held, []);
        error
    }
}

#[tokio::test(start_paused = true)]
async fn three_honest_peers_share_the_work() {
    let bytes = pattern(1_234_567);
    let all = with(&bytes, &[Quirk::None, Quirk::None, Quirk::None]);
    all.is_fetched(&bytes).await;
    assert_eq!(all.fakes.reports(), []);
    for peer in 0..3 {
        assert!(all.fakes.sent(peer) > 100_000, "{}", all.fakes.sent(peer));
    }
    // Late pieces are asked for twice, but few.
    let total: u64 = (0..3).map(|peer| all.fakes.sent(peer)).sum();
    assert!(total < 1_500_000, "{total}");
}

#[tokio::test(start_paused = true)]
async fn sizes_at_the_edges() {
    for size in [0, 1, 9_999, 10_000, 10_001, 60_000] {
        let bytes = pattern(size);
        with(&bytes, &[Quirk::None]).is_fetched(&bytes).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_one_of_three_who_sends_wrong_bytes_is_reported_alone() {
    let bytes = pattern(300_000);
    for liar in 0..3 {
        let mut quirks = [Quirk::None; 3];
        quirks[liar] = Quirk::Wrong;
        let some = with(&bytes, &quirks);
        some.is_fetched(&bytes).await;
        assert_eq!(some.fakes.reports(), [(liar, Fault::WrongBytes)]);
    }
}

#[tokio::test(start_paused = true)]
async fn two_of_three_lie() {
    let bytes = pattern(300_000);
    let some = with(&bytes, &[Quirk::Wrong, Quirk::Wrong, Quirk::None]);
    some.is_fetched(&bytes).await;
    let mut reports = some.fakes.reports();
    reports.sort_by_key(|(peer, _)| *peer);
    assert_eq!(reports, [(0, Fault::WrongBytes), (1, Fault::WrongBytes)]);
}

#[tokio::test(start_paused = true)]
async fn all_lie() {
    let bytes = pattern(100_000);
    let some = with(&bytes, &[Quirk::Wrong, Quirk::Wrong]);
    let error = some.is_not_fetched(&sha256(&bytes)).await;
    assert!(matches!(error, SourceError::Failed(_)), "{error}");
    assert_eq!(some.fakes.reports().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_stalls_holds_up_nobody_for_long() {
    let bytes = pattern(500_000);
    for after in [0, 5_000, 100_000] {
        let some = with(&bytes, &[Quirk::Stall(after), Quirk::None]);
        some.is_fetched(&bytes).await;
        assert_eq!(some.fakes.reports(), []);
    }
    // Alone it is of no use, and the fetch ends.
    let some = with(&bytes, &[Quirk::Stall(5_000)]);
    some.is_not_fetched(&sha256(&bytes)).await;
}

#[tokio::test(start_paused = true)]
async fn who_is_cut_off_is_replaced_at_the_next_piece() {
    let bytes = pattern(500_000);
    let some = with(&bytes, &[Quirk::Cut(205_000), Quirk::Stall(0), Quirk::None]);
    some.is_fetched(&bytes).await;
    assert_eq!(some.fakes.reports(), []);
    assert!(some.fakes.sent(0) >= 200_000);
    assert!(some.fakes.sent(2) < 400_000, "did not begin anew");
    let some = with(&bytes, &[Quirk::Cut(205_000), Quirk::Cut(50_000)]);
    some.is_not_fetched(&sha256(&bytes)).await;
    let some = with(&bytes, &[Quirk::GiveUp(205_000), Quirk::None]);
    some.is_fetched(&bytes).await;
}

#[tokio::test(start_paused = true)]
async fn who_sends_more_than_announced_breaks_the_protocol() {
    let bytes = pattern(100_000);
    let some = with(&bytes, &[Quirk::Longer, Quirk::None]);
    some.is_fetched(&bytes).await;
    assert!(some.fakes.reports().contains(&(0, Fault::BadProtocol)));
}

#[tokio::test(start_paused = true)]
async fn another_size_than_the_true_one() {
    let bytes = pattern(100_000);
    for lie in [0, 1, 50_000, 99_999, 100_001, 300_000] {
        let some = with(&bytes, &[Quirk::Size(lie), Quirk::None]);
        some.is_fetched(&bytes).await;
        // Only one of them decides, and not always the liar.
        let reports = some.fakes.reports();
        assert!(reports.iter().all(|(peer, _)| *peer == 0), "{lie}: {reports:?}");
        let alone = with(&bytes, &[Quirk::Size(lie)]);
        alone.is_not_fetched(&sha256(&bytes)).await;
        assert_eq!(alone.fakes.reports().len(), 1, "{lie}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_giant_is_refused_before_its_first_byte() {
    let bytes = pattern(100_000);
    for giant in [(64 << 20) + 1, u64::MAX] {
        let some = with(&bytes, &[Quirk::Size(giant)]);
        let error = some.is_not_fetched(&sha256(&bytes)).await;
        let limit = 64 << 20;
        assert_eq!(error, SourceError::TooLarge { size: giant, limit });
        assert_eq!(some.fakes.sent(0), 0);
        // And it does not keep others from serving it.
        with(&bytes, &[Quirk::Size(giant), Quirk::None])
            .is_fetched(&bytes)
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_has_it() {
    let some = with(b"x", &[Quirk::Missing, Quirk::Missing]);
    assert_eq!(some.is_not_fetched(&sha256(b"x")).await, SourceError::NotHeld);
    let nobody = with(b"x", &[]);
    assert_eq!(nobody.is_not_fetched(&sha256(b"x")).await, SourceError::NotHeld);
    let bytes = pattern(50_000);
    let mut quirks = [Quirk::Missing; 20];
    quirks[17] = Quirk::None;
    with(&bytes, &quirks).is_fetched(&bytes).await;
}

#[tokio::test(start_paused = true)]
async fn who_is_busy_is_asked_again() {
    let bytes = pattern(50_000);
    let some = with(&bytes, &[Quirk::Busy(3)]);
    some.is_fetched(&bytes).await;
    let always = with(&bytes, &[Quirk::Busy(u32::MAX)]);
    let error = always.is_not_fetched(&sha256(&bytes)).await;
    assert_eq!(error, SourceError::Failed("a peer busy".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn garbage_instead_of_the_protocol() {
    let bytes = pattern(50_000);
    let some = with(&bytes, &[Quirk::Garbage, Quirk::None]);
    some.is_fetched(&bytes).await;
    assert!(
        some.fakes
            .reports()
            .iter()
            .all(|report| *report == (0, Fault::BadProtocol))
    );
    assert!(!some.fakes.reports().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_file_by_its_cid() {
    let bytes = pattern(700_000);
    let blobs = Blobs::in_memory();
    let mut writer = blobs.writer(u64::MAX);
    writer.write(&bytes).await.unwrap();
    let name = writer.finish(BlobName::CidV0).await.unwrap().name;
    let some = with(&bytes, &[Quirk::Wrong, Quirk::None]);
    assert_eq!(some.fetch(&name).await.unwrap().size, 700_000);
    assert_eq!(some.fakes.reports(), [(0, Fault::WrongBytes)]);
    assert!(some.content.blobs().read_all(&name, u64::MAX).await.unwrap() == bytes);
}

#[tokio::test(start_paused = true)]
async fn a_tree_as_an_archive() {
    let (name, car) = archive(&pattern(200_000));
    let some = with(&car, &[Quirk::Wrong, Quirk::None, Quirk::Stall(30_000)]);
    some.fakes.hold_archives();
    let facts = some.fetch(&name).await.unwrap();
    assert_eq!(facts.kind, Kind::Directory);
    assert_eq!(some.fakes.reports(), [(0, Fault::WrongBytes)]);
    some.content.check_archive(&name).await.unwrap();

    // Another tree than the one asked for.
    let (other, _) = archive(&pattern(100));
    let some = with(&car, &[Quirk::None]);
    some.fakes.hold_archives();
    some.is_not_fetched(&other).await;
    assert_eq!(some.fakes.reports(), [(0, Fault::WrongBytes)]);
    // Of no use where plain bytes are wanted.
    let plain = Demand {
        archive_limit: 0,
        ..demand(&name)
    };
    let some = with(&car, &[Quirk::None]);
    some.fakes.hold_archives();
    let error = some.exchange.fetch(&plain).await.unwrap_err();
    assert!(matches!(error, SourceError::TooLarge { limit: 0, .. }));
    assert_eq!(some.fakes.reports(), []);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_no_content_has() {
    let name = ItemHash::parse_lenient(&"E3".repeat(32)).unwrap();
    let some = with(b"x", &[Quirk::None]);
    let error = some.is_not_fetched(&name).await;
    // The other side does not even understand the question.
    assert!(
        matches!(error, SourceError::Failed(_) | SourceError::Local(_)),
        "{error}"
    );
}
