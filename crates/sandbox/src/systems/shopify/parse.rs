//! GraphQL as text (its specification of October 2021, sections 2 and 3): requests, and the few forms
//! of type definitions that `schema.graphql` has.

use serde_json::{Map, Number, Value};

/// A type as it is written: a name, a list, with `!` or without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    Named(String, bool),
    List(Box<Type>, bool),
}

impl Type {
    pub fn required(&self) -> bool {
        matches!(self, Self::Named(_, true) | Self::List(_, true))
    }

    /// The name, without lists around it.
    pub fn name(&self) -> &str {
        match self {
            Self::Named(name, _) => name,
            Self::List(inner, _) => inner.name(),
        }
    }

    /// Whether a variable of this type may stand where `wanted` is.
    pub fn fits(&self, wanted: &Self, has_default: bool) -> bool {
        let strict = self.required() || has_default || !wanted.required();
        strict
            && match (self, wanted) {
                (Self::Named(one, _), Self::Named(two, _)) => one == two,
                (Self::List(one, _), Self::List(two, _)) => one.fits(two, false),
                // One element stands for a list of it.
                (one, Self::List(two, _)) => one.fits(two, false),
                (Self::List(..), Self::Named(..)) => false,
            }
    }
}

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(name, _) => f.write_str(name)?,
            Self::List(inner, _) => write!(f, "[{inner}]")?,
        }
        f.write_str(if self.required() { "!" } else { "" })
    }
}

/// A value in a request, in which variables may stand.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Variable(String),
    /// The name of an enum's value.
    Enum(String),
    Plain(Value),
    List(Vec<Literal>),
    Object(Vec<(String, Literal)>),
}

/// A name after `@`, and its arguments.
pub(super) type Directive = (String, Vec<(String, Literal)>);

#[derive(Debug, Clone)]
pub(super) struct Field {
    pub alias: String,
    pub name: String,
    pub args: Vec<(String, Literal)>,
    pub directives: Vec<Directive>,
    pub below: Vec<Selection>,
    pub at: (usize, usize),
}

#[derive(Debug, Clone)]
pub(super) enum Selection {
    Field(Field),
    Spread(String),
    Inline(Option<String>, Vec<Selection>),
}

#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub name: String,
    pub of: Type,
    pub default: Option<Literal>,
    pub at: (usize, usize),
}

#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub mutation: bool,
    pub name: Option<String>,
    pub variables: Vec<Variable>,
    pub below: Vec<Selection>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Document {
    pub operations: Vec<Operation>,
    pub fragments: Vec<(String, String, Vec<Selection>)>,
}

/// What a request's text is wrong about, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub message: String,
    pub at: (usize, usize),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    Text(String),
    Number(Number),
    Sign(char),
    End,
}

pub(super) struct Parser<'a> {
    rest: &'a str,
    at: (usize, usize),
    token: Token,
    token_at: (usize, usize),
}

type Parsed<T> = Result<T, Wrong>;

impl<'a> Parser<'a> {
    pub fn new(text: &'a str) -> Parsed<Self> {
        let mut own = Self { rest: text, at: (1, 1), token: Token::End, token_at: (1, 1) };
        own.advance()?;
        Ok(own)
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        for c in taken.chars() {
            self.at = if c == '\n' { (self.at.0 + 1, 1) } else { (self.at.0, self.at.1 + 1) };
        }
        self.rest = rest;
        taken
    }

    fn wrong<T>(&self, message: String) -> Parsed<T> {
        Err(Wrong { message, at: self.token_at })
    }

    fn unexpected<T>(&self) -> Parsed<T> {
        let what = match &self.token {
            Token::Name(name) => format!("\"{name}\""),
            Token::Text(text) => format!("\"{text}\""),
            Token::Number(number) => number.to_string(),
            Token::Sign(sign) => format!("\"{sign}\""),
            Token::End => "end of file".to_owned(),
        };
        self.wrong(format!("syntax error, unexpected {what}"))
    }

