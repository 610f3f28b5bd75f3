//! Templates: Jinja by `minijinja`, bounded in work and in memory. Work is counted by `minijinja`.
//! Memory is bounded by leaving out what can make a value grow faster than the template's own
//! length: statements that bind values (`set`, `macro`), `*` on anything but numbers, filters that
//! pad. The filters that do make long texts take what they make from a budget, and the output is
//! written to a bounded buffer.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::sync::OnceLock;

use lockstep_model::value::Written;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value as Made};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// Work that one template may take, in minijinja's instructions.
const FUEL: u64 = 20_000;
/// Maximum size of a text made by a template, in bytes.
const MOST: usize = 1 << 20;
/// Maximum size of all texts that filters make on the way, in bytes.
const BUDGET: usize = 8 << 20;
/// Statements that bind no value.
const STATEMENTS: [&str; 8] = ["if", "elif", "else", "endif", "for", "endfor", "raw", "endraw"];

thread_local! {
    /// What is left of the budget of the template that is being rendered.
    static LEFT: Cell<usize> = const { Cell::new(0) };
}

/// What a manifest's templates may use: the built-in filters that can't take much memory, `url` and
/// `quoted`; nothing that reads files or loops for long.
fn environment() -> &'static Environment<'static> {
    static ENVIRONMENT: OnceLock<Environment<'static>> = OnceLock::new();
    ENVIRONMENT.get_or_init(made_environment)
}

fn made_environment() -> Environment<'static> {
    let mut environment = Environment::new();
    for name in ["range", "debug", "namespace", "lipsum"] {
        environment.remove_global(name);
    }
    for name in ["indent", "format", "batch", "slice", "pprint", "groupby"] {
        environment.remove_filter(name);
    }
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
    // A value that is not there is no text `none`.
    environment.set_formatter(|out, state, value| {
        minijinja::escape_formatter(
            out,
            state,
            if value.is_none() { &Made::UNDEFINED } else { value },
        )
    });
    environment.add_filter("url", |value: Made| spent(percent_encoded(&shown(&value))));
    environment.add_filter("quoted", |value: Made| spent(shown(&value).replace('\'', "''")));
    environment.add_filter("string", |value: Made| shown(&value));
    environment.add_filter("replace", |value: Made, from: String, to: String| {
        let text = shown(&value);
        // Before it is made: a replacement may be as long as the text.
        let times = if from.is_empty() {
            text.chars().count() + 1
        } else {
            text.matches(from.as_str()).count()
        };
        allowed(text.len().saturating_add(times.saturating_mul(to.len())))?;
        spent(text.replace(from.as_str(), &to))
    });
    environment.add_filter(
        "join",
        |value: Made, between: Option<String>| -> Result<String, Error> {
            let between = between.unwrap_or_default();
            let mut made = String::new();
            for (n, one) in value.try_iter()?.enumerate() {
                if n > 0 {
                    made.push_str(&between);
                }
                made.push_str(&shown(&one));
                allowed(made.len())?;
            }
            spent(made)
        },
    );
    environment.add_filter("tojson", |value: Made| -> Result<Made, Error> {
        let made = minijinja::filters::tojson(
            &value,
            None,
            minijinja::value::Kwargs::from_iter(Vec::<(String, Made)>::new()),
        )?;
        spent(made.as_str().unwrap_or_default().to_string())?;
        Ok(made)
    });
    environment
}

/// A value as text; empty where there is none.
fn shown(value: &Made) -> String {
    if value.is_none() || value.is_undefined() { String::new() } else { value.to_string() }
}

/// Whether a filter may produce this many bytes.
fn allowed(bytes: usize) -> Result<(), Error> {
    match LEFT.get() {
        left if bytes <= left => Ok(()),
        _ => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("it makes more than {BUDGET} bytes"),
        )),
    }
}

/// What a filter has made, taken from the budget.
fn spent(made: String) -> Result<String, Error> {
    allowed(made.len())?;
    LEFT.set(LEFT.get() - made.len());
    Ok(made)
}

/// Output of bounded length.
#[derive(Default)]
struct Output(Vec<u8>);

impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST {
            return Err(io::Error::other(format!("it makes more than {MOST} bytes")));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Renders a text. A text without braces is given back as it is.
pub fn render(text: &str, context: &Value) -> Result<String, String> {
    if !is_template(text) {
        return Ok(text.to_string());
    }
    let failed = |error: &dyn std::fmt::Display| format!("the template `{text}`: {error}");
    in_bounds(text).map_err(|(message, _)| failed(&message))?;
    LEFT.set(BUDGET);
    let mut made = Output::default();
    let template = environment().template_from_str(text).map_err(|error| failed(&error))?;
    template.render_captured_to(minijinja::value::Serde(Written(context)), &mut made).map_err(
        |error| {
            let inner = std::error::Error::source(&error)
                .map(|inner| format!(": {inner}"))
                .unwrap_or_default();
            failed(&format!("{error}{inner}"))
        },
    )?;
    String::from_utf8(made.0).map_err(|error| failed(&error))
}

/// Renders a header or a part of a query. `None` where it is empty, or names a variable that has no
/// value: `If-Match: "{{ version }}"` is not sent where there is no version.
pub fn render_optional(text: &str, context: &Value) -> Result<Option<String>, String> {
    if lacks_a_value(text, context) {
        return Ok(None);
    }
    Ok(Some(render(text, context)?).filter(|made| !made.is_empty()))
}

/// Whether an expression of the template is a variable without a value, as such or with filters.
fn lacks_a_value(text: &str, context: &Value) -> bool {
    text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).any(|(expression, _)| {
        let expression = expression.trim_start_matches('-').trim();
        let end =
            expression.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(expression.len());
        let (name, rest) = (&expression[..end], expression[end..].trim().trim_end_matches('-'));
        let filtered = rest.is_empty()
            || rest.starts_with('|') && !rest.contains("default") && !rest.contains("d(");
        let is_name = name.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
        is_name
            && filtered
            && !rest.contains(" if ")
            && context.get(name).is_none_or(Value::is_null)
    })
}

/// Renders all texts in a JSON value. A text that is one expression alone, `{{ version | int }}`,
/// becomes what the expression is: a number, a truth, an object; one that gives nothing, or an
/// empty text, becomes null.
pub fn render_value(value: &Value, context: &Value) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => match expression(text) {
            // What stands at a place is taken over as it is: a number keeps every digit (R7).
            Some(place) if let Some(found) = at_place(place, context) => match found {
                Value::String(text) if text.is_empty() => Value::Null,
                Value::String(made) => Value::String(bounded(text, made.clone())?),
                other => other.clone(),
            },
            Some(expression) => {
                in_bounds(text)
                    .map_err(|(message, _)| format!("the template `{text}`: {message}"))?;
                LEFT.set(BUDGET);
                let made = environment()
                    .compile_expression(expression)
                    .and_then(|compiled| compiled.eval(minijinja::value::Serde(Written(context))))
                    .map_err(|error| format!("the template `{text}`: {error}"))?;
                match serde_json::to_value(&made)
                    .map_err(|error| format!("the template `{text}`: {error}"))?
                {
                    Value::String(made) if made.is_empty() => Value::Null,
                    Value::String(made) => Value::String(bounded(text, made)?),
                    made => made,
                }
            }
            None => Value::String(render(text, context)?),
        },
        Value::Array(list) => {
            Value::Array(list.iter().map(|v| render_value(v, context)).collect::<Result<_, _>>()?)
        }
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(k, v)| Ok((k.clone(), render_value(v, context)?)))
                .collect::<Result<_, String>>()?,
        ),
        other => other.clone(),
    })
}

