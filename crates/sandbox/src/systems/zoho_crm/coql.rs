//! `POST /coql`: `select A, B from Contacts where ((A = 'x' and B > 5) or C is null) order by A
//! limit 0, 200`. A where clause is needed, and more than two conditions go in brackets by twos.

use super::base::{Refusal, ZohoCrm, refusal};
use super::fields::{Field, Kind, MODULES, place};
use super::lists;
use super::search::{Cell, cell, order, wanted};
use crate::http::{Reply, Request};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::cmp::Ordering;

/// The most records of one answer, and how many there are when nobody says.
const MOST: usize = 2000;
const USUAL: usize = 200;

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(String),
}

enum Condition {
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Is { field: &'static Field, operator: String, values: Vec<Cell> },
}

impl Condition {
    fn holds(&self, record: &Value) -> bool {
        match self {
            Self::And(a, b) => a.holds(record) && b.holds(record),
            Self::Or(a, b) => a.holds(record) || b.holds(record),
            Self::Is { field, operator, values } => {
                let own = cell(field.kind, &record[field.name]);
                let first = values.first().unwrap_or(&Cell::None);
                let is = |wanted: &[Ordering]| {
                    order(&own, first).is_some_and(|order| wanted.contains(&order))
                };
                match operator.as_str() {
                    "is null" => own == Cell::None,
                    "is not null" => own != Cell::None,
                    "=" => is(&[Ordering::Equal]),
                    "!=" => !is(&[Ordering::Equal]),
                    ">" => is(&[Ordering::Greater]),
                    ">=" => is(&[Ordering::Greater, Ordering::Equal]),
                    "<" => is(&[Ordering::Less]),
                    "<=" => is(&[Ordering::Less, Ordering::Equal]),
                    "in" => values.contains(&own),
                    "not in" => !values.contains(&own),
                    "like" => like(&own, first),
                    "not like" => !like(&own, first),
                    // `between`
                    _ => values.get(1).is_some_and(|last| {
                        is(&[Ordering::Greater, Ordering::Equal])
                            && matches!(order(&own, last), Some(Ordering::Less | Ordering::Equal))
                    }),
                }
            }
        }
    }
}

fn like(own: &Cell, pattern: &Cell) -> bool {
    let (Cell::Text(own), Cell::Text(pattern)) = (own, pattern) else { return false };
    let plain = pattern.trim_matches('%');
    match (pattern.starts_with('%'), pattern.ends_with('%')) {
        (true, true) => own.contains(plain),
        (true, false) => own.ends_with(plain),
        (false, true) => own.starts_with(plain),
        (false, false) => own == plain,
    }
}

fn syntax(near: impl Into<String>) -> Refusal {
    refusal("SYNTAX_ERROR", "error occurred while parsing the query", json!({"near": near.into()}))
}

fn column(name: &str) -> Refusal {
    refusal("INVALID_QUERY", "column given seems to be invalid", json!({"column_name": name}))
}

fn tokens(text: &str) -> Result<Vec<Token>, Refusal> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&c) = chars.peek() {
        match c {
            c if c.is_whitespace() => {
                chars.next();
            }
            '\'' | '"' => {
                chars.next();
                let mut quoted = String::new();
                loop {
                    match chars.next() {
                        Some(next) if next == c && chars.peek() == Some(&c) => {
                            chars.next();
                            quoted.push(c);
                        }
                        Some(next) if next == c => break,
                        Some(next) => quoted.push(next),
                        None => return Err(syntax(quoted)),
                    }
                }
                out.push(Token::Text(quoted));
            }
            '(' | ')' | ',' => {
                chars.next();
                out.push(Token::Sign(c.to_string()));
            }
            '=' | '!' | '<' | '>' => {
                chars.next();
                let mut sign = c.to_string();
                if chars.peek() == Some(&'=') {
                    chars.next();
                    sign.push('=');
                }
                out.push(Token::Sign(sign));
            }
            _ => {
                let mut word = String::new();
                while let Some(&c) = chars.peek() {
                    if c.is_whitespace() || "(),='\"!<>".contains(c) {
                        break;
                    }
                    word.push(c);
                    chars.next();
                }
                out.push(Token::Word(word));
            }
        }
    }
    Ok(out)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    /// The clause `order by`, if there is one: the fields, and whether each goes down.
    fn order(&mut self, at: usize) -> Result<Vec<(&'static Field, bool)>, Refusal> {
        let mut columns: Vec<(&'static Field, bool)> = Vec::new();
        if self.word("order") {
            if !self.word("by") {
                return Err(syntax(self.near()));
            }
            loop {
                let name = self.name()?;
                let field = MODULES[at].field(&name).ok_or_else(|| column(&name))?;
                let down = self.word("desc");
                if !down {
                    self.word("asc");
                }
                columns.push((field, down));
                if !self.sign(",") {
                    break;
                }
            }
        }
        Ok(columns)
    }

    /// The clause `limit`: how many records to leave out, and how many to take.
    fn limit(&mut self) -> Result<(usize, usize), Refusal> {
        let (mut offset, mut limit) = (0, USUAL);
        if self.word("limit") {
            let number = |text: String| text.parse::<usize>().map_err(|_| syntax(text));
            limit = number(self.name()?)?;
            if self.sign(",") {
                offset = limit;
                limit = number(self.name()?)?;
            }
        }
        Ok((offset, limit))
    }

    fn take(&mut self) -> Option<Token> {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned()
    }

    fn near(&self) -> String {
        match self.tokens.get(self.at) {
            Some(Token::Word(text) | Token::Text(text) | Token::Sign(text)) => text.clone(),
            None => String::new(),
        }
    }

    /// Whether this word comes next; it is taken if so.
    fn word(&mut self, wanted: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word.eq_ignore_ascii_case(wanted));
        self.at += usize::from(is);
        is
    }

    fn sign(&mut self, wanted: &str) -> bool {
        let is = self.tokens.get(self.at) == Some(&Token::Sign(wanted.to_owned()));
        self.at += usize::from(is);
        is
    }

    fn name(&mut self) -> Result<String, Refusal> {
        match self.take() {
            Some(Token::Word(name) | Token::Text(name)) => Ok(name),
            _ => {
                self.at -= 1;
                Err(syntax(self.near()))
            }
        }
    }

    fn names(&mut self) -> Result<Vec<String>, Refusal> {
        let mut names = vec![self.name()?];
        while self.sign(",") {
            names.push(self.name()?);
        }
        Ok(names)
    }

    /// One condition, or two that are joined.
    fn condition(&mut self, module: usize) -> Result<Condition, Refusal> {
        let left = self.operand(module)?;
        let joint = if self.word("and") {
            Condition::And
        } else if self.word("or") {
            Condition::Or
        } else {
            return Ok(left);
        };
        let right = self.operand(module)?;
        if self.word("and") || self.word("or") {
            self.at -= 1;
            return Err(syntax(self.near()));
        }
        Ok(joint(Box::new(left), Box::new(right)))
    }

    fn operand(&mut self, module: usize) -> Result<Condition, Refusal> {
        if self.sign("(") {
            let inner = self.condition(module)?;
            return if self.sign(")") { Ok(inner) } else { Err(syntax(self.near())) };
        }
        let name = self.name()?;
        let field =
            MODULES[module].field(name.trim_end_matches(".id")).ok_or_else(|| column(&name))?;
        if field.kind == Kind::Subform {
            return Err(column(&name));
        }
        let not = self.word("not");
        let operator = match self.take() {
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("is") => {
                let not = self.word("not");
                if !self.word("null") {
                    return Err(syntax(self.near()));
                }
                if not { "is not null".to_owned() } else { "is null".to_owned() }
            }
            Some(Token::Word(word))
                if ["in", "like", "between"].contains(&word.to_lowercase().as_str()) =>
            {
                format!("{}{}", if not { "not " } else { "" }, word.to_lowercase())
            }
            Some(Token::Sign(sign))
                if ["=", "!=", ">", ">=", "<", "<="].contains(&sign.as_str()) =>
            {
                sign
            }
            _ => {
                self.at -= 1;
                return Err(syntax(self.near()));
            }
        };
        let values = self.values(field, &operator)?;
        Ok(Condition::Is { field, operator, values })
    }

    fn values(&mut self, field: &Field, operator: &str) -> Result<Vec<Cell>, Refusal> {
        let count = match operator {
            "is null" | "is not null" => return Ok(Vec::new()),
            "between" | "not between" => 2,
            _ => 1,
        };
        let mut values = Vec::new();
        if operator.ends_with("in") && self.sign("(") {
            loop {
                values.push(self.value(field)?);
                if !self.sign(",") {
                    break;
                }
            }
            return if self.sign(")") { Ok(values) } else { Err(syntax(self.near())) };
        }
        values.push(self.value(field)?);
        if count == 2 {
            if !self.word("and") {
                return Err(syntax(self.near()));
            }
            values.push(self.value(field)?);
        }
        Ok(values)
    }

    fn value(&mut self, field: &Field) -> Result<Cell, Refusal> {
        let text = match self.take() {
            Some(Token::Word(text) | Token::Text(text)) => text,
            _ => {
                self.at -= 1;
                return Err(syntax(self.near()));
            }
        };
        wanted(field.kind, &text).ok_or_else(|| {
            refusal(
                "INVALID_QUERY",
                "value given seems to be invalid for the column",
                json!({"column_name": field.name}),
            )
        })
    }
}

