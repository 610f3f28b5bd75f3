//! The open intents, in memory: which are due, which an entity has, which are on their way.
//!
//! A first run decides a million of them, hands them over and closes them again. Kept in memory
//! they cost no index on disk: which numbers are open is a few rows of `open_intents`, from which
//! this is built when the store is opened; and handing over a batch is one row of `sending` instead
//! of a change to each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lockstep_model::change::IntentEvent;
use lockstep_model::{EntityId, Intent, IntentKind, IntentState, NumberMap, Timestamp};
use rusqlite::Connection;

use super::encode::text;
use super::fault::{Fallible, Fault};
use super::ranges::Ranges;
use super::statements as sql;
use crate::IntentUpdate;

/// A state by its word.
pub(super) fn parse(name: &str) -> Fallible<IntentState> {
    IntentState::parse(name)
        .ok_or_else(|| Fault::Damaged(format!("“{name}” is no state of an intent")))
}

/// Whether nothing was ever tried with a new intent.
pub(super) fn is_untried(intent: &Intent) -> bool {
    intent.attempts == 0 && intent.not_before.is_none() && intent.message.is_none()
}

/// What is known of an intent by its row, which does not change while the intent is delivered.
#[derive(Clone, Copy)]
pub(super) struct Decided {
    pub entity: i64,
    /// The record type's number on disk.
    pub ty: u32,
    pub rank: u16,
    pub creates: bool,
}

#[derive(Clone, Copy)]
struct One {
    decided: Decided,
    state: IntentState,
    /// Nothing was ever tried with it: handing it over changes nothing of it but that.
    untried: bool,
}

/// Where a queued intent stands: its record type, its rank, whether it creates, its number.
type Place = (u32, u16, bool, i64);

impl Decided {
    fn place(&self, id: i64) -> Place {
        (self.ty, self.rank, self.creates, id)
    }
}

/// All open intents.
#[derive(Default)]
pub(super) struct Open {
    all: BTreeMap<i64, One>,
    /// Their numbers, as they are on disk.
    pub(super) numbers: Ranges,
    /// The first open intent of an entity; nearly always the only one.
    of_entity: NumberMap<i64, i64>,
    more_of_entity: BTreeSet<(i64, i64)>,
    /// In the order in which they are sent.
    queued: BTreeSet<Place>,
    /// Queued ones that are not to be sent before this time.
    not_before: HashMap<i64, i64>,
    pub(super) sending: Ranges,
    /// What is still to be said of an intent in the two ranges: whether it is open, and whether it
    /// is on its way.
    moves: Vec<(i64, bool, bool)>,
}