/// Whether a text has something to be made of values.
pub fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// Whether a template keeps to what can be bounded. If not: what is wrong, and which stretch of the
/// text it is about.
fn in_bounds(text: &str) -> Result<(), (String, Range<usize>)> {
    for (code, statement) in codes(text) {
        let inside = &text[code.clone()];
        let tokens = tokens(inside);
        let word = |at: usize| tokens.get(at).map(|token: &Range<usize>| &inside[token.clone()]);
        let told = |token: &Range<usize>, message: String| {
            Err((message, code.start + token.start..code.start + token.end))
        };
        if statement && let Some(first) = tokens.first() {
            let name = &inside[first.clone()];
            if !STATEMENTS.contains(&name) {
                return told(
                    first,
                    format!("`{name}` is no statement of a manifest: there are `if` and `for`"),
                );
            }
            if name == "for" && tokens.last().map(|last| &inside[last.clone()]) == Some("recursive")
            {
                return told(
                    first,
                    "a loop that calls itself is no statement of a manifest".into(),
                );
            }
        }
        for (at, token) in
            tokens.iter().enumerate().filter(|(_, token)| inside[(*token).clone()].starts_with('*'))
        {
            let is_number = |word: Option<&str>| {
                word.is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()))
            };
            let makes_number = |word: Option<&str>| {
                word.is_some_and(|word| {
                    matches!(word, "int" | "float" | "abs" | "length" | "count" | "sum")
                })
            };
            let before = at.checked_sub(1).and_then(word);
            let left = is_number(before)
                || makes_number(before) && at.checked_sub(2).and_then(word) == Some("|");
            if !left || !is_number(word(at + 1)) {
                let message = "`*` multiplies numbers: a number, or `… | float`, before it, and a number behind it".to_string();
                return told(token, message);
            }
        }
    }
    Ok(())
}

/// What stands in `{{ … }}` and `{% … %}`, and whether it is a statement. Texts in quotation marks
/// may hold the ends of both.
fn codes(text: &str) -> Vec<(Range<usize>, bool)> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(at) = text[from..].find('{').map(|at| from + at) {
        let (end, statement) = match text[at + 1..].chars().next() {
            Some('{') => ("}}", false),
            Some('%') => ("%}", true),
            Some('#') => {
                from = text[at..].find("#}").map_or(text.len(), |end| at + end + 2);
                continue;
            }
            _ => {
                from = at + 1;
                continue;
            }
        };
        let start = at + 2;
        let (mut quote, mut escaped, mut stop) = (None, false, text.len());
        for (n, c) in text[start..].char_indices() {
            match (c, quote) {
                _ if escaped => escaped = false,
                ('\\', Some(_)) => escaped = true,
                (c, Some(open)) if c == open => quote = None,
                ('"' | '\'', None) => quote = Some(c),
                (_, None) if text[start + n..].starts_with(end) => {
                    stop = start + n;
                    break;
                }
                _ => {}
            }
        }
        found.push((start..stop, statement));
        from = (stop + 2).min(text.len());
        while !text.is_char_boundary(from) {
            from += 1;
        }
    }
    found
}

