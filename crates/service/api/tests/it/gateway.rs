//! The gateway: the cases of `gateway-cases.json`, and what does not fit into one request.

mod damaged;
mod trees;

use alephd_api::{ApiSettings, router};
use alephd_cid::AnyCid;
use alephd_unixfs::{
    CarReader, CarVerifier, Link, Node as Block,
    car::{CarLimits, VerifyLimits},
};
use axum::{
    body::Body,
    http::{HeaderMap, Request},
};
use bytes::Bytes;
use serde_json::Value;
use tower::ServiceExt as _;

use self::trees::{Trees, cid_of, import};
use crate::node::Node;

struct Answer {
    status: u16,
    headers: HeaderMap,
    /// `None` if it broke off.
    body: Option<Bytes>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn bytes(&self) -> &[u8] {
        self.body.as_deref().expect("a whole body")
    }
}

async fn send(node: &Node, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).expect("a request");
    let response = router(node.api.clone()).oneshot(request).await;
    let (parts, body) = response.expect("infallible").into_parts();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: axum::body::to_bytes(body, 64 << 20).await.ok(),
    }
}

fn cases() -> Value {
    serde_json::from_str(include_str!("../gateway-cases.json")).expect("JSON")
}

async fn node_with_trees() -> (Node, Trees) {
    let node = Node::start().await;
    let trees = Trees::import(&node.api.content, &cases()["trees"]).await;
    (node, trees)
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_the_cases() {
    let (node, trees) = node_with_trees().await;
    let cases = cases();
    let cases = cases["cases"].as_array().expect("a list");
    let mut wrong = Vec::new();
    for case in cases {
        let name = case["name"].as_str().expect("a name");
        let path = trees.expand(case["path"].as_str().expect("a path"));
        let method = case["method"].as_str().unwrap_or("GET");
        let headers: Vec<_> = case["request"].as_object().into_iter().flatten().collect();
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), trees.expand(value.as_str().expect("text"))))
            .collect();
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let answer = send(&node, method, &path, &headers).await;
        let mut differs = |what: String| wrong.push(format!("{name} ({method} {path}): {what}"));
        if u64::from(answer.status) != case["status"] {
            let body = String::from_utf8_lossy(answer.body.as_deref().unwrap_or_default()).into_owned();
            differs(format!(
                "status {}, not {}: {body:.200}",
                answer.status, case["status"]
            ));
            continue;
        }
        for (header, expected) in case["headers"].as_object().into_iter().flatten() {
            let value = answer.header(header);
            if !is_as(value, expected, &trees) {
                differs(format!("{header}: {value:?}, not {expected}"));
            }
        }
        if let Err(text) = check_body(case, &answer, &node, &trees).await {
            differs(text);
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases.len() > 130, "{} cases", cases.len());
}

/// Whether a header is what a case wants: nothing, this text, or a text with some parts.
fn is_as(value: Option<&str>, expected: &Value, trees: &Trees) -> bool {
    let expand = |text: &Value| trees.expand(text.as_str().expect("text"));
    match (value, expected) {
        (None, Value::Null) => true,
        (Some(value), Value::String(text)) => value == trees.expand(text),
        (Some(value), Value::Object(parts)) => parts.iter().all(|(kind, part)| match kind.as_str() {
            "contains" => value.contains(&expand(part)),
            "lacks" => !value.contains(&expand(part)),
            "matches" => value.starts_with(&expand(&part[0])) && value.ends_with(&expand(&part[1])),
            other => panic!("unknown kind {other}"),
        }),
        _ => false,
    }
}

