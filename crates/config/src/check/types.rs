//! Which types of properties can be turned into each other.

use lockstep_model::{Conversion, PlainType, PropertySchema};

/// Whether a value of one property can become a value of the other. `Err` says in words why a row
/// between them is not kept.
///
/// What the schemas say counts, not what the type column says: documents call due dates and ids
/// strings. `None` stands for a property of which nothing is known, and is taken to fit. A
/// conversion of more than a plain type is the user's own word for how the one becomes the other.
/// References on both sides are translated through links (P8), whatever their types.
pub fn convertible(
    from: Option<&PropertySchema>,
    to: Option<&PropertySchema>,
    conversion: Option<&Conversion>,
) -> Result<(), String> {
    if conversion.is_some_and(|conversion| !matches!(conversion, Conversion::Plain(_))) {
        return Ok(());
    }
    let (Some(from), Some(to)) = (from, to) else { return Ok(()) };
    if from.reference.is_some() && to.reference.is_some() {
        return Ok(());
    }
    use PlainType::{Boolean, Date, Datetime, Decimal, Float, Integer, List, Minutes};
    let is_time = |ty| matches!(ty, Datetime | Date);
    let is_number = |ty| matches!(ty, Integer | Float | Decimal);
    let why = match (from.ty, to.ty) {
        (a, b) if a == b => return Ok(()),
        (PlainType::Any | PlainType::String, _) | (_, PlainType::Any | PlainType::String) => {
            return Ok(());
        }
        (a, b) if is_time(a) && is_time(b) => return Ok(()),
        (a, b) if (is_number(a) || a == Minutes) && (is_number(b) || b == Minutes) => return Ok(()),
        (Boolean, Integer) | (Integer, Boolean) => return Ok(()),
        (Minutes, b) if is_time(b) => "a number of minutes is no point in time",
        (a, Minutes) if is_time(a) => "a point in time is no number of minutes",
        (a, b) if is_number(a) && is_time(b) => "a number is no point in time",
        (a, b) if is_time(a) && is_number(b) => "a point in time is no number",
        (Boolean, _) | (_, Boolean) => "yes or no is neither a time nor an amount nor a list",
        (List, _) => "a whole list does not go into a single value",
        (_, List) => "a single value is no whole list",
        _ => "the one can't be made of the other",
    };
    Err(format!("The one holds {}, the other {}: {why}", from.ty.name(), to.ty.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: PlainType, to: PlainType) -> bool {
        let one = |ty| PropertySchema::new("p", ty);
        convertible(Some(&one(from)), Some(&one(to)), None).is_ok()
    }

    #[test]
    fn types_that_mean_different_things_are_kept_apart() {
        use PlainType::{Boolean, Date, Datetime, Decimal, Integer, List, Minutes, String};
        for (a, b, expect) in [
            (Minutes, Datetime, false),
            (Boolean, Datetime, false),
            (Integer, Date, false),
            (Boolean, Minutes, false),
            (List, Integer, false),
            (Minutes, Integer, true),
            (Boolean, Integer, true),
            (Date, Datetime, true),
            (Decimal, Integer, true),
            (String, Datetime, true),
            (List, String, true),
        ] {
            assert_eq!(check(a, b), expect, "{} to {}", a.name(), b.name());
            assert_eq!(check(b, a), expect, "{} to {}", b.name(), a.name());
        }
    }

    #[test]
    fn references_and_what_nothing_is_known_of_fit() {
        let mut reference = PropertySchema::new("a", PlainType::Integer);
        reference.reference = Some("Person".into());
        let mut other = PropertySchema::new("b", PlainType::Datetime);
        assert!(convertible(Some(&reference), Some(&other), None).is_err());
        other.reference = Some("Users".into());
        assert!(convertible(Some(&reference), Some(&other), None).is_ok());
        assert!(convertible(Some(&reference), None, None).is_ok());
        let plain = Conversion::Plain(PlainType::String);
        let minutes = PropertySchema::new("m", PlainType::Minutes);
        let time = PropertySchema::new("t", PlainType::Datetime);
        // That a document calls it a string does not make it one.
        assert!(convertible(Some(&minutes), Some(&time), Some(&plain)).is_err());
    }
}
