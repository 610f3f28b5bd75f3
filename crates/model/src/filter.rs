//! `filter:` expressions: one language, for `check` and for a run alike (G10).
//!
//! They are expressions of Jinja (by `minijinja`), in which a property that is not there is
//! undefined and no error: `Category == "Customer" and not Retired`. Text of a record has no
//! methods: `Name.startswith("A")` is `Name is startingwith "A"`.

use std::sync::LazyLock;

use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use serde_json::Value;

use crate::flow::Filter;
use crate::path::Path;

/// The most steps that one evaluation may take.
const FUEL: u64 = 10_000;

static LANGUAGE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
    environment
});

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    pub message: String,
    pub help: Option<String>,
}

/// Reads an expression, and refuses what could not be evaluated: unknown filters, tests and
/// functions, and methods.
///
/// # Errors
/// What is wrong, in one sentence, and what would be right where that can be told.
pub fn parse(expression: &str) -> Result<Filter, FilterError> {
    let plain = Plain::of(expression)?;
    let compiled = LANGUAGE.compile_expression(&plain.text).map_err(|error| FilterError {
        message: match error.detail() {
            Some(detail) => format!("this is no expression: {detail}"),
            None => format!("this is no expression: {error}"),
        },
        help: help(expression),
    })?;
    let mut reads: Vec<String> = compiled.undeclared_variables(true).into_iter().collect();
    reads.sort();
    for call in calls(&plain.text) {
        known(&call)?;
        // A function is no property; a test of it that follows would say so once more.
        reads.retain(|read| !(matches!(&call, Call::Function(name) if name == read)));
    }
    reads.iter_mut().for_each(|read| *read = plain.named(read));
    reads.sort();
    reads.dedup();
    if reads.is_empty() {
        let message = "this reads no property, so it says the same of every record".into();
        let help = match expression.contains(['"', '\'']) {
            true => {
                format!("name a property by its path: `Category == \"Customer\"`; {IN_BACKQUOTES}")
            }
            false => "name a property by its path: `Category == \"Customer\"`".into(),
        };
        let help = Some(help);
        return Err(FilterError { message, help });
    }
    let filter =
        Filter { expression: expression.to_string(), reads: reads.iter().map(Path::new).collect() };
    // A record that has none of the properties is the hardest case: what fails for it would fail in
    // the middle of a run.
    holds(&filter, Value::Object(serde_json::Map::new())).map_err(|message| FilterError {
        message: format!("{message}, for a record that lacks what it reads"),
        help: Some(match has_a_name_with_a_sign(&plain.text) {
            true => IN_BACKQUOTES.into(),
            false => {
                "say what holds for such a record: `(Tags or [])|length > 2`, `Age|default(0) > 17`"
                    .into()
            }
        }),
    })?;
    Ok(filter)
}

/// Whether a record whose properties are `root` meets the expression.
///
/// # Errors
/// What keeps it from being evaluated, in one sentence.
pub fn holds(filter: &Filter, mut root: Value) -> Result<bool, String> {
    let failed = |error: minijinja::Error| {
        format!("the filter `{}` can't be evaluated: {error}", filter.expression)
    };
    let plain = Plain::of(&filter.expression).map_err(|error| error.message)?;
    for (stand_in, name) in &plain.names {
        if let Some(value) = Path::new(name).get(&root) {
            root[stand_in.as_str()] = value;
        }
    }
    let expression = LANGUAGE.compile_expression(&plain.text).map_err(failed)?;
    expression
        .eval(minijinja::value::Serde(crate::value::Counted(&root)))
        .map(|value| value.is_true())
        .map_err(failed)
}

/// An expression without names in backquotes and names with dots, which the language does not know.
struct Plain {
    text: String,
    /// What stands for each path in its place.
    names: Vec<(String, String)>,
}

