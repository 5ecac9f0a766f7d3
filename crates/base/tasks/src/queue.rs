//! A bounded queue that can be watched.
//!
//! Unbounded queues are banned in this project (`clippy.toml`): they turn overload into memory
//! exhaustion. This wrapper over tokio's channel adds the three numbers that tell an operator
//! where a node is slow: the depth, the capacity, and how much was dropped because the queue was
//! full. What happens when it is full is the caller's choice at each send: wait
//! ([`Sender::send`]) or drop and count ([`Sender::offer`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::mpsc;

/// Creates a queue for `capacity` items (at least one) that metrics call `name`.
pub fn bounded<T>(name: &'static str, capacity: usize) -> (Sender<T>, Receiver<T>) {
    // tokio's channel panics on 0 and above its semaphore's maximum.
    let capacity = capacity.clamp(1, tokio::sync::Semaphore::MAX_PERMITS);
    let (sender, receiver) = mpsc::channel(capacity);
    let gauge = Gauge {
        counters: Arc::new(Counters {
            name,
            capacity,
            depth: 0.into(),
            dropped: 0.into(),
        }),
    };
    (
        Sender {
            channel: sender,
            gauge: gauge.clone(),
        },
        Receiver {
            channel: receiver,
            gauge,
        },
    )
}

/// The counters of one queue. Cheap to clone and to read; it keeps the queue neither open nor
/// alive.
#[derive(Clone, Debug)]
pub struct Gauge {
    counters: Arc<Counters>,
}

#[derive(Debug)]
struct Counters {
    name: &'static str,
    capacity: usize,
    /// Counted on its own, because asking the channel would need one of its ends, and holding a
    /// sender would keep the queue open.
    depth: AtomicUsize,
    dropped: AtomicU64,
}

impl Gauge {
    /// The name given at creation.
    pub fn name(&self) -> &'static str {
        self.counters.name
    }

    /// How many items the queue can hold.
    pub fn capacity(&self) -> usize {
        self.counters.capacity
    }

    /// How many items wait. After the receiver is gone: how many nobody will take.
    pub fn depth(&self) -> usize {
        self.counters.depth.load(Ordering::Relaxed)
    }

    /// How many items [`Sender::offer`] found no room for. Does not count a closed queue.
    pub fn dropped(&self) -> u64 {
        self.counters.dropped.load(Ordering::Relaxed)
    }

    fn added(&self) {
        self.counters.depth.fetch_add(1, Ordering::Relaxed);
    }

    fn taken(&self, count: usize) {
        self.counters.depth.fetch_sub(count, Ordering::Relaxed);
    }
}

/// The sending end.
#[derive(Debug)]
pub struct Sender<T> {
    channel: mpsc::Sender<T>,
    gauge: Gauge,
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self {
            channel: self.channel.clone(),
            gauge: self.gauge.clone(),
        }
    }
}

/// The receiver is gone; the item comes back.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the queue is closed")]
pub struct Closed<T>(pub T);

/// Why [`Sender::offer`] did not take the item, which comes back.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused<T> {
    /// No room; counted as dropped.
    #[error("the queue is full")]
    Full(T),
    /// The receiver is gone.
    #[error("the queue is closed")]
    Closed(T),
}

impl<T> Sender<T> {
    /// Waits for room. Dropping the future before it is ready sends nothing.
    pub async fn send(&self, item: T) -> Result<(), Closed<T>> {
        let Ok(permit) = self.channel.reserve().await else {
            return Err(Closed(item));
        };
        // Counted before it can be received, so that the depth never falls below zero.
        self.gauge.added();
        permit.send(item);
        Ok(())
    }

    /// Sends if there is room at once; otherwise counts the item as dropped and returns it.
    pub fn offer(&self, item: T) -> Result<(), Refused<T>> {
        match self.channel.try_reserve() {
            Ok(permit) => {
                self.gauge.added();
                permit.send(item);
                Ok(())
            }
            Err(mpsc::error::TrySendError::Full(())) => {
                self.gauge.counters.dropped.fetch_add(1, Ordering::Relaxed);
                Err(Refused::Full(item))
            }
            Err(mpsc::error::TrySendError::Closed(())) => Err(Refused::Closed(item)),
        }
    }

    /// Waits for room on a thread that is not part of the runtime. Panics inside a runtime.
    /// An item that waits for room this way is already counted in the depth.
    pub fn blocking_send(&self, item: T) -> Result<(), Closed<T>> {
        self.gauge.added();
        self.channel.blocking_send(item).map_err(|back| {
            self.gauge.taken(1);
            Closed(back.0)
        })
    }

    /// Whether the receiver is gone.
    pub fn is_closed(&self) -> bool {
        self.channel.is_closed()
    }

