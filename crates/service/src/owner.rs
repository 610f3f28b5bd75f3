//! Who has the hub: one thread that does what is due, and in between what is asked for.
//!
//! Whenever it is idle, and for a moment after each run, the store is free for a command that wants
//! it for itself. A run on schedule ends at its next step where something is asked for, and goes on
//! after that: nothing is lost in between, as everything between two steps is in the store. A run
//! that was asked for is done in one go; what is asked for meanwhile waits for it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lockstep_hub::{Hub, Progress, Report, RunOptions, Watcher};
use lockstep_model::TypeName;
use tokio::sync::{oneshot, watch};

use crate::hints::Hint;
use crate::perform::perform;
use crate::request::{Refusal, Reply, Request};
use crate::schedule::{Due, Schedule};

/// The shortest time for which the store is free after a run or a request, in which other commands can take the store: they look for
/// it every 10 ms.
const GAP: Duration = Duration::from_millis(25);
/// So long it is waited before the store is asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What a hub is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Work,
    /// It knows also what no flow names any more.
    TakeBack,
}

/// The project at work.
pub trait Project {
    /// A hub over its store.
    ///
    /// # Errors
    /// The store can't be had.
    fn hub(&mut self, purpose: Purpose) -> Result<Hub, Refusal>;

    /// Systems that could not be asked for their record types may answer by now.
    fn look_again(&mut self, types: &[TypeName]);

    /// G2: whether flows that have not run as they are wait for a person.
    fn first_run_waits(&self) -> bool;

    /// Its secrets may have changed: they are read anew.
    fn renew(&mut self) {}
}

