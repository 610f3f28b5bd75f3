//! Sides of property rows that follow references: `company > name -> company_name`.
//!
//! Such a side is a property of another record, so that a row can only take it. A document has the
//! whole side in a cell, and says in a sentence which of its words are references.

use std::collections::HashMap;
use std::ops::Range;

use lockstep_document::{PathCell, Setting};
use lockstep_model::flow::PropertyRef;
use lockstep_model::{Direction, Path, Value};

use crate::codes;
use crate::flow_reader::FlowReader;
use crate::row::{parts, path_cell, path_text, steps};

/// A side of a property row.
pub(crate) struct RowEnd {
    /// As a document's table has it.
    pub cell: PathCell,
    pub span: Range<usize>,
    /// `None` where it names none.
    pub property: Option<PropertyRef>,
    /// The references that it follows, as they are written.
    via: Vec<String>,
    /// The properties that it is together, as they are written; none where it is one.
    pub parts: Vec<String>,
}

impl RowEnd {
    /// What a document says of it beside the table: which references it follows, or which
    /// properties it is together. `suffix` tells the two sides apart.
    pub fn setting(&self, suffix: &str) -> Option<(String, Value)> {
        let (key, list) = match () {
            () if !self.via.is_empty() => ("follows", &self.via),
            () if !self.parts.is_empty() => ("combines", &self.parts),
            () => return None,
        };
        Some((format!("{key}{suffix}"), Value::from(list.clone())))
    }
}

impl FlowReader<'_> {
    /// A side of a row, which stands at `part` of its text.
    pub(crate) fn row_end(
        &mut self,
        (text, span): (&str, &Range<usize>),
        part: &Range<usize>,
    ) -> RowEnd {
        let several = parts(&text[part.clone()]);
        if several.len() > 1 {
            return self.combined_end((text, span), part, &several);
        }
        let mut steps = steps(&text[part.clone()]);
        let last = steps.pop().unwrap_or(0..0);
        let at = |step: &Range<usize>| part.start + step.start..part.start + step.end;
        let mut cell = path_cell(&text[at(&last)]);
        let property = self.reader.property(&cell, &self.part(text, span, &at(&last)));
        let mut references = Vec::new();
        for step in &steps {
            let reference = path_cell(&text[at(step)]);
            let named = self.reader.property(&reference, &self.part(text, span, &at(step)));
            references.extend(named.map(|named| named.path));
        }
        let via: Vec<String> = references.iter().map(Path::to_string).collect();
        let found = references.len() == steps.len();
        if !via.is_empty() {
            cell.path = format!("{} > {}", via.join(" > "), cell.path);
        }
        RowEnd {
            cell,
            span: self.part(text, span, part),
            property: property
                .filter(|_| found)
                .map(|property| PropertyRef { via: references, ..property }),
            via,
            parts: vec![],
        }
    }

    /// A side that is several properties of the record together.
    fn combined_end(
        &mut self,
        (text, span): (&str, &Range<usize>),
        part: &Range<usize>,
        several: &[Range<usize>],
    ) -> RowEnd {
        let (mut named, mut plain) = (Vec::new(), true);
        for one in several {
            let at = part.start + one.start..part.start + one.end;
            let place = self.part(text, span, &at);
            let cell = path_cell(&text[at.clone()]);
            if cell.condition().is_some() || steps(&text[at]).len() > 1 {
                self.reader
                    .error(codes::ROW, &place, "several properties together are the record's own, and without conditions")
                    .set_help("name them by their paths: `first + last <-> name`; a name with ` + ` in it stands in double quotation marks");
                plain = false;
            }
            named.extend(self.reader.property(&cell, &place));
        }
        let parts: Vec<String> = named.iter().map(|one| one.path.to_string()).collect();
        if let Some(twice) = (1..parts.len()).find(|at| parts[..*at].contains(&parts[*at])) {
            let place = self.part(text, span, part);
            self.reader
                .error(codes::ROW, &place, format!("`{}` is named twice", parts[twice]))
                .set_help("name each of the properties once");
            plain = false;
        }
        let all = named.len() == several.len() && plain;
        let mut paths = named.into_iter().map(|one| one.path);
        let property = paths
            .next()
            .filter(|_| all)
            .map(|first| PropertyRef { beside: paths.collect(), ..PropertyRef::new(first) });
        RowEnd {
            cell: PathCell::new(&parts.join(" + ")),
            span: self.part(text, span, part),
            property,
            via: vec![],
            parts,
        }
    }

    /// Whether a row that follows references goes away from them. What is wrong is told.
    pub(crate) fn follows_one_way(
        &mut self,
        [from, to]: [&RowEnd; 2],
        direction: Direction,
        span: &Range<usize>,
    ) -> bool {
        let (followed, other, arrow) = match (from.via.is_empty(), to.via.is_empty()) {
            (true, true) => return true,
            (false, false) => {
                self.reader
                    .error(
                        codes::FOLLOWED,
                        span,
                        "both sides of the row belong to other records, so it has nothing to write",
                    )
                    .set_help("follow references on the side that the value comes from alone");
                return false;
            }
            (false, true) if direction == Direction::Forward => return true,
            (true, false) if direction == Direction::Backward => return true,
            (false, true) => (from, to, "->"),
            (true, false) => (to, from, "<-"),
        };
        let sides = [followed, other].map(|end| end.cell.to_string());
        let row = match arrow {
            "->" => format!("{} -> {}", sides[0], sides[1]),
            _ => format!("{} <- {}", sides[1], sides[0]),
        };
        let message = format!(
            "`{}` belongs to the record that `{}` refers to, and the row would write it",
            followed.cell,
            followed.via.join(" > ")
        );
        let (reference, property) = (&followed.via[0], &followed.cell.path);
        let property = property.rsplit(" > ").next().unwrap_or(property);
        self.reader.error(codes::FOLLOWED, span, message).set_help(format!(
            "write `{row}`; where an edit is to go back, keep `{property}` equal in a flow of the record type that `{reference}` refers to"
        ));
        false
    }

    /// Whether a part of a text names a property of the record itself, where none of another record
    /// can stand.
    pub(crate) fn is_of_the_record(
        &mut self,
        (text, span): (&str, &Range<usize>),
        part: &Range<usize>,
        what: &str,
    ) -> bool {
        let named = &text[part.clone()];
        if parts(named).len() > 1 {
            let message = format!("{what} takes one property, and `{named}` are several");
            let place = self.part(text, span, part);
            self.reader.error(codes::ROW, &place, message).set_help(
                "write a pair for each, with `and` between them; a name with ` + ` in it stands in double quotation marks",
            );
            return false;
        }
        if steps(named).len() < 2 {
            return true;
        }
        let message = format!("{what} can't follow references, as `{named}` does");
        let place = self.part(text, span, part);
        self.reader.error(codes::FOLLOWED, &place, message).set_help(
            "name a property of the record itself; one whose name has `>` in it stands in double quotation marks",
        );
        false
    }
}

