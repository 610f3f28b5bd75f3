//! What a commit says of intents: new ones, and what became of known ones.

use lockstep_model::change::{Intent, IntentEvent, IntentKind, IntentState};
use lockstep_model::{IntentId, Source};
use rusqlite::{Connection, Statement};

use super::changes::{base_version_out, changes_out};
use super::database::Database;
use super::encode::text;
use super::fault::{Fallible, Fault};
use super::open::{Decided, is_untried, parse};
use super::owners::source_out;
use super::statements as sql;
use crate::{Commit, IntentUpdate};

impl Database {
    /// Writes what a commit says of intents: first the new ones, then what became of known ones.
    pub(super) fn write_intents(&mut self, commit: &Commit) -> Fallible<()> {
        self.write_new_intents(&commit.intents_new)?;
        let mut moving = sql::MOVE_INTENT.prepare(&self.conn)?;
        for (id, entity) in &commit.intents_moved {
            moving.execute([id.0, entity.0])?;
            self.mirrors.open.moved(id.0, entity.0);
        }
        drop(moving);
        self.write_outcomes(&commit.intents_changed)?;
        let open = &mut self.mirrors.open;
        open.settle();
        let both = [
            (&mut open.numbers, sql::SET_OPEN, sql::END_OPEN),
            (&mut open.sending, sql::SET_SENDING, sql::END_SENDING),
        ];
        for (ranges, set, end) in both {
            for (first, last) in ranges.changes() {
                match last {
                    Some(last) => set.prepare(&self.conn)?.execute([first, last])?,
                    None => end.prepare(&self.conn)?.execute([first])?,
                };
            }
        }
        Ok(())
    }

    fn write_new_intents(&mut self, intents: &[Intent]) -> Fallible<()> {
        let mut insert = sql::NEW_INTENT.prepare(&self.conn)?;
        let mut new = Vec::with_capacity(intents.len());
        for intent in intents {
            let source_type = match intent.source {
                Source::Lack => self.bound.ty(intent.ty)?.source_by(intent.flow),
                Source::Record(id) | Source::TakesBack(id) => self.bound.type_of(&self.conn, id)?,
            };
            let changes = changes_out(&self.conn, &mut self.bound, intent, source_type)?;
            let source_row =
                source_type.map(|ty| self.bound.ty(ty).map(|ty| ty.row)).transpose()?;
            insert.raw_bind_parameter(1, intent.id.0)?;
            insert.raw_bind_parameter(2, intent.run.0)?;
            insert.raw_bind_parameter(3, intent.kind.name())?;
            insert.raw_bind_parameter(4, intent.rank)?;
            let row_of_type = self.bound.ty(intent.ty)?.row;
            insert.raw_bind_parameter(5, row_of_type)?;
            insert.raw_bind_parameter(6, intent.record.map(|id| id.0))?;
            insert.raw_bind_parameter(7, intent.entity.0)?;
            insert.raw_bind_parameter(8, source_out(intent.source))?;
            insert.raw_bind_parameter(9, source_row)?;
            insert.raw_bind_parameter(10, base_version_out(&intent.base_version))?;
            insert.raw_bind_parameter(11, intent.decided_at.0)?;
            insert.raw_bind_parameter(12, changes)?;
            insert.raw_execute()?;
            new.push((intent, row_of_type));
        }
        self.mirrors.open.new_intents(&new);
        let mut set = sql::SET_OUTCOME.prepare(&self.conn)?;
        // Nothing has become of one that is queued and was never tried: that needs no row.
        let has_outcome =
            |intent: &&Intent| intent.state != IntentState::Queued || !is_untried(intent);
        for intent in intents.iter().filter(has_outcome) {
            let creates = intent.kind == IntentKind::Create;
            set_outcome(&mut set, intent.state, &outcome_of(intent), creates)?;
        }
        Ok(())
    }

    /// Takes known intents on by what happened to them; a step that is not legal fails.
    fn write_outcomes(&mut self, updates: &[IntentUpdate]) -> Fallible<()> {
        let mut set = sql::SET_OUTCOME.prepare(&self.conn)?;
        let mut in_order: Vec<&IntentUpdate> = updates.iter().collect();
        // Stable: of two updates of an intent the later one stays.
        in_order.sort_by_key(|update| update.id);
        let open = &mut self.mirrors.open;
        for update in in_order {
            if open.hand_over(update) {
                continue;
            }
            let known = open.decided(update.id.0).zip(open.state(update.id.0));
            let (decided, was) = match known {
                Some(known) => known,
                None => closed(&self.conn, update.id)?,
            };
            let state = was
                .next(update.event)
                .map_err(|step| Fault::Damaged(format!("intent {}: {step}", update.id)))?;
            set_outcome(&mut set, state, update, decided.creates)?;
            open.changed(update, state, decided);
        }
        Ok(())
    }
}

/// What a new intent says of its outcome, as if it had been told later.
fn outcome_of(intent: &Intent) -> IntentUpdate {
    IntentUpdate {
        id: intent.id,
        // Its state is told beside it.
        event: IntentEvent::Delay,
        record: intent.record,
        attempts: intent.attempts,
        not_before: intent.not_before,
        message: intent.message.clone(),
        done_at: intent.done_at,
    }
}

fn set_outcome(
    set: &mut Statement<'_>,
    state: IntentState,
    update: &IntentUpdate,
    creates: bool,
) -> Fallible<()> {
    set.raw_bind_parameter(1, update.id.0)?;
    set.raw_bind_parameter(2, state.name())?;
    set.raw_bind_parameter(3, update.attempts)?;
    set.raw_bind_parameter(4, update.not_before.map(|at| at.0))?;
    set.raw_bind_parameter(5, update.message.as_deref())?;
    set.raw_bind_parameter(6, update.done_at.map(|at| at.0))?;
    // Any other write's record stands in its row.
    set.raw_bind_parameter(7, update.record.filter(|_| creates).map(|id| id.0))?;
    set.raw_execute()?;
    Ok(())
}

/// What the row of an intent says that is not open, and its state.
fn closed(conn: &Connection, id: IntentId) -> Fallible<(Decided, IntentState)> {
    let mut statement = sql::CLOSED.prepare(conn)?;
    let mut rows = statement.query([id.0])?;
    let Some(row) = rows.next()? else {
        return Err(Fault::Damaged(format!("intent {id} is to be changed and is not there")));
    };
    let creates = text(row, 3)? == Some(IntentKind::Create.name());
    let state = parse(text(row, 4)?.unwrap_or(IntentState::Dropped.name()))?;
    Ok((Decided { entity: row.get(0)?, ty: row.get(1)?, rank: row.get(2)?, creates }, state))
}