    /// Goes on to the next token; gives the one before.
    fn advance(&mut self) -> Parsed<Token> {
        loop {
            let blank = self.rest.len()
                - self
                    .rest
                    .trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == '\u{feff}')
                    .len();
            self.take(blank);
            if !self.rest.starts_with('#') {
                break;
            }
            let line = self.rest.find('\n').unwrap_or(self.rest.len());
            self.take(line);
        }
        self.token_at = self.at;
        let next = match self.rest.chars().next() {
            None => Token::End,
            Some('"') => Token::Text(self.text()?),
            Some(c) if c == '_' || c.is_ascii_alphabetic() => {
                let length = self
                    .rest
                    .find(|c: char| c != '_' && !c.is_ascii_alphanumeric())
                    .unwrap_or(self.rest.len());
                Token::Name(self.take(length).to_owned())
            }
            Some(c) if c == '-' || c.is_ascii_digit() => {
                let length = self
                    .rest
                    .find(|c: char| {
                        !matches!(c, '-' | '+' | '.' | 'e' | 'E') && !c.is_ascii_digit()
                    })
                    .unwrap_or(self.rest.len());
                let text = self.take(length);
                match serde_json::from_str(text) {
                    Ok(number) => Token::Number(number),
                    Err(_) => return self.wrong(format!("syntax error, unexpected \"{text}\"")),
                }
            }
            Some('.') if self.rest.starts_with("...") => {
                self.take(3);
                Token::Sign('.')
            }
            Some(c) if "!$&()=:@[]{}|".contains(c) => {
                self.take(1);
                Token::Sign(c)
            }
            Some(c) => {
                return self.wrong(format!("syntax error, unexpected invalid token (\"{c}\")"));
            }
        };
        Ok(std::mem::replace(&mut self.token, next))
    }

    fn text(&mut self) -> Parsed<String> {
        if self.rest.starts_with("\"\"\"") {
            let Some(length) = self.rest[3..].find("\"\"\"") else {
                return self.wrong("syntax error, unterminated string".into());
            };
            let taken = self.take(length + 6);
            return Ok(taken[3..length + 3].trim().to_owned());
        }
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends || *c == '\n'
        });
        match end {
            Some((end, '"')) => {
                let taken = self.take(end + 1);
                // Escapes are those of JSON.
                serde_json::from_str(taken)
                    .or_else(|_| self.wrong("syntax error, bad escape in a string".into()))
            }
            _ => self.wrong("syntax error, unterminated string".into()),
        }
    }

    fn has(&mut self, sign: char) -> Parsed<bool> {
        let there = self.token == Token::Sign(sign);
        if there {
            self.advance()?;
        }
        Ok(there)
    }

    fn need(&mut self, sign: char) -> Parsed<()> {
        if self.has(sign)? { Ok(()) } else { self.unexpected() }
    }

    fn name(&mut self) -> Parsed<String> {
        match self.token.clone() {
            Token::Name(name) => {
                self.advance()?;
                Ok(name)
            }
            _ => self.unexpected(),
        }
    }

    fn word(&mut self, word: &str) -> Parsed<bool> {
        let there = matches!(&self.token, Token::Name(name) if name == word);
        if there {
            self.advance()?;
        }
        Ok(there)
    }

    pub fn document(mut self) -> Parsed<Document> {
        let mut document = Document::default();
        while self.token != Token::End {
            if self.word("fragment")? {
                let name = self.name()?;
                if !self.word("on")? {
                    return self.unexpected();
                }
                let on = self.name()?;
                self.directives()?;
                document.fragments.push((name, on, self.selections()?));
                continue;
            }
            let mutation = self.word("mutation")?;
            let named = mutation || self.word("query")?;
            let name = if named && matches!(self.token, Token::Name(_)) {
                Some(self.name()?)
            } else {
                None
            };
            let variables = if named { self.variables()? } else { Vec::new() };
            self.directives()?;
            let below = self.selections()?;
            document.operations.push(Operation { mutation, name, variables, below });
        }
        if document.operations.is_empty() { self.unexpected() } else { Ok(document) }
    }

    fn variables(&mut self) -> Parsed<Vec<Variable>> {
        let mut all = Vec::new();
        if self.has('(')? {
            while !self.has(')')? {
                let at = self.token_at;
                self.need('$')?;
                let name = self.name()?;
                self.need(':')?;
                let of = self.of_type()?;
                let default = if self.has('=')? { Some(self.literal()?) } else { None };
                all.push(Variable { name, of, default, at });
            }
        }
        Ok(all)
    }

    pub fn of_type(&mut self) -> Parsed<Type> {
        if self.has('[')? {
            let inner = Box::new(self.of_type()?);
            self.need(']')?;
            return Ok(Type::List(inner, self.has('!')?));
        }
        let name = self.name()?;
        Ok(Type::Named(name, self.has('!')?))
    }

    fn selections(&mut self) -> Parsed<Vec<Selection>> {
        self.need('{')?;
        let mut all = Vec::new();
        while !self.has('}')? {
            all.push(self.selection()?);
        }
        if all.is_empty() { self.unexpected() } else { Ok(all) }
    }

    fn selection(&mut self) -> Parsed<Selection> {
        if self.has('.')? {
            if self.word("on")? {
                let on = self.name()?;
                self.directives()?;
                return Ok(Selection::Inline(Some(on), self.selections()?));
            }
            if self.token == Token::Sign('{') {
                return Ok(Selection::Inline(None, self.selections()?));
            }
            let name = self.name()?;
            self.directives()?;
            return Ok(Selection::Spread(name));
        }
        let at = self.token_at;
        let first = self.name()?;
        let (alias, name) =
            if self.has(':')? { (first, self.name()?) } else { (first.clone(), first) };
        let args = self.args()?;
        let directives = self.directives()?;
        let below = if self.token == Token::Sign('{') { self.selections()? } else { Vec::new() };
        Ok(Selection::Field(Field { alias, name, args, directives, below, at }))
    }

    fn args(&mut self) -> Parsed<Vec<(String, Literal)>> {
        let mut all = Vec::new();
        if self.has('(')? {
            while !self.has(')')? {
                let name = self.name()?;
                self.need(':')?;
                all.push((name, self.literal()?));
            }
        }
        Ok(all)
    }

    fn directives(&mut self) -> Parsed<Vec<Directive>> {
        let mut all = Vec::new();
        while self.has('@')? {
            let name = self.name()?;
            all.push((name, self.args()?));
        }
        Ok(all)
    }

    fn literal(&mut self) -> Parsed<Literal> {
        match self.token.clone() {
            Token::Sign('$') => {
                self.advance()?;
                Ok(Literal::Variable(self.name()?))
            }
            Token::Sign('[') => {
                self.advance()?;
                let mut all = Vec::new();
                while !self.has(']')? {
                    all.push(self.literal()?);
                }
                Ok(Literal::List(all))
            }
            Token::Sign('{') => {
                self.advance()?;
                let mut all = Vec::new();
                while !self.has('}')? {
                    let name = self.name()?;
                    self.need(':')?;
                    all.push((name, self.literal()?));
                }
                Ok(Literal::Object(all))
            }
            Token::Text(text) => {
                self.advance()?;
                Ok(Literal::Plain(Value::String(text)))
            }
            Token::Number(number) => {
                self.advance()?;
                Ok(Literal::Plain(Value::Number(number)))
            }
            Token::Name(name) => {
                self.advance()?;
                Ok(match name.as_str() {
                    "true" => Literal::Plain(Value::Bool(true)),
                    "false" => Literal::Plain(Value::Bool(false)),
                    "null" => Literal::Plain(Value::Null),
                    _ => Literal::Enum(name),
                })
            }
            _ => self.unexpected(),
        }
    }

    /// The definitions of a schema, in their order.
    pub fn definitions(mut self) -> Parsed<Vec<Definition>> {
        let mut all = Vec::new();
        while self.token != Token::End {
            let kind = self.name()?;
            let name = self.name()?;
            let mut own = Definition { kind, name, fields: Vec::new(), values: Vec::new() };
            if own.kind != "scalar" {
                self.need('{')?;
                while !self.has('}')? {
                    let field = self.name()?;
                    if own.kind == "enum" {
                        own.values.push(field);
                        continue;
                    }
                    let mut args = Vec::new();
                    if self.has('(')? {
                        while !self.has(')')? {
                            args.push(self.definition(Vec::new())?);
                        }
                    }
                    self.need(':')?;
                    let of = self.of_type()?;
                    let default = if self.has('=')? { Some(self.literal()?) } else { None };
                    own.fields.push(Defined { name: field, args, of, default });
                }
            }
            all.push(own);
        }
        Ok(all)
    }

    fn definition(&mut self, args: Vec<Defined>) -> Parsed<Defined> {
        let name = self.name()?;
        self.need(':')?;
        let of = self.of_type()?;
        let default = if self.has('=')? { Some(self.literal()?) } else { None };
        Ok(Defined { name, args, of, default })
    }
}

