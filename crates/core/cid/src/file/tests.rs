//! Goldens come from the JavaScript `ipfs-unixfs-importer` 17.1.1 over the same bytes.

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::{Verifier, matches};

const LAYOUTS: [Layout; 3] = [
    Layout::V0,
    Layout::V1 { raw_leaves: true },
    Layout::V1 { raw_leaves: false },
];

/// File size, then its name in each of [`LAYOUTS`].
const GOLDENS: [(usize, [&str; 3]); 8] = [
    (
        0,
        [
            "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH",
            "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
            "bafybeif7ztnhq65lumvvtr4ekcwd2ifwgm3awq4zfr3srh462rwyinlb4y",
        ],
    ),
    (
        1,
        [
            "QmZuYYdPj1hTpif7EA2WMtyDCRPaCSLtMbotLZXmZQp4Sr",
            "bafkreidjelut4obhmqwojoedy5llggv7qabwmsotmff7l7ftvxnehohkgi",
            "bafybeifl3xap5sppvhg4uhure32jjzzlgryfsyet3yd6mx3y7hvlowwtb4",
        ],
    ),
    (
        CHUNK_SIZE - 1,
        [
            "QmQYJ7FQiirSDzeDVRwys1f1oKtHVjy1vZyfzYW8ENY9QA",
            "bafkreicjjlodbohhthtp2jmkjbcao7gsle6npesllkr2gnpehkiltxw4ge",
            "bafybeibawmgms3bnogr6kznmuvbwvgq5safs5wpcpvkiqyibttqpu7hb44",
        ],
    ),
    (
        CHUNK_SIZE,
        [
            "QmQMUDskk1fPLjPa4iuFQBJfvdu8TRcpTiE97gqXi5qYtK",
            "bafkreian2ixfjleigfmcftbdskybjfqlx2xg4lpbqequbypk4hfrgjk6bm",
            "bafybeia55umonnld2tahylnjcu2jyutsgyywebbw6lgihb7bj4jqu57d3q",
        ],
    ),
    (
        CHUNK_SIZE + 1,
        [
            "QmaqYgAEwZt63ooBdAb79u71PC8YyMu2yF4HuAE3RCiYah",
            "bafybeigrsilgwvlt4uplcqbas2ttzfupujyqxsbfjppomwd7gxna54fjly",
            "bafybeibeswnbmso2jwux6k3z4rgrt26575n63fjdwgb6zqed6klvaqxjhq",
        ],
    ),
    (
        MAX_LINKS * CHUNK_SIZE,
        [
            "QmY2azHZifoSZZXAii9jdWLYrQXb2LXzQqk7pE2meJNGjR",
            "bafybeigw7lnpxpczabcnvlhbrya4u4qdryiko52w3hijwtzwfdrjjugu4a",
            "bafybeihdnoyz7kdvnagxlcl2bikhcpjjg2qeisvoadrw24drgqriw6smqe",
        ],
    ),
    (
        MAX_LINKS * CHUNK_SIZE + 1,
        [
            "QmPj9jfQVeYg77F6qexa2NZmF16Z6bnHd86X2PsyS7kLjf",
            "bafybeibvgm6v6uipepdaowut6itmst2baypzyin44uq6ylmem32pqrqmdq",
            "bafybeigtzo2zsvw3peqhbu7himgvqrcbobjrkrhjdeoizl7jriynkfleuq",
        ],
    ),
    (
        100_000_000,
        [
            "QmPFuskTkpSATSN1vq8ZCLcXPCPgjQ26RTRwamVJqu42V3",
            "bafybeiejv76zc5plrm546ak3wjq5iuiu333a5kqpab5ycocb4fnq6473xe",
            "bafybeihftvapaugu45gy3pc2swszrqiesj7ott2q4duqd66otipfsp7a4i",
        ],
    ),
];

