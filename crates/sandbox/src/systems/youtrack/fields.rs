//! The `fields` projection, `id,profile(email(email))`, and Hub's `query` tuples,
//! `email: {ada@x.no} and not login: root`.

use crate::util::json as tree;
use crate::util::text::email_key;
use serde_json::{Map, Value};

/// A tree of wanted properties; empty means all.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Fields(Vec<(String, Fields)>);

impl Fields {
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut chars = text.chars().filter(|c| !c.is_whitespace()).peekable();
        let fields = Self::level(&mut chars)?;
        match chars.next() {
            None => Ok(fields),
            Some(c) => Err(format!("unexpected '{c}' in fields")),
        }
    }

    fn level(chars: &mut std::iter::Peekable<impl Iterator<Item = char>>) -> Result<Self, String> {
        let mut fields = Vec::new();
        loop {
            let mut name = String::new();
            while let Some(c) = chars.next_if(|c| !"(),".contains(*c)) {
                name.push(c);
            }
            let inner = if chars.next_if_eq(&'(').is_some() {
                let inner = Self::level(chars)?;
                if chars.next() != Some(')') {
                    return Err("a bracket is not closed in fields".to_owned());
                }
                inner
            } else {
                Self::default()
            };
            if !name.is_empty() {
                fields.push((name, inner));
            }
            if chars.next_if_eq(&',').is_none() {
                return Ok(Self(fields));
            }
        }
    }

    pub fn only(names: &[&str]) -> Self {
        Self(names.iter().map(|name| ((*name).to_owned(), Self::default())).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields of the elements of a list, where they are written inside the list's name; else
    /// these.
    pub fn inner(&self, list: &str) -> Self {
        match self.0.iter().find(|(name, _)| name == list) {
            Some((_, inner)) => inner.clone(),
            None => self.clone(),
        }
    }

    /// The wanted properties of a value; `type` and `$type` always come along.
    pub fn project(&self, value: &Value) -> Value {
        if self.is_empty() {
            return value.clone();
        }
        match value {
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.project(item)).collect())
            }
            Value::Object(object) => {
                let mut out = Map::new();
                for kind in ["type", "$type"] {
                    if let Some(value) = object.get(kind) {
                        out.insert(kind.to_owned(), value.clone());
                    }
                }
                for (name, inner) in &self.0 {
                    if let Some(value) = object.get(name) {
                        out.insert(name.clone(), inner.project(value));
                    }
                }
                Value::Object(out)
            }
            other => other.clone(),
        }
    }
}

/// A parsed `query`.
#[derive(Debug, PartialEq)]
pub(super) enum Query {
    All,
    /// `name: value`; without a name, any of login, name and e-mail begins with it.
    Tuple(String, String),
    Not(Box<Query>),
    And(Box<Query>, Box<Query>),
    Or(Box<Query>, Box<Query>),
}

