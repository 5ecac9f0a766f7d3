//! One step of the two sides.

use std::{
    collections::{BTreeMap, HashSet},
    ops::Range,
};

use crate::{
    Bound, FrameError, Id, Snapshot,
    wire::{self, Answer, Ranges, Said},
};

/// Ranges that a differing one is cut into.
const CUTS: usize = 16;
/// Elements of which the ids are told rather than fingerprints.
const FEW: usize = 2 * CUTS;
/// Most bytes of a skipped range, a bound cut in sixteen or a list of a few ids.
const RANGE_MAX: usize = 45 + CUTS * (10 + 1 + 32 + 1 + 16) + FEW * 32;
/// Bytes for the fingerprint of all that found no room.
const REST_MAX: usize = 45 + 10 + 1 + 1 + 16;

/// The smallest limit of a frame.
pub const FRAME_MIN: usize = 4_096;

/// What a frame told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Places of the own set that the other side lacks.
    pub have: Vec<Range<usize>>,
    /// What the own set lacks, in the order of the other.
    pub need: Vec<Need>,
}

/// Ids that the other side listed in one range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Where the range began.
    pub after: Bound,
    /// The ids.
    pub ids: Vec<Id>,
}

/// What the initiator does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The next frame; without one everything is found.
    pub frame: Option<Vec<u8>>,
    /// What the last one told.
    pub found: Found,
}

/// The side that asks, and learns.
#[derive(Clone, Debug)]
pub struct Initiator {
    set: Snapshot,
    limit: usize,
    told: Told,
}

/// What was found already. A side whose frame is full compares the rest anew, and with it ranges that
/// were done.
#[derive(Clone, Debug, Default)]
struct Told {
    /// Places of the own set, from the key up to the value. They do not overlap.
    have: BTreeMap<usize, usize>,
    need: HashSet<Id>,
}

/// The side that answers, and learns nothing.
#[derive(Clone, Debug)]
pub struct Responder {
    set: Snapshot,
    limit: usize,
}

impl Initiator {
    /// Over a set, with the limit of a frame, which is at least [`FRAME_MIN`].
    pub fn new(set: Snapshot, limit: usize) -> Self {
        let limit = limit.max(FRAME_MIN);
        let told = Told::default();
        Self { set, limit, told }
    }

    /// The first frame.
    pub fn first(&self) -> Vec<u8> {
        let mut answer = Answer::new();
        split(&self.set, &mut answer, 0..self.set.len(), Bound::END);
        answer.finish().expect("one range at least was written")
    }

    /// Reads the answer to a frame. Nothing is told twice.
    pub fn next(&mut self, frame: &[u8]) -> Result<Step, FrameError> {
        let mut found = Found::default();
        let answer = walk(&self.set, self.limit, frame, |range, ids, answer| {
            compare(&self.set, &range, ids, &mut self.told, &mut found);
            answer.skip(range.bound);
            None
        })?;
        Ok(Step {
            frame: answer.finish(),
            found,
        })
    }
}

impl Responder {
    /// Over a set, with the limit of a frame, which is at least [`FRAME_MIN`].
    pub fn new(set: Snapshot, limit: usize) -> Self {
        let limit = limit.max(FRAME_MIN);
        Self { set, limit }
    }

    /// Answers a frame.
    pub fn reply(&self, frame: &[u8]) -> Result<Vec<u8>, FrameError> {
        let answer = walk(&self.set, self.limit, frame, |range, _, answer| {
            // `walk` sees to it that a few fit.
            let room = self.limit.saturating_sub(answer.len() + RANGE_MAX) / 32;
            let room = room.max(FEW).min(range.places.len());
            let end = range.places.start + room;
            let ids: Vec<Id> = self
                .set
                .iter(range.places.start..end)
                .map(|known| known.id)
                .collect();
            if end == range.places.end {
                answer.ids(range.bound, &ids);
                return None;
            }
            let stop = Bound::before(self.set.get(end).element());
            answer.ids(stop, &ids);
            Some(end)
        })?;
        Ok(answer.finish().unwrap_or_else(|| vec![wire::VERSION]))
    }
}