impl Plain {
    /// `` `E-post` `` names a property that has blanks or signs in its name, and
    /// `meta."api.endpoint"` one that has a dot.
    fn of(expression: &str) -> Result<Plain, FilterError> {
        let mut plain = Plain { text: String::with_capacity(expression.len()), names: vec![] };
        let mut rest = expression;
        while let Some(c) = rest.chars().next() {
            let length = match c {
                '"' if plain.text.ends_with('.') => {
                    let length = quoted_length(rest, c);
                    plain.take_in_quotes(&rest[..length]);
                    rest = &rest[length..];
                    continue;
                }
                '"' | '\'' => quoted_length(rest, c),
                '`' if plain.text.trim_end().ends_with('.') => {
                    return Err(FilterError {
                        message: "a backquote stands right behind a dot".into(),
                        help: Some(
                            "put the whole path between the backquotes, as `info.E-post` is here"
                                .into(),
                        ),
                    });
                }
                '`' => {
                    let end =
                        rest[1..].find('`').filter(|end| *end > 0).ok_or_else(|| FilterError {
                            message: "a name in backquotes is empty or has no end".into(),
                            help: Some("write `E-post` between two backquotes".into()),
                        })?;
                    plain.take(rest[1..=end].trim());
                    rest = &rest[end + 2..];
                    continue;
                }
                c => c.len_utf8(),
            };
            plain.text.push_str(&rest[..length]);
            rest = &rest[length..];
        }
        Ok(plain)
    }

    /// Puts in what stands for a path.
    fn take(&mut self, name: &str) {
        let known = self.names.iter().find(|(_, known)| known == name);
        let stand_in = known.map_or_else(
            || format!("backquoted_{}", self.names.len()),
            |(stand_in, _)| stand_in.clone(),
        );
        self.text.push_str(&stand_in);
        if known.is_none() {
            self.names.push((stand_in, name.to_string()));
        }
    }

    /// A name in quotation marks right behind a dot belongs to the path before it.
    fn take_in_quotes(&mut self, quoted: &str) {
        let is_of_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
        let start = self.text.trim_end_matches(is_of_path).len();
        let before = self.named(&self.text[start..]);
        self.text.truncate(start);
        self.take(&format!("{before}{quoted}"));
    }

    /// A path with the name that stands in the expression where it begins with what stands for one.
    fn named(&self, path: &str) -> String {
        let (first, rest) = path.split_at(path.find('.').unwrap_or(path.len()));
        match self.names.iter().find(|(stand_in, _)| stand_in == first) {
            Some((_, name)) => format!("{name}{rest}"),
            None => path.to_string(),
        }
    }
}

/// Something in an expression that is called by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Call {
    Filter(String),
    Test(String),
    Function(String),
    Method(String),
}

/// What an expression calls. `minijinja` looks names up only when it gets to them, which may be
/// never, or for one record in a thousand.
fn calls(expression: &str) -> Vec<Call> {
    let mut found = Vec::new();
    let mut before: Vec<String> = Vec::new();
    let mut rest = expression;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' | '\'' => quoted_length(rest, c),
            c if c.is_alphabetic() || c == '_' => {
                rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
            }
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        if token.trim().is_empty() {
            continue;
        }
        if c.is_alphabetic() || c == '_' {
            let last = |n: usize| before.len().checked_sub(n).map_or("", |at| before[at].as_str());
            let is_called = after.trim_start().starts_with('(');
            match (last(1), last(2)) {
                ("|", _) => found.push(Call::Filter(token.into())),
                ("is", _) if token != "not" => found.push(Call::Test(token.into())),
                ("not", "is") => found.push(Call::Test(token.into())),
                (".", _) if is_called => found.push(Call::Method(token.into())),
                _ if is_called && !OPERATORS.contains(&token) => {
                    found.push(Call::Function(token.into()))
                }
                _ => {}
            }
        }
        before.push(token.to_string());
    }
    found
}

/// Words that may stand before a bracket and call nothing.
const OPERATORS: [&str; 7] = ["and", "or", "not", "in", "is", "if", "else"];

fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\\' if !escaped => escaped = true,
            c if c == quote && !escaped => return at + 1,
            _ => escaped = false,
        }
    }
    text.len()
}

/// Whether the language has what is called.
fn known(call: &Call) -> Result<(), FilterError> {
    let unknown = |probe: String, kind: ErrorKind| {
        let evaluated = LANGUAGE
            .compile_expression(&probe)
            .and_then(|expression| expression.eval(()).map(drop));
        evaluated.is_err_and(|error| error.kind() == kind)
    };
    let (what, name, list) = match call {
        Call::Filter(name) if unknown(format!("none|{name}"), ErrorKind::UnknownFilter) => {
            ("filter", name, FILTERS)
        }
        Call::Test(name) if unknown(format!("none is {name}"), ErrorKind::UnknownTest) => {
            ("test", name, TESTS)
        }
        Call::Function(name) if unknown(format!("{name}()"), ErrorKind::UnknownFunction) => {
            ("function", name, FUNCTIONS)
        }
        Call::Method(name) => {
            let message = format!("`.{name}(…)`: values have no methods");
            return Err(FilterError { message, help: Some(format!("{FILTERS}; {TESTS}")) });
        }
        _ => return Ok(()),
    };
    Err(FilterError { message: format!("there is no {what} `{name}`"), help: Some(list.into()) })
}

