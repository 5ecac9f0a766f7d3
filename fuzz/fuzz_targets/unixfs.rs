//! Any bytes as a block, below a name that is true: no panic, no endless reading, and a node that
//! is read is written the same by its parts.
#![no_main]

use std::borrow::Cow;

use alephd_cid::{AnyCid, Multicodec};
use alephd_unixfs::{
    ByteRange, DagScope, DirectoryReader, Entity, Export, ExportOptions, FileReader, Node, Resolver, Stat,
    source,
};
use libfuzzer_sys::fuzz_target;

/// The same bytes whatever is asked for; only blocks that lie in their name pass the check.
struct Nothing;

impl source::BlockSource for Nothing {
    type Error = ();

    fn block(&self, _: &AnyCid) -> Result<Option<Cow<'_, [u8]>>, ()> {
        Ok(None)
    }
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(node) = Node::decode(bytes) {
        let again = node.encode();
        assert_eq!(Node::decode(&again).as_ref(), Ok(&node));
    }
    if let Ok((cid, length)) = AnyCid::read(bytes) {
        assert_eq!(cid.to_bytes(), bytes[..length]);
        assert_eq!(cid.to_string().parse(), Ok(cid.clone()));
        let _ = source::stat(&Nothing, &cid);
        let _ = source::list(&Nothing, &cid, |_| ());
        let _ = source::read(&Nothing, &cid, ByteRange::ALL, |_| ());
    }
    // BLAKE3 for speed: the hash is not what is tested.
    let mut name = vec![1, 0x70, 0x1e, 0x20];
    name.extend(blake3::hash(bytes).as_bytes());
    let Ok(cid) = AnyCid::from_bytes(&name) else {
        unreachable!("a name of the right form")
    };
    assert_eq!(cid.codec(), Multicodec::DAG_PB);
    let stat = Stat::of(&cid, bytes);
    let entity = Entity::decode(&cid, bytes);
    assert_eq!(stat.is_ok(), entity.is_ok());
    let mut reader = FileReader::new(cid.clone(), ByteRange::Positions(-9, Some(100)));
    if reader.supply(bytes).is_ok() {
        assert_eq!(reader.size(), stat.ok().map(|stat| stat.size));
    }
    let _ = DirectoryReader::new(cid.clone()).supply(bytes);
    let Ok(path) = format!("{cid}/a").parse() else {
        unreachable!("a path of the right form")
    };
    let _ = Resolver::new(path).supply(bytes);
    for scope in [DagScope::Block, DagScope::Entity, DagScope::All] {
        let Ok(path) = cid.to_string().parse() else {
            unreachable!("a path of the right form")
        };
        let options = ExportOptions {
            scope,
            ..ExportOptions::default()
        };
        let _ = Export::new(path, options).supply(bytes);
    }
});