impl Open {
    /// What is on disk.
    pub(super) fn load(conn: &Connection) -> Fallible<Open> {
        let mut open = Open::default();
        let mut statement = sql::SENDING.prepare(conn)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            open.sending.load(row.get(0)?, row.get(1)?);
        }
        let mut numbers = Ranges::default();
        let mut statement = sql::OPEN.prepare(conn)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            numbers.load(row.get(0)?, row.get(1)?);
        }
        let mut statement = sql::OPEN_BETWEEN.prepare(conn)?;
        for (first, last) in numbers.ranges() {
            let mut rows = statement.query([first, last])?;
            while let Some(row) = rows.next()? {
                let id: i64 = row.get(0)?;
                let not_before: Option<i64> = row.get(6)?;
                let state = match text(row, 5)? {
                    Some(name) => parse(name)?,
                    None => IntentState::Queued,
                };
                let state = if state == IntentState::Queued && open.sending.contains(id) {
                    IntentState::Sent
                } else {
                    state
                };
                let untried =
                    !row.get::<_, Option<bool>>(7)?.unwrap_or(false) && not_before.is_none();
                let creates = text(row, 4)? == Some(IntentKind::Create.name());
                let decided =
                    Decided { entity: row.get(3)?, ty: row.get(1)?, rank: row.get(2)?, creates };
                open.enter_one(id, One { decided, state, untried }, not_before);
            }
        }
        open.numbers = numbers;
        Ok(open)
    }

    fn enter_one(&mut self, id: i64, one: One, not_before: Option<i64>) {
        self.enter(one.decided.entity, id);
        if one.state == IntentState::Queued {
            self.queued.insert(one.decided.place(id));
            self.not_before.extend(not_before.map(|at| (id, at)));
        }
        self.all.insert(id, one);
    }

    fn take(&mut self, id: i64) -> Option<One> {
        let one = self.all.remove(&id)?;
        self.leave(one.decided.entity, id);
        if one.state == IntentState::Queued {
            self.queued.remove(&one.decided.place(id));
            if !self.not_before.is_empty() {
                self.not_before.remove(&id);
            }
        }
        Some(one)
    }

    /// New intents, in the order of their numbers; with each its record type's number on disk.
    pub(super) fn new_intents(&mut self, new: &[(&Intent, i64)]) {
        self.numbers.insert_all(
            new.iter().filter(|(intent, _)| intent.state.is_open()).map(|(intent, _)| intent.id.0),
        );
        for &(intent, ty) in new.iter().filter(|(intent, _)| intent.state.is_open()) {
            let untried = is_untried(intent);
            let ty = u32::try_from(ty).unwrap_or(u32::MAX);
            let creates = intent.kind == IntentKind::Create;
            let decided = Decided { entity: intent.entity.0, ty, rank: intent.rank, creates };
            self.enter_one(
                intent.id.0,
                One { decided, state: intent.state, untried },
                intent.not_before.map(|at| at.0),
            );
        }
    }

    pub(super) fn moved(&mut self, id: i64, entity: i64) {
        if let Some(one) = self.all.get_mut(&id) {
            let before = std::mem::replace(&mut one.decided.entity, entity);
            self.leave(before, id);
            self.enter(entity, id);
        }
    }

    fn enter(&mut self, entity: i64, id: i64) {
        if *self.of_entity.entry(entity).or_insert(id) != id {
            self.more_of_entity.insert((entity, id));
        }
    }

    fn leave(&mut self, entity: i64, id: i64) {
        if self.of_entity.get(&entity) != Some(&id) {
            self.more_of_entity.remove(&(entity, id));
            return;
        }
        let next =
            self.more_of_entity.range((entity, i64::MIN)..=(entity, i64::MAX)).next().copied();
        match next {
            Some((_, next)) => {
                self.more_of_entity.remove(&(entity, next));
                self.of_entity.insert(entity, next);
            }
            None => drop(self.of_entity.remove(&entity)),
        }
    }

    /// Whether an update only says that the intent is on its way: that is kept as a range, and its
    /// row stays as it is.
    pub(super) fn hand_over(&mut self, update: &IntentUpdate) -> bool {
        let only_sent = update.event == IntentEvent::Send
            && update.attempts == 0
            && update.not_before.is_none()
            && update.message.is_none()
            && update.done_at.is_none();
        let id = update.id.0;
        let Some(one) = self.all.get_mut(&id).filter(|one| only_sent && one.untried) else {
            return false;
        };
        // A step that is not legal is refused where its outcome would be written.
        let Ok(sent) = one.state.next(update.event) else { return false };
        one.state = sent;
        let place = one.decided.place(id);
        self.queued.remove(&place);
        self.moves.push((id, true, true));
        true
    }

    /// What an open intent's row says of it.
    pub(super) fn decided(&self, id: i64) -> Option<Decided> {
        self.all.get(&id).map(|one| one.decided)
    }

    /// What became of an intent whose outcome has been written.
    pub(super) fn changed(&mut self, update: &IntentUpdate, state: IntentState, decided: Decided) {
        let id = update.id.0;
        self.take(id);
        if state.is_open() {
            self.enter_one(
                id,
                One { decided, state, untried: false },
                update.not_before.map(|at| at.0),
            );
        }
        self.moves.push((id, state.is_open(), false));
    }

    /// Brings the ranges up to date with the changes of a commit, which came in the order of their
    /// numbers.
    pub(super) fn settle(&mut self) {
        let mut moves = std::mem::take(&mut self.moves);
        // Of two changes of an intent the later one stays.
        moves.reverse();
        moves.dedup_by_key(|(id, _, _)| *id);
        moves.reverse();
        let those = |which: fn(&(i64, bool, bool)) -> bool| {
            moves.iter().filter(move |one| which(one)).map(|(id, _, _)| *id)
        };
        self.numbers.insert_all(those(|(_, open, _)| *open));
        self.numbers.remove_all(those(|(_, open, _)| !open));
        self.sending.insert_all(those(|(_, _, sending)| *sending));
        self.sending.remove_all(those(|(_, _, sending)| !sending));
    }

    /// Its state, if it is open.
    pub(super) fn state(&self, id: i64) -> Option<IntentState> {
        self.all.get(&id).map(|one| one.state)
    }

    /// What is due of these record types: up to `limit` numbers, those of the lowest ranks first,
    /// and of a rank those that create last.
    pub(super) fn due(
        &self,
        now: Timestamp,
        types: impl Iterator<Item = i64>,
        limit: usize,
    ) -> Vec<i64> {
        let mut due: Vec<(u16, bool, i64)> = Vec::new();
        for ty in types.filter_map(|ty| u32::try_from(ty).ok()) {
            let waits = |id: &i64| self.not_before.get(id).is_some_and(|at| *at > now.0);
            let places = self.queued_of(ty).map(|&(_, rank, creates, id)| (rank, creates, id));
            due.extend(places.filter(|(_, _, id)| !waits(id)).take(limit));
        }
        due.sort_unstable();
        due.truncate(limit);
        due.into_iter().map(|(_, _, id)| id).collect()
    }

    /// The queued ones of a record type whose numbers are above this one.
    pub(super) fn queued(&self, ty: i64, after: i64) -> impl Iterator<Item = i64> {
        let ty = u32::try_from(ty).unwrap_or(u32::MAX);
        self.queued_of(ty).map(|(_, _, _, id)| *id).filter(move |id| *id > after)
    }

    fn queued_of(&self, ty: u32) -> impl Iterator<Item = &Place> {
        self.queued.range((ty, 0, false, i64::MIN)..=(ty, u16::MAX, true, i64::MAX))
    }

    /// The open intents of entities.
    pub(super) fn of_entities<'a>(
        &'a self,
        entities: &'a [EntityId],
    ) -> impl Iterator<Item = i64> + 'a {
        entities.iter().filter_map(|entity| self.of_entity.get_key_value(&entity.0)).flat_map(
            |(&entity, &first)| {
                let more = self
                    .more_of_entity
                    .range((entity, i64::MIN)..=(entity, i64::MAX))
                    .map(|(_, id)| *id);
                std::iter::once(first).chain(more)
            },
        )
    }

    /// Those in a state, rising.
    pub(super) fn in_state(&self, state: IntentState) -> impl Iterator<Item = i64> {
        self.all.iter().filter(move |(_, one)| one.state == state).map(|(id, _)| *id)
    }

    /// Those with which something was tried, and that are not refused; rising.
    pub(super) fn tried(&self) -> impl Iterator<Item = i64> {
        let is_tried = |one: &One| match one.state {
            IntentState::Queued => !one.untried,
            state => state != IntentState::Refused,
        };
        self.all.iter().filter(move |(_, one)| is_tried(one)).map(|(id, _)| *id)
    }

    pub(super) fn counts(&self) -> Vec<(IntentState, u64)> {
        let mut counts: Vec<(IntentState, u64)> = Vec::new();
        for one in self.all.values() {
            match counts.iter_mut().find(|(state, _)| *state == one.state) {
                Some((_, n)) => *n += 1,
                None => counts.push((one.state, 1)),
            }
        }
        counts
    }
}
