//! The `$filter` language of SuperOffice's lists and of PowerOffice v1: `column operator literal`,
//! `and`, `or`, `not`, brackets, and the functions `substringof`, `startswith`, `endswith`.
//!
//! A Pratt-free recursive descent over OData-like text. Which columns exist and which operators
//! make sense for them is the caller's; this file knows the syntax and the comparisons.

use super::time;
use serde_json::Value;
use std::cmp::Ordering;

/// A parsed filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    /// Holds when any of the column's values satisfies the operator.
    Compare {
        column: String,
        operator: String,
        literals: Vec<Value>,
    },
}

impl Filter {
    /// Parses `text`; the error says what was not understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens, next: 0 };
        let filter = parser.any()?;
        match parser.peek() {
            None => Ok(filter),
            Some(token) => Err(format!("unexpected {token:?}")),
        }
    }

    /// Every column that the filter names.
    pub fn columns(&self) -> Vec<&str> {
        match self {
            Self::And(a, b) | Self::Or(a, b) => [a.columns(), b.columns()].concat(),
            Self::Not(inner) => inner.columns(),
            Self::Compare { column, .. } => vec![column],
        }
    }

    /// Whether a row satisfies the filter; `values` gives all values that a column has in the row.
    pub fn holds(&self, values: &dyn Fn(&str) -> Vec<Value>) -> Result<bool, String> {
        Ok(match self {
            Self::And(a, b) => a.holds(values)? && b.holds(values)?,
            Self::Or(a, b) => a.holds(values)? || b.holds(values)?,
            Self::Not(inner) => !inner.holds(values)?,
            Self::Compare { column, operator, literals } => {
                compare(&values(column), operator, literals)?
            }
        })
    }
}

fn compare(found: &[Value], operator: &str, literals: &[Value]) -> Result<bool, String> {
    let first = literals.first().unwrap_or(&Value::Null);
    let any = |test: &dyn Fn(&Value) -> bool| {
        if found.is_empty() { test(&Value::Null) } else { found.iter().any(test) }
    };
    let words = |value: &Value| plain(value).to_lowercase();
    let wanted = words(first);
    let moment = || {
        time::parse(&plain(first))
            .ok_or_else(|| format!("'{}' is not a date and time", plain(first)))
    };
    let at = |value: &Value| time::parse(&plain(value));
    Ok(match operator.to_lowercase().as_str() {
        "eq" | "=" | "is" | "equals" => any(&|value| order(value, first) == Some(Ordering::Equal)),
        "ne" | "unequals" | "isnot" => !any(&|value| order(value, first) == Some(Ordering::Equal)),
        "lt" | "less" => any(&|value| order(value, first) == Some(Ordering::Less)),
        "le" => any(&|value| matches!(order(value, first), Some(Ordering::Less | Ordering::Equal))),
        "gt" | "greater" => any(&|value| order(value, first) == Some(Ordering::Greater)),
        "ge" => {
            any(&|value| matches!(order(value, first), Some(Ordering::Greater | Ordering::Equal)))
        }
        "contains" => any(&|value| words(value).contains(&wanted)),
        "notcontains" => !any(&|value| words(value).contains(&wanted)),
        "begins" => any(&|value| words(value).starts_with(&wanted)),
        "notbegins" => !any(&|value| words(value).starts_with(&wanted)),
        "ends" => any(&|value| words(value).ends_with(&wanted)),
        "oneof" | "in" => {
            any(&|value| literals.iter().any(|one| order(value, one) == Some(Ordering::Equal)))
        }
        "notoneof" => {
            !any(&|value| literals.iter().any(|one| order(value, one) == Some(Ordering::Equal)))
        }
        // The vendor documents these three at second resolution, and the next three as comparing
        // whole days.
        "aftertime" => {
            let limit = moment()?;
            any(&|value| at(value).is_some_and(|at| at > limit))
        }
        "beforetime" => {
            let limit = moment()?;
            any(&|value| at(value).is_some_and(|at| at < limit))
        }
        "datetime" => {
            let limit = moment()?;
            any(&|value| at(value).is_some_and(|at| at == limit))
        }
        "after" | "before" | "date" => {
            let limit = day(&plain(first)).ok_or("not a date")?;
            let wanted = match operator.to_lowercase().as_str() {
                "after" => Ordering::Greater,
                "before" => Ordering::Less,
                _ => Ordering::Equal,
            };
            any(&|value| day(&plain(value)).is_some_and(|day| day.cmp(&limit) == wanted))
        }
        other => return Err(format!("unknown operator '{other}'")),
    })
}

