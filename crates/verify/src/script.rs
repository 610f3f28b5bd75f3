//! From the statements and rows of a document to the trials that would convince a tester.
//!
//! What a document says is taken from its checked flows; what the systems can do, from their
//! schemas. What follows from the two without a trial (a property that can only be read, a row
//! whose types do not fit) is said instead of tried.

use lockstep_model::flow::PropertyRef;
use lockstep_model::{Create, Flow, MatchRow, PropertyPair, TypeName};

use crate::checklist::Tester;
use crate::trial::{LineRef, Trial};

mod combined;
mod conditional;
mod conditions;
mod deletions;
mod filled;
mod filling;
mod followed;
mod given;
mod itself;
mod links;
mod lists;
mod markers;
mod matches;
mod meeting;
mod overwriting;
mod paired;
mod policies;
mod reading;
mod references;
mod rows;
mod statements;
mod writer;

pub use writer::Writer;

/// P8: a row between a reference and a property of which nothing says what it refers to. An
/// emulated system takes only ids that it has.
fn half_a_reference(line: LineRef, refers: &PropertyRef, to: &TypeName) -> Trial {
    let why = format!(
        "{refers} refers to {to}, and nothing says what the other property refers to: its ids can't be translated"
    );
    Trial::not_tried(line, "an edit arrives", why)
}

impl Tester for Writer<'_> {
    fn obstacle(&self, flow: &Flow) -> Option<String> {
        [&flow.from, &flow.to]
            .into_iter()
            .find(|ty| self.hands.schema(ty).is_none())
            .map(|ty| format!("{} has no record type {}", ty.system, ty.kind))
            .or_else(|| {
                [&flow.from, &flow.to].into_iter().find_map(|ty| self.hands.fails(ty, "list"))
            })
    }

    fn vacuous(&self, flow: &Flow) -> Option<String> {
        let why = format!(
            "the section is between {} and itself, and every record satisfies it with itself: it links, creates and writes nothing",
            flow.from
        );
        self.united(flow).is_vacuous().then_some(why)
    }

    fn row(&mut self, line: LineRef, flow: &Flow, pair: &PropertyPair) -> Vec<Trial> {
        if pair.from.is_followed() || pair.to.is_followed() {
            return self.followed(line, flow, pair);
        }
        if pair.from.is_combined() || pair.to.is_combined() {
            return self.combined(line, flow, pair);
        }
        if let Some(trials) = self.constant(line, flow, pair) {
            return trials;
        }
        let sides = match self.sides(flow, pair) {
            Ok(sides) => sides,
            Err(why) => return vec![Trial::not_tried(line, "the row", why)],
        };
        if flow.from == flow.to {
            return self.duplicate_row(line, flow, &sides);
        }
        if let Some(why) = self.only_fills(flow, &sides) {
            return vec![Trial::impossible(line, "an edit arrives", why)];
        }
        self.about = Some(pair.clone());
        let mut trials = match (
            sides.from_schema.refers_to(&flow.from.system),
            sides.to_schema.refers_to(&flow.to.system),
        ) {
            (Some(from), Some(to)) if from == to => self.plain_row(line, flow, pair, &sides),
            (Some(from), Some(to)) => self.reference(line, flow, pair, &sides, (from, to)),
            (Some(to), None) if self.hands.is_described(&flow.from.system) => {
                vec![half_a_reference(line, &sides.from, &to)]
            }
            (None, Some(to)) if self.hands.is_described(&flow.to.system) => {
                vec![half_a_reference(line, &sides.to, &to)]
            }
            _ => self.plain_row(line, flow, pair, &sides),
        };
        self.about = None;
        trials.extend(self.given_once(line, flow, pair, &sides));
        if let Some(why) = self.not_owed(flow, &sides) {
            trials.push(Trial::impossible(
                line,
                format!("a new record of {} has it at once", flow.to),
                why,
            ));
        }
        trials
    }

    fn matched(&mut self, line: LineRef, flow: &Flow, row: &MatchRow) -> Vec<Trial> {
        if flow.from == flow.to {
            return self.duplicates(line, flow, row);
        }
        self.match_row(line, flow, row)
    }

    fn every(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        if let Some(why) = self.creates_in_itself(flow) {
            return vec![Trial::impossible(line, "a new record appears", why)];
        }
        let mut trials = self.appearing(line, flow);
        trials.extend(self.read_first(line, flow));
        trials
    }

    fn condition(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        if let Some(why) = self.creates_in_itself(flow) {
            return vec![Trial::impossible(line, "a record that meets the condition appears", why)];
        }
        self.conditional(line, flow)
    }

    fn link_only(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        if let Some(why) = self.creates_in_itself(flow) {
            return vec![Trial::impossible(line, "a link between two records", why)];
        }
        self.never_appearing(line, flow)
    }

    fn connected(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        if let Some(why) = self.creates_in_itself(flow) {
            return vec![Trial::impossible(line, "before and after the connection", why)];
        }
        let Create::ConnectedTo(types) = &flow.create else {
            return vec![Trial::not_tried(
                line,
                "before and after the connection",
                "the flow does not say to what",
            )];
        };
        types.iter().map(|c| self.connected_to(line, flow, c)).collect()
    }

    fn merge_or_create(
        &mut self,
        line: LineRef,
        flow: &Flow,
        merges: bool,
        creates: bool,
    ) -> Vec<Trial> {
        if let Some(why) = self.creates_in_itself(flow) {
            return vec![Trial::impossible(line, "merging and creating", why)];
        }
        self.merged_or_created(line, flow, merges, creates)
    }

    fn creates_back(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        if let Some(why) = self.creates_in_itself(flow) {
            return vec![Trial::impossible(line, "a new record appears", why)];
        }
        vec![self.appearing_back(line, flow)]
    }

    fn in_sync(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        if let Some(why) = self.creates_in_itself(flow) {
            return vec![Trial::impossible(line, "keeping in sync", why)];
        }
        self.link_stays(line, flow).into_iter().collect()
    }

    fn no_rows(&mut self, line: LineRef, flow: &Flow) -> Vec<Trial> {
        if let Some(why) = self.creates_in_itself(flow) {
            return vec![Trial::impossible(line, "the table is empty", why)];
        }
        self.nothing_is_carried(line, flow)
    }

    fn deletion(&mut self, line: LineRef, flow: &Flow) -> Option<(String, Vec<Trial>)> {
        // A record that has itself for a counterpart is deleted with it.
        if flow.from == flow.to { None } else { Some(self.deleted(line, flow)) }
    }
}
