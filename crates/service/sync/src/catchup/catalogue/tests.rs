use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use alephd_message::ItemHash;
use alephd_peer_protocol::catchup::Record;
use alephd_rules::Interest;
use alephd_tasks::ManualClock;
use async_trait::async_trait;

use super::*;
use crate::catchup::Taken;

/// Rows as the store would have them, and how many were read.
#[derive(Default)]
struct Table {
    rows: std::sync::Mutex<BTreeMap<i64, KnownRow>>,
    read: AtomicU64,
}

impl Table {
    fn put(&self, id: i64, status: MessageStatus, has_content: bool) {
        let row = KnownRow {
            id,
            time: Micros(if has_content { id * 1_000 } else { 7 }),
            hash: ItemHash::Sha256([id as u8; 32]),
            status,
            has_content,
            is_hearsay: false,
        };
        self.rows.lock().expect("not poisoned").insert(id, row);
    }

    fn some(&self, of: impl Fn(&KnownRow) -> bool, limit: usize) -> Vec<KnownRow> {
        let rows = self.rows.lock().expect("not poisoned");
        let found: Vec<_> = rows.values().filter(|row| of(row)).take(limit).cloned().collect();
        self.read.fetch_add(found.len() as u64, Ordering::Relaxed);
        found
    }
}

#[async_trait]
impl Holdings for Table {
    async fn known(&self, after: i64, limit: u64) -> Result<KnownPage, HoldingsError> {
        Ok(KnownPage::of(self.some(|row| row.id > after, limit as usize)))
    }

    async fn known_parked(&self) -> Result<Vec<KnownRow>, HoldingsError> {
        Ok(self.some(is_parked, usize::MAX))
    }

    async fn records(&self, _: Vec<i64>) -> Result<Vec<Option<Record>>, HoldingsError> {
        Ok(Vec::new())
    }

    fn within(&self, _: Vec<Interest>) -> Arc<dyn Holdings> {
        unreachable!("nobody here keeps a part")
    }

    async fn take(&self, _: Record, _: bool) -> Result<Taken, HoldingsError> {
        Ok(Taken::Refused)
    }
}

fn catalogue(table: &Arc<Table>) -> (Catalogue, ManualClock) {
    let clock = ManualClock::new(0);
    let holdings: Arc<dyn Holdings> = Arc::<Table>::clone(table);
    (Catalogue::new(holdings, Arc::new(clock.clone())), clock)
}

async fn rows(catalogue: &Catalogue) -> Vec<i64> {
    let view = catalogue.refresh().await.expect("reads");
    let mut rows: Vec<i64> = view.set.iter(0..view.set.len()).map(|known| known.row).collect();
    rows.sort_unstable();
    rows
}

#[tokio::test]
async fn what_is_live_gone_or_waits_with_its_content_is_known() {
    let table = Arc::new(Table::default());
    table.put(1, MessageStatus::Processed, true);
    table.put(2, MessageStatus::Removing, true);
    table.put(3, MessageStatus::Forgotten, false);
    table.put(4, MessageStatus::Removed, true);
    table.put(5, MessageStatus::Pending, true);
    table.put(6, MessageStatus::Pending, false);
    table.put(7, MessageStatus::Rejected, true);
    let (catalogue, _) = catalogue(&table);
    assert_eq!(rows(&catalogue).await, [1, 2, 3, 4, 5]);
    let view = catalogue.refresh().await.expect("reads");
    assert_eq!(*view.refused, HashSet::from([[7; 32]]));
}

#[tokio::test]
async fn rows_that_rise_or_fall_change_their_place() {
    let table = Arc::new(Table::default());
    for id in 1..=6 {
        table.put(id, MessageStatus::Pending, id != 6);
    }
    let (catalogue, _) = catalogue(&table);
    assert_eq!(rows(&catalogue).await, [1, 2, 3, 4, 5]);
    table.put(1, MessageStatus::Processed, true);
    table.put(2, MessageStatus::Rejected, true);
    table.put(3, MessageStatus::Forgotten, false);
    table.put(6, MessageStatus::Processed, true);
    table.put(7, MessageStatus::Processed, true);
    // A tombstone keeps the time of its message.
    if let Some(row) = table.rows.lock().expect("not poisoned").get_mut(&3) {
        row.time = Micros(3_000);
    }
    assert_eq!(rows(&catalogue).await, [1, 3, 4, 5, 6, 7]);
    table.put(2, MessageStatus::Processed, true);
    // Suspended, and back.
    table.put(7, MessageStatus::Pending, true);
    assert_eq!(rows(&catalogue).await, [1, 2, 3, 4, 5, 6, 7]);
    table.put(7, MessageStatus::Processed, true);
    table.rows.lock().expect("not poisoned").remove(&4);
    let view = catalogue.refresh().await.expect("reads");
    let times: Vec<u64> = view.set.iter(0..view.set.len()).map(|known| known.time).collect();
    assert_eq!(
        times,
        [1, 2, 3, 4, 5, 6, 7],
        "each once, at the time of its content"
    );
}

#[tokio::test]
async fn a_refresh_reads_what_is_new() {
    let table = Arc::new(Table::default());
    (1..=200).for_each(|id| table.put(id, MessageStatus::Processed, true));
    let (catalogue, clock) = catalogue(&table);
    catalogue.refresh().await.expect("reads");
    table.put(201, MessageStatus::Processed, true);
    table.read.store(0, Ordering::Relaxed);
    assert_eq!(rows(&catalogue).await.len(), 201);
    assert_eq!(table.read.load(Ordering::Relaxed), 1);
    table.put(202, MessageStatus::Processed, true);
    let young = Duration::from_secs(1);
    let len = |view: View| view.set.len();
    assert_eq!(
        catalogue
            .refresh_unless_younger(young)
            .await
            .map(len)
            .expect("reads"),
        201
    );
    clock.advance(young);
    assert_eq!(
        catalogue
            .refresh_unless_younger(young)
            .await
            .map(len)
            .expect("reads"),
        202
    );
}

#[test]
fn times_before_1970_are_one() {
    assert_eq!(
        [
            millis(Micros(-5)),
            millis(Micros(1_999)),
            millis(Micros(i64::MIN))
        ],
        [0, 1, 0]
    );
}
