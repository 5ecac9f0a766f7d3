//! The index of blocks.

use std::fs;

use alephd_message::ItemHash;
use alephd_store::{
    BlockIndex,
    blocks::{BlockKey, BlockPlace, BlockRow},
};
use alephd_testkit::sha256;
use rusqlite::Connection;

fn key(number: u32) -> BlockKey {
    let ItemHash::Sha256(digest) = sha256(&number.to_le_bytes()) else {
        unreachable!("a SHA-256");
    };
    digest[..16].try_into().expect("16 bytes")
}

fn bytes(offset: u64, size: u32) -> BlockPlace {
    BlockPlace::Bytes { offset, size }
}

fn rows_in(path: &std::path::Path) -> i64 {
    let connection = Connection::open(path).expect("opens");
    let counted = connection.query_row("SELECT count(*) FROM blocks", [], |row| row.get(0));
    counted.expect("counts")
}

#[test]
fn blocks_are_found_until_their_holder_is_removed() {
    let folder = tempfile::tempdir().expect("folder");
    let on_disk = BlockIndex::open(&folder.path().join("blocks")).expect("opens");
    for index in [on_disk, BlockIndex::in_memory().expect("opens")] {
        let (one, two) = (sha256(b"one"), sha256(b"two"));
        let places = vec![
            (key(1), bytes(59, 100)),
            (
                key(2),
                BlockPlace::Chunk {
                    offset: 5_000_000_000,
                    size: 262_144,
                },
            ),
            (key(3), BlockPlace::Here(vec![1, 2, 3])),
        ];
        index.add(&one, places.clone()).expect("adds");
        index.add(&two, vec![(key(1), bytes(7, 100))]).expect("adds");
        for (key, place) in &places[1..] {
            let expected = BlockRow {
                holder: one.clone(),
                place: place.clone(),
            };
            assert_eq!(index.find(key).expect("finds"), [expected]);
        }
        assert_eq!(index.find(&key(1)).expect("finds").len(), 2);
        assert_eq!(index.find(&key(4)).expect("finds"), []);
        assert!(index.is_listed(&one).expect("reads"));

        // What is listed stays as it is.
        index.add(&one, vec![(key(4), bytes(0, 1))]).expect("adds");
        assert_eq!(index.find(&key(4)).expect("finds"), []);

        index.remove(&one).expect("removes");
        index.remove(&one).expect("removes nothing");
        assert!(!index.is_listed(&one).expect("reads"));
        assert_eq!(index.find(&key(2)).expect("finds"), []);
        let left = index.find(&key(1)).expect("finds");
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].holder, two);
        assert_eq!(index.listed(None, 10).expect("lists"), [two]);
    }
}

#[test]
fn many_blocks_of_nobody_are_swept() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("blocks");
    let index = BlockIndex::open(&path).expect("opens");
    let kept: Vec<_> = (0..100).map(|number| (key(number), bytes(0, 1))).collect();
    index.add(&sha256(b"kept"), kept).expect("adds");
    for round in 0..3_u32 {
        let holder = sha256(&round.to_le_bytes());
        let blocks = (0..40_000).map(|number| (key(1_000_000 * (round + 1) + number), bytes(0, 1)));
        index.add(&holder, blocks.collect()).expect("adds");
        index.remove(&holder).expect("removes");
    }
    // The third made it more than are left for a while.
    assert_eq!(rows_in(&path), 100);
    assert_eq!(index.find(&key(7)).expect("finds").len(), 1);
}

#[test]
fn names_are_listed_page_by_page() {
    let index = BlockIndex::in_memory().expect("opens");
    let mut names: Vec<_> = (0..25_u32).map(|number| sha256(&number.to_le_bytes())).collect();
    for name in &names {
        index.add(name, Vec::new()).expect("adds");
    }
    names.sort_by(|left, right| left.key().cmp(right.key()));
    let mut found: Vec<ItemHash> = Vec::new();
    loop {
        let page = index.listed(found.last(), 10).expect("lists");
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    assert_eq!(found, names);
}

#[test]
fn a_file_that_is_no_index_is_begun_anew() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("blocks");
    fs::write(&path, [7; 8_192]).expect("writes");
    let index = BlockIndex::open(&path).expect("opens");
    index
        .add(&sha256(b"one"), vec![(key(1), bytes(0, 1))])
        .expect("adds");
    drop(index);
    let index = BlockIndex::open(&path).expect("opens again");
    assert!(
        index.is_listed(&sha256(b"one")).expect("reads"),
        "what was committed stays"
    );
    drop(index);

    let connection = Connection::open(&path).expect("opens");
    connection
        .pragma_update(None, "user_version", 99)
        .expect("updates");
    drop(connection);
    let index = BlockIndex::open(&path).expect("opens");
    assert!(!index.is_listed(&sha256(b"one")).expect("reads"));
}
