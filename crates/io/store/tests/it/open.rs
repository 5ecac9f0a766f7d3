//! What opening makes good: indexes left out by a bulk load, a log left by a crash.

use alephd_store::{Store, StoreConfig};

/// Names of the indexes that statements made for lists.
fn indexes(store: &Store) -> Vec<String> {
    let reader = store.reader();
    let mut statement = reader
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name")
        .expect("a statement");
    let names = statement.query_map([], |row| row.get(0)).expect("names");
    names.collect::<Result<_, _>>().expect("names")
}

#[test]
fn a_bulk_load_that_never_ended_is_made_good_at_the_next_opening() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = StoreConfig::at(folder.path().join("store.sqlite"));
    let store = Store::open(&config).expect("a store");
    let complete = indexes(&store);
    let mut writer = store.take_writer().expect("the only writer");
    writer.begin_bulk().expect("a bulk load");
    assert!(indexes(&store).len() < complete.len());
    drop((writer, store));

    let store = Store::open(&config).expect("a store");
    assert_eq!(indexes(&store), complete);
    let mut writer = store.take_writer().expect("the only writer");
    writer.begin_bulk().expect("a bulk load");
    writer.end_bulk().expect("its end");
    assert_eq!(indexes(&store), complete);
}
