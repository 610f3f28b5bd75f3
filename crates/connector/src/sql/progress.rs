//! How far a table has been read: what a checkpoint says, and which rows the next reading asks for
//! (R1).

use jiff::Timestamp;
use lockstep_model::PlainType;
use serde::{Deserialize, Serialize};

use super::cell::{self, Cell};
use super::column::{Column, Stored};
use super::connected::SqlConnector;
use super::database::{Database, Fault};
use super::dialect::Dialect;
use super::table::Kind;
use super::transactions::{self, Transactions};
use crate::numbers::Used;

/// How far local times of one moment lie apart at most.
const FURTHEST_ZONE_SECONDS: i64 = 15 * 3600;
const DAY_SECONDS: i64 = 24 * 3600;
/// `2026-01-31`
const DAY_CHARS: usize = 10;

/// What the checkpoint says.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(super) struct Mark {
    /// The server's clock when this reading began.
    began: String,
    /// The rows changed since then are asked for; all, if not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// A reading under way: its last id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<String>,
    /// What a row said, by [`Kind::layout`].
    #[serde(default)]
    pub(super) layout: Option<u64>,
    /// The latest time of change that was ever shown, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latest: Option<i64>,
    /// A day without a time was shown as a time of change.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    days: bool,
    /// Where transactions stood when this reading began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transactions: Option<Transactions>,
    /// The rows that transactions from this one on have made are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since_transaction: Option<u64>,
}

impl Mark {
    /// How a reading begins, or goes on, after what the last page's mark says.
    pub(super) fn beginning(
        connector: &SqlConnector,
        kind: &Kind,
        before: Option<&Mark>,
        database: &mut dyn Database,
    ) -> Result<Mark, Fault> {
        if let Some(under_way) = before.filter(|mark| mark.after.is_some()) {
            return Ok(under_way.clone());
        }
        // Before the clock is read: what comes between the two is read again.
        let transactions =
            kind.by_transactions.then(|| Transactions::standing(database)).transpose()?;
        let now = database.query(connector.dialect.now(), &[])?;
        let now = now.first().and_then(|row| row[0].text()).unwrap_or_default();
        let now = now.parse::<Timestamp>().unwrap_or(Timestamp::UNIX_EPOCH);
        if kind.id().draws_again
            && kind.id_rest.is_empty()
            && let Some(largest) = largest_id(connector.dialect, kind, database)?
        {
            connector.numbers.note(&kind.table.name, Used { largest, as_number: true });
        }
        let has_zone = connector.settings.zone.is_some();
        let before = before.cloned().unwrap_or_default();
        Ok(Mark {
            began: now.to_string(),
            since: before.next_since(kind, has_zone),
            since_transaction: transactions
                .as_ref()
                .and_then(|now| now.since(before.transactions.as_ref()?)),
            transactions,
            after: None,
            ..before
        })
    }

    /// What a row is asked by, and the values that stand in that.
    pub(super) fn conditions(
        &self,
        connector: &SqlConnector,
        kind: &Kind,
    ) -> (Vec<String>, Vec<Cell>) {
        let (mut conditions, mut params) = (Vec::new(), Vec::new());
        if let (Some(at), Some(since)) = (kind.modified, &self.since) {
            let dialect = connector.dialect;
            let column = &kind.table.columns[at];
            let since: Timestamp = since.parse().unwrap_or(Timestamp::UNIX_EPOCH);
            let overlap = jiff::SignedDuration::from_secs(connector.settings.overlap_seconds);
            let since = since.checked_sub(overlap).unwrap_or(since);
            // SQLite computes with whatever it gets; the others compare with a value of the
            // column's own type.
            let plain = Column { stored: Stored::Plain, ..column.clone() };
            let file = dialect == Dialect::Sqlite
                && column.stored != Stored::SpacedTime
                && column.stored != Stored::ZonelessTime;
            params.push(cell::moment(if file { &plain } else { column }, since));
            // A row that nobody has stamped yet may be new.
            let unstamped = dialect.is_no_time(column);
            conditions
                .push(format!("({} OR {unstamped})", dialect.not_before(params.len(), column)));
        }
        conditions.extend(self.since_transaction.map(transactions::made_since));
        (conditions, params)
    }

    pub(super) fn asks_for_all(&self) -> bool {
        self.since.is_none() && self.since_transaction.is_none()
    }

    /// The next reading begins where this one began.
    pub(super) fn ends(&mut self) {
        self.since = None;
        self.since_transaction = None;
    }

    /// R1: from when on the next reading asks; `None` for all rows.
    fn next_since(&self, kind: &Kind, has_zone: bool) -> Option<String> {
        let column = &kind.table.columns[kind.modified?];
        let (began, latest) = (self.began.parse::<Timestamp>().ok()?, self.latest?);
        let is_local = matches!(column.stored, Stored::SpacedTime | Stored::ZonelessTime)
            || column.ty == PlainType::Date;
        let apart = if is_local && !has_zone { FURTHEST_ZONE_SECONDS } else { 0 }
            + if self.days { DAY_SECONDS } else { 0 };
        let latest = Timestamp::from_millisecond(latest).ok()?;
        let earliest = began.min(latest);
        let since =
            earliest.checked_sub(jiff::SignedDuration::from_secs(apart)).unwrap_or(earliest);
        Some(since.to_string())
    }

    /// Takes note of the times that these rows show.
    pub(super) fn meet(&mut self, of_change: Option<(&Column, usize)>, rows: &[Vec<Cell>]) {
        let Some((column, place)) = of_change else { return };
        for held in rows.iter().map(|row| &row[place]) {
            self.latest =
                self.latest.max(cell::instant(column, held).map(|at| at.as_millisecond()));
            self.days |= matches!(held, Cell::Text(text) if text.trim().len() == DAY_CHARS);
        }
    }
}

/// The largest number that is an id in a table now.
pub(super) fn largest_id(
    dialect: Dialect,
    kind: &Kind,
    database: &mut dyn Database,
) -> Result<Option<i64>, Fault> {
    let (id, table) = (dialect.quoted(&kind.id().name), dialect.quoted(&kind.table.name));
    let rows = database.query(&format!("SELECT max({id}) FROM {table}"), &[])?;
    Ok(rows.first().and_then(|row| match row[0] {
        Cell::Int(largest) => Some(largest),
        _ => None,
    }))
}
