//! The fetcher over a list, sources and a pipeline that are played. Time is paused, as for the
//! exchange, and the clock of the fetcher is that time.

mod http;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use alephd_content::Facts;
use alephd_message::{ItemHash, Micros};
use alephd_sync::fetch::{
    Arrivals, Demand, FetchConfig, Fetcher, Gaps, Source, SourceError, Want, Wants, What,
};
use alephd_tasks::{Clock, Tasks};
use alephd_testkit::sha256;
use alephd_unixfs::Kind;
use futures_util::future::BoxFuture;
use tokio::{sync::watch, time::Instant};

/// The paused time of the runtime.
#[derive(Debug)]
struct Paused(Instant);

impl Paused {
    #[expect(clippy::disallowed_methods, reason = "the paused time of a test")]
    fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Paused {
    fn now_micros(&self) -> i64 {
        self.monotonic().as_micros() as i64
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) -> alephd_tasks::clock::Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// What the node lacks, and who is told.
#[derive(Default)]
struct World {
    wants: Mutex<BTreeMap<i64, Want>>,
    arrived: watch::Sender<Vec<ItemHash>>,
    /// Names whose arrival is refused so many times.
    refused: Mutex<HashMap<ItemHash, u32>>,
}

impl World {
    fn want(&self, row: i64, sender: &str, what: What) -> ItemHash {
        let name = sha256(&row.to_be_bytes());
        let want = Want {
            row,
            message: sha256(format!("message {row}").as_bytes()),
            sender: sender.to_owned(),
            name: name.clone(),
            what,
            since: Micros(row * 1_000_000),
        };
        self.wants.lock().unwrap().insert(row, want);
        name
    }

    async fn until(&self, count: usize) -> Vec<ItemHash> {
        let mut arrived = self.arrived.subscribe();
        let enough = arrived.wait_for(|arrived| arrived.len() >= count).await;
        enough.unwrap().clone()
    }
}

impl Wants for World {
    fn wanted(&self, after: i64, limit: u64) -> Result<Vec<Want>, String> {
        let wants = self.wants.lock().unwrap();
        let page = wants.range(after + 1..).take(limit as usize);
        Ok(page.map(|(_, want)| want.clone()).collect())
    }
}

impl Arrivals for World {
    fn arrived(&self, name: ItemHash, _facts: Facts) -> BoxFuture<'_, Result<(), String>> {
        if let Some(left) = self.refused.lock().unwrap().get_mut(&name)
            && *left > 0
        {
            *left -= 1;
            return Box::pin(async { Err("just being removed".to_owned()) });
        }
        self.wants.lock().unwrap().retain(|_, want| want.name != name);
        self.arrived.send_modify(|arrived| arrived.push(name));
        Box::pin(async { Ok(()) })
    }
}

/// Answers by a function of the name and the number of times that it was asked for it.
struct Played<F> {
    label: &'static str,
    takes: Duration,
    asked: Mutex<Vec<(ItemHash, Demand, Duration)>>,
    clock: Arc<Paused>,
    answer: F,
    now: watch::Sender<(usize, usize)>,
}

impl<F: Fn(&ItemHash, usize) -> Result<u64, SourceError>> Played<F> {
    fn new(label: &'static str, takes: u64, clock: &Arc<Paused>, answer: F) -> Arc<Self> {
        Arc::new(Self {
            label,
            takes: Duration::from_secs(takes),
            asked: Mutex::default(),
            clock: Arc::clone(clock),
            answer,
            now: watch::Sender::default(),
        })
    }

    fn asked(&self) -> Vec<ItemHash> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|(name, ..)| name.clone()).collect()
    }

    fn times(&self) -> Vec<Duration> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|(_, _, time)| *time).collect()
    }

    /// The most that were asked for at the same time.
    fn most(&self) -> usize {
        self.now.borrow().1
    }
}

impl<F: Fn(&ItemHash, usize) -> Result<u64, SourceError> + Send + Sync> Source for Played<F> {
    fn label(&self) -> &'static str {
        self.label
    }

    fn fetch<'a>(&'a self, demand: &'a Demand) -> BoxFuture<'a, Result<Facts, SourceError>> {
        let name = demand.name.clone();
        let mut asked = self.asked.lock().unwrap();
        asked.push((name.clone(), demand.clone(), self.clock.monotonic()));
        let times = asked.iter().filter(|(other, ..)| *other == name).count();
        self.now.send_modify(|(now, most)| {
            *now += 1;
            *most = (*most).max(*now);
        });
        Box::pin(async move {
            tokio::time::sleep(self.takes).await;
            self.now.send_modify(|(now, _)| *now -= 1);
            let size = (self.answer)(&name, times)?;
            let kind = Kind::File;
            Ok(Facts { kind, size })
        })
    }
}

