//! Room for a websocket.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::Api;

/// Which websockets share a limit.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// On messages.
    Messages,
    /// On the status.
    Status,
}

/// One open websocket, counted until it is dropped.
pub(super) struct Slot {
    api: Api,
    kind: Kind,
}

impl Slot {
    /// Takes room for one more, or counts a refusal.
    pub(super) fn take(api: &Api, kind: Kind) -> Option<Self> {
        let (open, limit, refused) = kind.counters(api);
        let taken = open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |open| {
            (open < limit).then_some(open + 1)
        });
        if taken.is_err() {
            refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(Self {
            api: api.clone(),
            kind,
        })
    }
}

impl Kind {
    fn counters(self, api: &Api) -> (&AtomicUsize, usize, &AtomicU64) {
        let (gauges, settings) = (&api.gauges, &api.settings);
        match self {
            Self::Messages => (
                &gauges.message_sockets,
                settings.max_message_sockets,
                &gauges.message_sockets_refused,
            ),
            Self::Status => (
                &gauges.status_sockets,
                settings.max_status_sockets,
                &gauges.status_sockets_refused,
            ),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.kind.counters(&self.api).0.fetch_sub(1, Ordering::Relaxed);
    }
}