impl Told {
    /// Tells the places of a range that were not told.
    fn have(&mut self, range: Range<usize>, found: &mut Vec<Range<usize>>) {
        let mut start = range.start;
        if let Some((_, end)) = self.have.range(..=start).next_back() {
            start = start.max(*end);
        }
        let first = found.len();
        let within = self.have.range(start..range.end.max(start));
        for (told, end) in within {
            if start < *told {
                found.push(start..*told);
            }
            start = *end;
        }
        if start < range.end {
            found.push(start..range.end);
        }
        let new = found[first..].iter().map(|new| (new.start, new.end));
        self.have.extend(new);
    }
}

/// A range of a foreign frame, and what is in it here.
struct Place {
    after: Bound,
    bound: Bound,
    places: Range<usize>,
}

/// Answers the ranges of a frame, as far as there is room; `list` does so for a list of ids and
/// tells where it stopped for want of room.
fn walk(
    set: &Snapshot,
    limit: usize,
    frame: &[u8],
    mut list: impl FnMut(Place, &[Id], &mut Answer) -> Option<usize>,
) -> Result<Answer, FrameError> {
    let mut ranges = Ranges::read(frame)?;
    let mut answer = Answer::new();
    let (mut after, mut start) = (Bound::START, 0);
    while let Some((bound, said)) = ranges.next()? {
        let places = start..set.lower_bound(&bound).max(start);
        let end = places.end;
        let is_full = answer.len() + RANGE_MAX + REST_MAX > limit;
        match said {
            Said::Nothing => answer.skip(bound),
            Said::Fingerprint(theirs) if theirs == set.fingerprint(places.clone()) => answer.skip(bound),
            // What is behind the last bound written is compared again in the next frame.
            Said::Fingerprint(_) | Said::Ids(_) if is_full => {
                answer.fingerprint(Bound::END, set.fingerprint(start..set.len()));
                return Ok(answer);
            }
            Said::Fingerprint(_) => split(set, &mut answer, places, bound),
            Said::Ids(ids) => {
                let place = Place { after, bound, places };
                if let Some(stopped) = list(place, ids, &mut answer) {
                    answer.fingerprint(Bound::END, set.fingerprint(stopped..set.len()));
                    return Ok(answer);
                }
            }
        }
        (after, start) = (bound, end);
    }
    Ok(answer)
}

/// Tells of a range what is in it: the ids if they are few, else fingerprints of its parts.
fn split(set: &Snapshot, answer: &mut Answer, places: Range<usize>, bound: Bound) {
    if places.len() < FEW {
        let ids: Vec<Id> = set.iter(places).map(|known| known.id).collect();
        answer.ids(bound, &ids);
        return;
    }
    let (each, larger) = (places.len() / CUTS, places.len() % CUTS);
    let mut start = places.start;
    for cut in 0..CUTS {
        let end = start + each + usize::from(cut < larger);
        let stop = if end == places.end {
            bound
        } else {
            Bound::between(set.get(end - 1).element(), set.get(end).element())
        };
        answer.fingerprint(stop, set.fingerprint(start..end));
        start = end;
    }
}

/// Finds what either side lacks of a range of which the other listed its ids.
fn compare(set: &Snapshot, range: &Place, theirs: &[Id], told: &mut Told, found: &mut Found) {
    let mut sorted: Vec<&Id> = theirs.iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    let mut is_known = vec![false; sorted.len()];
    let mut lacking = range.places.start;
    // Without ids there is nothing to look for, however large the range is.
    let looked_at = if sorted.is_empty() {
        0..0
    } else {
        range.places.clone()
    };
    for (place, known) in looked_at.clone().zip(set.iter(looked_at)) {
        if let Ok(position) = sorted.binary_search(&&known.id) {
            is_known[position] = true;
            if lacking < place {
                told.have(lacking..place, &mut found.have);
            }
            lacking = place + 1;
        }
    }
    if lacking < range.places.end {
        told.have(lacking..range.places.end, &mut found.have);
    }
    let mut ids = Vec::new();
    for id in theirs {
        if let Ok(position) = sorted.binary_search(&id)
            && !is_known[position]
            && told.need.insert(*id)
        {
            ids.push(*id);
        }
    }
    if !ids.is_empty() {
        let after = range.after;
        found.need.push(Need { after, ids });
    }
}