struct Running {
    world: Arc<World>,
    clock: Arc<Paused>,
    tasks: Tasks,
    fetcher: Fetcher,
}

fn start(
    world: &Arc<World>,
    clock: &Arc<Paused>,
    sources: Vec<Arc<dyn Source>>,
    config: FetchConfig,
) -> Running {
    let tasks = Tasks::new();
    let (wants, arrivals) = (
        Arc::clone(world) as Arc<dyn Wants>,
        Arc::clone(world) as Arc<dyn Arrivals>,
    );
    let own = Arc::clone(clock) as Arc<dyn Clock>;
    Running {
        fetcher: Fetcher::start(wants, arrivals, sources, config, own, &tasks),
        world: Arc::clone(world),
        clock: Arc::clone(clock),
        tasks,
    }
}

impl Running {
    async fn stop(self) -> Gaps {
        let gaps = self.fetcher.gaps(10);
        self.tasks.shutdown(Duration::from_secs(10)).await.unwrap();
        gaps
    }
}

fn world() -> (Arc<World>, Arc<Paused>) {
    (Arc::default(), Arc::new(Paused::new()))
}

#[tokio::test(start_paused = true)]
async fn what_waits_at_the_start_is_brought_from_the_first_that_has_it() {
    let (world, clock) = world();
    let first = world.want(1, "a", What::Content);
    let second = world.want(2, "a", What::File);
    let held = first.clone();
    let near = Played::new("near", 0, &clock, move |name, _| {
        if *name == held {
            Ok(1)
        } else {
            Err(SourceError::NotHeld)
        }
    });
    let far = Played::new("far", 0, &clock, |_, _| Ok(2));
    let running = start(
        &world,
        &clock,
        vec![near.clone(), far.clone()],
        FetchConfig::default(),
    );
    let mut arrived = running.world.until(2).await;
    arrived.sort();
    let mut expected = vec![first, second.clone()];
    expected.sort();
    assert_eq!(arrived, expected);
    assert_eq!(near.asked().len(), 2);
    assert_eq!(far.asked(), [second]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn limits_are_those_of_what_it_is_for() {
    let (world, clock) = world();
    world.want(1, "a", What::Content);
    world.want(2, "a", What::File);
    let source = Played::new("s", 0, &clock, |_, _| Ok(2));
    let free = Arc::new(|| Some((1 << 30) + 50_000_000));
    let config = FetchConfig {
        free_space: Some(free),
        ..FetchConfig::default()
    };
    let running = start(&world, &clock, vec![source.clone()], config);
    running.world.until(2).await;
    let asked = source.asked.lock().unwrap().clone();
    let limits: Vec<_> = asked
        .iter()
        .map(|(_, demand, _)| (demand.file_limit, demand.archive_limit))
        .collect();
    assert_eq!(limits, [(16 << 20, 0), (50_000_000, 50_000_000)]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_sender_with_a_single_file_next_to_one_with_two_hundred() {
    let (world, clock) = world();
    for row in 0..200 {
        world.want(row + 1, "many", What::File);
    }
    let single = world.want(500, "one", What::File);
    let source = Played::new("s", 10, &clock, |_, _| Ok(2));
    let running = start(&world, &clock, vec![source.clone()], FetchConfig::default());
    let arrived = running.world.until(201).await;
    let place = arrived.iter().position(|name| *name == single).unwrap();
    assert!(place < 16, "{place}");
    assert_eq!(source.most(), 13);
    assert_eq!(source.asked().len(), 201, "nothing twice");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_nobody_has_is_tried_again_and_again() {
    let (world, clock) = world();
    let name = world.want(1, "a", What::File);
    world.refused.lock().unwrap().insert(name, 1);
    let source = Played::new("s", 0, &clock, |_, times| match times {
        1 => Err(SourceError::NotHeld),
        2 => Err(SourceError::Failed("cut off".to_owned())),
        3..12 => Err(SourceError::TooLarge { size: 9, limit: 3 }),
        _ => Ok(1),
    });
    let running = start(&world, &clock, vec![source.clone()], FetchConfig::default());
    running.world.until(1).await;
    // The first one that came was refused by the pipeline.
    let times = source.times();
    assert_eq!(times.len(), 13);
    for (attempt, pair) in times.windows(2).enumerate() {
        let most = Duration::from_secs(1 << (attempt + 1)).min(Duration::from_secs(300));
        let wait = pair[1] - pair[0];
        assert!(
            wait >= most / 2 && wait <= most + Duration::from_millis(10),
            "{attempt}: {wait:?}"
        );
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn somebody_comes_who_may_have_it() {
    let (world, clock) = world();
    world.want(1, "a", What::File);
    let source = Played::new("s", 0, &clock, |_, times| {
        if times < 11 {
            Err(SourceError::NotHeld)
        } else {
            Ok(1)
        }
    });
    let running = start(&world, &clock, vec![source.clone()], FetchConfig::default());
    let mut seen = source.now.subscribe();
    while source.asked().len() < 10 {
        seen.changed().await.unwrap();
    }
    // Let the attempt end before.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = running.clock.monotonic();
    running.fetcher.hasten();
    running.world.until(1).await;
    let waited = running.clock.monotonic() - before;
    assert!(waited <= Duration::from_secs(11), "{waited:?}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_new_is_fetched_when_it_is_told() {
    let (world, clock) = world();
    let source = Played::new("s", 0, &clock, |_, _| Ok(1));
    let running = start(&world, &clock, vec![source.clone()], FetchConfig::default());
    for row in [5, 3, 9] {
        let before = running.clock.monotonic();
        let name = running.world.want(row, "a", What::Content);
        running.fetcher.wake();
        let count = source.asked().len() + 1;
        assert_eq!(running.world.until(count).await.last(), Some(&name));
        // At once, or after the least pause; not with the next turn of the whole list.
        assert!(running.clock.monotonic() - before <= Duration::from_secs(2));
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_wanted_any_more_is_not_tried_any_more() {
    let (world, clock) = world();
    world.want(1, "a", What::File);
    let source = Played::new("s", 0, &clock, |_, _| Err(SourceError::NotHeld));
    let running = start(&world, &clock, vec![source.clone()], FetchConfig::default());
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(running.fetcher.gaps(1).files, 1);
    running.world.wants.lock().unwrap().clear();
    tokio::time::sleep(Duration::from_secs(100)).await;
    let before = source.asked().len();
    tokio::time::sleep(Duration::from_secs(2_000)).await;
    assert_eq!(source.asked().len(), before);
    assert_eq!(running.stop().await.files, 0);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_panics_or_hangs_takes_nothing_with_it() {
    let (world, clock) = world();
    let bad = world.want(1, "a", What::File);
    let good = world.want(2, "b", What::File);
    let panicking = Played::new("s", 0, &clock, move |name, times| {
        assert!(*name != bad || times > 1, "a bug");
        Ok(1)
    });
    let hanging = Played::new("h", u64::MAX >> 32, &clock, |_, _| Ok(1));
    let running = start(&world, &clock, vec![hanging, panicking], FetchConfig::default());
    let arrived = running.world.until(2).await;
    assert_eq!(arrived[0], good);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn gaps() {
    let (world, clock) = world();
    let name = world.want(3, "a", What::Content);
    world.want(7, "b", What::File);
    world.want(8, "b", What::File);
    let source = Played::new("s", 0, &clock, |_, _| Err(SourceError::Failed("x".repeat(1_000))));
    let slow = Played::new("slow", 50, &clock, |_, _| Err(SourceError::NotHeld));
    let running = start(&world, &clock, vec![source, slow], FetchConfig::default());
    tokio::time::sleep(Duration::from_secs(10)).await;
    let gaps = running.fetcher.gaps(2);
    assert_eq!(
        (gaps.contents, gaps.files, gaps.running, gaps.failed),
        (1, 2, 3, 0)
    );
    assert!(gaps.complete);
    assert_eq!(gaps.oldest, Some(3.0));
    assert_eq!(gaps.gaps.len(), 2);
    let gap = &gaps.gaps[0];
    assert_eq!(
        (&gap.name, gap.kind, &gap.sender[..]),
        (&name.to_string(), "content", "a")
    );
    assert_eq!(
        (gap.trying, gap.next_attempt_in, gap.attempts),
        (Some("slow"), None, 0)
    );

    tokio::time::sleep(Duration::from_micros(40_200_000)).await;
    let gaps = running.stop().await;
    assert_eq!((gaps.running, gaps.failed), (0, 3));
    let gap = &gaps.gaps[0];
    assert_eq!((gap.trying, gap.attempts), (None, 1));
    assert!(gap.next_attempt_in.is_some());
    let error = gap.error.as_deref().unwrap();
    assert!(error.starts_with("s: xxx") && error.len() == 200, "{error}");
}
