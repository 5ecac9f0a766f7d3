//! The seam between history and what comes.

use alephd_pipeline::Origin;
use alephd_tasks::Tasks;
use alephd_testkit::{builder, keys};
use serde_json::json;

use super::*;
use crate::live;

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_history_is_not_told_again() {
    let folder = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a folder");
    let api = live::tests::api(&folder);
    let tasks = Tasks::new();
    tasks.spawn_worker("live", api.live_task(tasks.token()));
    let query = WsQuery::parse("history=2").expect("valid");
    let posts: Vec<_> = (0..5)
        .map(|index| {
            builder::post(&keys::evm("alice"), "chat", json!({"n": index}))
                .at(f64::from(index))
                .seal()
        })
        .collect();

    let subscription = api.subscribe(filter_of(&query.filters), true);
    let mut witness = api.subscribe(filter_of(&query.filters), true);
    // Three arrive between the subscription and the look at the history, which holds two of them.
    for post in &posts[..3] {
        api.pipeline
            .submit(post.clone(), Origin::Network)
            .await
            .expect("takes");
        witness.next().await.expect("told");
    }
    let history = history(&api, &query, ContentFormat::Full).expect("reads");
    for post in &posts[3..] {
        api.pipeline
            .submit(post.clone(), Origin::Network)
            .await
            .expect("takes");
        witness.next().await.expect("told");
    }
    let frames = frames(api.clone(), history, ContentFormat::Full, subscription);
    let told: Vec<_> = frames.take(5).collect().await;
    let expected = [1, 2, 0, 3, 4].map(|index: usize| posts[index].item_hash.to_string());
    for (text, hash) in told.iter().zip(&expected) {
        assert!(text.contains(hash), "{hash} was expected, not {text}");
    }
    assert_eq!(told.len(), expected.len());
    tasks.cancel();
}