/// What the owner tells while it works.
pub enum Told<'a> {
    /// Every flow may run, and it begins.
    Begins,
    /// What a run did that nobody asked for.
    Report(&'a Report),
    /// A run could not be done; it is tried again.
    Trouble(&'a str),
    /// G2: these flows wait for a person.
    Waits(&'a [String]),
}

/// What comes to the owner.
pub(crate) enum Message {
    /// With the name of the person who asks, where it is known.
    Request(Box<Request>, Option<String>, oneshot::Sender<Result<Reply, Refusal>>),
    Hints(BTreeSet<Hint>),
    Renew,
}

/// The way to the owner.
#[derive(Clone)]
pub struct Queue {
    pub(crate) sender: Sender<Message>,
    /// How many requests it has not taken yet.
    waiting: Arc<AtomicUsize>,
    /// Counts what has been done.
    changes: watch::Receiver<u64>,
}

impl Queue {
    /// Asks for something; the answer comes by the receiver. The journal names the person, where
    /// one is named.
    pub fn ask(
        &self,
        request: Request,
        person: Option<String>,
    ) -> oneshot::Receiver<Result<Reply, Refusal>> {
        let (answer, answered) = oneshot::channel();
        self.waiting.fetch_add(1, Ordering::SeqCst);
        // An owner that has ended drops it, which the receiver is told.
        let _ = self.sender.send(Message::Request(Box::new(request), person, answer));
        answered
    }

    /// Has the project read its secrets anew. A run on schedule ends at its next step for that,
    /// and goes on with them.
    pub fn renew(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let _ = self.sender.send(Message::Renew);
    }

    /// Whether the owner is there.
    pub fn is_alive(&self) -> bool {
        self.changes.has_changed().is_ok()
    }

    /// Changes with each run and each act, and about once a second while a run goes on.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    /// For [`crate::listen`].
    pub fn sender(&self) -> HintSender {
        HintSender(self.sender.clone())
    }
}

/// The way by which hints come.
#[derive(Clone)]
pub struct HintSender(pub(crate) Sender<Message>);

/// The owner of the hub.
pub struct Owner<P> {
    project: P,
    schedule: Schedule,
    messages: Receiver<Message>,
    queue: Queue,
    changed: watch::Sender<u64>,
    /// Every flow may run without a person's yes (G2).
    approves: bool,
    approved: bool,
    next_run: NextRun,
}

/// When something is due next on schedule; for who looks on.
#[derive(Clone, Default)]
pub struct NextRun(Arc<Mutex<Option<Instant>>>);

impl NextRun {
    /// How long it is until then; nothing where it is due, `None` where nothing is known yet.
    pub fn left(&self) -> Option<Duration> {
        let next = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        next.map(|next| next.saturating_duration_since(Instant::now()))
    }

    fn set(&self, next: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
    }
}

impl<P: Project> Owner<P> {
    /// An owner that has not begun yet. With `approve` every flow may run as it is now (G2).
    pub fn new(project: P, schedule: Schedule, approve: bool) -> Self {
        let (sender, messages) = channel();
        let (changed, changes) = watch::channel(0);
        let queue = Queue { sender, waiting: Arc::default(), changes };
        let approves = approve || !project.first_run_waits();
        let next_run = NextRun::default();
        Owner { project, schedule, messages, queue, changed, approves, approved: false, next_run }
    }

    /// The way to ask this owner.
    pub fn queue(&self) -> Queue {
        self.queue.clone()
    }

    /// When something is due next.
    pub fn next_run(&self) -> NextRun {
        self.next_run.clone()
    }

    /// Works until `ends` says that it is to end.
    ///
    /// # Errors
    /// The store can't be had at the beginning. Later that may pass: it is told, and tried again.
    pub fn work(
        &mut self,
        ends: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(Told<'_>),
    ) -> Result<(), Refusal> {
        let (mut told, mut begun) = (Vec::new(), false);
        while !ends() {
            if !self.approved && !self.may_begin(&mut told, tell)? {
                self.wait(Instant::now() + ASK_AGAIN, ends);
                continue;
            }
            if !std::mem::replace(&mut begun, true) {
                tell(Told::Begins);
            }
            let now = Instant::now();
            let due = self.schedule.take(now);
            if !due.is_empty() {
                self.run(due, ends, tell);
            }
            let now = Instant::now();
            let next = self.schedule.next(now).unwrap_or(now + ASK_AGAIN);
            self.next_run.set(next);
            self.wait(next.max(now + GAP), ends);
        }
        Ok(())
    }

    /// G2: whether every flow may run as it is.
    fn may_begin(
        &mut self,
        told: &mut Vec<String>,
        tell: &mut dyn FnMut(Told<'_>),
    ) -> Result<bool, Refusal> {
        let mut hub = self.project.hub(Purpose::Work)?;
        if self.approves {
            hub.ledger.approve()?;
        }
        let waiting = hub.ledger.unapproved()?;
        self.approved = waiting.is_empty();
        if !self.approved && waiting != *told {
            tell(Told::Waits(&waiting));
            *told = waiting;
        }
        Ok(self.approved)
    }

    /// One run of what is due.
    fn run(&mut self, due: Due, ends: &dyn Fn() -> bool, tell: &mut dyn FnMut(Told<'_>)) {
        let types: Vec<TypeName> = self.schedule.names().cloned().collect();
        self.project.look_again(&types);
        let mut hub = match self.project.hub(Purpose::Work) {
            Ok(hub) => hub,
            Err(refusal) => {
                tell(Told::Trouble(&refusal.to_string()));
                return self.schedule.all_due(Instant::now() + ASK_AGAIN);
            }
        };
        let options = RunOptions {
            only: Some(due.types.clone()),
            named: due.named.clone(),
            watcher: Box::new(Interruptible {
                queue: self.queue.clone(),
                ends,
                changed: &self.changed,
                told: Instant::now(),
            }),
            ..RunOptions::default()
        };
        let ran = hub.run(options);
        self.changed.send_modify(|changes| *changes += 1);
        match ran {
            Ok(report) => {
                tell(Told::Report(&report));
                if report.stopped {
                    self.schedule.put_back(&due, Instant::now());
                }
            }
            // A full disk or a busy file may be better in a while; nothing of the step was kept, so
            // it is simply tried again.
            Err(error) => {
                tell(Told::Trouble(&error.to_string()));
                self.schedule.put_back(&due, Instant::now() + ASK_AGAIN);
            }
        }
    }

    /// Does what is asked for until that moment, and takes hints in.
    fn wait(&mut self, until: Instant, ends: &dyn Fn() -> bool) {
        let mut until = until;
        loop {
            let now = Instant::now();
            let left = until.saturating_duration_since(now).min(ASK_AGAIN / 10);
            match self.messages.recv_timeout(left) {
                Ok(Message::Request(request, person, answer)) => {
                    self.queue.waiting.fetch_sub(1, Ordering::SeqCst);
                    // Who has gone does not hear it; it is done all the same.
                    let came = self.carry_out(*request, person, ends);
                    self.changed.send_modify(|changes| *changes += 1);
                    let _ = answer.send(came);
                    // What that put onto the agenda, the next run on schedule takes up.
                    until = until.max(Instant::now() + GAP);
                }
                Ok(Message::Renew) => {
                    self.queue.waiting.fetch_sub(1, Ordering::SeqCst);
                    self.project.renew();
                }
                // What is hinted at is read at once. Hints come in swarms: those that come within
                // the gap are one reading.
                Ok(Message::Hints(hints)) => {
                    self.schedule.hinted(hints, now);
                    until = until.min(now + GAP);
                }
                Err(RecvTimeoutError::Timeout) => {}
                // It holds a sender itself.
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if ends() || (Instant::now() >= until && self.queue.waiting.load(Ordering::SeqCst) == 0)
            {
                return;
            }
        }
    }

    fn carry_out(
        &mut self,
        request: Request,
        person: Option<String>,
        ends: &dyn Fn() -> bool,
    ) -> Result<Reply, Refusal> {
        let purpose = match request {
            Request::TakeBack { .. } => Purpose::TakeBack,
            _ => Purpose::Work,
        };
        let mut hub = self.project.hub(purpose)?;
        hub.ledger.set_person(person);
        let options = RunOptions { watcher: Box::new(Ends(ends)), ..RunOptions::default() };
        perform(&mut hub, request, options)
    }
}

/// Ends a run that was asked for at its next step where the owner is to end.
struct Ends<'a>(&'a dyn Fn() -> bool);

impl Watcher for Ends<'_> {
    fn tell(&mut self, _: Progress) {}

    fn stops(&mut self) -> bool {
        (self.0)()
    }
}

/// Ends a run on schedule also where something else is asked for.
struct Interruptible<'a> {
    queue: Queue,
    ends: &'a dyn Fn() -> bool,
    changed: &'a watch::Sender<u64>,
    told: Instant,
}

impl Watcher for Interruptible<'_> {
    fn tell(&mut self, _: Progress) {
        if self.told.elapsed() >= ASK_AGAIN {
            self.told = Instant::now();
            self.changed.send_modify(|changes| *changes += 1);
        }
    }

    fn stops(&mut self) -> bool {
        self.queue.waiting.load(Ordering::SeqCst) > 0 || (self.ends)()
    }
}
