//! One file that is larger than the memory that the node may use, and uploads of it that go wrong.

mod content;
mod upload;

use std::{collections::BTreeSet, path::Path};

use alephd_message::ItemHash;
use alephd_testkit::{builder, keys, process::Node, rng::Rng};

use self::{
    content::Content,
    upload::{Upload, download},
};
use super::{Folder, client::Client, files::folder_files, full_disk::incoming, number, program, seed};

/// Size of the file in an ordinary run. `ALEPHD_LARGE_MIB` asks for another.
const MIB: u64 = 1_024;
/// What the node may hold in memory, whatever the size.
const MEMORY: u64 = 200 << 20;
/// Bytes of one request for a part.
const PART: u64 = 32 << 20;
/// Parts that are asked for at random places.
const PLACES: u32 = 50;
/// Requests until a broken upload must be gone.
const PATIENCE: u32 = 20_000;

#[test]
fn a_large_file_needs_no_memory_and_broken_uploads_leave_nothing() {
    let (program, seed) = (program(), seed("drill::large"));
    let size = number("ALEPHD_LARGE_MIB").unwrap_or(MIB) << 20;
    let folder = Folder::new();
    let data = folder.path().join("data");
    let limit = 2 * size;
    let limits = [
        format!("uploads.max_file={limit}"),
        format!("uploads.max_unauthenticated_file={limit}"),
    ];
    let limits = limits.each_ref().map(String::as_str);
    let arguments = ["--set", limits[0], "--set", limits[1]];
    let node = Node::start_with(&program, &data, &arguments).unwrap();
    let content = Content::new(seed, size);

    let small = broken_uploads(&node, &data, &content, limit);

    // The same file twice at once: as the whole body, and in a form with its STORE.
    let key = keys::evm("large");
    let store = builder::wire(&builder::store(&key, content.hash()).seal());
    let answers = std::thread::scope(|scope| {
        let raw = scope.spawn(|| Upload::raw(node.address(), size).send(&content, size).finish());
        let form = scope.spawn(|| {
            Upload::form(node.address(), size, Some(&store))
                .send(&content, size)
                .finish()
        });
        [raw, form].map(|upload| upload.join().unwrap())
    });
    for answer in answers {
        let (status, body) = answer.expect("an answer");
        assert_eq!(status, 200, "{body}");
        assert!(body.contains(&content.hash().to_string()), "{body}");
    }
    assert_eq!(
        folder_files(&data),
        BTreeSet::from([small, content.hash().clone()])
    );
    assert_eq!(incoming(&data), 0);

    let path = format!("/api/v0/storage/raw/{}", content.hash());
    download(node.address(), &path, None, &content);
    let mut start = 0;
    while start < size {
        download(
            node.address(),
            &path,
            Some(start..size.min(start + PART)),
            &content,
        );
        start += PART;
    }
    let mut rng = Rng::new(seed);
    for _ in 0..PLACES {
        let start = rng.below(size);
        let end = size.min(start + 1 + rng.below(3 << 20));
        download(node.address(), &path, Some(start..end), &content);
    }

    let memory = node.memory().unwrap();
    println!(
        "drill::large: {} MiB twice at once; the node held {} MiB at most",
        size >> 20,
        memory.peak >> 20
    );
    assert!(memory.peak < MEMORY, "{memory:?}");
    assert!(node.terminate().unwrap().success(), "a clean stop");
}

/// Clients that break off, or send another number of bytes than they said. One of them stores a file
/// all the same, whose name is returned.
fn broken_uploads(node: &Node, data: &Path, content: &Content, limit: u64) -> ItemHash {
    let address = node.address();
    // Small enough to be quick, large enough to be received in parts.
    let announced = 23 << 20;
    let small = content.prefix(announced);
    let nothing_left = |what: &str| {
        let mut client = Client::connect(address).unwrap();
        for _ in 0..PATIENCE {
            if incoming(data) == 0 {
                break;
            }
            assert_eq!(client.get("/api/v0/version").unwrap().status, 200);
        }
        assert_eq!(incoming(data), 0, "{what}");
        assert_eq!(folder_files(data).len(), 0, "{what}");
    };
    for sent in [0, 1, announced / 2, announced - 1] {
        // Gone without a word.
        drop(Upload::raw(address, announced).send(content, sent));
        nothing_left("a raw upload that was dropped");
        drop(Upload::form(address, announced, None).send(content, sent));
        nothing_left("a form that was dropped");
        // Less than announced, but still listening.
        let answer = Upload::raw(address, announced)
            .send(content, sent)
            .half_close()
            .answer();
        refused(answer, &[400], "a raw upload with too little");
        nothing_left("a raw upload with too little");
        let answer = Upload::form(address, announced, None)
            .send(content, sent)
            .half_close()
            .answer();
        refused(answer, &[400, 422], "a form with too little");
        nothing_left("a form with too little");
    }
    // A form that ends where it says, and whose last boundary is missing.
    let answer = Upload::form(address, announced, None)
        .send(content, announced)
        .without_end();
    refused(answer, &[400, 422], "a form without end");
    nothing_left("a form without end");
    // In chunks, and the last one never comes.
    let answer = Upload::chunked(address)
        .send(content, announced)
        .half_close()
        .answer();
    refused(answer, &[400], "chunks without end");
    nothing_left("chunks without end");
    // More than is allowed: told at once where it is announced.
    let answer = Upload::raw(address, limit + 1).answer();
    refused(answer, &[413], "too large");
    nothing_left("too large");

    // More than announced: the file is what was announced, and the rest is no request.
    let mut answers = Upload::raw(address, announced)
        .send(content, announced + 1_000)
        .answers();
    let (status, body) = answers.next().expect("an answer");
    assert_eq!(status, 200, "{body}");
    assert!(body.contains(&small.hash().to_string()), "{body}");
    refused(answers.next(), &[400], "what follows a file");
    assert!(answers.next().is_none(), "the connection is closed");
    assert_eq!(folder_files(data), BTreeSet::from([small.hash().clone()]));
    let mut client = Client::connect(address).unwrap();
    let path = format!("/api/v0/storage/raw/{}", small.hash());
    assert_eq!(client.get(&path).unwrap().body.len() as u64, announced);
    small.hash().clone()
}

/// One of these statuses, or a connection that was closed without an answer.
fn refused(answer: Option<(u16, String)>, statuses: &[u16], what: &str) {
    if let Some((status, body)) = answer {
        assert!(statuses.contains(&status), "{what}: {status} {body}");
    }
}
