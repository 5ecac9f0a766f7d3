//! One side of a session: which frames to write, and what to take.
//!
//! The initiator decides what comes next; the responder answers. Both are the same in what they take:
//! records come in the order in which they were asked for, and no other. A window of two batches is
//! open each way, so that one travels while the other is verified.

mod initiator;
mod responder;

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use alephd_reconcile::{Id, Snapshot};

use self::{initiator::Initiating, responder::Responding};
use super::{BATCH, Frame, Greeting, Record, id_of};

/// Records under way in one direction at most: two batches.
const WINDOW: usize = 2 * BATCH;
/// Frames that wait to be written at most: a window of records, and answers.
const OUTBOX: usize = 2 * WINDOW;
/// Ids that a peer may list without having them, besides as many as it has: messages go now and then.
const HOLLOW: u64 = 1_024;

/// Bounds of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a step of the reconciliation.
    pub step: usize,
    /// Records in each direction, after which the session ends and another one goes on.
    pub records: u64,
    /// Records that are handed to an initiator at most.
    pub served: u64,
    /// Records that are taken at a time.
    pub in_flight: usize,
    /// Their bytes, but for the last one.
    pub in_flight_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            step: 60 << 10,
            records: 65_536,
            served: 262_144,
            in_flight: WINDOW,
            in_flight_bytes: 16 << 20,
        }
    }
}

/// What both sides of a session have to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The network: nodes of different ones have nothing to say to each other.
    pub network: String,
    /// What this node keeps; nothing for everything.
    pub interest: Option<serde_json::Value>,
    /// What the other one keeps: the set has what is of interest to both. Another greeting ends the
    /// session.
    pub peer_interest: Option<serde_json::Value>,
    /// Bounds.
    pub limits: Limits,
}

/// Something to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A frame.
    Send(Frame),
    /// The record of a row, or that it is gone.
    Serve {
        /// The row.
        row: i64,
        /// The id under which it was asked for.
        id: Id,
    },
}

/// What a peer did that no honest one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A frame that is not due.
    #[error("a frame that is not due")]
    Unexpected,
    /// A record that was not asked for.
    #[error("a record that was not asked for")]
    NotAsked,
    /// It asks for or offers more than the window allows.
    #[error("more than the window allows")]
    Flood,
    /// The sets are compared and compared without coming closer.
    #[error("a reconciliation without end")]
    Endless,
    /// It lists ids that it does not have.
    #[error("it lists what it does not have")]
    Hollow,
    /// The reconciliation is garbage.
    #[error(transparent)]
    Reconcile(#[from] alephd_reconcile::FrameError),
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Steps of the reconciliation that were answered.
    pub rounds: u64,
    /// Records that came.
    pub received: u64,
    /// Ids that were asked for and were not there.
    pub gone: u64,
    /// Records that were handed out, or were gone.
    pub served: u64,
    /// Whether a limit ended the session before all was done.
    pub more: bool,
    /// Why the other side would not go on, or this one.
    pub refusal: Option<String>,
    /// What the other side keeps, as far as it has said.
    pub peer_interest: Option<serde_json::Value>,
    /// Whether that is not what was expected, so that the sets cannot be compared.
    pub is_surprised: bool,
}

/// One side of a session.
#[derive(Debug)]
pub struct Session {
    role: Role,
    common: Common,
}

#[derive(Debug)]
enum Role {
    Initiator(Box<Initiating>),
    Responder(Responding),
}

/// What both roles have.
#[derive(Debug)]
struct Common {
    settings: Settings,
    set: Snapshot,
    left_out: Arc<HashSet<Id>>,
    outbox: VecDeque<Output>,
    /// Asked for, in order, and not come yet.
    asked: VecDeque<Id>,
    in_flight: usize,
    in_flight_bytes: usize,
    tally: Tally,
    greeted: bool,
    over: bool,
}

impl Session {
    /// The side that opens the stream.
    pub fn initiate(set: Snapshot, settings: Settings) -> Self {
        let mut common = Common::new(set, settings);
        common.send(Frame::Hello(common.greeting()));
        let role = Initiating::new(&common);
        Self {
            role: Role::Initiator(Box::new(role)),
            common,
        }
    }

    /// The other side.
    pub fn respond(set: Snapshot, settings: Settings) -> Self {
        let common = Common::new(set, settings);
        let role = Responding::new(&common);
        Self {
            role: Role::Responder(role),
            common,
        }
    }

    /// These are not in the set and are not asked for either: they are held and were refused.
    pub fn leave_out(mut self, ids: Arc<HashSet<Id>>) -> Self {
        self.common.left_out = ids;
        self
    }