/// The same with chunks of 4 bytes and 3 links a node, so that trees get six levels deep.
const DEEP_GOLDENS: [(usize, [&str; 3]); 10] = [
    (
        4,
        [
            "QmeFxfp1EzRShK2ydB7iuDJbHPAxqqLPSBSu89Y72skDf3",
            "bafkreieu5po3tpyzoakkhzwfohrpqpqr355y7c4t2uqhg3vctxx6ti732i",
            "bafybeihmq5sqveb2jhqpjgrhhhdcxtymdjxjwuzvzj57vcdmkdmx7iaoyy",
        ],
    ),
    (
        5,
        [
            "QmUwxfijooet6q6qYJ4ar85iqHa3fgkBhvDWueMJ1ejtD2",
            "bafybeiaawqutibgejqwwggta73pluvcueontpknszjx6e7segrnl3mieei",
            "bafybeihofdzhbnb76jt5qvfbuhzqdvvoswexalzwqso64ip4o7xkqk52mu",
        ],
    ),
    (
        12,
        [
            "QmXh62FMskRD9r6vka3NTafLEpiXfutahpEryAGHq1ghnA",
            "bafybeiba6pazwx77mpr6zlgpghbx26zkr4ojfctqmuymqalfon5gmrozcy",
            "bafybeigus67db3ipysnrnt5u5jj66pi66fgwyxxuqvtw6opu4hzsrlaaay",
        ],
    ),
    (
        13,
        [
            "Qmf6TWZRqF635sUJAMYVHLE2vTPk6G5PJzX1FbFp6BwwYX",
            "bafybeidiznkf5dqowbc4nuj3wujupwqznj7nwxxnzecg7ulbjp3zc4yjda",
            "bafybeif4dhpfe5yzam25pgtzjdrih7lzvmb44wbkiovshnjjxaaz2zwrga",
        ],
    ),
    (
        36,
        [
            "Qmc8FSTsA38pvXYiV9C5oEBHn4RKaAtWQ4fuidy5VA6Fup",
            "bafybeihyaxedygaumdyqtdanoyuwvohultt4sojurndpcf3n6fwzfpio7y",
            "bafybeifxaejnaavq3zqeqogckf4fd545timqjdwraqp5gzwo6negospjyq",
        ],
    ),
    (
        37,
        [
            "QmejofkwtE7uD2uTgKM3NcQdAA5484ubrt8qpKstdsh8GY",
            "bafybeid5hjc27itemlspyxpglioc5dt2ck4wxc4vcmlpkvdinii2qmfr6m",
            "bafybeibuy2tao4ukg6zbgvtscvsw4pdj72gy3wgewz7433k2zo3oeblovy",
        ],
    ),
    (
        100,
        [
            "QmVeyAuzfYjhNtyDDkTYpy8ZLsuYKP7vQ1ZxJq6raGPaxW",
            "bafybeiceheincikyc2yp7t4adkmgioztu4hqcogblbxifj2navve2qjn6u",
            "bafybeibyxyeaehs5obah5wfudqz7nxdzc4x57hx6gh4rmtd7c5mpr6njoq",
        ],
    ),
    (
        324,
        [
            "QmRHC7RGv6S8iFux2VEj1sq1X9d6JcaW4PYN5wWGssgWax",
            "bafybeib5wrberbgbzguno3yfd5iday3u5vpxvmdz47vumgpuwvjwik6dum",
            "bafybeiel6z6diui7fcgcapz4ureod2pf455nclvex2vgfl3bxu7dh55ahe",
        ],
    ),
    (
        325,
        [
            "QmXRT9GSKn9UQPgvkU5tHxCgWFLFD7wBWQVk6oFcaicScA",
            "bafybeiei27wub2lx6lcebr7phcw2pznkaslu4fcsubhq3u2ewvwju5hnwa",
            "bafybeieda5vwjmmixxt5of62hgu5t63fg3ljz5fmvtgpnlk2nammptgub4",
        ],
    ),
    (
        1000,
        [
            "QmeNGQpkPF2KL4mMqoLJMGb1iHbknvXz68r7E2NX5kha4y",
            "bafybeihnamfvuwli5ki3xomss74uq6nzwelwrmzxey3umyjord5oviy76i",
            "bafybeidgcyk3qidn56aa36sldofuppc3wusc34zhgw4wz7ub4mobltpegu",
        ],
    ),
];

/// The bytes of the goldens: 32-bit xorshift, little-endian words.
struct Pattern(u32);

impl Pattern {
    fn start() -> Self {
        Self(0x1234_5678)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for word in bytes.chunks_mut(4) {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 17;
            self.0 ^= self.0 << 5;
            word.copy_from_slice(&self.0.to_le_bytes()[..word.len()]);
        }
    }
}