/// A type of a schema.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    /// `type`, `input`, `enum`, `interface` or `scalar`.
    pub kind: String,
    pub name: String,
    pub fields: Vec<Defined>,
    pub values: Vec<String>,
}

/// A field of a type, or an argument of a field.
#[derive(Debug, Clone)]
pub(super) struct Defined {
    pub name: String,
    pub args: Vec<Defined>,
    pub of: Type,
    pub default: Option<Literal>,
}

impl Definition {
    pub fn field(&self, name: &str) -> Option<&Defined> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl Literal {
    /// The value, with what the variables hold; a variable without a value is nothing.
    pub fn with(&self, variables: &Map<String, Value>) -> Option<Value> {
        match self {
            Self::Variable(name) => variables.get(name).cloned(),
            Self::Enum(name) => Some(Value::String(name.clone())),
            Self::Plain(value) => Some(value.clone()),
            Self::List(all) => Some(Value::Array(
                all.iter().map(|one| one.with(variables).unwrap_or_default()).collect(),
            )),
            Self::Object(all) => Some(Value::Object(
                all.iter()
                    .filter_map(|(name, one)| Some((name.clone(), one.with(variables)?)))
                    .collect(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Parsed<Document> {
        Parser::new(text)?.document()
    }

    #[test]
    fn requests_are_read_with_all_that_they_may_hold() {
        let document = parsed(
            "query Q($first: Int = 5, $ids: [ID!]!) { a: nodes(ids: $ids) @include(if: true) { ...F ... on Product { title } } \
             # a remark\n products(first: $first, query: \"x:\\\"y\\\"\", sortKey: ID) { nodes { id } } } fragment F on Node { id }",
        )
        .unwrap();
        let operation = &document.operations[0];
        assert_eq!(operation.variables[1].of.to_string(), "[ID!]!");
        assert_eq!(operation.variables[0].default, Some(Literal::Plain(5.into())));
        let Selection::Field(nodes) = &operation.below[0] else { panic!() };
        assert_eq!(
            (nodes.alias.as_str(), nodes.name.as_str(), nodes.below.len()),
            ("a", "nodes", 2)
        );
        let Selection::Field(products) = &operation.below[1] else { panic!() };
        assert_eq!(products.args[1].1, Literal::Plain("x:\"y\"".into()));
        assert_eq!(products.args[2].1, Literal::Enum("ID".into()));
        assert_eq!(document.fragments[0].1, "Node");
        assert!(parsed("mutation { a }").unwrap().operations[0].mutation);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, line, column) in [
            ("{ a(", 1, 5),
            ("{\n  }", 1, 1),
            ("{ a ? }", 1, 5),
            ("query { \"a\" }", 1, 9),
            ("", 1, 1),
        ] {
            let wrong = parsed(text).unwrap_err();
            assert!(wrong.message.starts_with("syntax error"), "{wrong:?}");
            if text != "{\n  }" {
                assert_eq!(wrong.at, (line, column), "{text}");
            }
        }
    }

    #[test]
    fn a_type_fits_where_less_is_asked_for() {
        let of = |text: &str| Parser::new(text).unwrap().of_type().unwrap();
        assert!(of("ID!").fits(&of("ID"), false));
        assert!(!of("ID").fits(&of("ID!"), false));
        assert!(of("ID").fits(&of("ID!"), true));
        assert!(!of("String!").fits(&of("ID!"), false));
        assert!(of("ID!").fits(&of("[ID!]!"), false));
        assert!(!of("[ID]").fits(&of("[ID!]"), false));
    }
}