    /// Takes a frame of the other side. A record that comes out of it is to be taken, and
    /// [`Session::taken`] is to be called when that is done, well or not.
    pub fn receive(&mut self, frame: Frame) -> Result<Option<Record>, Violation> {
        let common = &mut self.common;
        if common.over {
            return Err(Violation::Unexpected);
        }
        let record = match frame {
            Frame::Hello(greeting) => {
                common.greet(&greeting)?;
                if let Role::Responder(_) = self.role
                    && !common.over
                {
                    common.send(Frame::Hello(common.greeting()));
                }
                None
            }
            Frame::Refuse(reason) => {
                common.tally.refusal = Some(reason);
                common.over = true;
                None
            }
            _ if !common.greeted => return Err(Violation::Unexpected),
            Frame::Record(record) => {
                common.arrived(&id_of(record.hash()))?;
                common.tally.received += 1;
                common.in_flight += 1;
                common.in_flight_bytes += record.size();
                Some(*record)
            }
            Frame::Gone(id) => {
                common.arrived(&id)?;
                common.tally.gone += 1;
                if common.tally.gone > HOLLOW + common.tally.received {
                    return Err(Violation::Hollow);
                }
                if let Role::Responder(responding) = &mut self.role {
                    responding.done_with(1, common);
                }
                None
            }
            other => {
                match &mut self.role {
                    Role::Initiator(initiating) => initiating.receive(other, common)?,
                    Role::Responder(responding) => responding.receive(other, common)?,
                }
                None
            }
        };
        self.advance();
        if self.common.outbox.len() > OUTBOX {
            return Err(Violation::Flood);
        }
        Ok(record)
    }

    /// A record that was handed out by [`Session::receive`] is done with; it had this size.
    pub fn taken(&mut self, size: usize) {
        let common = &mut self.common;
        common.in_flight = common.in_flight.saturating_sub(1);
        common.in_flight_bytes = common.in_flight_bytes.saturating_sub(size);
        if let Role::Responder(responding) = &mut self.role {
            responding.done_with(1, common);
        }
        self.advance();
    }

    /// The next thing to write. To be called when there is room on the stream, not before: what is
    /// not called for is what bounds the other side.
    pub fn poll(&mut self) -> Option<Output> {
        self.poll_if(|_| true)
    }

    /// The same if the next thing is of a certain kind.
    pub fn poll_if(&mut self, is_wanted: impl FnOnce(&Output) -> bool) -> Option<Output> {
        if !is_wanted(self.common.outbox.front()?) {
            return None;
        }
        let output = self.common.outbox.pop_front()?;
        match (&output, &mut self.role) {
            (Output::Serve { .. } | Output::Send(Frame::Gone(_)), _) => self.common.tally.served += 1,
            (Output::Send(Frame::Reconcile(_)), Role::Responder(responding)) => responding.reply_written(),
            _ => {}
        }
        Some(output)
    }

    /// Whether a frame may be read: what is being taken leaves room.
    pub fn has_room(&self) -> bool {
        let limits = &self.common.settings.limits;
        self.common.in_flight < limits.in_flight && self.common.in_flight_bytes < limits.in_flight_bytes
    }

    /// Whether nothing more is to be read. What [`Session::poll`] has left is to be written.
    pub fn is_over(&self) -> bool {
        self.common.over
    }

    /// What was done so far.
    pub fn tally(&self) -> &Tally {
        &self.common.tally
    }

    fn advance(&mut self) {
        if let Role::Initiator(initiating) = &mut self.role
            && self.common.greeted
            && !self.common.over
        {
            initiating.advance(&mut self.common);
        }
    }
}

impl Common {
    fn new(set: Snapshot, settings: Settings) -> Self {
        Self {
            settings,
            set,
            left_out: Arc::default(),
            outbox: VecDeque::new(),
            asked: VecDeque::new(),
            in_flight: 0,
            in_flight_bytes: 0,
            tally: Tally::default(),
            greeted: false,
            over: false,
        }
    }

    fn greeting(&self) -> Greeting {
        Greeting {
            network: self.settings.network.clone(),
            interest: self.settings.interest.clone(),
            elements: self.set.len() as u64,
        }
    }

    fn greet(&mut self, theirs: &Greeting) -> Result<(), Violation> {
        if std::mem::replace(&mut self.greeted, true) {
            return Err(Violation::Unexpected);
        }
        self.tally.peer_interest.clone_from(&theirs.interest);
        self.tally.is_surprised = theirs.interest != self.settings.peer_interest;
        let refusal = if theirs.network != self.settings.network {
            "this node is of another network"
        } else if self.tally.is_surprised {
            "another interest was expected"
        } else {
            return Ok(());
        };
        self.send(Frame::Refuse(refusal.to_owned()));
        self.tally.refusal = Some(refusal.to_owned());
        self.over = true;
        Ok(())
    }

    fn send(&mut self, frame: Frame) {
        self.outbox.push_back(Output::Send(frame));
    }

    /// A record or its absence came.
    fn arrived(&mut self, id: &Id) -> Result<(), Violation> {
        if self.asked.front() != Some(id) {
            return Err(Violation::NotAsked);
        }
        self.asked.pop_front();
        Ok(())
    }

    /// Counts a step of the reconciliation. Honest sides list each element a few times at most, in
    /// steps of some hundred; whoever takes longer is made to hand over messages in between.
    fn count_round(&mut self) -> Result<(), Violation> {
        let tally = &mut self.tally;
        tally.rounds += 1;
        let allowed = 64 + self.set.len() as u64 / 256 + (tally.received + tally.served) / 64;
        if tally.rounds > allowed {
            Err(Violation::Endless)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
