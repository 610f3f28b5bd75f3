//! What all requests share: the running systems, and the log of what they were asked.

use crate::faults::past::Past;
use crate::faults::setting::{Standing as Faults, lag};
use crate::faults::{Fault, FaultKind};
use crate::http::{Act, Reply, Request};
use crate::rates::Rates;
use crate::systems::Emulator;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The log keeps this many requests.
const LOG_LENGTH: usize = 200_000;

/// So much of a body is kept, in characters.
const BODY_KEPT: usize = 400_000;

/// Where bodies are kept, so many bytes of them all together.
const BODIES_KEPT: usize = 64 << 20;

/// One request as the log shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoggedRequest {
    /// Counts from 1.
    pub n: u64,
    pub system: String,
    pub method: String,
    /// With the system's prefix and the query.
    pub path: String,
    /// 0 when no answer was given.
    pub status: u16,
    /// Whether a record was created, deleted, or updated to something else.
    pub changed: bool,
    /// The kind of fault that struck it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultKind>,
    /// What was sent, where the sandbox keeps that: without headers, and nothing of what hands out
    /// tokens, so that it holds no secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<String>,
    /// What was answered, where the sandbox keeps that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered: Option<String>,
}

impl LoggedRequest {
    /// How much its bodies take.
    fn bytes(&self) -> usize {
        [&self.sent, &self.answered].into_iter().flatten().map(String::len).sum()
    }
}

/// How often records of one type were written over the vendors' APIs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct WriteCount {
    pub create: u64,
    pub update: u64,
    pub delete: u64,
}

impl WriteCount {
    pub fn total(self) -> u64 {
        self.create + self.update + self.delete
    }
}

/// Successful writes per system and record type.
pub type Writes = BTreeMap<String, BTreeMap<String, WriteCount>>;

#[derive(Default)]
pub(crate) struct Log {
    pub requests: VecDeque<LoggedRequest>,
    /// What was sent and answered is kept too.
    pub with_bodies: bool,
    /// How many bytes of bodies it holds.
    pub body_bytes: usize,
    pub last: u64,
    pub writes: Writes,
}

/// One running system.
pub(crate) struct Slot {
    pub emulator: Box<dyn Emulator>,
    pub rates: Rates,
    /// For the next so many requests.
    pub armed: Vec<Fault>,
    /// For as long as they stand.
    pub faults: Faults,
    pub past: Past,
    pub clock_offset: SignedDuration,
}

impl Slot {
    /// The time by this system's clock.
    pub fn now(&self) -> Timestamp {
        Timestamp::now() + self.clock_offset
    }

    /// Before a write, by a request or by a person: keeps what stale reads will show.
    pub fn about_to_write(&mut self) {
        let armed = self
            .armed
            .iter()
            .filter(|fault| fault.what.kind == FaultKind::StaleRead)
            .map(|fault| lag(&fault.what));
        let span = armed.max().unwrap_or_default().max(self.faults.setting().span());
        self.past.keep(self.emulator.as_ref(), span, Instant::now());
    }
}

/// Everything that requests share.
pub(crate) struct Shared {
    pub systems: Vec<(&'static str, Mutex<Slot>)>,
    pub log: Mutex<Log>,
    pub calls: crate::calls::Calls,
}

/// A panic in one request must not take the others down with it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub fn slot(&self, system: &str) -> Option<MutexGuard<'_, Slot>> {
        self.systems.iter().find(|(name, _)| *name == system).map(|(_, slot)| lock(slot))
    }

    pub fn note(
        &self,
        system: &str,
        request: &Request,
        path: &str,
        reply: Option<&Reply>,
        done: &Reply,
        fault: Option<FaultKind>,
    ) {
        let mut log = lock(&self.log);
        log.last += 1;
        let entry = LoggedRequest {
            n: log.last,
            system: system.to_owned(),
            method: request.method.clone(),
            path: path.to_owned(),
            status: reply.map_or(0, |reply| reply.status),
            changed: done.wrote.iter().any(|wrote| wrote.changed),
            fault,
            sent: body_kept(&log, path, &request.body),
            answered: body_kept(&log, path, reply.map_or(&[], |reply| &reply.body)),
        };
        log.body_bytes += entry.bytes();
        while log.requests.len() >= LOG_LENGTH
            || (log.body_bytes > BODIES_KEPT && !log.requests.is_empty())
        {
            let oldest = log.requests.pop_front().map_or(0, |oldest| oldest.bytes());
            log.body_bytes -= oldest;
        }
        log.requests.push_back(entry);
        for wrote in &done.wrote {
            let count = log
                .writes
                .entry(system.to_owned())
                .or_default()
                .entry(wrote.collection.to_owned())
                .or_default();
            match wrote.act {
                Act::Create => count.create += 1,
                Act::Update => count.update += 1,
                Act::Delete => count.delete += 1,
            }
        }
    }
}

/// A body as the log keeps it, if it does. What has to do with tokens is left out.
fn body_kept(log: &Log, path: &str, body: &[u8]) -> Option<String> {
    if !log.with_bodies || path.to_lowercase().contains("token") {
        return None;
    }
    let text = String::from_utf8_lossy(body);
    Some(match text.char_indices().nth(BODY_KEPT) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.into_owned(),
    })
}
