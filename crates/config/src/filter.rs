//! `filter:` expressions: whether they are well formed, and which properties they read.
//!
//! They are expressions of the same language as the connectors' templates (Jinja's), in which a property that is not there
//! is undefined and no error: `Category == "Customer" and not Retired`.

use lockstep_model::Path;
use lockstep_model::flow::Filter;
use minijinja::{Environment, UndefinedBehavior};

/// What is wrong with an expression.
#[derive(Debug, PartialEq)]
pub(crate) struct FilterError {
    pub message: String,
    pub help: Option<String>,
}

/// Reads an expression.
pub(crate) fn parse(expression: &str) -> Result<Filter, FilterError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    let compiled = environment.compile_expression(expression).map_err(|error| FilterError {
        message: match error.detail() {
            Some(detail) => format!("this is no expression: {detail}"),
            None => format!("this is no expression: {error}"),
        },
        help: help(expression),
    })?;
    let mut reads: Vec<String> = compiled.undeclared_variables(true).into_iter().collect();
    reads.sort();
    if reads.is_empty() {
        let message = "this reads no property, so it says the same of every record".into();
        let help = Some("name a property by its path: `Category == \"Customer\"`".into());
        return Err(FilterError { message, help });
    }
    Ok(Filter { expression: expression.to_string(), reads: reads.iter().map(Path::new).collect() })
}

/// What people write who know another language.
fn help(expression: &str) -> Option<String> {
    let chars: Vec<char> = expression.chars().collect();
    let lone = (0..chars.len()).any(|at| {
        let near = |offset: isize| at.checked_add_signed(offset).and_then(|i| chars.get(i)).copied();
        chars[at] == '=' && near(1) != Some('=') && !matches!(near(-1), Some('=' | '!' | '<' | '>'))
    });
    match () {
        () if lone => Some("write `==` to compare".into()),
        () if expression.contains("&&") || expression.contains("||") => Some("write `and` and `or`".into()),
        () if expression.contains("<>") => Some("write `!=` for “is not”".into()),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_tells_what_it_reads() {
        let filter = parse("info.name.first == \"Åse\" and not Retired").unwrap();
        assert_eq!(filter.reads, [Path::new("Retired"), Path::new("info.name.first")]);
    }

    #[test]
    fn slips_from_other_languages_are_told() {
        assert_eq!(parse("Category = 'x'").unwrap_err().help.as_deref(), Some("write `==` to compare"));
        assert_eq!(parse("a && b").unwrap_err().help.as_deref(), Some("write `and` and `or`"));
        assert!(parse("1 == 1").is_err());
        assert!(parse("a >= 3").is_ok());
    }
}
