use std::{collections::VecDeque, future::poll_fn};

use alephd_tasks::ManualClock;

use super::*;

/// Gives pieces, and then waits for ever.
struct Pieces(VecDeque<usize>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut().0.pop_front() {
            Some(length) => Poll::Ready(Some(Ok(Frame::data(vec![0; length].into())))),
            None => Poll::Pending,
        }
    }
}

fn pieces(lengths: &[usize]) -> Pieces {
    Pieces(lengths.iter().copied().collect())
}

fn bodies(clock: &ManualClock, budget: usize) -> Bodies {
    Bodies {
        budget,
        ..Bodies::new(Arc::new(clock.clone()))
    }
}

/// The length of the next frame, or why there is none. `None`: it is waited for.
fn next(body: &mut Watched<Pieces>) -> Option<Result<usize, String>> {
    let mut context = Context::from_waker(std::task::Waker::noop());
    match Pin::new(body).poll_frame(&mut context) {
        Poll::Pending => None,
        Poll::Ready(None) => panic!("these bodies do not end"),
        Poll::Ready(Some(Ok(frame))) => Some(Ok(frame.data_ref().map_or(0, Bytes::len))),
        Poll::Ready(Some(Err(error))) => Some(Err(error.to_string())),
    }
}

#[test]
fn all_bodies_share_one_budget_and_small_ones_need_none() {
    let clock = ManualClock::new(0);
    let bodies = bodies(&clock, 1_000);
    let (mut first, verdict) = bodies.watch("/", pieces(&[FREE, 600, 1]));
    assert_eq!(
        (next(&mut first), next(&mut first)),
        (Some(Ok(FREE)), Some(Ok(600)))
    );
    let (mut second, refused) = bodies.watch("/", pieces(&[FREE + 400, 1]));
    assert_eq!(next(&mut second), Some(Ok(FREE + 400)));
    assert!(next(&mut second).unwrap().is_err());
    assert_eq!(refused.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    assert!(next(&mut bodies.watch("/", pieces(&[FREE])).0).unwrap().is_ok());
    assert_eq!(verdict.status(), None);
    // What is gone is free again.
    drop(second);
    assert_eq!(next(&mut first), Some(Ok(1)));
    drop(first);
    assert_eq!(bodies.held.load(Ordering::Relaxed), 0);
}

#[test]
fn a_file_counts_only_in_part() {
    let bodies = bodies(&ManualClock::new(0), FILE_COUNTED);
    let lengths = [FREE + FILE_COUNTED, 1, 1 << 20];
    let (mut file, _) = bodies.watch(FILES, pieces(&lengths));
    for _ in lengths {
        assert!(next(&mut file).unwrap().is_ok());
    }
    drop(file);
    let (mut document, _) = bodies.watch("/", pieces(&lengths));
    assert!(next(&mut document).unwrap().is_ok());
    assert!(next(&mut document).unwrap().is_err());
}

#[tokio::test]
async fn a_body_without_progress_is_ended() {
    let clock = ManualClock::new(0);
    let bodies = bodies(&clock, BUDGET);
    let (mut body, verdict) = bodies.watch("/", pieces(&[PROGRESS]));
    assert_eq!((next(&mut body), next(&mut body)), (Some(Ok(PROGRESS)), None));
    // Enough for the first period, too little for the second.
    clock.advance(PERIOD);
    assert_eq!(next(&mut body), None);
    body.inner.0.push_back(PROGRESS - 1);
    assert_eq!((next(&mut body), next(&mut body)), (Some(Ok(PROGRESS - 1)), None));
    clock.advance(PERIOD);
    let ended = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
    assert!(ended.unwrap().is_err());
    assert_eq!(verdict.status(), Some(StatusCode::REQUEST_TIMEOUT));
}
