//! SOQL: `SELECT Id, Account.Name FROM Contact WHERE (A = 'x' AND B > 5) OR C = null ORDER BY A DESC
//! NULLS LAST LIMIT 10 OFFSET 20`, `COUNT()`, `FIELDS(STANDARD)`. Not here: queries of children,
//! aggregates, date literals in words.

use super::base::{Refusal, long_id, refusal};
use super::types::{Field, Kind, OBJECTS, Object, place};
use crate::util::time;
use serde_json::{Value, json};
use std::cmp::Ordering;

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(String),
}

/// A field of the object, or of the record that one of its fields refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Path {
    /// The field with the reference, and what the relation is called.
    pub through: Option<(&'static str, &'static str)>,
    pub field: Field,
}

enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Is { path: Path, operator: String, values: Vec<Value> },
}

pub(super) struct Query {
    pub at: usize,
    /// Nothing asks for the count alone.
    pub columns: Vec<Path>,
    condition: Option<Condition>,
    order: Vec<(Path, bool, bool)>,
    pub limit: Option<usize>,
    pub offset: usize,
}

/// The value of a path: of the record itself, or of a related one.
pub(super) type Lookup<'a> = &'a dyn Fn(&Value, &Path) -> Value;

fn compare(kind: Kind, own: &Value, wanted: &Value) -> Option<Ordering> {
    if own.is_null() || wanted.is_null() {
        return None;
    }
    match kind {
        Kind::Flag => own.as_bool().partial_cmp(&wanted.as_bool()),
        Kind::Number | Kind::Whole => own.as_f64()?.partial_cmp(&wanted.as_f64()?),
        Kind::Moment => Some(time::parse(own.as_str()?)?.cmp(&time::parse(wanted.as_str()?)?)),
        Kind::Id | Kind::Reference(_) => {
            Some(own.as_str()?.cmp(long_id(wanted.as_str()?)?.as_str()))
        }
        _ => Some(own.as_str()?.to_lowercase().cmp(&wanted.as_str()?.to_lowercase())),
    }
}

/// `%` is any text, `_` any character, a backslash takes their meaning away.
fn like(own: &[char], pattern: &[char]) -> bool {
    match pattern {
        [] => own.is_empty(),
        ['%', rest @ ..] => (0..=own.len()).any(|skip| like(&own[skip..], rest)),
        ['_', rest @ ..] => !own.is_empty() && like(&own[1..], rest),
        ['\\', first, rest @ ..] | [first, rest @ ..] => {
            own.first() == Some(first) && like(&own[1..], rest)
        }
    }
}

impl Condition {
    fn holds(&self, record: &Value, lookup: Lookup<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(record, lookup)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(record, lookup)),
            Self::Not(part) => !part.holds(record, lookup),
            Self::Is { path, operator, values } => {
                let own = lookup(record, path);
                let first = values.first().unwrap_or(&Value::Null);
                let kind = path.field.kind;
                let is = |wanted: &Value| match wanted.is_null() {
                    true => own.is_null(),
                    false => compare(kind, &own, wanted) == Some(Ordering::Equal),
                };
                let order = compare(kind, &own, first);
                let chars = |value: &Value| -> Vec<char> {
                    value.as_str().unwrap_or_default().to_lowercase().chars().collect()
                };
                match operator.as_str() {
                    "=" => is(first),
                    "!=" => !is(first),
                    "<" => order == Some(Ordering::Less),
                    ">" => order == Some(Ordering::Greater),
                    "<=" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                    ">=" => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
                    "in" => values.iter().any(is),
                    "not in" => !values.iter().any(is),
                    _ => like(&chars(&own), &chars(first)),
                }
            }
        }
    }
}

impl Query {
    pub(super) fn holds(&self, record: &Value, lookup: Lookup<'_>) -> bool {
        self.condition.as_ref().is_none_or(|condition| condition.holds(record, lookup))
    }