fn hash(layout: Layout, bytes: &[u8]) -> String {
    let mut hasher = FileHasher::new(layout);
    hasher.update(bytes);
    hasher.finish().to_string()
}

#[test]
fn well_known_files() {
    assert_eq!(
        hash(Layout::V0, b""),
        "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"
    );
    assert_eq!(
        hash(Layout::V0, b"hello world"),
        "Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD"
    );
    assert_eq!(
        hash(Layout::V0, b"hello world\n"),
        "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o"
    );
    let raw = Layout::V1 { raw_leaves: true };
    assert_eq!(
        hash(raw, b"hello world\n"),
        "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4"
    );
}

#[test]
fn names_equal_those_of_the_javascript_importer() {
    let mut buffer = vec![0; CHUNK_SIZE];
    for (size, expected) in GOLDENS {
        let mut hashers = LAYOUTS.map(FileHasher::new);
        let mut pattern = Pattern::start();
        let mut left = size;
        while left > 0 {
            let take = left.min(buffer.len());
            pattern.fill(&mut buffer[..take]);
            hashers
                .iter_mut()
                .for_each(|hasher| hasher.update(&buffer[..take]));
            left -= take;
        }
        assert_eq!(
            hashers.map(|hasher| hasher.finish().to_string()),
            expected,
            "{size} bytes"
        );
    }
}

/// 128 MiB of repeated `deadbeef`; both names were printed by an IPFS daemon (they are in the
/// tests of the public crate `aleph-cid` 0.1.0).
#[test]
fn names_equal_those_of_an_ipfs_daemon() {
    let names = [
        "QmcYKke22MG2rnu4nPVj8Z3hMPi2wtVMKzqLcJwYRThYif",
        "bafybeiawhayvhrtunmsazigmne75kqyyb2z7oqlvky3abpk4tbkqyzv6iu",
    ];
    let piece = "deadbeef".repeat(1 << 17);
    for name in names {
        let mut verifier = Verifier::new(&name.parse().expect("golden"));
        (0..128).for_each(|_| verifier.update(piece.as_bytes()));
        assert!(verifier.finish(), "{name}");
    }
}

#[test]
fn deep_trees_equal_those_of_the_javascript_importer() {
    for (size, expected) in DEEP_GOLDENS {
        let mut bytes = vec![0; size];
        Pattern::start().fill(&mut bytes);
        let names = LAYOUTS.map(|layout| {
            let mut hasher = FileBuilder::with_sizes(layout, 4, 3);
            hasher.update(&bytes, &mut |_| ());
            hasher.finish(&mut |_| ()).cid.to_string()
        });
        assert_eq!(names, expected, "{size} bytes");
    }
}

#[test]
fn leaves_are_made_again_from_their_chunks() {
    let mut bytes = vec![0; 3 * CHUNK_SIZE + 5];
    Pattern::start().fill(&mut bytes);
    for layout in LAYOUTS {
        let mut leaves = Vec::new();
        let mut nodes = 0;
        let mut sink = |block: &Block<'_>| match block.is_leaf() {
            true => leaves.push(block.cid()),
            false => nodes += 1,
        };
        let mut builder = FileBuilder::new(layout);
        builder.update(&bytes, &mut sink);
        builder.finish(&mut sink);
        let again: Vec<Cid> = bytes
            .chunks(CHUNK_SIZE)
            .map(|chunk| hash(layout, chunk).parse().expect("own output"))
            .collect();
        assert_eq!(leaves, again);
        assert_eq!(nodes, 1);
    }
}

#[test]
fn memory_does_not_grow_with_the_file() {
    let mut hasher = FileBuilder::with_sizes(Layout::V0, 1, 3);
    for _ in 0..3_usize.pow(8) - 1 {
        hasher.update(b"x", &mut |_| ());
        assert!(hasher.tree.len() <= 2 * 8);
        assert!(hasher.chunk.is_empty());
    }
    hasher.update(b"x", &mut |_| ());
    assert_eq!(hasher.tree.len(), 1);
}