/// The sides of a document's rows of which sentences say which references they follow, or which
/// properties they are together.
#[derive(Default)]
pub(crate) struct FollowedSides {
    via: HashMap<(usize, bool), Vec<String>>,
    parts: HashMap<(usize, bool), Vec<String>>,
}

impl FollowedSides {
    /// Takes what a setting says of a row, if it says that.
    pub fn take(&mut self, row: usize, setting: &Setting) -> bool {
        let (kept, second) = match setting.key.as_str() {
            "follows" => (&mut self.via, false),
            "follows_to" => (&mut self.via, true),
            "combines" => (&mut self.parts, false),
            "combines_to" => (&mut self.parts, true),
            _ => return false,
        };
        let list = setting.value.as_array().map_or(&[][..], Vec::as_slice);
        let via: Option<Vec<String>> =
            list.iter().map(|reference| reference.as_str().map(str::to_string)).collect();
        kept.extend(via.map(|via| ((row, second), via)));
        true
    }

    /// A side as a row writes it.
    pub fn text(&self, row: usize, second: bool, cell: &PathCell) -> String {
        if let Some(parts) = self.parts.get(&(row, second))
            && parts.join(" + ") == cell.path
        {
            let texts = parts.iter().map(|part| path_text(&PathCell::new(part)));
            return texts.collect::<Vec<_>>().join(" + ");
        }
        let followed = self.via.get(&(row, second)).and_then(|via| followed_text(cell, via));
        followed.unwrap_or_else(|| path_text(cell))
    }
}

fn followed_text(cell: &PathCell, via: &[String]) -> Option<String> {
    let path = cell.path.strip_prefix(&format!("{} > ", via.join(" > ")))?;
    let last = PathCell { path: path.to_string(), ..cell.clone() };
    let steps = via.iter().map(|reference| path_text(&PathCell::new(reference)));
    Some(steps.chain([path_text(&last)]).collect::<Vec<_>>().join(" > "))
}