    pub(super) fn order(&self, a: &Value, b: &Value, lookup: Lookup<'_>) -> Ordering {
        for (path, down, last) in &self.order {
            let (a, b) = (lookup(a, path), lookup(b, path));
            let order = match (a.is_null(), b.is_null()) {
                (true, true) => Ordering::Equal,
                (true, false) if *last => Ordering::Greater,
                (true, false) => Ordering::Less,
                (false, true) if *last => Ordering::Less,
                (false, true) => Ordering::Greater,
                _ => {
                    let order = compare(path.field.kind, &a, &b).unwrap_or(Ordering::Equal);
                    if *down { order.reverse() } else { order }
                }
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        a["Id"].as_str().cmp(&b["Id"].as_str())
    }
}

fn malformed(message: impl Into<String>) -> Refusal {
    refusal(400, "MALFORMED_QUERY", message)
}

fn tokens(text: &str) -> Result<Vec<Token>, Refusal> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_whitespace() {
            continue;
        }
        match c {
            '\'' => {
                let mut quoted = String::new();
                loop {
                    match chars.next() {
                        Some('\\') => match chars.next() {
                            Some('n') => quoted.push('\n'),
                            Some('t') => quoted.push('\t'),
                            // `like` still has to see which of these are meant as they are.
                            Some(next @ ('%' | '_')) => quoted.extend(['\\', next]),
                            Some(next) => quoted.push(next),
                            None => return Err(malformed("unexpected end of file")),
                        },
                        Some('\'') => break,
                        Some(next) => quoted.push(next),
                        None => return Err(malformed("unexpected token: '<EOF>'")),
                    }
                }
                out.push(Token::Text(quoted));
            }
            '(' | ')' | ',' => out.push(Token::Sign(c.to_string())),
            '=' | '!' | '<' | '>' => {
                let mut sign = c.to_string();
                if chars.next_if(|next| *next == '=' || (c == '<' && *next == '>')).is_some_and(
                    |next| {
                        sign.push(next);
                        true
                    },
                ) && sign == "<>"
                {
                    sign = "!=".to_owned();
                }
                out.push(Token::Sign(sign));
            }
            _ => {
                let mut word = c.to_string();
                while let Some(next) =
                    chars.next_if(|c| !c.is_whitespace() && !"(),='!<>".contains(*c))
                {
                    word.push(next);
                }
                out.push(Token::Word(word));
            }
        }
    }
    Ok(out)
}

