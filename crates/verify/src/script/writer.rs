//! What writes trials: the flows that it writes them for, what is known of a row's two properties,
//! and the values of records.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use lockstep_config::convertible;
use lockstep_model::flow::PropertyRef;
use lockstep_model::schema::OWN_ID;
use lockstep_model::{Direction, Flow, MatchRow, Policy, PropertyPair, PropertySchema, TypeName};

use crate::hands::Hands;
use crate::trial::{Expect, Slot, Step, Val, Values};
use crate::values::{MARK, Row};

/// Range of numbers reserved for the values of one trial.
pub(super) const NUMBERS: u64 = 64;

/// The first slot of records that are only there to be referred to.
pub(super) const HELPERS: Slot = 10;

/// Writes trials. One for all documents, so that no two trials use the same values.
pub struct Writer<'a> {
    pub hands: &'a Hands,
    /// All flows that the documents state, each two record types once in each direction.
    pub flows: &'a [Flow],
    /// The flows that run. They tell what the documents leave open: the filter of a condition in
    /// prose, what becomes of deletions.
    pub(super) runs: &'a [Flow],
    /// Where the hub begins with nothing read: in which of its first runs each record type is read
    /// ([`reading`]).
    pub(super) first_readings: BTreeMap<TypeName, usize>,
    /// Where among the flows those of two record types are.
    pub(super) places: BTreeMap<&'a TypeName, BTreeMap<&'a TypeName, usize>>,
    pub(super) next: u64,
    /// The row that is tried just now: of conditions that exclude each other, that of this row is
    /// met.
    pub(super) about: Option<PropertyPair>,
    /// The rows that only fill, by the record types of a flow.
    pub(super) filling: RefCell<FillingRows>,
}

/// Rows that only fill, by the record types of a flow.
pub(super) type FillingRows = HashMap<(TypeName, TypeName), Rc<Vec<Filling>>>;

/// Values for both records of a linked pair.
pub(super) struct Filled {
    pub(super) from: Values,
    pub(super) to: Values,
}

/// What has to be there before a record can be added, and what then goes into it.
pub(super) type Needs = (Vec<Step>, Values);

/// A side of a flow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    From,
    To,
}

/// What keeps a value from going one way.
#[derive(PartialEq, Eq)]
pub(super) enum Way {
    Open,
    /// The document does not say that it goes this way.
    Unsaid,
    Closed(String),
}

/// A row of a block that only fills what is empty at the first link, with the two that belong
/// together instead.
pub(super) struct Filling {
    pub(super) from: PropertyRef,
    pub(super) to: PropertyRef,
    pub(super) belongs: Option<(PropertyRef, PropertyRef)>,
}

impl<'a> Writer<'a> {
    /// A writer of trials for these flows.
    pub fn new(hands: &'a Hands, flows: &'a [Flow], runs: &'a [Flow], seed: u64) -> Self {
        let mut places: BTreeMap<&TypeName, BTreeMap<&TypeName, usize>> = BTreeMap::new();
        for (at, flow) in flows.iter().enumerate() {
            places.entry(&flow.from).or_default().entry(&flow.to).or_insert(at);
        }
        Writer {
            hands,
            flows,
            runs,
            first_readings: BTreeMap::new(),
            places,
            next: seed,
            about: None,
            filling: RefCell::default(),
        }
    }

    /// In which of the first runs each record type is read.
    pub fn first_readings(&self) -> &BTreeMap<TypeName, usize> {
        &self.first_readings
    }

    pub(super) fn number(&mut self) -> u64 {
        self.next += NUMBERS;
        self.next
    }

