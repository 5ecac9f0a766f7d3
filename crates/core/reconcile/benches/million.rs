//! A million against a million elements that differ in a hundred; making the index; keeping it.

#![allow(missing_docs, reason = "the macro makes a public function")]
#![allow(clippy::print_stderr, reason = "figures that no clock measures")]

use std::hint::black_box;

use alephd_reconcile::{Initiator, Known, KnownIndex, Responder, Snapshot};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

const MILLION: u64 = 1_000_000;
const STEP: usize = 60 << 10;

fn known(number: u64) -> Known {
    let mut id = [0; 32];
    let mut state = number;
    for part in id.as_chunks_mut::<8>().0 {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        *part = (bits ^ (bits >> 31)).to_be_bytes();
    }
    Known {
        time: number * 40,
        id,
        row: number as i64,
    }
}

/// In pages, as it is read from the store.
fn index(numbers: impl Iterator<Item = u64>) -> KnownIndex {
    let all: Vec<Known> = numbers.map(known).collect();
    let mut index = KnownIndex::new();
    for page in all.chunks(32_768) {
        index.update(page.to_vec(), Vec::new());
    }
    index
}

/// Differences found, steps answered, bytes both ways.
fn exchange(ours: &Snapshot, theirs: &Snapshot) -> (usize, usize, usize) {
    let mut initiator = Initiator::new(ours.clone(), STEP);
    let responder = Responder::new(theirs.clone(), STEP);
    let (mut differences, mut rounds, mut bytes) = (0, 0, 0);
    let mut frame = Some(initiator.first());
    while let Some(asked) = frame {
        let answer = responder.reply(&asked).expect("an honest frame");
        rounds += 1;
        bytes += asked.len() + answer.len();
        let step = initiator.next(&answer).expect("an honest frame");
        differences += step.found.have.iter().map(ExactSizeIterator::len).sum::<usize>();
        differences += step.found.need.iter().map(|need| need.ids.len()).sum::<usize>();
        frame = step.frame;
    }
    (differences, rounds, bytes)
}

fn million(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("million");
    group.sample_size(10);
    let ours = index((0..MILLION).filter(|number| number % 20_011 != 1));
    let theirs = index((0..MILLION).filter(|number| number % 20_023 != 7));
    let (left, right) = (ours.snapshot(), theirs.snapshot());
    let (differences, rounds, bytes) = exchange(&left, &right);
    eprintln!(
        "{differences} differences: {rounds} rounds, {bytes} bytes; index: {} bytes",
        left.memory()
    );
    group.bench_function("reconcile, 100 differences", |bencher| {
        bencher.iter(|| exchange(black_box(&left), black_box(&right)));
    });
    let empty = KnownIndex::new().snapshot();
    let (_, rounds, bytes) = exchange(&empty, &right);
    eprintln!("all of them: {rounds} rounds, {bytes} bytes");
    group.bench_function("reconcile, nothing against all", |bencher| {
        bencher.iter(|| exchange(black_box(&empty), black_box(&right)));
    });
    let other = index(MILLION / 2..MILLION * 3 / 2).snapshot();
    let (_, rounds, bytes) = exchange(&left, &other);
    eprintln!("half of them: {rounds} rounds, {bytes} bytes");
    group.bench_function("reconcile, half of them different", |bencher| {
        bencher.iter(|| exchange(black_box(&left), black_box(&other)));
    });
    let all: Vec<Known> = (0..MILLION).map(known).collect();
    let load = |all: &[Known]| {
        let mut index = KnownIndex::new();
        all.chunks(32_768)
            .for_each(|page| index.update(page.to_vec(), Vec::new()));
        index
    };
    group.bench_function("load, in the order of time", |bencher| {
        bencher.iter(|| load(&all))
    });
    let mut shuffled = all.clone();
    shuffled.sort_unstable_by_key(|known| known.id);
    group.bench_function("load, in any order", |bencher| bencher.iter(|| load(&shuffled)));
    let new: Vec<Known> = (0..100).map(|number| known(MILLION + number * 7)).collect();
    group.bench_function("add 100", |bencher| {
        let index = ours.clone();
        let fresh = || (index.clone(), new.clone());
        bencher.iter_batched(
            fresh,
            |(mut index, new)| index.update(new, Vec::new()),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, million);
criterion_main!(benches);