/// A path that an object has.
fn path(object: &'static Object, name: &str) -> Result<Path, Refusal> {
    let unknown = |object: &Object, name: &str| {
        refusal(
            400,
            "INVALID_FIELD",
            format!(
                "No such column '{name}' on entity '{}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.",
                object.name
            ),
        )
    };
    let Some((relation, rest)) = name.split_once('.') else {
        let field = object.field(name).ok_or_else(|| unknown(object, name))?;
        return Ok(Path { through: None, field: *field });
    };
    if relation.eq_ignore_ascii_case(object.name) {
        return path(object, rest);
    }
    let found = object.fields.iter().find_map(|field| {
        let (called, target) = field.relation()?;
        called.eq_ignore_ascii_case(relation).then_some((field.name, called, target))
    });
    let Some((by, called, target)) = found else {
        return Err(refusal(
            400,
            "INVALID_FIELD",
            format!(
                "Didn't understand relationship '{relation}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names."
            ),
        ));
    };
    let target = &OBJECTS[place(target).unwrap_or_default()];
    let field = target.field(rest).ok_or_else(|| unknown(target, rest))?;
    Ok(Path { through: Some((by, called)), field: *field })
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn unexpected(&self) -> Refusal {
        let token = match self.tokens.get(self.at) {
            Some(Token::Word(text) | Token::Text(text) | Token::Sign(text)) => text.as_str(),
            None => "<EOF>",
        };
        malformed(format!("unexpected token: '{token}'"))
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

    fn must(&mut self, found: bool) -> Result<(), Refusal> {
        if found { Ok(()) } else { Err(self.unexpected()) }
    }

    fn name(&mut self) -> Result<String, Refusal> {
        match self.tokens.get(self.at) {
            Some(Token::Word(name)) => {
                self.at += 1;
                Ok(name.clone())
            }
            _ => Err(self.unexpected()),
        }
    }

    /// What stands between `SELECT` and `FROM`: names, `COUNT()` as none, `FIELDS(…)` as it is.
    fn selected(&mut self) -> Result<Vec<String>, Refusal> {
        let mut names = Vec::new();
        loop {
            let mut name = self.name()?;
            if self.sign("(") {
                if name.eq_ignore_ascii_case("count") {
                    let closed = self.sign(")");
                    self.must(closed)?;
                    return Ok(Vec::new());
                }
                if !name.eq_ignore_ascii_case("fields") {
                    return Err(self.unexpected());
                }
                name = format!("FIELDS({})", self.name()?.to_uppercase());
                let closed = self.sign(")");
                self.must(closed)?;
            }
            names.push(name);
            if !self.sign(",") {
                return Ok(names);
            }
        }
    }

    /// Conditions joined by one word; both need brackets.
    fn conditions(&mut self, object: &'static Object) -> Result<Condition, Refusal> {
        let first = self.condition(object)?;
        for (joint, join) in
            [("and", Condition::All as fn(Vec<Condition>) -> Condition), ("or", Condition::Any)]
        {
            let mut parts = Vec::new();
            while self.word(joint) {
                parts.push(self.condition(object)?);
            }
            if !parts.is_empty() {
                parts.insert(0, first);
                return Ok(join(parts));
            }
        }
        Ok(first)
    }

    fn condition(&mut self, object: &'static Object) -> Result<Condition, Refusal> {
        if self.word("not") {
            return Ok(Condition::Not(Box::new(self.condition(object)?)));
        }
        if self.sign("(") {
            let inner = self.conditions(object)?;
            let closed = self.sign(")");
            self.must(closed)?;
            return Ok(inner);
        }
        let name = self.name()?;
        let path = path(object, &name)?;
        let not = self.word("not");
        let operator = match self.tokens.get(self.at) {
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("in") => {
                if not { "not in" } else { "in" }.to_owned()
            }
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("like") && !not => {
                "like".to_owned()
            }
            Some(Token::Sign(sign))
                if !not && ["=", "!=", "<", ">", "<=", ">="].contains(&sign.as_str()) =>
            {
                sign.clone()
            }
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        let mut values = Vec::new();
        if operator.ends_with("in") {
            let open = self.sign("(");
            self.must(open)?;
            loop {
                values.push(self.value(&path.field)?);
                if !self.sign(",") {
                    break;
                }
            }
            let closed = self.sign(")");
            self.must(closed)?;
        } else {
            values.push(self.value(&path.field)?);
        }
        Ok(Condition::Is { path, operator, values })
    }

    fn value(&mut self, field: &Field) -> Result<Value, Refusal> {
        let wrong = |how: &str| {
            refusal(
                400,
                "INVALID_FIELD",
                format!(
                    "value of filter criterion for field '{}' must be of type {} and should {how}be enclosed in quotes",
                    field.name,
                    field.kind.name()
                ),
            )
        };
        let token = self.tokens.get(self.at).cloned().ok_or_else(|| self.unexpected())?;
        self.at += 1;
        let quoted = matches!(
            field.kind,
            Kind::Id | Kind::Text(_) | Kind::Email | Kind::Reference(_) | Kind::Address
        );
        match token {
            Token::Word(word) if word.eq_ignore_ascii_case("null") => Ok(Value::Null),
            Token::Text(text) if quoted => match field.kind {
                Kind::Id | Kind::Reference(_) if long_id(&text).is_none() => Err(refusal(
                    400,
                    "INVALID_QUERY_FILTER_OPERATOR",
                    format!("invalid ID field: {text}"),
                )),
                _ => Ok(json!(text)),
            },
            Token::Text(_) => Err(wrong("not ")),
            Token::Word(_) if quoted => Err(wrong("")),
            Token::Word(word) => match field.kind {
                Kind::Flag => {
                    word.to_lowercase().parse::<bool>().map(Value::from).map_err(|_| wrong("not "))
                }
                Kind::Number | Kind::Whole => {
                    word.parse::<f64>().map(Value::from).map_err(|_| wrong("not "))
                }
                Kind::Date if word.len() == 10 && time::parse(&word).is_some() => Ok(json!(word)),
                Kind::Moment if word.len() > 10 && time::parse(&word).is_some() => Ok(json!(word)),
                _ => Err(wrong("not ")),
            },
            Token::Sign(_) => {
                self.at -= 1;
                Err(self.unexpected())
            }
        }
    }

    fn order(&mut self, object: &'static Object) -> Result<Vec<(Path, bool, bool)>, Refusal> {
        let mut columns = Vec::new();
        if !self.word("order") {
            return Ok(columns);
        }
        let by = self.word("by");
        self.must(by)?;
        loop {
            let name = self.name()?;
            let path = path(object, &name)?;
            let down = self.word("desc");
            if !down {
                self.word("asc");
            }
            let mut last = false;
            if self.word("nulls") {
                last = self.word("last");
                let first = last || self.word("first");
                self.must(first)?;
            }
            columns.push((path, down, last));
            if !self.sign(",") {
                return Ok(columns);
            }
        }
    }

    fn number(&mut self, clause: &str) -> Result<Option<usize>, Refusal> {
        if !self.word(clause) {
            return Ok(None);
        }
        let number = self.name()?.parse().map_err(|_| {
            self.at -= 1;
            self.unexpected()
        })?;
        Ok(Some(number))
    }
}

/// The columns that were asked for.
fn columns(
    object: &'static Object,
    names: &[String],
    limit: Option<usize>,
) -> Result<Vec<Path>, Refusal> {
    let mut out: Vec<Path> = Vec::new();
    for name in names {
        match name.as_str() {
            "FIELDS(STANDARD)" => {
                out.extend(object.fields.iter().map(|field| Path { through: None, field: *field }))
            }
            "FIELDS(ALL)" if limit.is_some_and(|limit| limit <= 200) => {
                out.extend(object.fields.iter().map(|field| Path { through: None, field: *field }));
            }
            "FIELDS(ALL)" => {
                return Err(malformed("The SOQL FIELDS function must have a LIMIT of at most 200"));
            }
            "FIELDS(CUSTOM)" => {}
            name => {
                let path = path(object, name)?;
                if out.contains(&path) {
                    return Err(refusal(
                        400,
                        "INVALID_FIELD",
                        format!("duplicate field selected: {}", path.field.name),
                    ));
                }
                out.push(path);
            }
        }
    }
    Ok(out)
}

pub(super) fn parse(text: &str) -> Result<Query, Refusal> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0 };
    let select = parser.word("select");
    parser.must(select)?;
    let names = parser.selected()?;
    let from = parser.word("from");
    parser.must(from)?;
    let name = parser.name()?;
    let at = place(&name).ok_or_else(|| {
        refusal(
            400,
            "INVALID_TYPE",
            format!("sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."),
        )
    })?;
    let object = &OBJECTS[at];
    let condition = if parser.word("where") { Some(parser.conditions(object)?) } else { None };
    let order = parser.order(object)?;
    let limit = parser.number("limit")?;
    let offset = parser.number("offset")?.unwrap_or(0);
    if parser.at < parser.tokens.len() {
        return Err(parser.unexpected());
    }
    if offset > 2000 {
        return Err(refusal(
            400,
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Maximum SOQL offset allowed is 2000",
        ));
    }
    Ok(Query { at, columns: columns(object, &names, limit)?, condition, order, limit, offset })
}