/// Words, numbers, texts and signs of an expression. Signs for leaving out space belong to none.
fn tokens(code: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut chars = code.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let mut end = at + c.len_utf8();
        let mut take = |goes_on: &dyn Fn(char) -> bool| {
            while let Some((at, c)) = chars.next_if(|(_, c)| goes_on(*c)) {
                end = at + c.len_utf8();
            }
            end
        };
        match c {
            c if c.is_whitespace() => continue,
            '-' | '+' if found.is_empty() => continue,
            c if c.is_alphanumeric() || c == '_' => {
                take(&|c| c.is_alphanumeric() || c == '_');
            }
            '*' => drop(take(&|c| c == '*')),
            '"' | '\'' => {
                let mut escaped = false;
                for (at, next) in chars.by_ref() {
                    end = at + next.len_utf8();
                    match next {
                        _ if escaped => escaped = false,
                        '\\' => escaped = true,
                        next if next == c => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        found.push(at..end);
    }
    found
}

/// Whether a text is a template that can be read, with filters and functions that there are. If
/// not: what is wrong, and which stretch of the text it is about.
pub fn readable(text: &str) -> Result<(), (String, Option<Range<usize>>)> {
    use minijinja::ErrorKind::{UnknownFilter, UnknownFunction, UnknownMethod, UnknownTest};
    if let Err((message, range)) = in_bounds(text) {
        return Err((format!("the template `{text}` can't be read ({message})"), Some(range)));
    }
    LEFT.set(BUDGET);
    let mut environment = made_environment();
    // Errors then say which stretch of a template they are about. What stands in a variable they
    // could show as well: here is none.
    environment.set_debug(true);
    // Filters are looked up when they are used. What else goes wrong without a record is no
    // mistake.
    let tried = environment
        .template_from_str(text)
        .map(|template| template.render(minijinja::value::Serde(Written(&Value::Null))).err());
    let unknown = |error: &minijinja::Error| {
        matches!(error.kind(), UnknownFilter | UnknownFunction | UnknownMethod | UnknownTest)
    };
    let error = match tried {
        Err(error) => Some(error),
        Ok(error) => error.filter(unknown),
    };
    error.map_or(Ok(()), |error| {
        let range = error.range();
        let what = error.detail().map_or_else(
            || error.kind().to_string(),
            |detail| format!("{}: {detail}", error.kind()),
        );
        Err((format!("the template `{text}` can't be read ({what})"), range))
    })
}

/// The variables that a template reads, without those that its own loops bind; none where it can't
/// be read, which is told elsewhere.
pub fn variables(text: &str) -> BTreeSet<String> {
    let Ok(template) = environment().template_from_str(text) else { return BTreeSet::new() };
    let is_global = |name: &String| environment().globals().any(|(global, _)| global == name);
    template.undeclared_variables(false).into_iter().filter(|name| !is_global(name)).collect()
}

fn bounded(text: &str, made: String) -> Result<String, String> {
    if made.len() > MOST {
        Err(format!("the template `{text}` makes more than {MOST} bytes"))
    } else {
        Ok(made)
    }
}

/// The expression of a text that is nothing else.
fn expression(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inner.contains("{{") && !inner.contains("{%")).then_some(inner)
}

/// What stands at a place in the context, where the expression is no more than the place:
/// `values.amount`.
fn at_place<'v>(expression: &str, context: &'v Value) -> Option<&'v Value> {
    let place = expression.trim();
    let is_name = |step: &str| {
        step.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && step.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    place.split('.').try_fold(context, |value, step| {
        if is_name(step) { value.as_object()?.get(step) } else { None }
    })
}

/// RFC 3986: everything but unreserved characters.
const NOT_UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as it stands in an address, whatever is in it.
pub fn percent_encoded(text: &str) -> String {
    utf8_percent_encode(text, NOT_UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn templates_are_rendered_in_values() {
        let digits: Value = serde_json::from_str(
            r#"{"a":{"n":1234567890123456789012345,"f":123456789.123456789}}"#,
        )
        .unwrap();
        assert_eq!(
            render("{{ a.n }} {{ a.f }}", &digits).unwrap(),
            "1234567890123456789012345 123456789.123456789"
        );
        let made = render_value(&json!({"n": "{{ a.n }}", "f": "{{ a.f }}"}), &digits).unwrap();
        assert_eq!(made.to_string(), r#"{"f":123456789.123456789,"n":1234567890123456789012345}"#);
        let context = json!({"id": "a b", "revision": "7"});
        assert_eq!(render("/users/{{ id | url }}", &context).unwrap(), "/users/a%20b");
        let made = render_value(
            &json!({"revision": "{{ revision | int }}", "none": "{{ nothing }}", "n": 1}),
            &context,
        )
        .unwrap();
        assert_eq!(made, json!({"revision": 7, "none": null, "n": 1}));
        let typed = render_value(
            &json!(["{{ true if id }}", "{{ true if nothing }}", "{{ id }}-{{ revision }}"]),
            &context,
        )
        .unwrap();
        assert_eq!(typed, json!([true, null, "a b-7"]));
    }

    #[test]
    fn no_template_loops_for_ever() {
        let context = json!({"list": vec![0; 2_000]});
        let endless = "{% for a in list %}{% for b in list %}x{% endfor %}{% endfor %}";
        assert!(render(endless, &context).unwrap_err().contains("template"));
        assert!(render("{{ range(100000) }}", &context).is_err());
    }

    #[test]
    fn no_template_takes_all_memory() {
        let context = json!({"x": "x".repeat(1_000), "list": vec!["x".repeat(1_000); 2_000]});
        for template in [
            "{% set y = x ~ x %}{% set y = y ~ y %}{{ y }}",
            "{% set y %}{{ x }}{{ x }}{% endset %}{{ y }}",
            "{% macro f(y) %}{{ y }}{{ y }}{% endmacro %}{{ f(f(f(x))) }}",
            "{%- with y = x ~ x -%}{{ y }}{% endwith %}",
            "{% filter replace('x', 'xxxx') %}{{ x }}{% endfilter %}",
            "{% for a in list recursive %}{{ loop(list) }}{{ loop(list) }}{% endfor %}",
            "{{ 'x' * 100000000 }}",
            "{{ x * 100000 }}",
            "{{ 100000 * x }}",
            "{{ [x] * 100000000 }}",
            "{{ (x) * 100000 }}",
            "{{ x | int * x }}",
            "{{ '%1000000000d' | format(1) }}",
            "{{ x | indent(1000000000) }}",
            "{{ list | batch(1000000000, x) }}",
            "{{ list | tojson(indent=1000000000) }}",
            "{{ x | replace('x', x) | replace('x', x) }}",
            "{{ x | replace('', x) | replace('', x) }}",
            "{{ list | map('replace', 'x', x) | list }}",
            "{{ list | join(x) | replace('x', x) }}",
            "{% for a in list %}{{ a }}{% endfor %}",
            "{{ debug() }}",
        ] {
            let whole = render(template, &context);
            assert!(whole.is_err(), "{template}: {} bytes", whole.map_or(0, |made| made.len()));
            if expression(template).is_some() {
                assert!(render_value(&json!(template), &context).is_err(), "{template}");
            }
        }
        for (template, made) in [
            ("{{ '2' | float * 100 }}", "200.0"),
            ("{{ 2 * 100 }}", "200"),
            ("{{ '*' ~ '}}' }}", "*}}"),
            ("{{ x | length * 2 }}", "2000"),
            ("{% if x %}a{% else %}b{% endif %}", "a"),
            ("{% for a in [1, 2] %}{{ a }}*{% endfor %}", "1*2*"),
            ("{{ [1, 2] | map('string') | join(', ') }}", "1, 2"),
            ("{{ 'a-b' | replace('-', '+') }}", "a+b"),
            ("{# * set #}{{ 1 }}", "1"),
        ] {
            assert_eq!(render(template, &context).as_deref(), Ok(made), "{template}");
            assert!(readable(template).is_ok(), "{template}");
        }
        assert!(readable("{{ x }}{% set y = x %}").unwrap_err().0.contains("`set`"));
    }

    #[test]
    fn variables_are_told_from_what_else_has_a_name() {
        for (template, read) in [
            ("plain", vec![]),
            ("/p/{{ id | url }}?v={{ version | default('*') }}", vec!["id", "version"]),
            ("{{ record.name.first }}{{ 'name' }}", vec!["record"]),
            (
                "{% for row in record.rows %}{{ row.id }}{{ loop.index }}{% endfor %}",
                vec!["record"],
            ),
            (
                "{% if id is defined and not since is none %}{{ id | replace(from='a', to=b) }}{% endif %}",
                vec!["b", "id", "since"],
            ),
            ("{{ a if b == c else 'd' }}{# e #}", vec!["a", "b", "c"]),
        ] {
            assert_eq!(variables(template).into_iter().collect::<Vec<_>>(), read, "{template}");
        }
    }

    #[test]
    fn what_has_no_value_is_no_text() {
        let context = json!({"id": "7", "record": {"name": null}});
        assert_eq!(
            render("a{{ version }}b{{ record.name }}c{{ version | url }}", &context).unwrap(),
            "abc"
        );
        for absent in [
            "{{ version }}",
            "\"{{ version }}\"",
            "W/{{ version | url }}",
            "{{- version -}}",
            "{{ nothing }}-{{ id }}",
            "",
        ] {
            assert_eq!(render_optional(absent, &context).unwrap(), None, "{absent}");
        }
        for (sent, made) in [
            ("\"{{ id }}\"", "\"7\""),
            ("{{ version | default('*') }}", "*"),
            ("{{ version or '*' }}", "*"),
            ("id={{ id }}{{ '&v=' if version }}", "id=7"),
            ("plain", "plain"),
        ] {
            assert_eq!(render_optional(sent, &context).unwrap().as_deref(), Some(made), "{sent}");
        }
    }
}
