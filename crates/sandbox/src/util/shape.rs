//! Tables of properties: what each is called, what it holds, and who may write it. What a misfit
//! is answered with is each vendor's own.

use super::time;
use jiff::civil::Date;
use serde_json::Value;

/// What a property holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// At most so many characters.
    Text(usize),
    Guid,
    Integer,
    Decimal,
    Bool,
    /// `2024-01-31`.
    Date,
    /// A date and time of day, in whatever form of ISO 8601.
    Moment,
    Choice(&'static [&'static str]),
}

/// Who writes a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Open,
    /// Only when the record is created.
    Once,
    /// The system itself.
    Fixed,
}

#[derive(Debug, Clone, Copy)]
pub struct Property {
    pub name: &'static str,
    pub kind: Kind,
    pub access: Access,
}

/// Text without a limit that anybody has stated.
pub const LONG: Kind = Kind::Text(usize::MAX);

pub const fn open(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, access: Access::Open }
}

pub const fn fixed(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, access: Access::Fixed }
}

pub fn find<'a>(table: &'a [Property], name: &str) -> Option<&'a Property> {
    table.iter().find(|property| property.name == name)
}

/// Why a value can't stand in a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfit {
    Type,
    /// Longer than so many characters.
    Long(usize),
    /// None of the choices.
    Choice,
}

/// Whether a value other than null can stand in a property.
pub fn fits(kind: Kind, value: &Value) -> Result<(), Misfit> {
    let text = value.as_str();
    let is = |holds: bool| if holds { Ok(()) } else { Err(Misfit::Type) };
    match kind {
        Kind::Text(limit) => match text {
            None => Err(Misfit::Type),
            Some(text) if text.chars().count() > limit => Err(Misfit::Long(limit)),
            Some(_) => Ok(()),
        },
        Kind::Guid => is(text.is_some_and(is_guid)),
        Kind::Integer => is(value.is_i64()),
        Kind::Decimal => is(value.is_number()),
        Kind::Bool => is(value.is_boolean()),
        Kind::Date => is(text.is_some_and(|text| text.parse::<Date>().is_ok() && text.len() == 10)),
        Kind::Moment => is(text.is_some_and(|text| time::parse(text).is_some())),
        Kind::Choice(choices) => match text {
            None => Err(Misfit::Type),
            Some(text) if choices.contains(&text) => Ok(()),
            Some(_) => Err(Misfit::Choice),
        },
    }
}

/// `8-4-4-4-12` hexadecimal digits.
pub fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_fit_their_kind_only() {
        let guid = "0d7ab4b4-1e5c-4a0f-8a39-0c3a3a1e6c11";
        let choice = Kind::Choice(&["Person", "Company"]);
        for (kind, value) in [
            (Kind::Text(3), json!("ørr")),
            (Kind::Guid, json!(guid)),
            (Kind::Decimal, json!(1.5)),
            (Kind::Date, json!("2024-02-29")),
            (Kind::Moment, json!("2024-02-29T10:00:00Z")),
            (choice, json!("Person")),
        ] {
            assert_eq!(fits(kind, &value), Ok(()), "{kind:?} {value}");
        }
        for (kind, value, why) in [
            (Kind::Text(3), json!("fire"), Misfit::Long(3)),
            (Kind::Text(3), json!(3), Misfit::Type),
            (Kind::Guid, json!("7"), Misfit::Type),
            (Kind::Integer, json!(1.5), Misfit::Type),
            (Kind::Bool, json!("true"), Misfit::Type),
            (Kind::Date, json!("2024-02-30"), Misfit::Type),
            (Kind::Date, json!("2024-02-29T10:00:00Z"), Misfit::Type),
            (choice, json!("person"), Misfit::Choice),
        ] {
            assert_eq!(fits(kind, &value), Err(why), "{kind:?} {value}");
        }
    }
}
