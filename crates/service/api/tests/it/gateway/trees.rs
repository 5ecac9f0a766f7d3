//! What the gateway of the tests has: trees of the case file, and some that text cannot describe.

use std::collections::BTreeMap;

use alephd_blobs::BlobName;
use alephd_cid::{AnyCid, Base, Block, Cid, FileBuilder, Layout, Multicodec, Subtree, Version};
use alephd_content::Content;
use alephd_message::ItemHash;
use alephd_unixfs::{
    Node, TreeBuilder,
    car::{encode_header, section_head},
};
use serde_json::Value;

const V1: Layout = Layout::V1 { raw_leaves: true };

/// The end of each name in the sharded directory, so that few entries make one.
pub(super) fn long() -> String {
    "z".repeat(170)
}

/// Names of trees, files and directories, and what they are.
pub(super) struct Trees(BTreeMap<String, AnyCid>);

impl Trees {
    pub(super) async fn import(content: &Content, described: &Value) -> Self {
        let mut trees = Self(BTreeMap::new());
        for (name, tree) in described.as_object().expect("trees") {
            let files = tree["files"].as_object().expect("files");
            let files = files
                .iter()
                .map(|(path, text)| (path.as_str(), text.as_str().expect("text").to_owned()));
            trees.add(content, name, files).await;
        }
        let long = long();
        let many: Vec<_> = (0..1500)
            .map(|at| (format!("entry-{at:04}-{long}"), at.to_string()))
            .collect();
        let many = many.iter().map(|(path, text)| (path.as_str(), text.clone()));
        trees.add(content, "many", many).await;
        trees.add_linked(content).await;
        trees.add_big(content).await;
        trees
    }

    /// A directory of files.
    async fn add(&mut self, content: &Content, name: &str, files: impl IntoIterator<Item = (&str, String)>) {
        let mut blocks = Vec::new();
        let mut sink = |block: &Block<'_>| blocks.push((AnyCid::from(block.cid()), block.to_vec()));
        let mut tree = TreeBuilder::new(Version::V1);
        let mut paths = Vec::new();
        for (path, text) in files {
            let file = build(text.as_bytes(), V1, &mut sink);
            tree.add_file(path, file.cid.into(), file.weight).expect("a path");
            let ends = path.match_indices('/').map(|(end, _)| end);
            paths.extend(ends.chain([path.len()]).map(|end| path[..end].to_owned()));
        }
        let root = tree.finish(&mut sink).expect("names that differ");
        import(content, root.cid.into(), &blocks).await;
        for path in paths {
            let at = format!("{}/{path}", root.cid).parse().expect("a path");
            let cid = content.resolve(at).await.expect("imported");
            self.0.insert(format!("{name}/{path}"), cid);
        }
        self.0.insert(name.to_owned(), root.cid.into());
    }

    /// A directory with a file `foo`, and `bar` that is a symbolic link to it.
    async fn add_linked(&mut self, content: &Content) {
        let mut blocks = Vec::new();
        let mut sink = |block: &Block<'_>| blocks.push((AnyCid::from(block.cid()), block.to_vec()));
        let file = build(b"the file", V1, &mut sink);
        let link = Node {
            links: Vec::new(),
            data: Some(b"\x08\x04\x12\x03foo"),
        };
        let link = link.encode();
        let named = cid_of(&link);
        let mut tree = TreeBuilder::new(Version::V1);
        tree.add_file("foo", file.cid.into(), file.weight)
            .expect("a path");
        tree.add_file("bar", named.clone(), link.len() as u64)
            .expect("a path");
        let root = tree.finish(&mut sink).expect("names that differ");
        blocks.push((named, link));
        import(content, root.cid.into(), &blocks).await;
        self.0.insert("linked".into(), root.cid.into());
    }

    /// A file of three chunks, once as an archive and once as a file of the network.
    async fn add_big(&mut self, content: &Content) {
        let bytes = b"0123456789".repeat(60_000);
        let mut blocks = Vec::new();
        let mut sink = |block: &Block<'_>| blocks.push((AnyCid::from(block.cid()), block.to_vec()));
        let big = build(&bytes, V1, &mut sink);
        import(content, big.cid.into(), &blocks).await;
        for (place, (cid, _)) in blocks[..3].iter().enumerate() {
            self.0.insert(format!("big#{place}"), cid.clone());
        }
        self.0.insert("big".into(), big.cid.into());

        let stored = build(&bytes, Layout::V0, &mut |_| ()).cid;
        let name = ItemHash::parse_strict(&stored.to_string()).expect("a name");
        let mut writer = content.blobs().writer_for(&name, 1 << 20).expect("a name");
        writer.write(&bytes).await.expect("writes");
        let finished = writer.finish(BlobName::Exactly(name)).await;
        finished.expect("the name is right");
        self.0.insert("stored".into(), stored.into());
    }

    /// A text in which names stand in braces, with what they stand for: a CID, in another form with
    /// a prefix, or a number of letters.
    pub(super) fn expand(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            out.push_str(before);
            match behind
                .split_once('}')
                .and_then(|(name, behind)| Some((self.text(name)?, behind)))
            {
                Some((value, behind)) => {
                    out.push_str(&value);
                    rest = behind;
                }
                None => {
                    out.push('{');
                    rest = behind;
                }
            }
        }
        out + rest
    }

    fn text(&self, name: &str) -> Option<String> {
        if name == "long" {
            return Some(long());
        }
        if let Ok(count) = name.parse() {
            return Some("a".repeat(count));
        }
        if let Some(cid) = self.0.get(name) {
            return Some(cid.to_string());
        }
        let (form, name) = name.split_once(':')?;
        let cid = self.0.get(name)?;
        let coded = |codec| Some(AnyCid::v1(codec, cid.hash().clone()).to_string());
        match form {
            "v0" => Some(Cid::v0(cid.hash().digest().try_into().ok()?).to_string()),
            "b16" => cid.text(Base::Base16),
            "b36" => cid.text(Base::Base36),
            "b58" => cid.text(Base::Base58),
            "upper" => Some(cid.to_string().to_uppercase()),
            "json" => coded(Multicodec::JSON),
            "cbor" => coded(Multicodec::CBOR),
            "dag-json" => coded(Multicodec::DAG_JSON),
            _ => None,
        }
    }
}

pub(super) fn build(bytes: &[u8], layout: Layout, sink: &mut impl FnMut(&Block<'_>)) -> Subtree {
    let mut builder = FileBuilder::new(layout);
    builder.update(bytes, sink);
    builder.finish(sink)
}

/// The name of a node.
pub(super) fn cid_of(block: &[u8]) -> AnyCid {
    let digest = alephd_testkit::sha256(block).to_string();
    let digest: Vec<u8> = (0..64)
        .step_by(2)
        .map(|at| u8::from_str_radix(&digest[at..at + 2], 16).expect("hexadecimal"))
        .collect();
    let digest = digest.try_into().expect("32 bytes");
    AnyCid::v1(Multicodec::DAG_PB, alephd_cid::Multihash::sha2_256(digest))
}

/// Takes a tree in as a node does.
pub(super) async fn import(content: &Content, root: AnyCid, blocks: &[(AnyCid, Vec<u8>)]) {
    let mut archive = encode_header(&[root]);
    for (cid, block) in blocks {
        archive.extend(section_head(cid, block.len()));
        archive.extend(block);
    }
    let mut import = content.import_car(1 << 30);
    import.write(&archive).await.expect("an archive");
    let sealed = import.seal().await.expect("a whole tree");
    sealed.store().await.expect("stored");
}