async fn check_body(case: &Value, answer: &Answer, node: &Node, trees: &Trees) -> Result<(), String> {
    let Some(body) = &answer.body else {
        return Err("the body broke off".into());
    };
    let text = String::from_utf8_lossy(body);
    let same = |expected: bool, what: &str| expected.then_some(()).ok_or(format!("{what}: {text:.400}"));
    if let Some(expected) = case["body"].as_str() {
        same(text == expected, "another body")?;
    }
    for part in case["contains"].as_array().into_iter().flatten() {
        let part = trees.expand(part.as_str().expect("text"));
        same(text.contains(&part), &format!("no {part:?} in the body"))?;
    }
    for part in case["lacks"].as_array().into_iter().flatten() {
        let part = part.as_str().expect("text");
        same(!text.contains(part), &format!("{part:?} in the body"))?;
    }
    if let Some(digest) = case["sha256"].as_str() {
        same(
            alephd_testkit::sha256(body).to_string() == digest,
            "another digest",
        )?;
    }
    if let Some(name) = case["block"].as_str() {
        let cid: AnyCid = trees.expand(name).parse().expect("a CID");
        let block = node.api.content.block(&cid).await.expect("here");
        same(block == body, "another block")?;
    }
    if let Some(expected) = case["car"].as_array() {
        let expected: Vec<_> = expected
            .iter()
            .map(|name| trees.expand(name.as_str().expect("text")))
            .collect();
        let (_, blocks) = archive(body).map_err(|error| format!("no archive: {error}"))?;
        if blocks != expected {
            return Err(format!("blocks {blocks:?}, not {expected:?}"));
        }
    }
    if let Some(expected) = case["roots"].as_array() {
        let (roots, _) = archive(body).map_err(|error| format!("no archive: {error}"))?;
        same(expected.iter().eq(roots.iter()), "other roots")?;
    }
    if let Some(root) = case["whole"].as_str() {
        let root = trees.expand(root).parse().expect("a CID");
        verify(body, &root).map_err(|error| format!("not whole: {error}"))?;
    }
    Ok(())
}

/// The roots of an archive, and its blocks in their order, each checked.
fn archive(bytes: &[u8]) -> Result<(Vec<String>, Vec<String>), alephd_unixfs::car::CarError> {
    let mut reader = CarReader::new(CarLimits::default());
    let (mut rest, mut blocks) = (bytes, Vec::new());
    while let Some(block) = reader.next(&mut rest)? {
        blocks.push(block.cid.to_string());
    }
    reader.finish()?;
    let roots = reader.roots().unwrap_or_default();
    Ok((roots.iter().map(AnyCid::to_string).collect(), blocks))
}

