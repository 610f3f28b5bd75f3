//! Templates: Jinja by `minijinja`, with fuel, without ranges, files or anything that loops for long.

use minijinja::{Environment, UndefinedBehavior};
use serde_json::Value;

/// Work that one template may take, in minijinja's instructions.
const FUEL: u64 = 20_000;
/// A text made by a template is not longer.
const MOST: usize = 1 << 20;

/// What a manifest's templates may use: the built-in filters, `url` and `quoted`; nothing that reads files or loops for long.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.add_function("range", |_: i64| -> Result<String, minijinja::Error> {
        Err(minijinja::Error::new(minijinja::ErrorKind::UnknownFunction, "a manifest has no range"))
    });
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
    environment.add_filter("url", |text: String| percent_encoded(&text));
    environment.add_filter("quoted", |text: String| text.replace('\'', "''"));
    environment
}

/// Renders a text. A text without braces is given back as it is.
pub fn render(text: &str, context: &Value) -> Result<String, String> {
    if !text.contains("{{") && !text.contains("{%") {
        return Ok(text.to_string());
    }
    let made = environment()
        .render_str(text, minijinja::value::Serde(context))
        .map_err(|error| format!("the template `{text}`: {error}"))?;
    bounded(text, made)
}

/// Renders all texts in a JSON value. A text that is one expression alone, `{{ version | int }}`, becomes what the expression is: a number,
/// a truth, an object; one that gives nothing, or an empty text, becomes null.
pub fn render_value(value: &Value, context: &Value) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => match expression(text) {
            Some(expression) => {
                let environment = environment();
                let made = environment
                    .compile_expression(expression)
                    .and_then(|compiled| compiled.eval(minijinja::value::Serde(context)))
                    .map_err(|error| format!("the template `{text}`: {error}"))?;
                match serde_json::to_value(&made).map_err(|error| format!("the template `{text}`: {error}"))? {
                    Value::String(made) if made.is_empty() => Value::Null,
                    Value::String(made) => Value::String(bounded(text, made)?),
                    made => made,
                }
            }
            None => Value::String(render(text, context)?),
        },
        Value::Array(list) => Value::Array(list.iter().map(|v| render_value(v, context)).collect::<Result<_, _>>()?),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(k, v)| Ok((k.clone(), render_value(v, context)?))).collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

/// Whether a text is a template that can be read, with filters and functions that there are. If not: what is wrong, and which stretch of the
/// text it is about.
pub fn readable(text: &str) -> Result<(), (String, Option<std::ops::Range<usize>>)> {
    use minijinja::ErrorKind::{UnknownFilter, UnknownFunction, UnknownMethod, UnknownTest};
    let mut environment = environment();
    // Errors then say which stretch of a template they are about. What stands in a variable they could show as well: here is none.
    environment.set_debug(true);
    // Filters are looked up when they are used. What else goes wrong without a record is no mistake.
    let tried = environment.template_from_str(text).map(|template| template.render(minijinja::value::Serde(&Value::Null)).err());
    let unknown =
        |error: &minijinja::Error| matches!(error.kind(), UnknownFilter | UnknownFunction | UnknownMethod | UnknownTest);
    let error = match tried {
        Err(error) => Some(error),
        Ok(error) => error.filter(unknown),
    };
    error.map_or(Ok(()), |error| {
        let range = error.range();
        let what = error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
        Err((format!("the template `{text}` can't be read ({what})"), range))
    })
}

fn bounded(text: &str, made: String) -> Result<String, String> {
    if made.len() > MOST { Err(format!("the template `{text}` makes more than {MOST} bytes")) } else { Ok(made) }
}

/// The expression of a text that is nothing else.
fn expression(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inner.contains("{{") && !inner.contains("{%")).then_some(inner)
}

/// RFC 3986: everything but unreserved characters.
pub fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn templates_are_rendered_in_values() {
        let context = json!({"id": "a b", "revision": "7"});
        assert_eq!(render("/users/{{ id | url }}", &context).unwrap(), "/users/a%20b");
        let made = render_value(&json!({"revision": "{{ revision | int }}", "none": "{{ nothing }}", "n": 1}), &context).unwrap();
        assert_eq!(made, json!({"revision": 7, "none": null, "n": 1}));
        let typed =
            render_value(&json!(["{{ true if id }}", "{{ true if nothing }}", "{{ id }}-{{ revision }}"]), &context).unwrap();
        assert_eq!(typed, json!([true, null, "a b-7"]));
    }

    #[test]
    fn no_template_loops_for_ever() {
        let context = json!({"list": vec![0; 2_000]});
        let endless = "{% for a in list %}{% for b in list %}x{% endfor %}{% endfor %}";
        assert!(render(endless, &context).unwrap_err().contains("template"));
        assert!(render("{{ range(100000) }}", &context).is_err());
    }
}
