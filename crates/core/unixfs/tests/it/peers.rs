//! Against the public crate `aleph-cid`, which clients of the network use, and the names that it
//! had printed by Kubo 0.30.

use std::fs;

use aleph_cid::{CidVersion, UploadFolderOptions, collect_folder_files, folder_hash};
use alephd_cid::{Block, FileBuilder, Version};
use alephd_unixfs::TreeBuilder;
use proptest::prelude::*;

use crate::layout;

/// The root of our tree of these files.
fn root_of(files: &[(String, Vec<u8>)], version: u64, sink: &mut impl FnMut(&Block<'_>)) -> String {
    let mut tree = TreeBuilder::new(if version == 0 { Version::V0 } else { Version::V1 });
    for (path, content) in files {
        let mut file = FileBuilder::new(layout(version));
        file.update(content, sink);
        let file = file.finish(sink);
        tree.add_file(path, file.cid.into(), file.weight)
            .expect("a free path");
    }
    tree.finish(sink).expect("sound names").cid.to_string()
}

/// The root of a folder of these files, theirs and ours; all blocks must be the same.
fn roots(files: &[(String, Vec<u8>)], version: u64) -> (String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }
    let entries = collect_folder_files(folder.path(), true).expect("files");
    let mut options = UploadFolderOptions::default();
    options.cid_version = if version == 0 {
        CidVersion::V0
    } else {
        CidVersion::V1
    };
    let mut theirs = Vec::new();
    let mut sink = |cid: &[u8], block: &[u8]| {
        theirs.push((cid.to_vec(), block.to_vec()));
        Ok(())
    };
    let root = folder_hash::build_folder_dag(&entries, &options, &mut sink).expect("a tree");

    let mut ours = Vec::new();
    let mut sink = |block: &Block<'_>| ours.push((block.cid().to_bytes(), block.to_vec()));
    let our_root = root_of(files, version, &mut sink);
    theirs.sort();
    ours.sort();
    assert!(theirs == ours, "blocks differ");
    (root.to_string(), our_root)
}

fn numbered(count: u32, name: impl Fn(u32) -> String) -> Vec<(String, Vec<u8>)> {
    (0..count).map(|at| (name(at), b"x".to_vec())).collect()
}

#[test]
fn folders_have_the_names_that_kubo_printed() {
    let text = |path: &str, content: &str| (path.to_owned(), content.as_bytes().to_vec());
    let cases: [(_, u64, &str); 8] = [
        (
            ('a'..='j')
                .map(|c| text(&format!("{c}.txt"), &c.to_string()))
                .collect(),
            1,
            "bafybeic44rqkymydh3gvookwnqasv5ydbk5owkl7l2pkvgmh4stny4cdly",
        ),
        (
            ('a'..='j')
                .map(|c| text(&format!("{c}.txt"), &c.to_string()))
                .collect(),
            0,
            "QmaVbVDQrEVXH6EAQQExN82Xt44VmrQWkkey4S8eYcTNRs",
        ),
        (
            vec![
                text("top.txt", "top\n"),
                text("sub/inner.txt", "inner\n"),
                text("sub/deeper/leaf.txt", "leaf\n"),
            ],
            1,
            "bafybeidcclyz24mrl4furbaf4ecb3ks52dbfer7r6dxqavd4wrqg7bp7lu",
        ),
        (
            vec![
                text("café.txt", "a\n"),
                text("日本.txt", "b\n"),
                text("🚀.txt", "c\n"),
            ],
            1,
            "bafybeib5csmg24msmu4jmaczufo6s5cciojvsct4nb56db46ozy6mz4bji",
        ),
        (
            numbered(5957, |at| format!("{at:08}")),
            1,
            "bafybeibqvqqd4yvkpt5olhxoayzzevdxkw5ucbk2hlnjrttpo6psbjwx4u",
        ),
        (
            numbered(5958, |at| format!("{at:08}")),
            1,
            "bafybeidzmazxweqx7qun4ezjil2iqmn7u23225yfxhekm5zysnwmmtbohe",
        ),
        (
            numbered(6000, |at| format!("{at:08}")),
            1,
            "bafybeidk3a4hr6msgcv24pkutwrethttydqzx56m724lsg75fzgeu3yzn4",
        ),
        (
            numbered(920, |at| format!("{at:04}{}", "z".repeat(246))),
            1,
            "bafybeidurl753n2ka5wvgx6qyifmilikuh2lb5eucgdpo3pu253pkx7r4e",
        ),
    ];
    for (files, version, golden) in cases {
        assert_eq!(root_of(&files, version, &mut |_| ()), golden);
    }
}

/// 262,144 bytes of names and identifiers to the byte: the first size that is sharded.
#[test]
fn the_size_from_which_on_directories_are_sharded() {
    // 910 entries of 288 bytes and one of 64, or of 63.
    let names = |last: usize| {
        let mut files = numbered(910, |at| format!("{at:04}{}", "z".repeat(248)));
        files.push(("y".repeat(last), b"x".to_vec()));
        files
    };
    for last in [28, 27] {
        let (theirs, ours) = roots(&names(last), 1);
        assert_eq!(theirs, ours);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn small_folders(
        files in prop::collection::btree_map("[a-c]{1,2}(/[d-f]{1,2}){0,3}\\.[é日]?", prop::collection::vec(any::<u8>(), 0..9), 1..12),
        big in 0_usize..600_000,
        version in 0_u64..2,
    ) {
        // A dot at the end keeps files apart from folders.
        let mut files: Vec<_> = files.into_iter().collect();
        files.push(("big".to_owned(), vec![7; big]));
        let (theirs, ours) = roots(&files, version);
        prop_assert_eq!(theirs, ours);
    }
}
