//! The name of a large file, beside the public crate that clients use for the same.

use std::hint::black_box;

use aleph_cid::verify::Hasher;
use alephd_cid::{FileHasher, Layout};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const SIZE: usize = 64 << 20;
/// Pieces as a body of a request brings them, and as a file is read.
const PIECES: [(&str, usize); 2] = [("64 KiB", 64 << 10), ("1 MiB", 1 << 20)];

fn file(criterion: &mut Criterion) {
    let bytes: Vec<u8> = (0..SIZE as u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let layouts = [
        ("version 0", Layout::V0, Hasher::for_ipfs as fn() -> Hasher),
        (
            "version 1",
            Layout::V1 { raw_leaves: true },
            Hasher::for_ipfs_v1_raw_leaves,
        ),
    ];
    for (name, layout, peer) in layouts {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(SIZE as u64)).sample_size(10);
        for (pieces, size) in PIECES {
            let ours = || {
                let mut hasher = FileHasher::new(layout);
                bytes
                    .chunks(size)
                    .for_each(|piece| hasher.update(black_box(piece)));
                hasher.finish().to_string()
            };
            let theirs = || {
                let mut hasher = peer();
                bytes
                    .chunks(size)
                    .for_each(|piece| hasher.update(black_box(piece)));
                hasher.finalize().to_string()
            };
            assert_eq!(ours(), theirs());
            group.bench_function(format!("alephd-cid, {pieces}"), |bencher| bencher.iter(ours));
            group.bench_function(format!("aleph-cid, {pieces}"), |bencher| bencher.iter(theirs));
        }
        group.finish();
    }
}

criterion_group!(benches, file);
criterion_main!(benches);
