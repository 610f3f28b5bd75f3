//! What a system's own thread does with the writes that it was given: it looks first where that is
//! asked for, sends, and reads again what a refusal was about. It knows no store; what came of each
//! write goes back to where the writes are promised (`promise`).

use std::collections::HashMap;

use lockstep_connector::{Action, Answers, Connector, Outcome, Trouble, Write};
use lockstep_engine::outcome::shows;
use lockstep_model::flow::PropertyRef;
use lockstep_model::value::equal;
use lockstep_model::{Intent, IntentId, ReadRecord, Value};

use crate::sending::look::look;
use crate::sending::look_up::LookUp;
use crate::sending::restore::{Restored, restore};

/// An intent on its way: with the values that were really sent.
pub(crate) struct PendingWrite {
    pub(crate) intent: Intent,
    pub(crate) sent: Vec<(usize, Value)>,
    /// Why the deleted record that it takes the place of was not restored, where that was tried
    /// (D2).
    pub(crate) not_restored: Option<String>,
}

impl PendingWrite {
    /// One that was not sent.
    fn unsent(intent: Intent) -> PendingWrite {
        PendingWrite { intent, sent: vec![], not_restored: None }
    }
}

/// Intents with their writes, in the same order.
pub(crate) struct Job {
    pub(crate) kind: String,
    pub(crate) watch: Vec<PropertyRef>,
    pub(crate) intents: Vec<Intent>,
    pub(crate) writes: Vec<Write>,
    /// For deletions, and for updates of what nothing has shown yet: what each record is known to
    /// hold. Empty where none is looked at.
    pub(crate) known: Vec<Vec<(usize, Value)>>,
    /// Records can be read one by one.
    pub(crate) can_get: bool,
    /// What is read may be from before a write.
    pub(crate) lags: bool,
    /// For creations: by what each is looked up before (L8). Empty where none is.
    pub(crate) look_ups: Vec<Option<LookUp>>,
    /// For creations: the id of the deleted record that is brought back instead, where there is one
    /// (D2). Empty where there is none for any.
    pub(crate) restores: Vec<Option<String>>,
}

impl Job {
    /// Splits the job into parts of this many writes, which may be sent concurrently.
    pub(crate) fn split(self, size: usize) -> Vec<Job> {
        let Job { kind, watch, intents, writes, known, can_get, lags, look_ups, restores } = self;
        let (mut known, mut look_ups) = (known.into_iter(), look_ups.into_iter());
        let mut restores = restores.into_iter();
        let mut both = intents.into_iter().zip(writes).peekable();
        let mut parts = Vec::new();
        while both.peek().is_some() {
            let (intents, writes): (Vec<Intent>, Vec<Write>) = both.by_ref().take(size).unzip();
            let (known, look_ups) =
                (known.by_ref().take(size).collect(), look_ups.by_ref().take(size).collect());
            parts.push(Job {
                kind: kind.clone(),
                watch: watch.clone(),
                intents,
                writes,
                known,
                can_get,
                lags,
                look_ups,
                restores: restores.by_ref().take(size).collect(),
            });
        }
        parts
    }
}

/// What became of an intent; with a record that was read: after it was written (R6), after a
/// conflict, or as a duplicate named it.
pub(crate) type Carried = (PendingWrite, Outcome, Option<Box<ReadRecord>>);

/// Carries out a job in a thread of its system. Once the system is in trouble, the rest of the job
/// is not tried: nothing of it where it was in trouble before. Gives the trouble, too.
pub(crate) fn carry_out(
    connector: &dyn Connector,
    mut job: Job,
    mut stopped: Option<Trouble>,
) -> (Vec<Carried>, Option<Trouble>) {
    let (mut aside, mut not_restored) = (Vec::new(), HashMap::new());
    if stopped.is_none() {
        aside.extend(set_aside_edited(connector, &mut job, &mut stopped));
        aside.extend(set_aside_found(connector, &mut job, &mut not_restored, &mut stopped));
    }
    let size = connector.batch(&job.kind).max(1);
    let mut outcomes = Vec::with_capacity(job.writes.len());
    for writes in job.writes.chunks(size) {
        if let Some(trouble) = &stopped {
            outcomes.extend(writes.iter().map(|_| (Outcome::Stopped(trouble.clone()), None)));
            continue;
        }
        let mut came = connector.write(&job.kind, &job.watch, writes).into_iter();
        for write in writes {
            let mut outcome = came.next().unwrap_or_else(|| Outcome::Unknown {
                message: "the connector gave no outcome".into(),
            });
            let again = read_again(connector, &job, write, &mut outcome);
            if let Outcome::Stopped(trouble) = &outcome {
                stopped = Some(trouble.clone());
            }
            outcomes.push((outcome, again.map(Box::new)));
        }
    }
    let sent =
        |write: Write| write.values.into_iter().map(|value| (value.prop, value.value)).collect();
    let pending = job.intents.into_iter().zip(job.writes).map(|(intent, write)| PendingWrite {
        not_restored: not_restored.remove(&intent.id),
        intent,
        sent: sent(write),
    });
    let carried = pending
        .zip(outcomes)
        .map(|(pending, (outcome, again))| (pending, outcome, again))
        .chain(aside)
        .collect();
    (carried, stopped)
}

