//! A pair of the graph: what its rows say together, and how a value passes along it.

use lockstep_model::matching::Normal;
use lockstep_model::value::Terms;
use lockstep_model::{Conversion, Kind, Region, Reverse};

use crate::bears::Node;
use crate::plan::{PlanProp, matching_kind};

/// A pair of the graph with all that its rows say.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub ends: [Node; 2],
    pub forward: bool,
    pub backward: bool,
    pub conversion: Option<Conversion>,
    /// What the row's `back`, or a row of the flow the other way, says of the way back.
    pub back: Option<Conversion>,
    pub clears: bool,
    /// What the values are, as the row says, and the country that the flow says for telephone
    /// numbers.
    pub kind: Kind,
    pub region: Option<Region>,
    /// All its rows say `on: create`.
    pub on_create: bool,
    /// Two lists whose elements come and go one by one (P11).
    pub each: bool,
    /// A row says what can only be said of a value as a whole: whose value counts, a group.
    pub as_one: bool,
}

/// How a value that comes from a property is compared with that of another.
pub(crate) fn terms<'p>(
    from: &PlanProp,
    to: &PlanProp,
    way: impl Iterator<Item = &'p Pair>,
) -> Terms {
    let (mut kind, mut region) = (Kind::Seen, None);
    for pair in way {
        kind = kind.with(pair.kind);
        region = region.or(pair.region);
    }
    kind = kind.with(from.by.kind).with(to.by.kind);
    if kind == Kind::Seen {
        // A type that the target does not tell is told by where the value comes from.
        kind = matching_kind(to.ty).or(matching_kind(from.ty)).unwrap_or_default();
    }
    let by = |prop: &PlanProp| Normal { kind, region: region.or(prop.by.region) };
    Terms { ty: to.ty, by: [by(from), by(to)], ordered: from.ordered || to.ordered }
}

/// One direction of a pair.
pub(crate) enum Way {
    AsIs,
    Exact(Conversion),
    Lossy(Conversion),
    None(String),
}

impl Pair {
    /// How a value passes in one direction. What a row says of this direction holds; else the other
    /// direction is reversed. A type's name alone says what the property holds, and not that a
    /// value passes as it is.
    pub fn way(&self, forward: bool) -> Way {
        let (said, other) =
            if forward { (&self.conversion, &self.back) } else { (&self.back, &self.conversion) };
        if let Some(said @ Conversion::Computed(_)) = said {
            // Of a conversion that stands for itself nobody knows whether the other one leads back.
            let lossless = !matches!(other, Some(Conversion::Computed(_)));
            return if lossless { Way::Exact(said.clone()) } else { Way::Lossy(said.clone()) };
        }
        match (said, other) {
            (_, Some(other @ Conversion::Computed(_))) => match other.reverse() {
                Reverse::Exact(back) => Way::Exact(back),
                Reverse::Lossy { conversion, .. } => Way::Lossy(conversion),
                Reverse::None { .. } if said.is_some() => Way::AsIs,
                Reverse::None { why } => Way::None(why),
            },
            (Some(plain), _) => Way::Exact(plain.clone()),
            (None, _) => Way::AsIs,
        }
    }
}