impl Query {
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::All);
        }
        let words = words(text)?;
        let mut next = 0;
        let query = Self::any(&words, &mut next)?;
        if next < words.len() {
            return Err(format!("unexpected '{}' in the query", words[next]));
        }
        Ok(query)
    }

    fn any(words: &[String], next: &mut usize) -> Result<Self, String> {
        let mut left = Self::all(words, next)?;
        while words.get(*next).is_some_and(|word| word.eq_ignore_ascii_case("or")) {
            *next += 1;
            left = Self::Or(Box::new(left), Box::new(Self::all(words, next)?));
        }
        Ok(left)
    }

    fn all(words: &[String], next: &mut usize) -> Result<Self, String> {
        let mut left = Self::one(words, next)?;
        loop {
            match words.get(*next) {
                Some(word) if word.eq_ignore_ascii_case("and") => *next += 1,
                // Tuples side by side mean all of them.
                Some(word) if !word.eq_ignore_ascii_case("or") && word != ")" => {}
                _ => return Ok(left),
            }
            left = Self::And(Box::new(left), Box::new(Self::one(words, next)?));
        }
    }

    fn one(words: &[String], next: &mut usize) -> Result<Self, String> {
        let word = words.get(*next).ok_or("the query ends too early")?;
        *next += 1;
        if word.eq_ignore_ascii_case("not") {
            return Ok(Self::Not(Box::new(Self::one(words, next)?)));
        }
        if word == "(" {
            let inner = Self::any(words, next)?;
            if words.get(*next).map(String::as_str) != Some(")") {
                return Err("a bracket is not closed in the query".to_owned());
            }
            *next += 1;
            return Ok(inner);
        }
        if words.get(*next).map(String::as_str) == Some(":") {
            let value = words.get(*next + 1).ok_or("a value is missing in the query")?;
            *next += 2;
            return Ok(Self::Tuple(word.to_lowercase(), value.clone()));
        }
        Ok(Self::Tuple(String::new(), word.clone()))
    }

    pub fn holds(&self, user: &Value) -> bool {
        match self {
            Self::All => true,
            Self::Not(inner) => !inner.holds(user),
            Self::And(a, b) => a.holds(user) && b.holds(user),
            Self::Or(a, b) => a.holds(user) || b.holds(user),
            Self::Tuple(name, wanted) => {
                let wanted = email_key(wanted);
                let own = |path: &str| tree::text(user, path).map(email_key).unwrap_or_default();
                match name.as_str() {
                    // Looking up by address is unverified; the whole address has to match.
                    "email" => own("profile.email.email") == wanted,
                    "login" => own("login") == wanted,
                    "name" => own("name").contains(&wanted),
                    "id" => own("id") == wanted,
                    "is" => wanted == "banned" && user["banned"] == true,
                    "" => ["login", "name", "profile.email.email"]
                        .iter()
                        .any(|path| own(path).starts_with(&wanted)),
                    _ => false,
                }
            }
        }
    }
}

/// Words, `:` and brackets; `{…}` and `"…"` hold a value with blanks.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut out: Vec<String> = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            ':' | '(' | ')' => out.push(c.to_string()),
            '{' | '"' | '\'' => {
                let end = if c == '{' { '}' } else { c };
                let mut word = String::new();
                loop {
                    match chars.next() {
                        Some(c) if c == end => break,
                        Some(c) => word.push(c),
                        None => return Err(format!("'{c}' is not closed in the query")),
                    }
                }
                out.push(word);
            }
            c => {
                let mut word = c.to_string();
                while let Some(c) = chars.next_if(|c| !c.is_whitespace() && !":(){}".contains(*c)) {
                    word.push(c);
                }
                out.push(word);
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn projection_nests_and_keeps_the_type() {
        let user = json!({"type":"user","id":"u","login":"ada","profile":{"avatar":{"url":"x"},"email":{"type":"EmailJSON","email":"a@example.org","verified":true}}});
        let fields = Fields::parse("id, profile(email(email))").unwrap();
        assert_eq!(
            fields.project(&user),
            json!({"type":"user","id":"u","profile":{"email":{"type":"EmailJSON","email":"a@example.org"}}})
        );
        assert_eq!(Fields::parse("").unwrap().project(&user), user);
        assert_eq!(
            Fields::parse("users(id),total").unwrap().inner("users"),
            Fields::parse("id").unwrap()
        );
        assert!(Fields::parse("profile(email").is_err());
    }

    #[test]
    fn queries_combine_tuples() {
        let user = json!({"login":"ada","name":"Ada Berg","profile":{"email":{"email":"Ada@Example.org"}}});
        for yes in [
            "email: {ada@example.org}",
            "email:ada@example.org and not login: root",
            "(login: x or name: \"ada b\")",
            "ada",
        ] {
            assert!(Query::parse(yes).unwrap().holds(&user), "{yes}");
        }
        for no in ["email: ada@example", "login: root", "not ada"] {
            assert!(!Query::parse(no).unwrap().holds(&user), "{no}");
        }
        assert!(Query::parse("email: {ada").is_err());
    }
}
