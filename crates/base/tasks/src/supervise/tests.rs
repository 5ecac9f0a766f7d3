use std::convert::Infallible;
use std::sync::mpsc::sync_channel;

use tokio::sync::oneshot;

use super::*;

/// Long enough never to be reached by a test that passes.
const PATIENCE: Duration = Duration::from_secs(60);

async fn until_cancelled(token: CancellationToken) -> Result<(), Infallible> {
    token.cancelled().await;
    Ok(())
}

#[tokio::test]
async fn a_clean_shutdown_waits_for_everything() {
    let tasks = Tasks::new();
    tasks.spawn("listener", until_cancelled(tasks.token()));
    let token = tasks.token();
    tasks.spawn_worker("client", async move { token.cancelled().await });
    tasks
        .spawn_thread("writer", {
            let runtime = tokio::runtime::Handle::current();
            move |token| {
                runtime.block_on(token.cancelled());
                Ok::<_, Infallible>(())
            }
        })
        .unwrap();
    assert_eq!(tasks.running(), ["client", "listener", "writer"]);
    tasks.shutdown(PATIENCE).await.unwrap();
    assert!(tasks.running().is_empty());
}

#[tokio::test]
async fn an_error_of_a_critical_task_stops_the_node_and_is_reported() {
    let tasks = Tasks::new();
    tasks.spawn("listener", until_cancelled(tasks.token()));
    tasks.spawn("writer", async { Err(io::Error::other("disk full")) });
    tasks.cancelled().await;
    let failure = tasks.join().await.unwrap_err();
    assert_eq!(failure.task, "writer");
    assert_eq!(failure.to_string(), "task writer failed");
    assert!(matches!(&failure.cause, Cause::Error(error) if error.to_string() == "disk full"));
    // Reported once; everything has stopped.
    tasks.join().await.unwrap();
}

#[tokio::test]
async fn a_panic_of_a_critical_task_stops_the_node_and_is_reported() {
    let tasks = Tasks::new();
    tasks.spawn("listener", until_cancelled(tasks.token()));
    let (go, gone) = oneshot::channel::<()>();
    tasks.spawn::<_, Infallible>("pipeline", async move {
        gone.await.unwrap();
        panic!("impossible state {}", 7)
    });
    assert!(!tasks.token().is_cancelled());
    go.send(()).unwrap();
    let failure = tasks.join().await.unwrap_err();
    assert_eq!(failure.task, "pipeline");
    assert!(matches!(failure.cause, Cause::Panic(text) if text == "impossible state 7"));
}

#[tokio::test]
async fn threads_and_blocking_work_fail_like_tasks() {
    let tasks = Tasks::new();
    tasks
        .spawn_thread::<_, Infallible>("verifier", |_| panic!("bad batch"))
        .unwrap();
    let failure = tasks.join().await.unwrap_err();
    assert_eq!(
        (failure.task.as_str(), tasks.token().is_cancelled()),
        ("verifier", true)
    );

    let tasks = Tasks::new();
    tasks.spawn_blocking("rebuild", |_| Err("roots differ"));
    let failure = tasks.join().await.unwrap_err();
    assert!(matches!(failure.cause, Cause::Error(error) if error.to_string() == "roots differ"));
}

#[tokio::test]
async fn the_first_failure_is_kept() {
    let tasks = Tasks::new();
    let token = tasks.token();
    tasks.spawn("second", async move {
        token.cancelled().await;
        Err("the writer is gone")
    });
    tasks.spawn("first", async { Err("disk full") });
    assert_eq!(tasks.join().await.unwrap_err().task, "first");
}

#[tokio::test]
async fn a_panic_of_a_worker_is_counted_and_stops_nobody() {
    let tasks = Tasks::new();
    tasks.spawn_worker("client", async { panic!("bad client") });
    tasks.join().await.unwrap();
    assert_eq!(tasks.worker_panics(), 1);
    assert!(!tasks.token().is_cancelled());
}

#[tokio::test]
async fn a_task_that_ends_early_is_no_failure() {
    let tasks = Tasks::new();
    tasks.spawn("migration", async { Ok::<_, Infallible>(()) });
    tasks.join().await.unwrap();
    assert!(!tasks.token().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_names_what_does_not_stop() {
    let tasks = Tasks::new();
    tasks.spawn("listener", until_cancelled(tasks.token()));
    for _ in 0..2 {
        tasks.spawn_worker("deaf", std::future::pending());
    }
    // Time is paused and jumps to the limit once every task waits.
    let limit = Duration::from_secs(10);
    match tasks.shutdown(limit).await.unwrap_err() {
        ShutdownError::Stuck {
            names, failure: None, ..
        } => assert_eq!(names, ["deaf", "deaf"]),
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_stuck_thread_is_named_together_with_the_failure() {
    let tasks = Tasks::new();
    let (release, held) = sync_channel::<()>(0);
    tasks
        .spawn_thread("writer", move |_| {
            let _ = held.recv();
            Ok::<_, Infallible>(())
        })
        .unwrap();
    tasks.spawn("api", async { Err("port taken") });
    tasks.cancelled().await;
    let error = tasks.shutdown(Duration::from_secs(10)).await.unwrap_err();
    assert_eq!(error.to_string(), "still running after 10s: writer");
    let ShutdownError::Stuck { failure, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(failure.unwrap().task, "api");
    drop(release);
    tasks.join().await.unwrap();
}

#[test]
fn a_task_dropped_by_its_runtime_leaves_the_list() {
    let tasks = Tasks::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { tasks.spawn_worker("deaf", std::future::pending()) });
    assert_eq!(tasks.running(), ["deaf"]);
    drop(runtime);
    assert!(tasks.running().is_empty());
}