/// Checks as a client does that a whole tree is in an archive.
fn verify(bytes: &[u8], root: &AnyCid) -> Result<(), Box<dyn std::error::Error>> {
    let mut reader = CarReader::new(CarLimits::default());
    let mut verifier = CarVerifier::new(root, VerifyLimits::default());
    let mut rest = bytes;
    while let Some(block) = reader.next(&mut rest)? {
        verifier.add(&block)?;
    }
    reader.finish()?;
    let report = verifier.finish()?;
    assert_eq!(report.duplicates + report.unreachable, 0, "{report:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_variant_of_an_archive_has_its_own_validator() {
    let (node, trees) = node_with_trees().await;
    let mut tags = Vec::new();
    for path in [
        "/ipfs/{site}/docs?format=car",
        "/ipfs/{site/docs}?format=car",
        "/ipfs/{site}/docs?format=car&dag-scope=block",
        "/ipfs/{site}/docs?format=car&dag-scope=entity",
        "/ipfs/{site}/docs?format=car&car-dups=y",
        "/ipfs/{site}/docs?format=car&entity-bytes=0:*",
        "/ipfs/{site}/docs?format=car&entity-bytes=0:9",
    ] {
        let path = trees.expand(path);
        let answer = send(&node, "GET", &path, &[]).await;
        let tag = answer.header("etag").expect("a validator").to_owned();
        assert!(!tags.contains(&tag), "{path}: {tag}");
        let again = send(&node, "GET", &path, &[("if-none-match", &tag)]).await;
        assert_eq!((again.status, again.bytes().len()), (304, 0));
        tags.push(tag);
    }
    let listing = trees.expand("/ipfs/{plain}/sub/");
    let tag = send(&node, "GET", &listing, &[]).await;
    let tag = tag.header("etag").expect("a validator");
    let again = send(&node, "HEAD", &listing, &[("if-none-match", tag)]).await;
    assert_eq!(again.status, 304);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_a_listing_have_each_entry_once() {
    let (node, trees) = node_with_trees().await;
    let mut names = std::collections::BTreeSet::new();
    for page in 1..=3 {
        let path = trees.expand(&format!("/ipfs/{{many}}/?page={page}"));
        let answer = send(&node, "GET", &path, &[]).await;
        let text = std::str::from_utf8(answer.bytes()).expect("text").to_owned();
        let entries = text.split(">entry-").skip(1);
        for name in entries.map(|rest| rest[..4].to_owned()) {
            assert!(names.insert(name.clone()), "{name} twice");
        }
    }
    assert_eq!(names.len(), 1500);
}

/// Thirty directories, each with the next one twice: a billion blocks with duplicates.
async fn endless(node: &Node) -> AnyCid {
    let mut blocks = Vec::new();
    let mut below: Option<(AnyCid, u64)> = None;
    for _ in 0..30 {
        let link = |name: &'static [u8], (cid, weight): &(AnyCid, u64)| Link {
            cid: cid.clone(),
            name,
            tsize: Some(*weight),
        };
        let links = below
            .iter()
            .flat_map(|below| [link(b"a", below), link(b"b", below)]);
        let node = Block {
            links: links.collect(),
            data: Some(b"\x08\x01"),
        };
        let block = node.encode();
        let weight = below.map_or(0, |(_, weight)| 2 * weight) + block.len() as u64;
        let cid = cid_of(&block);
        blocks.push((cid.clone(), block));
        below = Some((cid, weight));
    }
    let (root, _) = below.expect("thirty");
    import(&node.api.content, root.clone(), &blocks).await;
    root
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_endless() {
    let settings = ApiSettings {
        ipfs_limits: (1 << 20, 64 << 10, 1 << 20),
        ..ApiSettings::default()
    };
    let node = Node::start_with(settings).await;
    let root = endless(&node).await;
    let once = send(&node, "GET", &format!("/ipfs/{root}?format=car"), &[]).await;
    verify(once.bytes(), &root).expect("whole");
    for form in ["format=car&car-dups=y", "format=tar"] {
        let answer = send(&node, "GET", &format!("/ipfs/{root}?{form}"), &[]).await;
        assert_eq!(answer.status, 200, "{form}");
        assert!(answer.body.is_none(), "{form} ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_here_is_described_for_clients() {
    let (node, _) = node_with_trees().await;
    let answer = send(&node, "GET", "/api/docs/swagger.json", &[]).await;
    let document: Value = serde_json::from_slice(answer.bytes()).expect("JSON");
    let operation = &document["paths"]["/ipfs/{cid}/{path}"]["get"];
    let names: Vec<_> = operation["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|parameter| parameter["name"].as_str())
        .collect();
    for name in ["cid", "path", "format", "dag-scope", "entity-bytes", "filename"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
}

/// Published clients, which check every byte themselves. `tests/gateway-client/install.sh` puts them
/// into a folder and prints its name for the variable.
#[tokio::test(flavor = "multi_thread")]
async fn published_clients_can_verify() {
    let Some(folder) = std::env::var_os("ALEPHD_GATEWAY_CLIENT") else {
        let why = "ALEPHD_GATEWAY_CLIENT is not set";
        return alephd_testkit::process::skip("gateway::published_clients_can_verify", why);
    };
    let (node, trees) = node_with_trees().await;
    let names = trees.expand(
        r#"{"site":"{site}","docs":"{site/docs}","many":"{many}","big":"{big}","stored":"{stored}","pair":"{pair}"}"#,
    );
    let script = std::path::Path::new(&folder).join("client.mjs");
    let url = format!("http://{}", node.address);
    let run = tokio::task::spawn_blocking(move || {
        let mut command = std::process::Command::new("node");
        command.arg(script).arg(url).arg(names).output()
    });
    let output = run.await.expect("runs").expect("node is installed");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    assert!(text.trim_end().ends_with("cases passed"), "{text}\n{errors}");
}
