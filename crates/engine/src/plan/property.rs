//! The properties of a plan: what is watched of each record type, and what bears on it (P0).

use lockstep_model::flow::{Policy, PropertyRef};
use lockstep_model::matching::Normal;
use lockstep_model::value::Terms;
use lockstep_model::{Conversion, Kind, PlainType, PropIx, TypeIx, TypeName};

/// A watched property.
#[derive(Clone, Debug)]
pub struct PlanProp {
    /// As connectors are asked for it: the resolved path.
    pub reference: PropertyRef,
    /// As text: how the store and people name it.
    pub name: String,
    pub ty: PlainType,
    pub list: bool,
    /// The whole list is the value, not its first element.
    pub whole: bool,
    /// It is whole only because a row says something of its list as a whole (P9): without that row
    /// one of its elements stands for it.
    pub whole_for_some: bool,
    /// Nobody told its type: it may hold a list as well as a single value (P11).
    pub unsure: bool,
    /// The order of its list counts (P11).
    pub ordered: bool,
    /// The elements of its list come and go one by one (P11).
    pub each: bool,
    /// A condition of some flow reads it (L9, L11).
    pub in_condition: bool,
    /// What its values are, and the country of telephone numbers that name none (R7).
    pub by: Normal,
    /// Some property that takes its values is a list: then it matters which value an edit displaced
    /// (P9).
    pub feeds_list: bool,
    /// Where it is empty, another property gets a default (G8).
    pub gives_default: bool,
    /// P10
    pub read_only: bool,
    pub create_only: bool,
    /// C4
    pub required: bool,
    pub stored_as: lockstep_model::schema::StoredAs,
    /// It holds ids of records of these types: one collection, with or without facets (P8).
    pub refers_to: Vec<TypeIx>,
    /// The system and collection it refers to, also where the plan has no such record type.
    pub reference_target: Option<TypeName>,
    /// Some row maps it.
    pub paired: bool,
    /// The property that says when this one was put in; `None`: the time of the record counts (P1).
    pub told_by: Option<PropIx>,
    /// It says that of others, and no row maps it.
    pub tells_time: bool,
    /// In some other record type, several properties are paired with it (P1a).
    pub fans: bool,
    /// A row of a block fills it, or is filled by it, at the first link (P1c).
    pub fills: bool,
    /// It is this property only where the record holds a word elsewhere: the property that must
    /// hold it, and the word. A condition within a list is not told here: there it is an element
    /// that must hold it.
    pub depends: Option<(PropIx, String)>,
    pub policy: Policy,
    pub clears: bool,
    /// Record types in which conversions split this value over several properties (P1d).
    pub parts: Vec<Parts>,
    /// It is a property of another record, to which a reference leads: `company > name`.
    pub follows: Option<Follows>,
    /// It is these properties of the record together, in order: `first + last`.
    pub combines: Vec<PropIx>,
    /// Some property of a record that refers to this one holds its value.
    pub followed: bool,
}

/// Where the value of a property comes from that belongs to what the record refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follows {
    /// The property that holds the reference.
    pub by: PropIx,
    /// The property that it leads to, in each record type that may be referred to.
    pub of: Vec<(TypeIx, PropIx)>,
    /// How many references lead to it.
    pub depth: usize,
}

impl PlanProp {
    /// Whether the record has it by itself, so that its system is asked for it.
    pub fn is_own(&self) -> bool {
        self.follows.is_none() && self.combines.is_empty()
    }

    /// P8: whether both hold references, to records of different record types: what is linked with
    /// what the one refers to is what the other refers to. Two references to the same record type
    /// hold the same ids.
    pub fn is_translated_from(&self, other: &PlanProp) -> bool {
        match (&self.reference_target, &other.reference_target) {
            (Some(mine), Some(theirs)) => mine != theirs,
            _ => false,
        }
    }

    /// How two of its values are compared (R7).
    pub fn terms(&self) -> Terms {
        Terms { ty: self.ty, by: [self.by; 2], ordered: self.ordered }
    }
}

/// P1d: a value that conversions split over several properties of another record type: a full name
/// over a first and a last name.
#[derive(Clone, Debug)]
pub struct Parts {
    pub other: TypeIx,
    /// In the order of the rows.
    pub parts: Vec<Part>,
}

/// One part of a value: the property that holds it, and how it is taken from the whole.
#[derive(Clone, Debug)]
pub struct Part {
    pub prop: PropIx,
    pub taken_by: Vec<Conversion>,
}

/// How one property of another record type bears on a property.
#[derive(Debug)]
pub struct Bearing {
    pub other: TypeIx,
    pub theirs: PropIx,
    /// How their value becomes mine; `Err` says why it can't.
    pub conversion: Result<Vec<Conversion>, String>,
    /// The way of my value to theirs, where the conversion from theirs to mine has lost something:
    /// equality is then judged there (P3).
    pub judged_by: Option<Vec<Conversion>>,
    /// The rows on the way let values pass in this direction.
    pub open: bool,
    /// Emptying passes (P2).
    pub clears: bool,
    /// Both hold references: the value is translated through links (P8).
    pub reference: bool,
    /// The conversion gives a value also for an empty one: a default, or a constant.
    pub defaults: bool,
    /// P1c: it only fills what is empty at the first link; a claim that goes this way says so
    /// ([`lockstep_model::Claim::goes`]).
    pub fills: bool,
    /// `on: create`: the record types that rows on the way give a value to when a record of them is
    /// created, and to none that is there.
    pub on_create: Vec<TypeIx>,
    /// Both are lists whose elements come and go one by one, and are translated one by one (P11).
    pub each: bool,
    /// The policies of properties on the way that this one does not share, the nearest first: a
    /// claim comes this way only if it wins there as well (P1).
    pub contests: Vec<u16>,
    /// How a value that came this way is compared with mine (R7).
    pub terms: Terms,
}

/// What two properties of this type are matched by, if both are of it.
pub(crate) fn matching_kind(ty: PlainType) -> Option<Kind> {
    match ty {
        PlainType::Integer | PlainType::Float | PlainType::Decimal | PlainType::Minutes => {
            Some(Kind::Number)
        }
        PlainType::Boolean => Some(Kind::Boolean),
        PlainType::Date => Some(Kind::Date),
        PlainType::Datetime => Some(Kind::Instant),
        PlainType::String | PlainType::List | PlainType::Any => None,
    }
}

/// Whether a value can pass between two properties at all; `Err` says why not.
pub fn convertible(from: PlainType, to: PlainType) -> Result<(), String> {
    use PlainType::*;
    let moment = |ty| matches!(ty, Datetime | Date);
    let odd = |ty| matches!(ty, Minutes | Boolean | Float | Decimal);
    if (moment(from) && odd(to))
        || (odd(from) && moment(to))
        || (from == Boolean && to == Minutes)
        || (from == Minutes && to == Boolean)
    {
        return Err(format!("{} can't become {}", article(from), article(to)));
    }
    Ok(())
}

fn article(ty: PlainType) -> String {
    match ty {
        PlainType::Minutes => "a number of minutes".into(),
        PlainType::Datetime => "a point in time".into(),
        PlainType::Date => "a day".into(),
        PlainType::Boolean => "yes or no".into(),
        PlainType::Integer => "an integer".into(),
        other => format!("a {}", other.name()),
    }
}
