//! Values to try a property with: of its type, unlike any other value of the trials, and such that
//! both sides can hold them.
//!
//! A value is made from a number, so that two trials never use the same one and a failure can be
//! looked up by it. What a value becomes on the other side is computed here from the row alone
//! (conversion, then the type of the other property, then what its system is known to make of a
//! text), which is what rule P3 says; how the engine comes to it is not looked at.

use lockstep_model::schema::StoredAs;
use lockstep_model::value::{as_stored, coerce, equal, equal_as, is_empty};
use lockstep_model::{
    Conversion, PlainType, PropertyPair, PropertySchema, Reverse, Timestamp, Value,
};
use serde_json::json;

/// The mark that every text of a trial carries.
pub const MARK: &str = "lsv";

/// One row as it is tried: what its two properties are.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    pub pair: &'a PropertyPair,
    pub from: &'a PropertySchema,
    pub to: &'a PropertySchema,
}

impl Row<'_> {
    /// What the target is given for a value of the source.
    pub fn forward(&self, value: &Value) -> Result<Value, String> {
        let made = match &self.pair.conversion {
            Some(conversion) => {
                conversion.apply(value, Timestamp(0)).map_err(|error| error.to_string())?
            }
            None => value.clone(),
        };
        Ok(as_stored(coerce(&made, self.to.ty)?, self.to.stored_as))
    }

    /// What the source is given for a value of the target; `Err` says why nothing is.
    pub fn backward(&self, value: &Value) -> Result<Value, String> {
        let made = match self.pair.conversion.as_ref().map(Conversion::reverse) {
            None => value.clone(),
            Some(Reverse::Exact(back) | Reverse::Lossy { conversion: back, .. }) => {
                back.apply(value, Timestamp(0)).map_err(|error| error.to_string())?
            }
            Some(Reverse::None { why }) => return Err(format!("there is no way back: {why}")),
        };
        Ok(as_stored(coerce(&made, self.from.ty)?, self.from.stored_as))
    }

    /// What the target is given where the source has nothing, if the conversion makes something of
    /// that.
    pub fn default(&self) -> Option<Value> {
        self.forward(&Value::Null).ok().filter(|value| !is_empty(value))
    }

    /// Whether there is a way back at all.
    pub fn way_back(&self) -> Result<(), String> {
        match self.pair.conversion.as_ref().map(Conversion::reverse) {
            Some(Reverse::None { why }) => Err(format!("there is no way back: {why}")),
            _ => Ok(()),
        }
    }

    /// The `n`th pair of values that say the same, source's first: no other number gives it.
    pub fn values(&self, n: u64) -> Result<(Value, Value), String> {
        let computed = matches!(self.pair.conversion, Some(Conversion::Computed(_)));
        let ty = match &self.pair.conversion {
            Some(Conversion::Plain(plain))
                if narrower(self.from.ty, self.to.ty) == PlainType::String =>
            {
                *plain
            }
            _ => narrower(self.from.ty, self.to.ty),
        };
        let mut candidates = vec![value(ty, self.from, Some(self.to), n)];
        if computed {
            // What a nested list is made for can't be seen from outside; something of each kind is
            // offered to it.
            use PlainType::{Boolean, Date, Datetime, Decimal, Float, Integer, List, String};
            candidates.clear();
            let samples =
                self.pair.conversion.as_ref().map(Conversion::samples).unwrap_or_default();
            let first = n as usize % samples.len().max(1);
            candidates.extend(samples.iter().cycle().skip(first).take(samples.len()).cloned());
            candidates.push(json!(format!("Ask{n} Embla{n}")));
            candidates.extend(
                [self.from.ty, Datetime, Date, Integer, Decimal, Float, String, List, Boolean]
                    .map(|ty| value(ty, self.from, None, n)),
            );
            // What a value of the target comes from.
            candidates.extend(self.backward(&value(String, self.to, None, n)).ok());
        }
        let mut why = String::from("no value was found that both sides can hold");
        for candidate in candidates {
            let candidate = match coerce(&candidate, self.from.ty) {
                Ok(candidate) => as_stored(candidate, self.from.stored_as),
                Err(message) => {
                    why = message;
                    continue;
                }
            };
            match self.forward(&candidate) {
                Ok(other) if !is_empty(&other) => {
                    // Where the way back loses something, what comes back is what is tried with.
                    let back = self.backward(&other).ok().filter(|back| !is_empty(back));
                    let stays = |back: &Value| {
                        self.forward(back).is_ok_and(|again| equal_as(self.to.ty, &again, &other))
                    };
                    let source = match back {
                        Some(back) if stays(&back) => back,
                        _ => candidate,
                    };
                    return Ok((source, other));
                }
                Ok(_) => {}
                Err(message) => why = message,
            }
        }
        Err(why)
    }

    /// A value of the source that the target's type can't hold, where there is one.
    pub fn unholdable(&self, n: u64) -> Option<Value> {
        use PlainType::{Boolean, Date, Datetime, Decimal, Float, Integer};
        let narrow = matches!(self.to.ty, Integer | Float | Decimal | Boolean | Datetime | Date);
        let wide = matches!(self.from.ty, PlainType::String | PlainType::Any);
        let plain = !matches!(self.pair.conversion, Some(Conversion::Computed(_)));
        (narrow && wide && plain && !self.from.list).then(|| json!(format!("{MARK}{n} is none")))
    }
}

