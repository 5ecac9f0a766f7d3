//! The set: what is known, in the order of time, with sums.
//!
//! Elements stand in blocks of some hundred, each with the sum of its ids; beside them stand the
//! place and the sum of all that is before each block. A change makes new blocks of those that it
//! touches and shares the others, so that a [`Snapshot`] costs nothing and stays as it is while the
//! index goes on.

use std::{ops::Range, sync::Arc};

use crate::{
    Bound, Element, Id,
    sum::{FINGERPRINT, Sum},
};

/// Elements of a block when it is made: the sum of a part of one costs less than a microsecond, and
/// all that is kept for a block beside its elements less than half a byte for each of them.
const BLOCK: usize = 256;
/// A block with fewer is joined with the next one when it changes.
const SMALL: usize = BLOCK / 4;

/// An element and the row that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// When, in milliseconds.
    pub time: u64,
    /// Which.
    pub id: Id,
    /// Where it is kept.
    pub row: i64,
}

impl Known {
    /// Without the row.
    pub fn element(&self) -> Element {
        Element {
            time: self.time,
            id: self.id,
        }
    }
}

/// A set that changes.
#[derive(Clone, Debug, Default)]
pub struct KnownIndex {
    current: Snapshot,
}

/// A set as it was. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    blocks: Arc<Blocks>,
}

#[derive(Debug, Default)]
struct Blocks {
    list: Vec<Arc<Block>>,
    /// Of each block: how many elements are before it, and their sum.
    before: Vec<(usize, Sum)>,
    len: usize,
    sum: Sum,
}

#[derive(Debug)]
struct Block {
    elements: Box<[Known]>,
    sum: Sum,
}

impl Block {
    fn new(elements: &[Known]) -> Arc<Self> {
        Arc::new(Self {
            elements: elements.into(),
            sum: sum_of(elements),
        })
    }

    fn first(&self) -> Element {
        self.elements[0].element()
    }
}

fn sum_of(elements: &[Known]) -> Sum {
    let mut sum = Sum::default();
    elements.iter().for_each(|known| sum.add_id(&known.id));
    sum
}

impl KnownIndex {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The set as it is.
    pub fn snapshot(&self) -> Snapshot {
        self.current.clone()
    }

    /// Takes elements away, then adds others; what is there already gets the new row. The order does
    /// not matter.
    pub fn update(&mut self, mut add: Vec<Known>, mut remove: Vec<Element>) {
        if add.is_empty() && remove.is_empty() {
            return;
        }
        for known in &mut add {
            // The largest time is the end of all ranges.
            known.time = known.time.min(u64::MAX - 1);
        }
        add.sort_by_key(Known::element);
        // The last one that was said of an element counts.
        add.reverse();
        add.dedup_by_key(|known| known.element());
        add.reverse();
        remove.sort_unstable();

        let old = &self.current.blocks.list;
        let mut made = Maker::default();
        let (mut add, mut remove) = (add.as_slice(), remove.as_slice());
        if old.is_empty() {
            merge(&[], add, &[], &mut made.open);
        }
        for (place, block) in old.iter().enumerate() {
            let (mut adding, mut removing) = (add, remove);
            if let Some(next) = old.get(place + 1) {
                let next = next.first();
                adding = take_before(&mut add, |known| known.element() < next);
                removing = take_before(&mut remove, |element| *element < next);
            }
            if adding.is_empty() && removing.is_empty() && !made.wants_more() {
                made.keep(block);
            } else {
                merge(&block.elements, adding, removing, &mut made.open);
            }
        }
        self.current = made.finish();
    }
}

/// Cuts off the elements at the front that `is_before` holds for.
fn take_before<'a, T>(rest: &mut &'a [T], is_before: impl Fn(&T) -> bool) -> &'a [T] {
    let (taken, others) = rest.split_at(rest.partition_point(is_before));
    *rest = others;
    taken
}

/// Appends old and new elements in order, without those that go.
fn merge(old: &[Known], mut add: &[Known], mut remove: &[Element], out: &mut Vec<Known>) {
    for known in old {
        let element = known.element();
        out.extend_from_slice(take_before(&mut add, |new| new.element() < element));
        take_before(&mut remove, |gone| *gone < element);
        match add.split_first() {
            Some((new, rest)) if new.element() == element => {
                out.push(*new);
                add = rest;
            }
            _ if remove.first() == Some(&element) => {}
            _ => out.push(*known),
        }
    }
    out.extend_from_slice(add);
}