    pub(super) fn united(&self, flow: &Flow) -> &'a Flow {
        let at = self.places.get(&flow.from).and_then(|places| places.get(&flow.to));
        &self.flows[*at.expect("every section is part of a united flow")]
    }

    /// A row with what is known of its properties; `Err` says what is not there.
    pub(super) fn sides(&self, flow: &Flow, pair: &PropertyPair) -> Result<Sides, String> {
        if let Some(end) = [&pair.from, &pair.to].into_iter().find(|end| end.is_combined()) {
            return Err(format!("{end} are several properties"));
        }
        if let Some((ty, _)) = [(&flow.from, &pair.from), (&flow.to, &pair.to)]
            .into_iter()
            .find(|(_, end)| end.path.as_str() == OWN_ID)
        {
            return Err(format!("nobody types in the id of {ty}: its system assigns it"));
        }
        let find = |ty: &TypeName, named: &PropertyRef| {
            self.hands
                .property(ty, named)
                .ok_or_else(|| format!("{ty} has no property {}", named.path))
        };
        let ((from, from_schema), (to, to_schema)) =
            (find(&flow.from, &pair.from)?, find(&flow.to, &pair.to)?);
        convertible(Some(&from_schema), Some(&to_schema), pair.conversion.as_ref())
            .map_err(|why| format!("the row is not kept. {why}"))?;
        Ok(Sides { from, from_schema, to, to_schema })
    }

    /// Whether an edit of the source arrives in the target, by what the row and the schemas say.
    pub(super) fn way(&self, flow: &Flow, pair: &PropertyPair, sides: &Sides, side: Side) -> Way {
        match self.way_by_schemas(flow, pair, sides, side) {
            Way::Open => closed_by_policy(flow, pair, side).map_or(Way::Open, Way::Closed),
            other => other,
        }
    }

    /// The same, were it not for the row's policy.
    pub(super) fn way_by_schemas(
        &self,
        flow: &Flow,
        pair: &PropertyPair,
        sides: &Sides,
        side: Side,
    ) -> Way {
        let (said, ty, target) = match side {
            Side::From => (pair.direction != Direction::Backward, &flow.to, &sides.to_schema),
            Side::To => (pair.direction != Direction::Forward, &flow.from, &sides.from_schema),
        };
        if !said {
            return Way::Unsaid;
        }
        if pair.on_create {
            return Way::Closed("it is given when a record is created, and never after".into());
        }
        let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
        if let (Side::To, Err(why)) = (side, row.way_back()) {
            return Way::Closed(why);
        }
        if target.read_only {
            return Way::Closed(format!("{} of {ty} can only be read (P10)", target.path));
        }
        if target.create_only {
            return Way::Closed(format!(
                "{} of {ty} can't be changed once a record is there",
                target.path
            ));
        }
        if let Some(why) = self.hands.fails(ty, "update") {
            return Way::Closed(why);
        }
        match self.hands.schema(ty) {
            Some(schema) if !schema.can.update => {
                Way::Closed(format!("records of {ty} can't be changed through its interface"))
            }
            _ => Way::Open,
        }
    }

    /// The rows of all flows between the two record types, either way and of whatever facets, as
    /// this flow would have them.
    pub(super) fn rows_between(&self, flow: &Flow) -> Vec<Sides> {
        // Rows of other facets are about the same records.
        let same = |a: &TypeName, b: &TypeName| a.system == b.system && a.kind == b.kind;
        let mut rows = Vec::new();
        for other in self.flows {
            let ahead = same(&other.from, &flow.from) && same(&other.to, &flow.to);
            let back = same(&other.from, &flow.to) && same(&other.to, &flow.from);
            if !ahead && !back {
                continue;
            }
            for sides in other.properties.iter().filter_map(|pair| self.sides(other, pair).ok()) {
                let Sides { from, to, from_schema, to_schema } = sides;
                rows.push(match ahead {
                    true => Sides { from, to, from_schema, to_schema },
                    false => {
                        Sides { from: to, to: from, from_schema: to_schema, to_schema: from_schema }
                    }
                });
            }
        }
        rows
    }
}

