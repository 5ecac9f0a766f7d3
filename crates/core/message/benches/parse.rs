//! Envelope and content of a POST of 500 bytes, the commonest thing a node reads.

use std::hint::black_box;

use alephd_message::{Content, Envelope, MessageType};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sha2::{Digest, Sha256};

fn content() -> String {
    let body = "Measured at the edge:\\n\\\"all well\\\" ".repeat(9);
    format!(
        r#"{{"address":"0x51A58800b26AA1451aaA803d1746687cB88E0500","time":1700000000.25,"type":"report","ref":"chain","content":{{"body":"{body}","tags":["a","b"],"score":[1,2.5,null]}}}}"#
    )
}

fn message(content: &str) -> String {
    let hash = hex::encode(Sha256::digest(content.as_bytes()));
    let content = serde_json::to_string(content).expect("a string is JSON");
    format!(
        r#"{{"chain":"ETH","sender":"0x51A58800b26AA1451aaA803d1746687cB88E0500","type":"POST","channel":"TEST","time":1700000000.5,"item_type":"inline","item_content":{content},"item_hash":"{hash}","signature":"0x{}"}}"#,
        "a1".repeat(65)
    )
}

fn parse(criterion: &mut Criterion) {
    let content = content();
    let message = message(&content);
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Elements(1));
    group.bench_function("envelope", |bencher| {
        bencher.iter(|| Envelope::parse(black_box(message.as_bytes())).expect("well formed"));
    });
    group.bench_function("content", |bencher| {
        bencher.iter(|| Content::parse(MessageType::Post, black_box(&content)).expect("well formed"));
    });
    group.bench_function("both", |bencher| {
        bencher.iter(|| {
            let envelope = Envelope::parse(black_box(message.as_bytes())).expect("well formed");
            let text = envelope.item_content.as_deref().unwrap_or_default();
            Content::parse(envelope.message_type, text).expect("well formed")
        });
    });
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
