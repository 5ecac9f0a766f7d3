//! What the messages say.

use alephd_message::ItemHash;
use serde_json::{Map, Value, json};

use super::filler;
use crate::{
    builder::{self, Draft},
    keys::Account,
    rng::Rng,
};

/// Sizes of contents in bytes.
const SMALLEST: u64 = 300;
const LARGEST: u64 = 2_000;
/// What the keys, quotes and comma around a filler take at most, and the digits that a time may
/// have more than the one in the draft.
const MARGIN: u64 = 40;
/// Bytes of `"ref":"…64 digits…",`, which posts and stores may get after their filler.
const LATER: u64 = 80;
/// Bytes of the shortest filler.
const SHORTEST: usize = 8;
/// The protocol's limit for a reason, in characters.
const LONGEST_REASON: usize = 1_000;

const POST_TYPES: [&str; 6] = ["chat", "blog", "comment", "news", "scores", "settings"];
const CHANNELS: [&str; 6] = [
    "TEST",
    "CHAT",
    "BLOG",
    "ALEPH-CLOUDSOLUTIONS",
    "INTEGRATION_TESTS",
    "aleph-scoring",
];
const TAGS: [&str; 8] = ["rust", "go", "python", "art", "music", "news", "help", "fun"];
const KEYS: [&str; 12] = [
    "profile", "settings", "domains", "links", "friends", "theme", "drafts", "scores", "inbox", "keys",
    "pins", "status",
];
const FIELDS: [&str; 16] = [
    "name", "bio", "avatar", "color", "city", "mail", "site", "lang", "zone", "job", "team", "mood", "note",
    "list", "flag", "rank",
];

pub(super) fn post<'a>(account: &'a Account, rng: &mut Rng) -> Draft<'a> {
    let post_type = *rng.pick(&POST_TYPES);
    let content = json!({"title": filler::text(24, rng), "rank": rng.below(1_000)});
    let draft = tagged(builder::post(account, post_type, content), 30, rng);
    padded(in_channel(draft, rng), "content", "body", rng)
}

pub(super) fn amend<'a>(account: &'a Account, target: &ItemHash, rng: &mut Rng) -> Draft<'a> {
    let content = json!({"title": filler::text(24, rng), "edited": true});
    let draft = tagged(builder::amend(account, target, content), 30, rng);
    padded(in_channel(draft, rng), "content", "body", rng)
}

pub(super) fn aggregate<'a>(account: &'a Account, rng: &mut Rng) -> Draft<'a> {
    let key = *rng.pick(&KEYS);
    let mut fields = Map::new();
    for _ in 0..=rng.below(4) {
        let value = match rng.below(4) {
            0 => json!(rng.below(1_000_000)),
            1 => json!({"inner": rng.below(100), "deep": [true, null]}),
            2 => Value::Null,
            _ => json!(filler::text(20, rng)),
        };
        fields.insert((*rng.pick(&FIELDS)).to_owned(), value);
    }
    let draft = tagged(builder::aggregate(account, key, Value::Object(fields)), 10, rng);
    padded(in_channel(draft, rng), "content", "text", rng)
}

pub(super) fn store<'a>(account: &'a Account, file: &ItemHash, rng: &mut Rng) -> Draft<'a> {
    let draft = tagged(builder::store(account, file), 20, rng).set("content_type", "text/plain");
    padded(in_channel(draft, rng), "metadata", "description", rng)
}

pub(super) fn forget<'a>(account: &'a Account, target: &ItemHash, rng: &mut Rng) -> Draft<'a> {
    let draft = in_channel(builder::forget(account, std::slice::from_ref(target)), rng);
    let reason = missing(&draft, rng).min(LONGEST_REASON);
    draft.set("reason", filler::text(reason, rng))
}

pub(super) fn program<'a>(account: &'a Account, stores: [&ItemHash; 3], rng: &mut Rng) -> Draft<'a> {
    let [code, runtime, data] = stores;
    let mut draft = builder::program(account, code, runtime);
    draft = draft.set("volumes", json!([builder::immutable_volume(data, true)]));
    if rng.chance(20) {
        draft = draft.set_within("on", "message", json!([{"channel": rng.pick(&CHANNELS)}]));
    }
    padded(in_channel(draft, rng), "metadata", "description", rng)
}

pub(super) fn instance<'a>(account: &'a Account, rootfs: &ItemHash, rng: &mut Rng) -> Draft<'a> {
    let draft = tagged(builder::instance(account, rootfs), 20, rng);
    padded(in_channel(draft, rng), "metadata", "description", rng)
}

pub(super) fn vprogram<'a>(account: &'a Account, file: &ItemHash, rng: &mut Rng) -> Draft<'a> {
    let draft = builder::vprogram(account, file);
    padded(in_channel(draft, rng), "metadata", "description", rng)
}

fn in_channel<'a>(draft: Draft<'a>, rng: &mut Rng) -> Draft<'a> {
    if rng.chance(5) {
        return draft;
    }
    draft.channel(*rng.pick(&CHANNELS))
}

fn tagged<'a>(draft: Draft<'a>, percent: u64, rng: &mut Rng) -> Draft<'a> {
    if !rng.chance(percent) {
        return draft;
    }
    let tags = [*rng.pick(&TAGS), *rng.pick(&TAGS)];
    draft.tags(&tags[..=rng.below(2) as usize])
}

/// Adds a filler so that the content gets a random size within the bounds.
fn padded<'a>(draft: Draft<'a>, outer: &str, key: &str, rng: &mut Rng) -> Draft<'a> {
    let length = missing(&draft, rng);
    draft.set_within(outer, key, filler::text(length, rng))
}

/// The bytes that are missing to a random size. What is added later (a reference, the exact time)
/// is known to fit too.
fn missing(draft: &Draft<'_>, rng: &mut Rng) -> usize {
    let size = serde_json::to_string(draft.content()).map_or(0, |text| text.len());
    let wanted = SMALLEST + rng.below(LARGEST - LATER - MARGIN - SMALLEST);
    (wanted as usize).saturating_sub(size).max(SHORTEST)
}