/// Of two types, the one whose values the other can hold too.
fn narrower(a: PlainType, b: PlainType) -> PlainType {
    use PlainType::{Any, Boolean, Date, Datetime, Decimal, Float, Integer, List, Minutes, String};
    let rank = |ty| match ty {
        Date => 0,
        Datetime => 1,
        Boolean => 2,
        Minutes => 3,
        Integer => 4,
        Decimal => 5,
        Float => 6,
        String => 7,
        List => 8,
        Any => 9,
    };
    if rank(a) <= rank(b) { a } else { b }
}

/// The `n`th value of a type for a property; `also` is to be able to hold it too.
pub fn value(ty: PlainType, of: &PropertySchema, also: Option<&PropertySchema>, n: u64) -> Value {
    let moment = |minutes: u64| {
        let at = Timestamp(1_900_000_000_000 + i64::try_from(minutes).unwrap_or(0) * 60_000);
        at.to_string()
    };
    match ty {
        PlainType::Integer | PlainType::Minutes => json!(1000 + n),
        PlainType::Float => json!(n as f64 + 0.5),
        PlainType::Decimal => json!(format!("{n}.25")),
        PlainType::Boolean => json!(n.is_multiple_of(2)),
        // Years that every system takes.
        PlainType::Datetime => json!(moment(n % 1_000_000)),
        PlainType::Date => json!(moment(n % 3_000 * 1440).chars().take(10).collect::<String>()),
        PlainType::List => json!([format!("{MARK}{n}")]),
        PlainType::String | PlainType::Any => json!(text(of, also, n)),
    }
}

/// A text that looks like what the property's name promises.
fn text(of: &PropertySchema, also: Option<&PropertySchema>, n: u64) -> String {
    let names = |word: &str| {
        let has = |schema: &PropertySchema| schema.path.as_str().to_lowercase().contains(word);
        has(of) || also.is_some_and(has)
    };
    let room = [Some(of), also]
        .into_iter()
        .flatten()
        .filter_map(|schema| schema.stored_as.max_chars)
        .min();
    let text = if of.stored_as.caseless
        || also.is_some_and(|schema| schema.stored_as.caseless)
        || names("mail")
    {
        format!("{MARK}{n}@example.com")
    } else if names("phone") || names("mobile") || names("fax") {
        format!("+479{n:07}")
    } else if names("url") || names("website") {
        format!("https://{MARK}{n}.example.com/")
    } else if names("country") {
        // Codes are few: told apart they are, unlike any other they are not.
        ["NO", "SE", "DK", "FI", "IS"][n as usize % 5].to_string()
    } else {
        let step = of.path.steps().next_back().unwrap_or("value");
        format!("{step} {MARK}{n}")
    };
    match room.and_then(|room| text.char_indices().nth(room)) {
        Some((cut, _)) => text[text.len() - cut..].to_string(),
        None => text,
    }
}

