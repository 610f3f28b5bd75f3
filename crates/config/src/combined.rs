//! Rows about several properties that make one value together: `first + last <-> name`.
//!
//! Away from them they are a list in their order, of which the row's `type` makes one value: joined
//! with a blank, if it says nothing. Towards them each takes a part (P1d), or an element of what
//! `back` gives.

use std::ops::Range;

use lockstep_document::PathCell;
use lockstep_model::conversion::Reverse;
use lockstep_model::{Conversion, Direction, Policy, Value};

use crate::codes;
use crate::fields::Fields;
use crate::flow_reader::{FlowReader, type_cell, within};
use crate::followed::RowEnd;

/// What a row with settings says that can't be said of several properties.
const OF_ONE: [(&str, &str); 6] = [
    ("map", "takes one value"),
    ("default", "stands in the place of one value"),
    ("wins", "compares one value with another"),
    ("list", "is about the elements of a list"),
    ("order", "is about the elements of a list"),
    ("as", "says what one value is"),
];

impl FlowReader<'_> {
    /// `back` of a row: how the source's value is made from the target's. `Err` where it can't be
    /// read.
    pub(crate) fn back(
        &mut self,
        fields: Option<&Fields<'_>>,
        direction: Direction,
    ) -> Result<Option<Conversion>, ()> {
        let Some((key, node)) = fields.and_then(|fields| fields.entry("back")) else {
            return Ok(None);
        };
        if direction != Direction::Both {
            self.reader
                .error(
                    codes::WITHOUT_EFFECT,
                    &key.span,
                    "`back` has no effect on a row that goes one way",
                )
                .set_help("leave it out, or write `<->`");
            return Err(());
        }
        let cell = type_cell(node);
        self.reader.conversion(&cell, &node.span, |place| within(node, place))
    }

    /// `back` of a row both ways by whose policy nothing goes back; `from` is the system that the
    /// flow comes from.
    pub(crate) fn is_taken_back(
        &mut self,
        fields: &Fields<'_>,
        from: Option<&str>,
        policy: Option<&Policy>,
    ) {
        let Some((key, _)) = fields.entry("back") else { return };
        let (message, help) = match policy {
            Some(Policy::OnlyFrom(system)) if from == Some(system) => (
                format!(
                    "`back` has no effect beside `only_from: {system}`: what is edited on the other side counts nowhere, so nothing goes back"
                ),
                "leave it out, or leave out `only_from`",
            ),
            Some(Policy::Wins(_)) => (
                "`back` has no effect beside `wins`, which compares the values as they are, so the row can't have a conversion".into(),
                "leave out one of the two",
            ),
            _ => return,
        };
        self.reader.error(codes::WITHOUT_EFFECT, &key.span, message).set_help(help);
    }

    /// Whether a row that combines properties can be kept. What is wrong is told.
    pub(crate) fn combines_well(
        &mut self,
        [from, to]: [&RowEnd; 2],
        (direction, conversion, back): (Direction, Option<&Conversion>, Option<&Conversion>),
        fields: Option<&Fields<'_>>,
        span: &Range<usize>,
    ) -> bool {
        let (side, joins, splits, away) = match (from.parts.is_empty(), to.parts.is_empty()) {
            (true, true) => return true,
            (false, false) => {
                self.reader
                    .error(codes::ROW, span, "both sides of the row are several properties")
                    .set_help("write a row for each pair, as a `group` if they move together");
                return false;
            }
            (false, true) => (from, conversion, back, Direction::Forward),
            (true, false) => (to, back, conversion, Direction::Backward),
        };
        for (key, why) in OF_ONE {
            let Some((key, _)) = fields.and_then(|fields| fields.entry(key)) else { continue };
            let message = format!(
                "`{}` can't stand in a row about several properties (`{}`): it {why}",
                key.text, side.cell
            );
            self.reader
                .error(codes::CONTRADICTION, &key.span, message)
                .set_help("leave it out, or write a row for one of them");
            return false;
        }
        let row = Combined {
            parts: &side.parts,
            whole: if from.parts.is_empty() { &from.cell } else { &to.cell },
            joins,
            splits,
        };
        let wrong = match direction == away {
            true => row.unmade(),
            false => row.untaken(direction == Direction::Both),
        };
        let Some(Wrong { code, message, help }) = wrong else { return true };
        self.reader.error(code, span, message).set_help(help);
        false
    }
}

/// A row between several properties and a whole.
struct Combined<'r> {
    parts: &'r [String],
    whole: &'r PathCell,
    /// How the parts become the whole, as far as the row says.
    joins: Option<&'r Conversion>,
    splits: Option<&'r Conversion>,
}

struct Wrong {
    code: &'static str,
    message: String,
    help: &'static str,
}

impl Combined<'_> {
    /// Away from the parts alone, any conversion makes one value of the list.
    fn unmade(&self) -> Option<Wrong> {
        let undone = self.splits.filter(|_| self.joins.is_none()).map(Conversion::reverse)?;
        let Reverse::None { why } = undone else { return None };
        let message = format!(
            "{} are to make `{}`, and this is how they are made of it: {why}",
            self.parts.join(" and "),
            self.whole
        );
        let help = "write the row the other way round: several properties, `->`, the one";
        Some(Wrong { code: codes::NO_WAY_BACK, message, help })
    }

    /// P1d: each of the parts takes something of the whole.
    fn untaken(&self, both: bool) -> Option<Wrong> {
        let wrong = |code, message, help| Some(Wrong { code, message, help });
        let (whole, parts) = (self.whole, self.parts.join(" and "));
        let told = self.splits.filter(|splits| matches!(splits, Conversion::Computed(_)));
        if self.parts.len() > 2 && told.is_none() {
            return wrong(
                codes::CONTRADICTION,
                format!("nothing says what of `{whole}` is whose: {}", self.parts.join(", ")),
                "of two properties the second takes the last word; for more say how the value is split: `back: [\"split\", \", \", \"_.\"]`, which gives an element for each",
            );
        }
        let separator = Conversion::joining(self.joins, None).joined_with();
        if both && separator.is_none_or(|by| by.is_empty() && told.is_none()) {
            return wrong(
                codes::CONTRADICTION,
                format!(
                    "edits of `{whole}` are to go back into {parts}, and nothing says what of it is whose"
                ),
                "both ways the parts are joined: `[\"join\", \", \", \"_.\"]`, or with a blank where no type is said; let the row go one way for another conversion",
            );
        }
        let made = told?.apply(&Value::from("a b c"), lockstep_model::Timestamp(0));
        if made.is_ok_and(|made| !made.is_array()) {
            return wrong(
                codes::CONVERSION,
                format!("what is to be split over {parts} is no list by this"),
                "a list has an element for each: `[\"split\", \", \", \"_.\"]`; without it the second takes the last word",
            );
        }
        None
    }
}
