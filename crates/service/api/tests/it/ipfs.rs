//! Uploads under a CID: files, documents and archives.

use alephd_cid::{AnyCid, Block, FileBuilder, FileHasher, Layout, Version};
use alephd_message::{Envelope, ItemHash};
use alephd_testkit::{builder, keys, sha256};
use alephd_unixfs::{
    TreeBuilder,
    car::{encode_header, section_head},
};
use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture};

/// Before anything had to be paid.
const FREE: f64 = 1_740_000_000.0;

fn name(cid: impl ToString) -> ItemHash {
    ItemHash::parse_strict(&cid.to_string()).expect("a name")
}

fn cid_v0(bytes: &[u8]) -> ItemHash {
    let mut hasher = FileHasher::new(Layout::V0);
    hasher.update(bytes);
    name(hasher.finish())
}

/// A signed STORE of `file`.
fn store(file: &ItemHash) -> Envelope {
    let bob = keys::evm("bob");
    builder::store(&bob, file).at(FREE).seal()
}

async fn upload(node: &Fixture, route: &str, parts: &[(&str, &[u8])]) -> Answer {
    let mut body = Vec::new();
    for (name, content) in parts {
        let head =
            format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a.bin\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--cut--\r\n");
    let headers = [("content-type", "multipart/form-data; boundary=cut")];
    node.post(&format!("/api/v0/ipfs/{route}"), &headers, body).await
}

fn metadata(store: &Envelope) -> Vec<u8> {
    format!(r#"{{"message": {}, "sync": true}}"#, builder::wire(store)).into_bytes()
}

fn body(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_alone_and_a_document() {
    let node = Fixture::new();
    let file = vec![7; 700_000];
    let answer = upload(&node, "add_file", &[("file", &file)]).await;
    let cid = cid_v0(&file);
    let expected = json!({"status": "success", "hash": cid, "name": "a.bin", "size": 700_000});
    assert_eq!((answer.status, body(&answer)), (200, expected));
    let raw = node.get(&format!("/api/v0/storage/raw/{cid}")).await;
    assert!(raw.body == file);
    assert_eq!(raw.header("content-length"), Some("700000"));

    let headers = [("content-type", "application/json")];
    let answer = node
        .post("/api/v0/ipfs/add_json", &headers, r#"{"b": 1, "a": "x"}"#)
        .await;
    let cid = cid_v0(br#"{"a":"x","b":1}"#);
    assert_eq!(
        (answer.status, body(&answer)),
        (200, json!({"status": "success", "hash": cid}))
    );
    let embedded = node.json(&format!("/api/v0/storage/{cid}")).await;
    assert_eq!(embedded["engine"], "ipfs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_its_message() {
    let node = Fixture::new();
    let file = b"paid for".to_vec();
    let message = store(&cid_v0(&file));
    let answer = upload(
        &node,
        "add_file",
        &[("metadata", &metadata(&message)), ("file", &file)],
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let stored = node
        .json(&format!("/api/v0/messages/{}", message.item_hash))
        .await;
    assert_eq!(stored["status"], "processed");

    let other = store(&cid_v0(b"other"));
    let parts = [("file", &file[..]), ("metadata", &metadata(&other))];
    let answer = upload(&node, "add_file", &parts).await;
    let text = format!(
        "422: File hash does not match ({} != {})",
        cid_v0(&file),
        cid_v0(b"other")
    );
    assert_eq!((answer.status, answer.text()), (422, &text[..]));

    let flat = store(&sha256(&file));
    let answer = upload(
        &node,
        "add_file",
        &[("file", &file), ("metadata", &metadata(&flat))],
    )
    .await;
    let text = "422: Expected item_type=ipfs in STORE message, got storage";
    assert_eq!((answer.status, answer.text()), (422, text));

    let answer = upload(&node, "add_file", &[("metadata", &metadata(&message))]).await;
    let text = "422: Missing 'file' in multipart form.";
    assert_eq!((answer.status, answer.text()), (422, text));
    let answer = node.post("/api/v0/ipfs/add_file", &[], file).await;
    let text = "400: Expected Content-Type: multipart/form-data";
    assert_eq!((answer.status, answer.text()), (400, text));
}

/// A directory of two files, as an archive, and its size.
fn site() -> (AnyCid, Vec<u8>, usize) {
    let mut blocks: Vec<(AnyCid, Vec<u8>)> = Vec::new();
    let mut keep = |block: &Block<'_>| blocks.push((block.cid().into(), block.to_vec()));
    let mut tree = TreeBuilder::new(Version::V1);
    for (path, bytes) in [
        ("index.html", &b"<h1>hello</h1>"[..]),
        ("data/large", &[9; 600_000]),
    ] {
        let mut file = FileBuilder::new(Layout::V1 { raw_leaves: true });
        file.update(bytes, &mut keep);
        let built = file.finish(&mut keep);
        tree.add_file(path, built.cid.into(), built.weight)
            .expect("a path");
    }
    let root = AnyCid::from(tree.finish(&mut keep).expect("a tree").cid);
    let mut car = encode_header(std::slice::from_ref(&root));
    let mut size = 0;
    blocks.dedup();
    for (cid, bytes) in &blocks {
        size += bytes.len();
        car.extend(section_head(cid, bytes.len()));
        car.extend(bytes);
    }
    (root, car, size)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive() {
    let node = Fixture::new();
    let (root, car, _) = site();
    let message = store(&name(&root));
    let parts = [("file", &car[..]), ("metadata", &metadata(&message))];
    let answer = upload(&node, "add_car", &parts).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = body(&answer);
    assert_eq!(
        (&answer["status"], &answer["hash"]),
        (&json!("success"), &json!(root.to_string()))
    );
    let size = answer["size"].as_u64().expect("a size");
    assert!(size > 600_000);
    let stored = node
        .json(&format!("/api/v0/messages/{}", message.item_hash))
        .await;
    assert_eq!(stored["status"], "processed");
    let of = node.json(&format!("/api/v0/storage/metadata/{root}")).await;
    assert_eq!((&of["type"], &of["size"]), (&json!("dir"), &json!(size)));
    // Again, which changes nothing.
    assert_eq!(upload(&node, "add_car", &parts).await.status, 200);

    let raw = node.get(&format!("/api/v0/storage/raw/{root}")).await;
    assert_eq!(raw.header("content-type"), Some("application/x-tar"));
    assert_eq!(raw.header("accept-ranges"), Some("none"));
    assert!(raw.body.len() > 600_000 && raw.body.len() % 512 == 0);
    assert_eq!(&raw.body[257..262], b"ustar");
    let text = format!("404: No file found for hash {root}");
    let (status, found) = node.failure(&format!("/api/v0/storage/{root}")).await;
    assert_eq!(
        (status, found.trim_start_matches("404: ")),
        (404, text.trim_start_matches("404: "))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_that_are_refused() {
    let node = Fixture::new();
    let (root, car, _) = site();
    let message = store(&name(&root));
    let answer = upload(&node, "add_car", &[("file", &car)]).await;
    let text = "422: metadata is required for CAR upload";
    assert_eq!((answer.status, answer.text()), (422, text));

    let other = store(&cid_v0(b"other"));
    let answer = upload(
        &node,
        "add_car",
        &[("file", &car), ("metadata", &metadata(&other))],
    )
    .await;
    let text = format!("422: Root CID does not match ({root} != {})", cid_v0(b"other"));
    assert_eq!((answer.status, answer.text()), (422, &text[..]));

    for broken in [&car[..car.len() - 1], &car[..300], b"no archive", b""] {
        let parts = [("file", broken), ("metadata", &metadata(&message))];
        let answer = upload(&node, "add_car", &parts).await;
        assert_eq!(answer.status, 422);
        assert!(
            answer.text().starts_with("422: Invalid CAR file: "),
            "{}",
            answer.text()
        );
    }
    let unknown = node
        .failure(&format!("/api/v0/messages/{}", message.item_hash))
        .await;
    assert_eq!(unknown.0, 404);
    assert_eq!(node.get(&format!("/api/v0/storage/raw/{root}")).await.status, 404);
}