/// A value that differs from another of the same property in one character: no match (L2).
pub fn near(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) if text.contains('@') => Some(json!(format!("x{text}"))),
        Value::String(text) => {
            let mut near: Vec<char> = text.chars().collect();
            let last = near.last_mut()?;
            *last = if *last == '1' { '2' } else { '1' };
            Some(json!(near.into_iter().collect::<String>()))
        }
        Value::Number(number) => Some(json!(number.as_i64()? + 1)),
        _ => None,
    }
}

/// Whether a property shows what it should, in its own terms (P3): systems reformat telephone
/// numbers and fold case.
pub fn shows(schema: &PropertySchema, shown: &Value, expected: &Value) -> bool {
    if schema.list
        && let Value::Array(elements) = shown
        && !expected.is_array()
    {
        return match is_empty(expected) {
            true => elements.iter().all(is_empty),
            false => elements.iter().any(|element| alike(schema, element, expected)),
        };
    }
    alike(schema, shown, expected)
}

/// Whether a list shows these elements in this order, and no others.
pub fn elements_show(schema: &PropertySchema, shown: &Value, expected: &[Value]) -> bool {
    let Value::Array(elements) = shown else { return false };
    elements.len() == expected.len()
        && elements.iter().zip(expected).all(|(shown, expected)| alike(schema, shown, expected))
}

fn alike(schema: &PropertySchema, shown: &Value, expected: &Value) -> bool {
    let expected = as_stored(expected.clone(), schema.stored_as);
    if equal(shown, &expected) || equal_as(schema.ty, shown, &expected) {
        return true;
    }
    let (Value::String(a), Value::String(b)) = (shown, &expected) else { return false };
    let StoredAs { caseless, upper, lower, .. } = schema.stored_as;
    if (caseless || upper || lower) && a.to_lowercase() == b.to_lowercase() {
        return true;
    }
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    b.starts_with('+') && digits(b).len() > 7 && digits(a).ends_with(&digits(b)[2..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_model::flow::PropertyRef;

    fn pair(conversion: Option<Value>) -> PropertyPair {
        let conversion = conversion.map(|json| Conversion::parse(&json).unwrap());
        PropertyPair {
            conversion,
            ..PropertyPair::equal(PropertyRef::new("a"), PropertyRef::new("b"))
        }
    }

    #[test]
    fn both_sides_can_hold_what_is_tried() {
        let string = PropertySchema::new("a", PlainType::String);
        for ty in [
            PlainType::Integer,
            PlainType::Datetime,
            PlainType::Boolean,
            PlainType::Decimal,
            PlainType::List,
        ] {
            let to = PropertySchema::new("b", ty);
            let pair = pair(None);
            let row = Row { pair: &pair, from: &string, to: &to };
            let (a, b) = row.values(7).unwrap();
            assert!(a.is_string() && !is_empty(&b), "{ty:?}: {a} {b}");
            assert!(coerce(&b, ty).is_ok());
        }
    }

    #[test]
    fn a_nested_list_is_given_what_it_takes() {
        let string = PropertySchema::new("a", PlainType::String);
        let to = PropertySchema::new("b", PlainType::String);
        let day = pair(Some(json!(["datetime-format", "%Y-%m-%d", "_."])));
        let row = Row { pair: &day, from: &string, to: &to };
        let (one, other) = (row.values(1).unwrap(), row.values(2000).unwrap());
        assert_eq!(one.1.as_str().unwrap().len(), 10, "{one:?}");
        assert_ne!(one.1, other.1);
    }

    #[test]
    fn a_near_miss_is_none() {
        assert_eq!(near(&json!("a@example.com")), Some(json!("xa@example.com")));
        assert_eq!(near(&json!("+47911")), Some(json!("+47912")));
        let mut phone = PropertySchema::new("phone", PlainType::String);
        phone.list = true;
        assert!(shows(&phone, &json!(["+47 90 00 00 11"]), &json!("+4790000011")));
        assert!(!shows(&phone, &json!(["+47 90 00 00 12"]), &json!("+4790000011")));
    }
}