const FILTERS: &str = "a filter stands behind a bar, `Name|lower`: lower, upper, trim, length, first, last, default, replace, int, float, …";
const TESTS: &str = "a test stands behind `is`: `Name is startingwith \"A\"`, endingwith, defined, none, number, string, odd, even";
const FUNCTIONS: &str = "what is done to a value stands behind a bar (`Name|lower`) or behind `is` (`Name is startingwith \"A\"`)";

const IN_BACKQUOTES: &str =
    "a name with blanks or signs in it stands in backquotes, as `E-post` does here";

/// Whether something like `E-post` stands there, which is a subtraction here. What stands in
/// quotation marks is a text.
fn has_a_name_with_a_sign(plain: &str) -> bool {
    let mut chars = Vec::with_capacity(plain.len());
    let mut rest = plain;
    while let Some(c) = rest.chars().next() {
        let length = if matches!(c, '"' | '\'') { quoted_length(rest, c) } else { c.len_utf8() };
        chars.push(c);
        rest = &rest[length..];
    }
    chars
        .windows(3)
        .any(|three| three[0].is_alphabetic() && three[1] == '-' && three[2].is_alphabetic())
}

/// What people write who know another language.
fn help(expression: &str) -> Option<String> {
    let chars: Vec<char> = expression.chars().collect();
    let lone = (0..chars.len()).any(|at| {
        let near =
            |offset: isize| at.checked_add_signed(offset).and_then(|i| chars.get(i)).copied();
        chars[at] == '=' && near(1) != Some('=') && !matches!(near(-1), Some('=' | '!' | '<' | '>'))
    });
    match () {
        () if lone => Some("write `==` to compare".into()),
        () if expression.contains("&&") || expression.contains("||") => {
            Some("write `and` and `or`".into())
        }
        () if expression.contains("<>") => Some("write `!=` for “is not”".into()),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_expression_tells_what_it_reads() {
        let filter = parse("info.name.first == \"Åse\" and not Retired").unwrap();
        assert_eq!(filter.reads, [Path::new("Retired"), Path::new("info.name.first")]);
    }

    #[test]
    fn slips_from_other_languages_are_told() {
        assert_eq!(
            parse("Category = 'x'").unwrap_err().help.as_deref(),
            Some("write `==` to compare")
        );
        assert_eq!(parse("a && b").unwrap_err().help.as_deref(), Some("write `and` and `or`"));
        assert!(parse("1 == 1").is_err());
        assert!(parse("a >= 3").is_ok());
    }

    #[test]
    fn g10_the_examples_of_the_page_hold() {
        let page = include_str!("../../../docs/expressions.md");
        let mut tried = 0;
        for block in page.split("```example\n").skip(1) {
            let mut lines = block.split("```").next().unwrap().lines();
            let filter = parse(lines.next().unwrap()).unwrap();
            for line in lines {
                let (record, holds_for_it) = line.rsplit_once(" -> ").unwrap();
                let record: Value = serde_json::from_str(record).unwrap();
                let held = holds(&filter, record).map(|held| if held { "yes" } else { "no" });
                assert_eq!(held.as_deref(), Ok(holds_for_it), "{}: {line}", filter.expression);
                tried += 1;
            }
        }
        assert!(tried > 40, "{tried}");
        // What the page names is there.
        let named = |heading: &str| {
            let part = page.split(heading).nth(1).unwrap().split("```").next().unwrap();
            let words = part.split('`').skip(1).step_by(2);
            words.map(|word| word.split('(').next().unwrap().to_string()).collect::<Vec<_>>()
        };
        for name in named("## Functions") {
            known(&Call::Filter(name)).unwrap();
        }
        for name in named("`is` and `is not`, with") {
            known(&Call::Test(name)).unwrap();
        }
    }

    #[test]
    fn names_with_blanks_and_signs_stand_in_backquotes() {
        let filter =
            parse("`E-post` is endingwith '`x`' and `Mobil telefon` and `E-post` and api").unwrap();
        assert_eq!(
            filter.reads.iter().map(Path::as_str).collect::<Vec<_>>(),
            ["E-post", "Mobil telefon", "api"]
        );
        let record = |mail: &str| json!({"E-post": mail, "Mobil telefon": "1", "api": 1});
        assert_eq!(holds(&filter, record("a`x`")), Ok(true));
        assert_eq!(holds(&filter, record("a")), Ok(false));
        let dotted = parse("`api.endpoint` == 'x'").unwrap();
        assert_eq!(holds(&dotted, json!({"api": {"endpoint": "x"}})), Ok(true));
        let longer = parse("`Kontakt-info`.type == 'x' and `Kontakt-info`.\"v.1\"").unwrap();
        assert_eq!(
            longer.reads.iter().map(Path::as_str).collect::<Vec<_>>(),
            ["Kontakt-info.\"v.1\"", "Kontakt-info.type"]
        );
        let record = |kind: &str| json!({"Kontakt-info": {"type": kind, "v.1": true}});
        assert_eq!(holds(&longer, record("x")), Ok(true));
        assert_eq!(holds(&longer, record("y")), Ok(false));
        let behind = parse("info.`E-post` == 'x'").unwrap_err();
        assert!(behind.help.is_some_and(|help| help.contains("the whole path")));
        for broken in ["`E-post == 'x'", "`` == 'x'"] {
            assert!(parse(broken).unwrap_err().message.contains("backquotes"), "{broken}");
        }
    }

    #[test]
    fn a_name_with_a_dot_stands_in_quotation_marks_behind_a_dot() {
        let filter = parse("meta.\"api.endpoint\" == \"a.b\" or .\"x.y\" == 'ab'").unwrap();
        assert_eq!(
            filter.reads.iter().map(Path::as_str).collect::<Vec<_>>(),
            [".\"x.y\"", "meta.\"api.endpoint\""]
        );
        assert_eq!(holds(&filter, json!({"meta": {"api.endpoint": "a.b"}})), Ok(true));
        assert_eq!(holds(&filter, json!({"meta": {"api": {"endpoint": "a.b"}}})), Ok(false));
        assert_eq!(holds(&filter, json!({"x.y": "ab"})), Ok(true));
        let whole = parse("`meta.\"api.endpoint\"` == 'x'").unwrap();
        assert_eq!(whole.reads, [Path::new("meta.\"api.endpoint\"")]);
        assert_eq!(holds(&whole, json!({"meta": {"api.endpoint": "x"}})), Ok(true));
    }

    #[test]
    fn the_hint_for_names_with_signs_is_given_for_names_alone() {
        let help = |expression: &str| parse(expression).unwrap_err().help.unwrap_or_default();
        assert_eq!(help("E-post|length > 2"), IN_BACKQUOTES);
        for other in ["Tags|length > 2 and Name == 'a-b'", "`E-post`|length > 2"] {
            assert!(help(other).starts_with("say what holds"), "{other}: {}", help(other));
        }
    }

    #[test]
    fn g10_what_is_accepted_can_be_evaluated() {
        for expression in [
            "Name|lower == 'åse'",
            "Name|upper|trim == 'ÅSE'",
            "(Tags or [])|length > 2",
            "Name is startingwith 'Å'",
            "Name is not endingwith('x')",
            "Name is defined and Name is not none",
            "'a' in Tags",
            "(Name or Other) and not (Age|default(0) > 3)",
            "Note == 'x.y(1) | nosuch is odd'",
            "Name in ('Åse', 'Per')",
            "a if (b) else c",
        ] {
            let filter =
                parse(expression).unwrap_or_else(|error| panic!("{expression}: {error:?}"));
            for root in [
                json!({}),
                json!({"Name": "Åse", "Tags": ["a", "b", "c"], "Age": 4, "Note": "", "Other": null}),
            ] {
                holds(&filter, root).unwrap_or_else(|error| panic!("{expression}: {error}"));
            }
        }
        assert_eq!(holds(&parse("Name|lower == 'åse'").unwrap(), json!({"Name": "Åse"})), Ok(true));
    }

    #[test]
    fn g10_what_can_not_be_evaluated_is_refused() {
        for (expression, told) in [
            ("Name|nosuch == 'x'", "there is no filter `nosuch`"),
            ("Name is nosuch", "there is no test `nosuch`"),
            ("Name is not nosuch", "there is no test `nosuch`"),
            ("a or nosuch(Name)", "there is no function `nosuch`"),
            ("a or Name.startswith('x')", "`.startswith(…)`: values have no methods"),
            ("Name . lower () == 'x'", "`.lower(…)`: values have no methods"),
        ] {
            assert_eq!(parse(expression).unwrap_err().message, told, "{expression}");
        }
    }
}