/// Makes the blocks of a set.
#[derive(Default)]
struct Maker {
    blocks: Blocks,
    /// Elements that are in no block yet.
    open: Vec<Known>,
}

impl Maker {
    /// Whether what is open is too little for a block.
    fn wants_more(&self) -> bool {
        !self.open.is_empty() && self.open.len() < SMALL
    }

    fn keep(&mut self, block: &Arc<Block>) {
        self.close();
        self.push(Arc::clone(block));
    }

    fn push(&mut self, block: Arc<Block>) {
        let blocks = &mut self.blocks;
        blocks.before.push((blocks.len, blocks.sum));
        blocks.len += block.elements.len();
        blocks.sum.add(&block.sum);
        blocks.list.push(block);
    }

    /// Puts what is open into blocks of about the same size.
    fn close(&mut self) {
        let open = std::mem::take(&mut self.open);
        if open.is_empty() {
            return;
        }
        let parts = (open.len() / BLOCK).max(1);
        for elements in open.chunks(open.len().div_ceil(parts)) {
            self.push(Block::new(elements));
        }
    }

    fn finish(mut self) -> Snapshot {
        self.close();
        self.blocks.list.shrink_to_fit();
        self.blocks.before.shrink_to_fit();
        let blocks = Arc::new(self.blocks);
        Snapshot { blocks }
    }
}

impl Snapshot {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.blocks.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.blocks.len == 0
    }

    /// Bytes that the set takes.
    pub fn memory(&self) -> usize {
        let block = size_of::<Arc<Block>>() + size_of::<Block>() + 16 + size_of::<(usize, Sum)>();
        self.blocks.len * size_of::<Known>() + self.blocks.list.len() * block
    }

    /// Where the elements behind a bound begin.
    pub fn lower_bound(&self, bound: &Bound) -> usize {
        let least = bound.least;
        let blocks = &self.blocks;
        let behind = blocks.list.partition_point(|block| block.first() < least);
        let Some(place) = behind.checked_sub(1) else {
            return 0;
        };
        let within = blocks.list[place]
            .elements
            .partition_point(|known| known.element() < least);
        blocks.before[place].0 + within
    }

    /// Whether it holds an element.
    pub fn contains(&self, element: &Element) -> bool {
        let place = self.lower_bound(&Bound::before(*element));
        place < self.len() && self.get(place).element() == *element
    }

    /// Those at some places, in order.
    pub fn iter(&self, places: Range<usize>) -> impl Iterator<Item = &Known> {
        let (block, within) = self.locate(places.start);
        let elements = self
            .blocks
            .list
            .iter()
            .skip(block)
            .flat_map(|block| &block.elements);
        elements.skip(within).take(places.len())
    }

    /// The one at a place, which must be within.
    pub(crate) fn get(&self, place: usize) -> &Known {
        let (block, within) = self.locate(place);
        &self.blocks.list[block].elements[within]
    }

    /// The fingerprint of those at some places.
    pub(crate) fn fingerprint(&self, places: Range<usize>) -> [u8; FINGERPRINT] {
        let mut sum = self.sum_before(places.end);
        sum.subtract(&self.sum_before(places.start));
        sum.fingerprint(places.len())
    }

    fn sum_before(&self, place: usize) -> Sum {
        if place >= self.len() {
            return self.blocks.sum;
        }
        let (block, within) = self.locate(place);
        let mut sum = self.blocks.before[block].1;
        sum.add(&sum_of(&self.blocks.list[block].elements[..within]));
        sum
    }

    /// The block of a place, and where in it.
    fn locate(&self, place: usize) -> (usize, usize) {
        let before = &self.blocks.before;
        let block = before
            .partition_point(|(start, _)| *start <= place)
            .saturating_sub(1);
        let start = before.get(block).map_or(0, |(start, _)| *start);
        (block, place - start)
    }
}

#[cfg(test)]
mod tests;