fn day(text: &str) -> Option<String> {
    let at = time::parse(text)?;
    Some(at.strftime("%Y-%m-%d").to_string())
}

/// Text of a scalar.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Numbers as numbers, times as times, everything else as text without regard to case.
fn order(a: &Value, b: &Value) -> Option<Ordering> {
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    if let (Some(a), Some(b)) = (number(a), number(b)) {
        return a.partial_cmp(&b);
    }
    let moment = |value: &Value| {
        let text = value.as_str()?;
        // Only full times: a bare word or number must not be read as a date.
        if text.len() < 16 { None } else { time::parse(text) }
    };
    if let (Some(a), Some(b)) = (moment(a), moment(b)) {
        return Some(a.cmp(&b));
    }
    Some(plain(a).to_lowercase().cmp(&plain(b).to_lowercase()))
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Literal(Value),
    Open,
    Close,
    Comma,
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&c) = chars.peek() {
        match c {
            c if c.is_whitespace() => {
                chars.next();
            }
            '(' | ')' | ',' | '=' => {
                chars.next();
                out.push(match c {
                    '(' => Token::Open,
                    ')' => Token::Close,
                    ',' => Token::Comma,
                    _ => Token::Word("=".to_owned()),
                });
            }
            '\'' => {
                chars.next();
                let mut literal = String::new();
                loop {
                    match chars.next() {
                        Some('\'') if chars.peek() == Some(&'\'') => {
                            chars.next();
                            literal.push('\'');
                        }
                        Some('\'') => break,
                        Some(c) => literal.push(c),
                        None => return Err("a text is not closed".to_owned()),
                    }
                }
                // `datetimeoffset'…'` and `guid'…'` are one literal: the word before says only its
                // type.
                if matches!(out.last(), Some(Token::Word(word)) if ["datetimeoffset", "datetime", "guid"].contains(&word.to_lowercase().as_str()))
                    && !matches!(out.get(out.len().wrapping_sub(2)), Some(Token::Word(before)) if !is_operator(before))
                {
                    out.pop();
                }
                out.push(Token::Literal(Value::String(literal)));
            }
            _ => {
                let mut word = String::new();
                while let Some(&c) = chars.peek() {
                    if c.is_whitespace() || "(),'=".contains(c) {
                        break;
                    }
                    word.push(c);
                    chars.next();
                }
                out.push(match word.as_str() {
                    "true" => Token::Literal(Value::Bool(true)),
                    "false" => Token::Literal(Value::Bool(false)),
                    "null" => Token::Literal(Value::Null),
                    _ => {
                        match serde_json::from_str::<serde_json::Number>(word.trim_end_matches('L'))
                        {
                            Ok(number) => Token::Literal(Value::Number(number)),
                            Err(_) => Token::Word(word),
                        }
                    }
                });
            }
        }
    }
    Ok(out)
}

