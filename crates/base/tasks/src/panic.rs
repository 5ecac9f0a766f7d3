//! Turning a panic of a task into a value.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

/// Runs `future` to its end, or to its panic, whose message is returned.
///
/// Unwind safety is asserted: after a panic the future is dropped and never polled again, and
/// what it shared with others is behind locks and channels that have their own poisoning rules.
pub(crate) async fn caught<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = pin!(future);
    std::future::poll_fn(move |context| {
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(payload) => std::task::Poll::Ready(Err(text(&*payload))),
        }
    })
    .await
}

/// Runs `work`, or returns the message of its panic.
pub(crate) fn caught_sync<R>(work: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| text(&*payload))
}

/// The message of a panic: `panic!` gives a `&str` or a `String`, anything else is unnamed.
fn text(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "panic without a message".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_its_message() {
        assert_eq!(caught(async { 7 }).await, Ok(7));
        let number = 3;
        assert_eq!(
            caught(async { panic!("no {number}") }).await,
            Err::<(), _>("no 3".to_owned())
        );
        assert_eq!(caught_sync(|| panic!("plain")), Err::<(), _>("plain".to_owned()));
        let odd = caught_sync(|| std::panic::panic_any(5_u8));
        assert_eq!(odd, Err::<(), _>("panic without a message".to_owned()));
    }

    #[tokio::test]
    async fn a_panic_after_a_wait_is_caught_too() {
        let result = caught(async {
            tokio::task::yield_now().await;
            panic!("later")
        });
        assert_eq!(result.await, Err::<(), _>("later".to_owned()));
    }
}
