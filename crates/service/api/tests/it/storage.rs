use alephd_message::ItemHash;
use alephd_testkit::{builder, keys, sha256};
use serde_json::json;

use crate::fixture::{Answer, Fixture};

async fn raw(node: &Fixture, method: &str, hash: &ItemHash, headers: &[(&str, &str)]) -> Answer {
    node.send(method, &format!("/api/v0/storage/raw/{hash}?find"), headers)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_whole_and_in_part() {
    let node = Fixture::new();
    let bytes: Vec<u8> = (0..=255_u8).cycle().take(600_000).collect();
    let hash = node.add_file(&bytes).await;
    let tag = format!("\"{hash}\"");

    let answer = raw(&node, "GET", &hash, &[]).await;
    assert_eq!((answer.status, &answer.body[..]), (200, &bytes[..]));
    let head = raw(&node, "HEAD", &hash, &[("range", "bytes=0-1")]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    for answer in [&answer, &head] {
        assert_eq!(answer.header("content-length"), Some("600000"));
        assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
        assert_eq!(answer.header("accept-ranges"), Some("bytes"));
        assert_eq!(answer.header("etag"), Some(tag.as_str()));
    }

    for (range, first, last) in [
        ("bytes=0-0", 0, 0),
        ("bytes=299000-300999", 299_000, 300_999),
        ("bytes=599999-700000", 599_999, 599_999),
        ("bytes=-10", 599_990, 599_999),
        ("bytes=262144-", 262_144, 599_999),
    ] {
        let part = raw(&node, "GET", &hash, &[("range", range), ("if-range", &tag)]).await;
        assert_eq!(
            (part.status, &part.body[..]),
            (206, &bytes[first..=last]),
            "{range}"
        );
        let place = format!("bytes {first}-{last}/600000");
        assert_eq!(part.header("content-range"), Some(place.as_str()));
        assert_eq!(
            part.header("content-length"),
            Some((last - first + 1).to_string().as_str())
        );
    }
    for headers in [
        &[("range", "bytes=0-1,4-5")][..],
        &[("range", "bytes=x")],
        &[("range", "bytes=0-1"), ("if-range", "\"other\"")],
    ] {
        assert_eq!(raw(&node, "GET", &hash, headers).await.status, 200, "{headers:?}");
    }
    let outside = raw(&node, "GET", &hash, &[("range", "bytes=600000-")]).await;
    assert_eq!(
        (outside.status, outside.header("content-range")),
        (416, Some("bytes */600000"))
    );

    for (known, status) in [
        (tag.as_str(), 304),
        ("\"a\", W/\"b\"", 200),
        (&format!("\"a\", W/{tag}"), 304),
        ("*", 304),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = raw(&node, method, &hash, &[("if-none-match", known)]).await;
            assert_eq!(
                (answer.status, answer.header("etag")),
                (status, Some(tag.as_str())),
                "{known}"
            );
            assert!(status == 200 || answer.body.is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file() {
    let node = Fixture::new();
    let hash = node.add_file(b"").await;
    let answer = raw(&node, "GET", &hash, &[]).await;
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("0")));
    assert_eq!(
        raw(&node, "GET", &hash, &[("range", "bytes=0-")]).await.status,
        416
    );
    let embedded = node.json(&format!("/api/v0/storage/{hash}")).await;
    assert_eq!(embedded["content"], "");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_inside_json() {
    let node = Fixture::new();
    let hash = node.add_file(b"api-cases file one\n").await;
    let uri = format!("/api/v0/storage/{hash}");
    let expected = json!({
        "status": "success", "hash": hash.to_string(), "engine": "storage",
        "content": "YXBpLWNhc2VzIGZpbGUgb25lCg==\n",
    });
    assert_eq!(node.json(&uri).await, expected);

    let long = node.add_file(&[b'a'; 400_000]).await;
    let answer = node.get(&format!("/api/v0/storage/{long}")).await;
    let length = answer.body.len().to_string();
    assert_eq!(answer.header("content-length"), Some(length.as_str()));
    let content: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    let lines: Vec<_> = content["content"]
        .as_str()
        .expect("text")
        .split_inclusive('\n')
        .collect();
    assert_eq!(lines.len(), 400_000_usize.div_ceil(57));
    assert!(
        lines[..lines.len() - 1].iter().all(|line| line.len() == 77),
        "lines of 76 characters"
    );
    assert!(lines.iter().all(|line| line.ends_with('\n')));

    let head = node.send("HEAD", &uri, &[]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there() {
    let node = Fixture::new();
    let unknown = sha256(b"unknown");
    let lost = node.add_file(b"lost").await;
    node.lose_file(&lost).await;
    for (path, status, text) in [
        (format!("{unknown}"), 404, "Not found".to_owned()),
        (format!("{lost}"), 404, format!("No file found for hash {lost}")),
        ("zzz".into(), 400, "Invalid hash provided".into()),
        (format!("raw/{unknown}"), 404, "Not found".into()),
        (format!("raw/{lost}"), 404, "Not found".into()),
        ("raw/zzz".into(), 400, "Invalid hash".into()),
        (
            format!("metadata/{unknown}"),
            404,
            format!("No file found for hash {unknown}"),
        ),
        (
            format!("by-message-hash/{unknown}"),
            404,
            format!("No file found for message {unknown}"),
        ),
        ("by-message-hash/bad".into(), 400, "Invalid hash provided".into()),
        (
            format!("by-ref/{unknown}"),
            404,
            format!("No file found for tag {unknown}"),
        ),
        (
            "by-ref/name".into(),
            400,
            "address is required for user-defined ref".into(),
        ),
        (
            "by-ref/0xA/name".into(),
            404,
            "No file found for tag 0xA/name".into(),
        ),
    ] {
        assert_eq!(
            node.failure(&format!("/api/v0/storage/{path}")).await,
            (status, text),
            "{path}"
        );
    }
    // Lenient in its shape, but the name of nothing.
    let odd = "Qm..%2F..%2F..%2Fetc%2Fpasswd-0123456789-0123456789-0123";
    assert!(matches!(
        node.get(&format!("/api/v0/storage/raw/{odd}")).await.status,
        400 | 404
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_may_contain_slashes() {
    let node = Fixture::new();
    let alice = keys::evm("alice");
    let address = alice.address();
    let file = node.add_file(b"one").await;
    // The last one has the length and the beginning of a CID.
    let resembling = format!("Qm/{}", "x".repeat(43));
    for (index, (name, escaped)) in [
        ("site/index.html", "site%2Findex.html"),
        ("a/b c/é%/", "a%2Fb%20c%2F%C3%A9%25%2F"),
        ("/leading", "%2Fleading"),
        (&resembling, &resembling.replace('/', "%2F")),
    ]
    .into_iter()
    .enumerate()
    {
        let store = builder::store(&alice, &file).at(1_700_000_000.0 + index as f64);
        node.publish(store.reference(name).seal()).await;
        let plain = escaped.replace("%2F", "/");
        for path in [escaped, &plain] {
            let found = node
                .json(&format!("/api/v0/storage/by-ref/{address}/{path}"))
                .await;
            assert_eq!(found["ref"], json!(name), "{path}");
        }
    }
    for (path, failure) in [
        ("0xA/x/y", (404, "No file found for tag 0xA/x/y")),
        ("a%2Fname", (400, "address is required for user-defined ref")),
    ] {
        let found = node.failure(&format!("/api/v0/storage/by-ref/{path}")).await;
        assert_eq!(found, (failure.0, failure.1.to_owned()), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_facts() {
    let node = Fixture::new();
    let alice = keys::evm("alice");
    let one = node.add_file(b"one").await;
    let two = node.add_file(b"second").await;
    let first = node.publish(builder::store(&alice, &one).seal()).await;
    let revision = builder::store(&alice, &two)
        .at(1_700_000_010.0)
        .reference(&first)
        .seal();
    let revision = node.publish(revision).await;
    let named = builder::store(&alice, &one)
        .at(1_700_000_020.0)
        .reference("my-file")
        .seal();
    let named = node.publish(named).await;
    let described = |reference: &str, file: &ItemHash, size: u32| {
        json!({
            "ref": reference, "owner": alice.address(), "file_hash": file.to_string(),
            "download_url": format!("/api/v0/storage/raw/{file}"), "size": size,
        })
    };
    let (own, address) = (first.to_string(), alice.address());
    for (path, expected) in [
        (format!("by-message-hash/{first}"), described(&own, &one, 3)),
        (format!("by-message-hash/{revision}"), described(&own, &two, 6)),
        (format!("by-message-hash/{named}"), described("my-file", &one, 3)),
        (format!("by-ref/{first}"), described(&own, &two, 6)),
        (format!("by-ref/{address}/{first}"), described(&own, &two, 6)),
        (format!("by-ref/{address}/my-file"), described("my-file", &one, 3)),
    ] {
        assert_eq!(
            node.json(&format!("/api/v0/storage/{path}")).await,
            expected,
            "{path}"
        );
    }
    let metadata = json!({
        "file_hash": one.to_string(), "type": "file", "size": 3,
        "download_url": format!("/api/v0/storage/raw/{one}"),
    });
    assert_eq!(
        node.json(&format!("/api/v0/storage/metadata/{one}")).await,
        metadata
    );
    // Two messages and the time of grace.
    assert_eq!(node.json(&format!("/api/v0/storage/count/{one}")).await, 3);
    assert_eq!(node.json("/api/v0/storage/count/anything").await, 0);
    let limits = json!({
        "storage": {"max_file_size": 104_857_600, "max_unauthenticated_upload_file_size": 26_214_400},
        "ipfs": {
            "max_upload_file_size": 1_073_741_824, "max_upload_car_size": 4_294_967_296_u64,
            "max_unauthenticated_upload_file_size": 26_214_400,
        },
    });
    assert_eq!(node.json("/api/v0/storage/limits.json").await, limits);
}