    /// The counters of this queue.
    pub fn gauge(&self) -> Gauge {
        self.gauge.clone()
    }
}

/// The receiving end. `None` and 0 mean: every sender is gone and the queue is empty.
#[derive(Debug)]
pub struct Receiver<T> {
    channel: mpsc::Receiver<T>,
    gauge: Gauge,
}

impl<T> Receiver<T> {
    /// Waits for the next item.
    pub async fn recv(&mut self) -> Option<T> {
        let item = self.channel.recv().await?;
        self.gauge.taken(1);
        Some(item)
    }

    /// Waits for at least one item and appends up to `limit` of those that are there.
    pub async fn recv_many(&mut self, into: &mut Vec<T>, limit: usize) -> usize {
        let count = self.channel.recv_many(into, limit).await;
        self.gauge.taken(count);
        count
    }

    /// [`Receiver::recv`] for a thread that is not part of the runtime. Panics inside a runtime.
    pub fn blocking_recv(&mut self) -> Option<T> {
        let item = self.channel.blocking_recv()?;
        self.gauge.taken(1);
        Some(item)
    }

    /// [`Receiver::recv_many`] for a thread that is not part of the runtime. Panics inside one.
    pub fn blocking_recv_many(&mut self, into: &mut Vec<T>, limit: usize) -> usize {
        let count = self.channel.blocking_recv_many(into, limit);
        self.gauge.taken(count);
        count
    }

    /// The next item if one is there now.
    pub fn try_recv(&mut self) -> Option<T> {
        let item = self.channel.try_recv().ok()?;
        self.gauge.taken(1);
        Some(item)
    }

    /// Refuses further sends; what is queued can still be received.
    pub fn close(&mut self) {
        self.channel.close();
    }

    /// The counters of this queue.
    pub fn gauge(&self) -> Gauge {
        self.gauge.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_counts_what_it_refuses() {
        let (sender, mut receiver) = bounded("intake", 2);
        let gauge = receiver.gauge();
        assert_eq!((gauge.name(), gauge.capacity()), ("intake", 2));
        assert_eq!(sender.offer(1), Ok(()));
        assert_eq!(sender.offer(2), Ok(()));
        assert_eq!(sender.offer(3), Err(Refused::Full(3)));
        assert_eq!((gauge.depth(), gauge.dropped()), (2, 1));
        assert_eq!(receiver.recv().await, Some(1));
        assert_eq!(receiver.try_recv(), Some(2));
        assert_eq!(receiver.try_recv(), None);
        assert_eq!(gauge.depth(), 0);
    }

    #[tokio::test]
    async fn waiting_senders_are_not_counted_as_queued() {
        let (sender, mut receiver) = bounded("q", 1);
        sender.send('a').await.unwrap();
        let waiting = sender.send('b');
        tokio::pin!(waiting);
        tokio::select! {
            biased;
            _ = &mut waiting => panic!("sent beyond the capacity"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(sender.gauge().depth(), 1);
        assert_eq!(receiver.recv().await, Some('a'));
        waiting.await.unwrap();
        assert_eq!(receiver.recv().await, Some('b'));
        assert_eq!(sender.gauge().depth(), 0);
    }

    #[tokio::test]
    async fn closing_returns_the_item_and_keeps_the_queued_ones() {
        let (sender, mut receiver) = bounded("q", 4);
        sender.send(1).await.unwrap();
        sender.send(2).await.unwrap();
        receiver.close();
        assert!(sender.is_closed());
        assert_eq!(sender.send(3).await, Err(Closed(3)));
        assert_eq!(sender.offer(4), Err(Refused::Closed(4)));
        let mut batch = Vec::new();
        assert_eq!(receiver.recv_many(&mut batch, 10).await, 2);
        assert_eq!(batch, [1, 2]);
        assert_eq!(receiver.recv_many(&mut batch, 10).await, 0);
        assert_eq!((sender.gauge().depth(), sender.gauge().dropped()), (0, 0));
    }

    #[test]
    fn threads_can_use_both_ends() {
        let (sender, mut receiver) = bounded("q", 1);
        let gauge = sender.gauge();
        let total = std::thread::scope(|scope| {
            scope.spawn(move || (0..100).for_each(|item| sender.blocking_send(item).unwrap()));
            let mut batch = vec![receiver.blocking_recv().unwrap()];
            while receiver.blocking_recv_many(&mut batch, 8) > 0 {}
            batch.iter().sum::<i32>()
        });
        assert_eq!(total, 4950);
        assert_eq!(gauge.depth(), 0);
    }

    #[test]
    fn a_capacity_of_zero_becomes_one() {
        assert_eq!(bounded::<()>("q", 0).0.gauge().capacity(), 1);
    }
}