#[test]
fn a_file_matches_all_its_names_and_no_other() {
    for size in [0, 1, CHUNK_SIZE, CHUNK_SIZE + 1] {
        let mut bytes = vec![0; size];
        Pattern::start().fill(&mut bytes);
        let mut other = bytes.clone();
        other.push(0);
        let raw = Cid::v1(Codec::Raw, Sha256::digest(&bytes).into());
        let names = LAYOUTS.map(|layout| hash(layout, &bytes).parse::<Cid>().expect("own output"));
        for name in names.into_iter().chain([raw]) {
            assert!(matches(&name, &bytes), "{name}");
            assert!(!matches(&name, &other), "{name}");
            assert_eq!(Verifier::new(&name).expected(), &name);
        }
        // Same block, other version: a different name of the same file.
        assert!(!matches(&Cid::v1(Codec::Raw, *names[0].digest()), &bytes));
    }
}

/// The whole tree at once, level by level, into bytes that are kept: the definition, slowly.
fn reference(layout: Layout, bytes: &[u8], chunk_size: usize, width: usize) -> Vec<u8> {
    fn varint(value: u64) -> Vec<u8> {
        if value < 128 {
            vec![value as u8]
        } else {
            [vec![value as u8 | 128], varint(value >> 7)].concat()
        }
    }
    let field = |tag: u8, bytes: &[u8]| [vec![tag], varint(bytes.len() as u64), bytes.to_vec()].concat();
    let number = |tag: u8, value: u64| [vec![tag], varint(value)].concat();
    let name = |codec: u8, block: &[u8]| {
        let multihash = [vec![0x12, 0x20], Sha256::digest(block).to_vec()].concat();
        if layout == Layout::V0 {
            multihash
        } else {
            [vec![1, codec], multihash].concat()
        }
    };
    let chunks: Vec<&[u8]> = if bytes.is_empty() {
        vec![bytes]
    } else {
        bytes.chunks(chunk_size).collect()
    };
    // Name, bytes in blocks, bytes of the file.
    let mut level: Vec<(Vec<u8>, u64, u64)> = Vec::new();
    for chunk in chunks {
        let size = chunk.len() as u64;
        if layout == (Layout::V1 { raw_leaves: true }) {
            level.push((name(0x55, chunk), size, size));
            continue;
        }
        let data = if chunk.is_empty() {
            vec![]
        } else {
            field(0x12, chunk)
        };
        let block = field(0x0a, &[number(0x08, 2), data, number(0x18, size)].concat());
        level.push((name(0x70, &block), block.len() as u64, size));
    }
    while level.len() > 1 {
        level = level
            .chunks(width)
            .map(|links| {
                let mut block = Vec::new();
                let mut entry = Vec::new();
                for (cid, weight, size) in links {
                    let link = [field(0x0a, cid), field(0x12, b""), number(0x18, *weight)].concat();
                    block.extend(field(0x12, &link));
                    entry.extend(number(0x20, *size));
                }
                let size = links.iter().map(|link| link.2).sum();
                block.extend(field(
                    0x0a,
                    &[number(0x08, 2), number(0x18, size), entry].concat(),
                ));
                let weight = block.len() as u64 + links.iter().map(|link| link.1).sum::<u64>();
                (name(0x70, &block), weight, size)
            })
            .collect();
    }
    level.remove(0).0
}

proptest! {
    #[test]
    fn any_split_gives_the_name_of_the_definition(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
        chunk_size in 1_usize..70,
        width in 2_usize..6,
    ) {
        let whole = pieces.concat();
        for layout in LAYOUTS {
            let (mut sum, mut leaves) = (0, 0);
            let mut last = None;
            let mut sink = |block: &Block<'_>| {
                let bytes = block.to_vec();
                assert_eq!(*block.cid().digest(), <[u8; 32]>::from(Sha256::digest(&bytes)));
                assert_eq!(bytes.len(), block.size());
                sum += bytes.len() as u64;
                leaves += usize::from(block.is_leaf());
                last = Some(block.cid());
            };
            let mut builder = FileBuilder::with_sizes(layout, chunk_size, width);
            pieces.iter().for_each(|piece| builder.update(piece, &mut sink));
            let root = builder.finish(&mut sink);
            prop_assert_eq!(root.cid.to_bytes(), reference(layout, &whole, chunk_size, width));
            prop_assert_eq!(root.size, whole.len() as u64);
            prop_assert_eq!(root.weight, sum);
            prop_assert_eq!(leaves, whole.len().div_ceil(chunk_size).max(1));
            prop_assert_eq!(last, Some(root.cid));
        }
    }
}