fn is_operator(word: &str) -> bool {
    ["eq", "ne", "lt", "le", "gt", "ge", "="].contains(&word.to_lowercase().as_str())
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.next).cloned();
        self.next += 1;
        token
    }

    fn word_is(&self, wanted: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(wanted))
    }

    fn any(&mut self) -> Result<Filter, String> {
        let mut left = self.all()?;
        while self.word_is("or") {
            self.next += 1;
            left = Filter::Or(Box::new(left), Box::new(self.all()?));
        }
        Ok(left)
    }

    fn all(&mut self) -> Result<Filter, String> {
        let mut left = self.one()?;
        while self.word_is("and") {
            self.next += 1;
            left = Filter::And(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Filter, String> {
        if self.word_is("not") {
            self.next += 1;
            return Ok(Filter::Not(Box::new(self.one()?)));
        }
        match self.take() {
            Some(Token::Open) => {
                let inner = self.any()?;
                self.expect(Token::Close)?;
                Ok(inner)
            }
            Some(Token::Word(word)) if self.peek() == Some(&Token::Open) => self.function(&word),
            Some(Token::Word(column)) => {
                let operator = match self.take() {
                    Some(Token::Word(operator)) => operator,
                    other => {
                        return Err(format!(
                            "an operator is expected after '{column}', not {other:?}"
                        ));
                    }
                };
                let literals = self.literals(&operator)?;
                Ok(Filter::Compare { column, operator, literals })
            }
            other => Err(format!("a column is expected, not {other:?}")),
        }
    }

    fn literals(&mut self, operator: &str) -> Result<Vec<Value>, String> {
        match self.take() {
            Some(Token::Literal(literal)) => Ok(vec![literal]),
            Some(Token::Open) => {
                let mut literals = Vec::new();
                loop {
                    match self.take() {
                        Some(Token::Literal(literal)) => literals.push(literal),
                        Some(Token::Comma) => {}
                        Some(Token::Close) => return Ok(literals),
                        other => return Err(format!("a value is expected, not {other:?}")),
                    }
                }
            }
            other => Err(format!("a value is expected after '{operator}', not {other:?}")),
        }
    }

    fn function(&mut self, name: &str) -> Result<Filter, String> {
        self.expect(Token::Open)?;
        let (a, comma, b) = (self.take(), self.take(), self.take());
        self.expect(Token::Close)?;
        if comma != Some(Token::Comma) {
            return Err(format!("{name} takes two arguments"));
        }
        let (column, literal, operator) = match (name.to_lowercase().as_str(), a, b) {
            ("substringof", Some(Token::Literal(literal)), Some(Token::Word(column)))
            | ("substringof", Some(Token::Word(column)), Some(Token::Literal(literal))) => {
                (column, literal, "contains")
            }
            ("startswith", Some(Token::Word(column)), Some(Token::Literal(literal))) => {
                (column, literal, "begins")
            }
            ("endswith", Some(Token::Word(column)), Some(Token::Literal(literal))) => {
                (column, literal, "ends")
            }
            _ => return Err(format!("'{name}' with these arguments is not known")),
        };
        // A trailing `eq true` is customary after these functions.
        if self.word_is("eq")
            && self.tokens.get(self.next + 1) == Some(&Token::Literal(Value::Bool(true)))
        {
            self.next += 2;
        }
        Ok(Filter::Compare { column, operator: operator.to_owned(), literals: vec![literal] })
    }

    fn expect(&mut self, wanted: Token) -> Result<(), String> {
        match self.take() {
            Some(token) if token == wanted => Ok(()),
            other => Err(format!("{wanted:?} is expected, not {other:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holds(filter: &str) -> bool {
        Filter::parse(filter)
            .unwrap()
            .holds(&|column| match column {
                "updatedDate" => vec![json!("2024-01-31T10:00:00")],
                "email/emailAddress" => vec![json!("a@example.no"), json!("B@example.no")],
                "contactId" => vec![json!(7)],
                _ => vec![],
            })
            .unwrap()
    }

    #[test]
    fn operators_brackets_and_functions() {
        for yes in [
            "updatedDate afterTime '2024-01-31T09:59:59'",
            "updatedDate after '2024-01-30T23:00:00' and contactId = 7",
            "(contactId eq 8) or (contactId oneOf (6,7))",
            "email/emailAddress eq 'b@example.no'",
            "substringof('example',email/emailAddress) eq true",
            "updatedDate ge datetimeoffset'2024-01-31T11:00:00+01:00'",
            "not contactId gt 7",
        ] {
            assert!(holds(yes), "{yes}");
        }
        for no in [
            "updatedDate afterTime '2024-01-31T10:00:00'",
            "updatedDate after '2024-01-31T01:00:00'",
            "email/emailAddress ne 'b@example.no'",
        ] {
            assert!(!holds(no), "{no}");
        }
        assert!(Filter::parse("contactId eq").is_err());
        assert!(Filter::parse("name eq 'x").is_err());
    }
}