/// Reads a record again where the outcome of a write calls for it: after a conflict, where a
/// duplicate is named, and where the answer does not tell what became of the write (R6). What can't
/// be read may make another outcome of it.
fn read_again(
    connector: &dyn Connector,
    job: &Job,
    write: &Write,
    outcome: &mut Outcome,
) -> Option<ReadRecord> {
    forget_another(outcome, write);
    match (&*outcome, &write.action) {
        // P6: where it can't be read again now, the next reading shows what was changed; until then
        // it conflicts once more.
        (Outcome::Conflict { .. }, Action::Update { id, .. } | Action::Delete { id, .. }) => {
            look(connector, &job.kind, &job.watch, id).ok().flatten()
        }
        (Outcome::Duplicate { id: Some(id), message }, _) => {
            match look(connector, &job.kind, &job.watch, id) {
                Ok(found) => found,
                // C2: nothing was made, and what is there can't be seen just now: it is tried again.
                Err(trouble) => {
                    *outcome = Outcome::Later {
                        retry_after_ms: None,
                        message: format!("{message}; {trouble}"),
                    };
                    None
                }
            }
        }
        // R3: an address that was wrong is answered like that as well. What is there has not been
        // deleted.
        (Outcome::Gone { message }, Action::Update { id, .. }) => {
            match connector.get(&job.kind, &job.watch, id) {
                Ok(Some(record)) if !record.deleted && record.id == *id => {
                    *outcome = Outcome::Rejected {
                        prop: None,
                        message: format!("{message}; but {id} is there"),
                    };
                }
                Ok(_) => {}
                Err(trouble) => {
                    let message =
                        format!("{message}; whether {id} is there can't be told: {trouble}");
                    *outcome = Outcome::Later { retry_after_ms: None, message };
                }
            }
            None
        }
        (Outcome::Done(answer), Action::Create | Action::Update { .. }) if job.can_get => {
            let worth = connector.answers(&job.kind, write.action == Action::Create);
            if !is_to_be_read(worth, write, answer) {
                return None;
            }
            let id = answer.id.clone();
            match look(connector, &job.kind, &job.watch, &id) {
                // C2, R6: what is made is there. It may have been thrown away since, or the id is
                // that of something else: what became of it is found out as if no answer had come.
                Ok(None) if write.action == Action::Create && !job.lags => {
                    *outcome = Outcome::Accepted {
                        message: format!("it was answered with {id}, which is not there"),
                    };
                    None
                }
                // Where it can't be read now, the next reading shows what became of the write.
                read => read.ok().flatten(),
            }
        }
        _ => None,
    }
}

/// R6, R9: an answer to an update that shows another record tells nothing of this one.
fn forget_another(outcome: &mut Outcome, write: &Write) {
    if let (Outcome::Done(answer), Action::Update { id, .. }) = (outcome, &write.action)
        && answer.id != *id
    {
        let values = vec![None; answer.values.len()];
        let id = id.clone();
        *answer = ReadRecord { id, version: None, modified: None, deleted: false, values };
    }
}

/// R6: whether a record is to be read, as the answer to a write does not tell what became of it.
pub(crate) fn is_to_be_read(worth: Answers, write: &Write, answer: &ReadRecord) -> bool {
    match worth {
        Answers::Stored => false,
        Answers::Unsure => !write.values.is_empty(),
        Answers::Believed => write.values.iter().any(|sent| {
            !answer.values[sent.prop].as_ref().is_some_and(|shown| shows(shown, &sent.value))
        }),
    }
}

