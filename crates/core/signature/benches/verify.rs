//! Verification of one message: how many signatures a second one core checks.

use std::hint::black_box;

use alephd_message::{Chain, MessageType, Micros};
use alephd_signature::{
    sign::{EvmKey, Signer, SolanaKey, seal},
    verify,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn verification(criterion: &mut Criterion) {
    let evm = EvmKey::from_bytes([1; 32]).expect("a small number is a key");
    let solana = SolanaKey::from_seed([1; 32]);
    let signers: [(&str, &dyn Signer, Chain); 2] =
        [("evm", &evm, Chain::Eth), ("solana", &solana, Chain::Sol)];
    let mut group = criterion.benchmark_group("verify");
    group.throughput(Throughput::Elements(1));
    for (name, signer, chain) in signers {
        let content = r#"{"address":"","time":0,"type":"bench","content":{}}"#.to_owned();
        let envelope = seal(signer, chain, MessageType::Post, content, Micros(0), None);
        assert_eq!(verify(&envelope), Ok(()));
        group.bench_function(name, |bencher| bencher.iter(|| verify(black_box(&envelope))));
    }
    group.finish();
}

criterion_group!(benches, verification);
criterion_main!(benches);