/// Why an edit on this side does not arrive on the other, by the row's policy.
pub(super) fn closed_by_policy(flow: &Flow, pair: &PropertyPair, side: Side) -> Option<String> {
    let (here, there) = match side {
        Side::From => (&flow.from.system, &flow.to.system),
        Side::To => (&flow.to.system, &flow.from.system),
    };
    match &pair.policy {
        Policy::Latest => None,
        Policy::Wins(wins) => {
            Some(format!("by `wins: {wins}` the value decides, whoever edits it"))
        }
        Policy::OnlyFrom(only) => {
            (only != here).then(|| format!("by `only_from: {only}` an edit here does not count"))
        }
        Policy::Prefer(systems) => {
            let rank =
                |system| systems.iter().position(|one| one == system).unwrap_or(systems.len());
            (rank(there) < rank(here)).then(|| {
                format!(
                    "by `prefer: [{}]` a value of {there} counts, and an edit here is put back",
                    systems.join(", ")
                )
            })
        }
    }
}

/// A row with its properties resolved.
pub(super) struct Sides {
    pub(super) from: PropertyRef,
    pub(super) from_schema: PropertySchema,
    pub(super) to: PropertyRef,
    pub(super) to_schema: PropertySchema,
}

impl Sides {
    /// Where the edit is made, where it arrives.
    pub(super) fn names<'f>(&self, flow: &'f Flow, side: Side) -> (&'f TypeName, &'f TypeName) {
        if side == Side::From { (&flow.from, &flow.to) } else { (&flow.to, &flow.from) }
    }

    /// What the edited property and the one it arrives in are, with the slots of a pair.
    pub(super) fn ways(&self, side: Side) -> (End<'_>, End<'_>) {
        let from = End { slot: 0, path: &self.from, schema: &self.from_schema };
        let to = End { slot: 1, path: &self.to, schema: &self.to_schema };
        if side == Side::From { (from, to) } else { (to, from) }
    }

    /// Why it can't be emptied.
    pub(super) fn required(&self) -> Option<String> {
        let required =
            [&self.from_schema, &self.to_schema].into_iter().find(|property| property.required)?;
        Some(format!("{} is required, so it is never empty", required.path))
    }
}

/// One end of a row, in a pair of records.
#[derive(Clone, Copy)]
pub(super) struct End<'a> {
    pub(super) slot: Slot,
    pub(super) path: &'a PropertyRef,
    pub(super) schema: &'a PropertySchema,
}

pub(super) fn see(expect: Expect) -> Step {
    Step::Expect(Box::new(expect))
}

pub(super) fn shows(slot: Slot, path: &PropertyRef, value: lockstep_model::Value) -> Step {
    see(Expect::Shows { slot, path: path.clone(), value: Val::Is(value), refusable: false })
}

pub(super) fn plain(from: &PropertyRef, to: &PropertyRef) -> PropertyPair {
    PropertyPair::equal(from.clone(), to.clone())
}

/// The pairs of a match row as rows: values that meet by it are values that it converts.
pub(super) fn matched(row: &MatchRow) -> Vec<PropertyPair> {
    let pair = |(from, to): &(PropertyRef, PropertyRef)| PropertyPair {
        conversion: row.conversion.clone(),
        ..plain(from, to)
    };
    row.pairs.iter().map(pair).collect()
}

/// The values with which a script adds the record of a slot, by hand or as a partner.
pub(super) fn added(script: &[Step], wanted: Slot) -> Option<&Values> {
    script.iter().find_map(|step| match step {
        Step::Add { slot, values, .. } | Step::Partner { slot, values, .. } if *slot == wanted => {
            Some(values)
        }
        _ => None,
    })
}

/// What one property of them is.
pub(super) fn held<'v>(
    values: &'v Values,
    path: &PropertyRef,
) -> Option<&'v lockstep_model::Value> {
    values.iter().find(|(known, _)| known == path).and_then(|(_, value)| match value {
        Val::Is(value) => Some(value),
        Val::IdOf(_) => None,
    })
}

/// Values by which a record can be told from all others.
pub(super) fn signs(values: &Values) -> Vec<(PropertyRef, lockstep_model::Value)> {
    let telling = |value: &lockstep_model::Value| {
        value.as_str().is_some_and(|text| text.contains(MARK) || text.starts_with("+479"))
    };
    let of = |(path, value): &(PropertyRef, Val)| match value {
        Val::Is(value) if telling(value) => Some((path.clone(), value.clone())),
        _ => None,
    };
    values.iter().filter_map(of).collect()
}
