//! Rows of a block that only fill what is empty at the first link (P1c).

use std::collections::HashSet;
use std::rc::Rc;

use lockstep_model::Flow;
use lockstep_model::blocks::fill_rows;
use lockstep_model::flow::PropertyRef;

use super::writer::{Filling, Sides, Writer};

impl Writer<'_> {
    /// P1c: why an edit does not go by this row, if it is one of a block that only fills.
    pub(super) fn only_fills(&self, flow: &Flow, sides: &Sides) -> Option<String> {
        let filling = self.filling(flow);
        let at = filling.iter().find(|row| row.from == sides.from && row.to == sides.to)?;
        let belongs = match &at.belongs {
            Some((from, to)) => format!(": {from} belongs to {to}"),
            None => String::new(),
        };
        Some(format!(
            "several properties are each paired with several, and the n-th belongs to the n-th{belongs}; this row only fills what is empty at \
             the first link (P1c)"
        ))
    }

    /// The rows between two record types that only fill, as this flow names their sides. They are
    /// looked for once.
    fn filling(&self, flow: &Flow) -> Rc<Vec<Filling>> {
        let key = (flow.from.clone(), flow.to.clone());
        if let Some(known) = self.filling.borrow().get(&key) {
            return known.clone();
        }
        let mut ends: Vec<(PropertyRef, PropertyRef)> = Vec::new();
        let mut seen = HashSet::new();
        let mut places: Vec<(usize, bool)> =
            [(&flow.from, &flow.to, false), (&flow.to, &flow.from, true)]
                .into_iter()
                .filter_map(|(from, to, turned)| Some((*self.places.get(from)?.get(to)?, turned)))
                .collect();
        places.sort_unstable();
        for (at, turned) in places {
            for pair in &self.flows[at].properties {
                let Ok(sides) = self.sides(&self.flows[at], pair) else { continue };
                let end = if turned { (sides.to, sides.from) } else { (sides.from, sides.to) };
                if seen.insert(end.clone()) {
                    ends.push(end);
                }
            }
        }
        let fills = fill_rows(&ends);
        let mate = |of: &dyn Fn(&(PropertyRef, PropertyRef)) -> bool| {
            ends.iter()
                .zip(&fills)
                .find(|(end, fills)| !**fills && of(end))
                .map(|(end, _)| end.clone())
        };
        let filling =
            ends.iter().zip(&fills).filter(|(_, fills)| **fills).map(|((from, to), _)| Filling {
                from: from.clone(),
                to: to.clone(),
                belongs: mate(&|(known, _)| known == from)
                    .or_else(|| mate(&|(_, known)| known == to)),
            });
        let filling = Rc::new(filling.collect::<Vec<_>>());
        self.filling.borrow_mut().insert(key, filling.clone());
        filling
    }
}