impl ZohoCrm {
    pub(super) fn coql(&self, request: &Request, now: Timestamp) -> Result<Reply, Refusal> {
        lists::parameters(request, &[])?;
        let body = request.json().unwrap_or_default();
        let query = body["select_query"].as_str().ok_or_else(|| {
            refusal(
                "MANDATORY_NOT_FOUND",
                "required field not found",
                json!({"api_name": "select_query", "json_path": "$.select_query"}),
            )
        })?;
        let mut parser = Parser { tokens: tokens(query)?, at: 0 };
        if !parser.word("select") {
            return Err(syntax(parser.near()));
        }
        let names = parser.names()?;
        if !parser.word("from") {
            return Err(syntax(parser.near()));
        }
        let module = parser.name()?;
        let at = place(&module).ok_or_else(|| {
            refusal("INVALID_QUERY", "module given seems to be invalid", json!({"module": module}))
        })?;
        if let Some(unknown) = names
            .iter()
            .find(|name| MODULES[at].field(name).is_none_or(|field| field.kind == Kind::Subform))
        {
            return Err(column(unknown));
        }
        if !parser.word("where") {
            return Err(refusal("SYNTAX_ERROR", "missing clause", json!({"clause": "where"})));
        }
        let condition = parser.condition(at)?;
        let columns = parser.order(at)?;
        let (offset, limit) = parser.limit()?;
        if parser.at < parser.tokens.len() {
            return Err(syntax(parser.near()));
        }
        if limit > MOST {
            return Err(refusal(
                "LIMIT_EXCEEDED",
                "limit exceeded",
                json!({"limit": MOST, "clause": "limit"}),
            ));
        }
        let mut records: Vec<&Value> =
            self.tables[at].listed(now).filter(|record| condition.holds(record)).collect();
        records.sort_by(|a, b| {
            columns
                .iter()
                .map(|(field, down)| {
                    let compared =
                        order(&cell(field.kind, &a[field.name]), &cell(field.kind, &b[field.name]));
                    let compared = compared.unwrap_or(Ordering::Equal);
                    if *down { compared.reverse() } else { compared }
                })
                .find(|compared| *compared != Ordering::Equal)
                .unwrap_or(Ordering::Equal)
        });
        let data: Vec<Value> =
            records.iter().skip(offset).take(limit).map(|record| row(record, &names, at)).collect();
        if data.is_empty() {
            return Ok(Reply::empty(204));
        }
        let info =
            json!({"count": data.len(), "more_records": records.len() > offset + data.len()});
        Ok(Reply::json(200, &json!({"data": data, "info": info})))
    }
}

/// The columns of a row; other records are told by their id only.
fn row(record: &Value, names: &[String], at: usize) -> Value {
    let mut row = Map::new();
    for name in names {
        let value = match MODULES[at].field(name).map(|field| field.kind) {
            Some(Kind::Lookup(_) | Kind::User) if record[name.as_str()].is_object() => {
                json!({"id": record[name.as_str()]["id"]})
            }
            _ => record[name.as_str()].clone(),
        };
        row.insert(name.clone(), value);
    }
    row.insert("id".to_owned(), record["id"].clone());
    Value::Object(row)
}
