//! Systems that store something other than what they were given: the request's body is changed
//! before it is carried out.
//!
//! The answer then shows what was stored, as the real systems' answers do (rule P3).

use serde_json::{Number, Value};

use super::how::How;
use super::what::What;

/// Properties that hold names of people and things, or telephone numbers, in the emulated systems.
/// They are nobody's key.
const USUAL: &[&str] = &[
    "Firstname",
    "Lastname",
    "MiddleName",
    "FirstName",
    "LastName",
    "firstname",
    "lastname",
    "first",
    "last",
    "firstName",
    "lastName",
    "givenName",
    "familyName",
    "Name",
    "name",
    "Title",
    "phone",
    "Phone",
    "PhoneNumber",
    "directPhone",
    "mobilePhone",
    "Department",
    "jobTitle",
    "jobtitle",
    "company",
];

/// Rewrites a body of JSON. `None` where that changes nothing.
pub(crate) fn rewritten(body: &[u8], what: &What) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    let named = |name: &str| match &what.properties {
        Some(names) => names.iter().any(|known| known == name),
        None => USUAL.contains(&name),
    };
    let how = what.how.unwrap_or(How::Trim);
    let before = value.clone();
    walk(&mut value, &named, false, &|value| change(value, how, what.characters.unwrap_or(20)));
    (value != before).then(|| value.to_string().into_bytes())
}

fn walk(
    value: &mut Value,
    named: &dyn Fn(&str) -> bool,
    inside: bool,
    change: &dyn Fn(&mut Value),
) {
    match value {
        Value::Object(object) => {
            // An operation of a JSON Patch (RFC 6902) names the property in its path.
            let patched = object
                .get("path")
                .and_then(Value::as_str)
                .and_then(|path| path.rsplit('/').next())
                .map(str::to_owned);
            let is_patch = object.contains_key("op");
            for (name, inner) in object.iter_mut() {
                let hit = match &patched {
                    Some(patched) if is_patch => name == "value" && named(patched),
                    _ => named(name),
                };
                walk(inner, named, hit, change);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, named, inside, change)),
        value if inside => change(value),
        _ => {}
    }
}

fn change(value: &mut Value, how: How, characters: usize) {
    match (how, &*value) {
        (How::Trim, Value::String(text)) => {
            *value = Value::from(text.split_whitespace().collect::<Vec<_>>().join(" "))
        }
        (How::Cut, Value::String(text)) => {
            *value = Value::from(text.chars().take(characters).collect::<String>())
        }
        (How::Upper, Value::String(text)) => *value = Value::from(text.to_uppercase()),
        (How::Round, Value::Number(number)) => {
            if let Some(number) = number.as_f64().map(f64::round).and_then(Number::from_f64) {
                *value = Value::Number(number);
            }
        }
        (How::Round, Value::String(text)) => {
            if let Some(number) = text.trim().parse::<f64>().ok().filter(|_| text.contains('.')) {
                *value = Value::from(format!("{}", number.round()));
            }
        }
        (How::Reformat, Value::String(text)) => {
            if let Some(phone) = grouped(text) {
                *value = Value::from(phone);
            }
        }
        _ => {}
    }
}

/// A telephone number in groups of two from its end; `None` for what is none.
fn grouped(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.len() < 6 || text.chars().any(char::is_alphabetic) {
        return None;
    }
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(2)
        .rev()
        .filter_map(|pair| std::str::from_utf8(pair).ok())
        .collect();
    Some(format!(
        "{}{}",
        if text.trim_start().starts_with('+') { "+" } else { "" },
        groups.join(" ")
    ))
}

#[cfg(test)]
mod tests {
    use super::super::FaultKind;
    use super::*;
    use serde_json::json;

    fn after(how: How, body: &Value) -> Option<Value> {
        let what = What { how: Some(how), characters: Some(3), ..What::new(FaultKind::Rewrite) };
        rewritten(body.to_string().as_bytes(), &what)
            .map(|bytes| serde_json::from_slice(&bytes).unwrap())
    }

    #[test]
    fn values_of_the_named_properties_are_rewritten_and_no_others() {
        let body = json!({"info":{"name":{"first":" Åse  Marie ","last":"Lie"},"emails":{"items":[{"email":"a@example.no"}]}}});
        assert_eq!(after(How::Trim, &body).unwrap()["info"]["name"]["first"], "Åse Marie");
        assert_eq!(
            after(How::Cut, &json!({"givenName":"Åshild"})),
            Some(json!({"givenName":"Åsh"}))
        );
        assert_eq!(after(How::Upper, &body).unwrap()["info"]["emails"], body["info"]["emails"]);
        assert_eq!(after(How::Upper, &json!({"id":"abc"})), None);
        assert_eq!(
            after(How::Reformat, &json!({"phone":"+4722000001"})),
            Some(json!({"phone":"+47 22 00 00 01"}))
        );
        assert_eq!(
            after(How::Cut, &json!([{"op":"replace","path":"/FirstName","value":"Solveig"}]))
                .unwrap()[0]["value"],
            "Sol"
        );
        let what = What {
            how: Some(How::Round),
            properties: Some(vec!["price".into()]),
            ..What::new(FaultKind::Rewrite)
        };
        assert_eq!(rewritten(br#"{"price":12.6}"#, &what), Some(br#"{"price":13.0}"#.to_vec()));
    }
}
