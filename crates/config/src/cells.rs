//! From cells to the checked form: a path with its condition, a type or conversion. The same for
//! flow files and documents.

use std::ops::Range;

use lockstep_document::{PathCell, TypeCell};
use lockstep_model::flow::{Having, PropertyRef};
use lockstep_model::{Conversion, Path, PlainType, Policy, Value};

use crate::codes;
use crate::near::nearest;
use crate::problem::Reader;

/// The names of plain types that a type column may hold.
const TYPES: [PlainType; 9] = [
    PlainType::String,
    PlainType::Integer,
    PlainType::Float,
    PlainType::Decimal,
    PlainType::Boolean,
    PlainType::List,
    PlainType::Datetime,
    PlainType::Date,
    PlainType::Minutes,
];

impl Reader {
    /// The property that a cell names; `None` where it names none.
    pub fn property(&mut self, cell: &PathCell, span: &Range<usize>) -> Option<PropertyRef> {
        if cell.path.is_empty() {
            self.warning(codes::ROW, span, "a path is missing, so the row has no effect");
            return None;
        }
        if Path::new(&cell.path).steps().any(|step| step.trim().is_empty()) {
            let message = format!("`{}` is no path: a name is missing beside a dot", cell.path);
            self.fault(codes::ROW, span, &message, "the row is left out").set_help(
                "write the names of the properties with dots between them: `info.name.first`",
            );
            return None;
        }
        let when = cell.condition().filter(|condition| !condition.path.is_empty());
        if cell.conditions.len() > 1 {
            self.warning(
                codes::CONDITIONS,
                span,
                "a path has more than one condition; only the first counts",
            )
            .set_help("write a row for each condition");
        } else if when.is_none() && cell.condition().is_some() {
            self.warning(codes::ROW, span, "the condition names no path, so it is left out")
                .set_help("write `(Dependant on having VALUE in PATH)`");
        }
        let when = when.map(|condition| Having {
            path: Path::new(&condition.path),
            value: condition.value.clone(),
        });
        Some(PropertyRef { when, ..PropertyRef::new(&cell.path[..]) })
    }

    /// What a type cell says: `Ok(None)` where it says nothing, `Err` where the row can't be kept.
    /// `place_of` finds the place of a part of a nested list.
    pub fn conversion(
        &mut self,
        cell: &TypeCell,
        span: &Range<usize>,
        place_of: impl Fn(&[usize]) -> Range<usize>,
    ) -> Result<Option<Conversion>, ()> {
        let left_out = "the row is left out";
        match cell {
            TypeCell::Empty | TypeCell::NotApplicable => Ok(None),
            TypeCell::Plain(name) => {
                if let Ok(conversion) = Conversion::parse(&Value::String(name.clone())) {
                    return Ok(Some(conversion));
                }
                let names = || TYPES.iter().map(|ty| ty.name());
                let help = match nearest(name, names()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!(
                        "a type is {}, or a conversion as a nested list",
                        crate::near::any_of(names())
                    ),
                };
                // What the systems' schemas say counts, so a wrong name of a type does no harm to a
                // document's row.
                self.fault(
                    codes::CONVERSION,
                    span,
                    &format!("there is no type `{name}`"),
                    "the type that the system says counts",
                )
                .set_help(help);
                Ok(None)
            }
            TypeCell::Conversion { list, repaired } => {
                if *repaired {
                    let message = "the conversion lacks opening brackets; they were put back where they can only belong";
                    self.warning(codes::REPAIRED, span, message).set_help(format!("write {cell}"));
                }
                Conversion::parse(&Value::Array(list.clone())).map(Some).map_err(|error| {
                    self.fault(
                        codes::CONVERSION,
                        &place_of(&error.place),
                        &error.message,
                        left_out,
                    )
                    .set_help(
                        "a conversion is a nested list, its name first, in which `_.` is the value",
                    );
                })
            }
            TypeCell::Unreadable(text) => {
                let help = "write a type in quotation marks (`\"string\"`), `N/A`, or a conversion as a nested list: `[\"upper\",\"_.\"]`";
                self.fault(
                    codes::CONVERSION,
                    span,
                    &format!("`{text}` is no type and no conversion"),
                    left_out,
                )
                .set_help(help);
                Err(())
            }
        }
    }
}

/// Whose claim wins, as a row, its flow and the project say it: the nearest counts.
pub(crate) fn policy(row: Option<&Policy>, flow: Option<&Policy>, project: &[String]) -> Policy {
    match row.or(flow) {
        Some(said) => said.clone(),
        None if project.is_empty() => Policy::Latest,
        None => Policy::Prefer(project.to_vec()),
    }
}