/// L8: takes creations out of a job whose record is there already, though no listing has shown it.
fn set_aside_found(
    connector: &dyn Connector,
    job: &mut Job,
    not_restored: &mut HashMap<IntentId, String>,
    stopped: &mut Option<Trouble>,
) -> Vec<Carried> {
    if job.look_ups.is_empty() && job.restores.is_empty() {
        return vec![];
    }
    let (intents, writes) = (std::mem::take(&mut job.intents), std::mem::take(&mut job.writes));
    let mut aside = Vec::new();
    for (at, (intent, write)) in intents.into_iter().zip(writes).enumerate() {
        let pending = PendingWrite::unsent;
        if let (None, Some(id)) = (&*stopped, job.restores.get(at).and_then(Option::as_ref)) {
            match restore(connector, (&job.kind, &job.watch), id, &intent, &write.token) {
                Restored::Instead(outcome, record) => {
                    if let Outcome::Stopped(trouble) = &outcome {
                        *stopped = Some(trouble.clone());
                    }
                    aside.push((pending(intent), outcome, record));
                    continue;
                }
                Restored::Not(why) => {
                    not_restored.insert(intent.id, format!("{id} was not restored: {why}"));
                }
            }
        }
        let look_up = job.look_ups.get(at).and_then(Option::as_ref);
        let found = match (&*stopped, look_up) {
            (None, Some(look_up)) => {
                look_up.find(connector, (&job.kind, &job.watch), &write, intent.attempts)
            }
            (Some(trouble), _) => Err(trouble.clone()),
            (None, None) => Ok(None),
        };
        match found {
            Ok(None) => {
                job.intents.push(intent);
                job.writes.push(write);
            }
            Ok(Some(record)) => {
                let message = "it was looked up before creating, and is there already".into();
                let outcome = Outcome::Duplicate { id: Some(record.id.clone()), message };
                aside.push((pending(intent), outcome, Some(Box::new(record))));
            }
            // G4: a question about this one; the others are asked for, too.
            Err(Trouble::Busy { retry_after_ms, message }) if stopped.is_none() => {
                aside.push((pending(intent), Outcome::Later { retry_after_ms, message }, None));
            }
            Err(trouble) => {
                aside.push((pending(intent), Outcome::Stopped(trouble.clone()), None));
                *stopped = Some(trouble);
            }
        }
    }
    aside
}

/// P6, D1: takes records out of a job that were edited since it was decided what is to become of
/// them: those that are to be deleted, and those that nothing has shown since Lockstep's own last
/// write.
fn set_aside_edited(
    connector: &dyn Connector,
    job: &mut Job,
    stopped: &mut Option<Trouble>,
) -> Vec<Carried> {
    if job.known.is_empty() {
        return vec![];
    }
    let (intents, writes) = (std::mem::take(&mut job.intents), std::mem::take(&mut job.writes));
    let mut aside = Vec::new();
    for ((intent, mut write), known) in intents.into_iter().zip(writes).zip(&job.known) {
        let looked_at = match &*stopped {
            Some(trouble) => Err(Outcome::Stopped(trouble.clone())),
            None if intent.looks_first() => {
                edited_unseen(connector, &job.kind, &job.watch, &mut write, known)
            }
            None => Ok(crate::ledger::deletes::edited_since(
                connector, &job.kind, &job.watch, &write, known,
            )),
        };
        let (outcome, again) = match looked_at {
            Ok(None) => {
                job.intents.push(intent);
                job.writes.push(write);
                continue;
            }
            Ok(Some(again)) => (
                Outcome::Conflict { message: "it was edited meanwhile".into() },
                Some(Box::new(again)),
            ),
            Err(outcome) => {
                if let Outcome::Stopped(trouble) = &outcome {
                    stopped.get_or_insert_with(|| trouble.clone());
                }
                (outcome, None)
            }
        };
        aside.push((PendingWrite::unsent(intent), outcome, again));
    }
    aside
}

/// P6: looks at a record that nothing has shown since Lockstep's own last write. Gives it where it
/// shows something else than is known, be it somebody's edit or what its system has made of the
/// values; else the write carries the version that it has now.
fn edited_unseen(
    connector: &dyn Connector,
    kind: &str,
    watch: &[PropertyRef],
    write: &mut Write,
    known: &[(usize, Value)],
) -> Result<Option<ReadRecord>, Outcome> {
    let Action::Update { id, version } = &mut write.action else { return Ok(None) };
    match connector.get(kind, watch, id) {
        Ok(Some(record)) if record.id != *id => {
            let message = format!(
                "{kind}/{id} has not been seen since it was written, and {} is shown in its place",
                record.id
            );
            Err(Outcome::Later { retry_after_ms: None, message })
        }
        Ok(Some(record)) => {
            let differs = |(prop, was): &(usize, Value)| {
                record.values[*prop].as_ref().is_some_and(|is| !equal(is, was))
            };
            if known.iter().any(differs) {
                return Ok(Some(record));
            }
            *version = record.version;
            Ok(None)
        }
        // Writing to it says so.
        Ok(None) => Ok(None),
        // G4: this one waits; the others are looked at, too.
        Err(Trouble::Busy { retry_after_ms, message }) => {
            Err(Outcome::Later { retry_after_ms, message })
        }
        Err(Trouble::Malformed(message)) => Err(Outcome::Later { retry_after_ms: None, message }),
        Err(trouble) => Err(Outcome::Stopped(trouble)),
    }
}
