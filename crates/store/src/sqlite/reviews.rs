//! What waits for a person. Only open reviews are kept here; how they ended stands in the journal.

use lockstep_model::{PropIx, RecordId, Review, ReviewKind, Rule, Timestamp, TypeIx, Value, Why};
use rusqlite::Row;

use super::bound::Bound;
use super::database::Database;
use super::encode::text;
use super::fault::{Fallible, Fault};
use super::journal::{value_in, value_out};
use super::owners::{about_in, about_out};
use super::spans::Spans;
use super::statements as sql;
use crate::{Commit, ReviewKey};

impl Database {
    pub(super) fn open_reviews(&mut self, records: &[RecordId]) -> Fallible<Vec<Review>> {
        // Few records have one.
        let spans = Spans::over(records.iter().map(|id| id.0), 30);
        let mut found = Vec::new();
        let mut statement = sql::OPEN_REVIEWS.prepare(&self.conn)?;
        for span in &spans.ranges {
            let mut rows = statement.query([span.low, span.high])?;
            while let Some(row) = rows.next()? {
                if spans.wants(row.get(1)?) {
                    found.extend(review_in(&self.bound, row)?);
                }
            }
        }
        Ok(found)
    }

    pub(super) fn reviews(&mut self, limit: usize) -> Fallible<Vec<Review>> {
        let mut found = Vec::new();
        let mut statement = sql::REVIEWS.prepare(&self.conn)?;
        let mut rows = statement.query([i64::MAX])?;
        // The limit counts what is shown, not what the plan does not name any more.
        while found.len() < limit
            && let Some(row) = rows.next()?
        {
            found.extend(review_in(&self.bound, row)?);
        }
        Ok(found)
    }

    pub(super) fn review_counts(&mut self) -> Fallible<Vec<(ReviewKind, u64)>> {
        let mut counts: Vec<(ReviewKind, u64)> = Vec::new();
        let mut statement = sql::REVIEW_COUNTS.prepare(&self.conn)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            // What is not shown is not counted either.
            if place_in(&self.bound, row, 1)?.is_none() {
                continue;
            }
            let (kind, many) = (kind_in(row, 0)?, row.get::<_, i64>(3)? as u64);
            match counts.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, count)) => *count += many,
                None => counts.push((kind, many)),
            }
        }
        Ok(counts)
    }

    /// Closes, then opens. One that is open already is brought up to date, and keeps the time since
    /// when it waits.
    pub(super) fn write_reviews(&mut self, commit: &Commit) -> Fallible<()> {
        let mut close = sql::CLOSE_REVIEW.prepare(&self.conn)?;
        for key in &commit.reviews_closed {
            let (row_of_type, path) = place(&self.bound, *key)?;
            close.execute((about_out(key.about), key.kind.name(), row_of_type, path))?;
        }
        let mut open = sql::OPEN_REVIEW.prepare(&self.conn)?;
        for review in &commit.reviews_opened {
            let (row_of_type, path) = place(&self.bound, ReviewKey::of(review))?;
            let candidates: Vec<i64> = review.candidates.iter().map(|id| id.0).collect();
            let candidates = (!candidates.is_empty()).then(|| Value::from(candidates).to_string());
            let (message, why) = why_out(&review.why)?;
            open.execute((
                review.kind.name(),
                about_out(review.about),
                row_of_type,
                path,
                review.rule.to_string(),
                candidates,
                value_out(&review.value),
                message,
                review.opened_at.0,
                why,
            ))?;
        }
        Ok(())
    }
}

fn place(bound: &Bound, key: ReviewKey) -> Fallible<(i64, &str)> {
    let ty = bound.ty(key.ty)?;
    Ok((ty.row, key.prop.map(|prop| ty.path(prop)).transpose()?.unwrap_or_default()))
}

fn kind_in(row: &Row<'_>, column: usize) -> Fallible<ReviewKind> {
    let name = text(row, column)?.unwrap_or_default();
    ReviewKind::parse(name).ok_or_else(|| Fault::Damaged(format!("“{name}” is no kind of review")))
}

/// What a row is about, from this column on: a record type, and perhaps a property. Nothing where
/// the plan names it no more.
fn place_in(
    bound: &Bound,
    row: &Row<'_>,
    column: usize,
) -> Fallible<Option<(TypeIx, Option<PropIx>)>> {
    let Some((ty, known)) = bound.of_row(row.get(column)?) else { return Ok(None) };
    Ok(match text(row, column + 1)?.unwrap_or_default() {
        "" => Some((ty, None)),
        path => known.prop(path).map(|prop| (ty, Some(prop))),
    })
}

/// A reason as it is stored: a text that somebody else has chosen, or a value.
fn why_out(why: &Why) -> Fallible<(&str, Option<String>)> {
    match why {
        Why::Said(text) => Ok((text, None)),
        why => {
            let why =
                serde_json::to_string(why).map_err(|error| Fault::Damaged(error.to_string()))?;
            Ok(("", Some(why)))
        }
    }
}

fn why_in(row: &Row<'_>) -> Fallible<Why> {
    match text(row, 10)? {
        None => Ok(Why::Said(row.get(7)?)),
        Some(why) => serde_json::from_str(why)
            .map_err(|error| Fault::Damaged(format!("“{why}” is no reason: {error}"))),
    }
}

/// `None` where the plan does not name the record type or the property any more.
pub(super) fn review_in(bound: &Bound, row: &Row<'_>) -> Fallible<Option<Review>> {
    let Some((ty, prop)) = place_in(bound, row, 2)? else { return Ok(None) };
    let rule = text(row, 4)?.unwrap_or_default();
    let candidates = value_in(row, 5)?;
    Ok(Some(Review {
        kind: kind_in(row, 0)?,
        about: about_in(row.get(1)?)?,
        ty,
        prop,
        rule: Rule::parse(rule).ok_or_else(|| Fault::Damaged(format!("“{rule}” is no rule")))?,
        candidates: candidates
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_i64)
            .map(RecordId)
            .collect(),
        value: value_in(row, 6)?,
        why: why_in(row)?,
        opened_at: Timestamp(row.get(8)?),
    }))
}
