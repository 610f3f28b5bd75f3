//! The plan's record types and properties, as the store finds them: rows and texts on disk, places
//! in the plan outside.

use std::collections::HashMap;

use lockstep_model::{ClaimStamp, FlowIx, NumberMap, PropIx, RecordId, Timestamp, TypeIx};
use rusqlite::{Connection, OptionalExtension};

use super::fault::{Fallible, Fault};
use super::statements;
use crate::BoundType;

/// The record types of so many records with numbers next to each other are remembered together.
const KINDS: i64 = 4_096;
/// So many times that many at most, some 8 MB; then all are forgotten.
const KINDS_KEPT: usize = 1 << 10;
/// Not remembered.
const UNKNOWN: TypeIx = TypeIx(u16::MAX);

/// A record type of the plan.
pub(super) struct KnownType {
    /// Its number on disk; 0, which none has, if it is not there (a store that is only read).
    pub row: i64,
    pub name: String,
    pub properties: Vec<String>,
    /// Each property's path as a member name of a JSON object, with the colon.
    pub heads: Vec<String>,
    flows: Vec<FlowIx>,
}

impl KnownType {
    pub(super) fn new(row: i64, bound: &BoundType) -> Self {
        KnownType {
            row,
            name: bound.name.to_string(),
            properties: bound.properties.clone(),
            heads: bound
                .properties
                .iter()
                .map(|path| format!("{}:", serde_json::Value::from(path.as_str())))
                .collect(),
            flows: bound.flows.clone(),
        }
    }

    /// The flow by which something came here from a record type, or from one that the plan does not
    /// name any more.
    pub(super) fn flow(&self, this: TypeIx, from: Option<TypeIx>) -> FlowIx {
        self.flows.get(from.unwrap_or(this).at()).copied().unwrap_or(FlowIx(0))
    }

    /// A record type from which something comes here by a flow.
    pub(super) fn source_by(&self, flow: FlowIx) -> Option<TypeIx> {
        let at = self.flows.iter().position(|one| *one == flow)?;
        Some(TypeIx(at as u16))
    }

    /// The property of this path, if the plan still watches it.
    pub(super) fn prop(&self, path: &str) -> Option<PropIx> {
        // There are few, and a look at their lengths mostly tells them apart.
        self.properties.iter().position(|one| one == path).map(|at| PropIx(at as u16))
    }

    /// A property's path.
    pub(super) fn path(&self, prop: PropIx) -> Fallible<&str> {
        let outside = || {
            Fault::Damaged(format!(
                "{} has no property number {prop} in the plan that was bound",
                self.name
            ))
        };
        self.properties.get(prop.at()).map(String::as_str).ok_or_else(outside)
    }
}

/// The plan, and which record type the records at hand have.
#[derive(Default)]
pub(super) struct Bound {
    types: Vec<KnownType>,
    by_row: NumberMap<i64, TypeIx>,
    by_name: HashMap<String, TypeIx>,
    /// A record's type never changes, so what was seen once stays true.
    kinds: NumberMap<i64, Box<[TypeIx]>>,
}

impl Bound {
    /// Takes the place of what was bound before.
    pub(super) fn new(types: Vec<KnownType>) -> Self {
        let places = || types.iter().enumerate().map(|(at, ty)| (ty, TypeIx(at as u16)));
        let by_row = places().filter(|(ty, _)| ty.row != 0).map(|(ty, ix)| (ty.row, ix)).collect();
        let by_name = places().map(|(ty, ix)| (ty.name.clone(), ix)).collect();
        Bound { types, by_row, by_name, kinds: NumberMap::default() }
    }

    /// The same plan for another connection.
    pub(super) fn again(&self) -> Self {
        let types = self.types.iter().map(|ty| KnownType {
            row: ty.row,
            name: ty.name.clone(),
            properties: ty.properties.clone(),
            heads: ty.heads.clone(),
            flows: ty.flows.clone(),
        });
        Bound::new(types.collect())
    }

    /// A record type of the plan.
    pub(super) fn ty(&self, ix: TypeIx) -> Fallible<&KnownType> {
        self.types.get(ix.at()).ok_or_else(|| {
            Fault::Damaged(format!("the plan that was bound has no record type number {ix}"))
        })
    }

    /// The record type with this number on disk, if the plan names it.
    pub(super) fn of_row(&self, row: i64) -> Option<(TypeIx, &KnownType)> {
        self.by_row.get(&row).map(|&ix| (ix, &self.types[ix.at()]))
    }

    /// The record type of this name, if it is in the plan.
    pub(super) fn named(&self, name: &str) -> Option<(TypeIx, &KnownType)> {
        self.by_name.get(name).map(|&ix| (ix, &self.types[ix.at()]))
    }

    /// Remembers a record's type.
    pub(super) fn saw(&mut self, record: RecordId, ty: TypeIx) {
        let place = record.0.div_euclid(KINDS);
        if self.kinds.len() >= KINDS_KEPT && !self.kinds.contains_key(&place) {
            self.kinds.clear();
        }
        let kinds = self.kinds.entry(place).or_insert_with(|| vec![UNKNOWN; KINDS as usize].into());
        kinds[record.0.rem_euclid(KINDS) as usize] = ty;
    }

    /// Forgets the records' types: some may have been those of records that were not kept.
    pub(super) fn forget(&mut self) {
        self.kinds.clear();
    }

    /// A record's type; `None` if the record or its type is not known.
    pub(super) fn type_of(
        &mut self,
        conn: &Connection,
        record: RecordId,
    ) -> Fallible<Option<TypeIx>> {
        let kinds = self.kinds.get(&record.0.div_euclid(KINDS));
        if let Some(&ty) = kinds
            .map(|kinds| &kinds[record.0.rem_euclid(KINDS) as usize])
            .filter(|ty| **ty != UNKNOWN)
        {
            return Ok(Some(ty));
        }
        let row = statements::TYPE_OF
            .prepare(conn)?
            .query_row([record.0], |row| row.get::<_, i64>(0))
            .optional()?;
        let ty = row.and_then(|row| self.of_row(row)).map(|(ty, _)| ty);
        if let Some(ty) = ty {
            self.saw(record, ty);
        }
        Ok(ty)
    }

    /// Reads a stamp that was written by names; `None` if the plan does not name the property any
    /// more.
    pub(super) fn stamp(&self, at: i64, record: i64, ty: &str, path: &str) -> Option<ClaimStamp> {
        let prop = self.named(ty)?.1.prop(path)?;
        Some(ClaimStamp { at: Timestamp(at), record: RecordId(record), prop })
    }
}
