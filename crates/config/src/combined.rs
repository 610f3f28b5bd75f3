//! Rows about several properties that make one value together: `first + last <-> name`.
//!
//! Away from them they are a list in their order, of which the row's `type` makes one value: joined
//! with a blank, if it says nothing. Towards them each takes a part (P1d), or an element of what
//! `back` gives.

use std::ops::Range;

use lockstep_model::{Conversion, Direction, Value};

use crate::codes;
use crate::fields::Fields;
use crate::flow_reader::{FlowReader, type_cell, within};
use crate::followed::RowEnd;

/// What a row with settings says that can't be said of several properties.
const OF_ONE: [(&str, &str); 4] = [
    ("map", "takes one value"),
    ("wins", "compares one value with another"),
    ("list", "is about the elements of a list"),
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
            let message =
                format!("`{}` {why}, and `{}` are several properties", key.text, side.cell);
            self.reader
                .error(codes::CONTRADICTION, &key.span, message)
                .set_help("leave it out, or write a row for one of them");
            return false;
        }
        // Away from them alone, any conversion makes one value of the list.
        if direction == away {
            return true;
        }
        let is_join = |conversion: &Conversion| {
            let list = conversion.to_json();
            matches!(list.as_array().map(Vec::as_slice), Some([Value::String(name), Value::String(_), Value::String(value)]) if name == "join" && value == "_.")
        };
        let joined =
            joins.is_none_or(|joins| matches!(joins, Conversion::Plain(_)) || is_join(joins));
        if direction == Direction::Both && !joined {
            let message = format!(
                "edits of `{}` are to go back into {}, and nothing says what of it is whose",
                if from.parts.is_empty() { &from.cell } else { &to.cell },
                side.parts.join(" and ")
            );
            self.reader.error(codes::CONTRADICTION, span, message).set_help(
                "both ways the parts are joined: `[\"join\", \", \", \"_.\"]`, or with a blank where no type is said; let the row go one way for another conversion",
            );
            return false;
        }
        let gives_no_list = splits.filter(|splits| {
            let tried = Value::from("a b c");
            let made = splits.apply(&tried, lockstep_model::Timestamp(0));
            matches!(splits, Conversion::Plain(_)) || made.is_ok_and(|made| !made.is_array())
        });
        if gives_no_list.is_some() {
            let message =
                format!("what is to be split over {} is no list by this", side.parts.join(" and "));
            self.reader.error(codes::CONVERSION, span, message).set_help(
                "a list has an element for each: `[\"split\", \", \", \"_.\"]`; without it the last parts are one word each",
            );
            return false;
        }
        true
    }
}
