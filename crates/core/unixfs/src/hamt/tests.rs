use super::*;
use crate::{BuildError, TreeBuilder};

/// Two names whose hash is zero, found by computing the function backwards.
const COLLISION: [&str; 2] = ["nr'`5OTG~Uz!#tdW", "Tfl+@m-~!V7=b%+P"];

#[test]
fn names_made_to_collide_are_refused() {
    assert_eq!(COLLISION.map(|name| hash(name.as_bytes())), [0, 0]);

    let mut tree = TreeBuilder::new(alephd_cid::Version::V1);
    let mut add = |name: &str| tree.add_file(name, "bafkqaaa".parse().expect("a CID"), 0);
    assert_eq!(add(COLLISION[0]), Ok(()));
    for at in 0..70 {
        assert_eq!(add(&format!("{at}{}", "n".repeat(4000))), Ok(()));
    }
    assert!(tree.clone().finish(&mut |_| ()).is_ok());
    tree.add_file(COLLISION[1], "bafkqaaa".parse().expect("a CID"), 0)
        .expect("another name");
    match tree.finish(&mut |_| ()) {
        Err(BuildError::Collision(one, other)) => {
            assert!(one != other && [one, other].iter().all(|name| COLLISION.contains(&&**name)));
        }
        built => panic!("{built:?}"),
    }
}

/// Slots are taken from the high end, also where they do not fill bytes.
#[test]
fn slots_at_each_level() {
    let hash = 0x1234_5678_9abc_def0;
    assert_eq!(
        (0..9).map(|level| slot(hash, level, 8)).collect::<Vec<_>>(),
        [
            Some(0x12),
            Some(0x34),
            Some(0x56),
            Some(0x78),
            Some(0x9a),
            Some(0xbc),
            Some(0xde),
            Some(0xf0),
            None
        ]
    );
    assert_eq!(slot(hash, 0, 10), Some(0x048));
    assert_eq!(slot(hash, 5, 10), Some(0x1ef));
    assert_eq!(slot(hash, 6, 10), None);
    assert_eq!(max_levels(10), 6);
    // A name of no bytes, and those of the public test of the function.
    assert_eq!(super::hash(b""), 0);
    assert_eq!(super::hash(b"hello"), 0xcbd8_a7b3_41bd_9b02);
    assert_eq!(super::hash(b"hello, world"), 0x342f_ac62_3a5e_bc8e);
    assert_eq!(
        super::hash(b"The quick brown fox jumps over the lazy dog."),
        0xcd99_481f_9ee9_02c9
    );
}
