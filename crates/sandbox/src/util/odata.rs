//! The query options of OData with the types of what they name: `$filter`, `$orderby`, `$select`,
//! and pages that go on after the last record of the one before.
//!
//! OData 4 writes times and GUIDs bare, OData 3 as `datetime'…'` and `guid'…'`; a literal of
//! another type than its property is refused, as both vendors do. Specifications: OASIS OData 4.01
//! part 2, section 5.1; OData 3.0 "Core", section 10.2.

use super::shape::{Kind, Property, find, is_guid};
use super::time;
use jiff::Timestamp;
use serde_json::Value;
use std::cmp::Ordering;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    V3,
    V4,
}

/// A parsed and typed `$filter`.
#[derive(Debug, Clone)]
pub enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    /// `trimmed`: `trim(…)` stands around the property.
    Compare {
        property: Property,
        operator: Operator,
        literal: Cell,
        case: Case,
        trimmed: bool,
    },
    Contains {
        property: Property,
        how: How,
        text: String,
        case: Case,
    },
}

/// How text is compared, which is a matter of the data base behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    Matters,
    Folded,
}

impl Case {
    fn of(self, text: &str) -> String {
        match self {
            Self::Matters => text.to_owned(),
            Self::Folded => text.to_lowercase(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Anywhere,
    Starts,
    Ends,
}

/// A value to compare by.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    None,
    Bool(bool),
    Number(f64),
    Time(Timestamp),
    Text(String),
}

impl Cell {
    /// What a property of a record holds.
    pub fn of(kind: Kind, value: &Value, case: Case) -> Self {
        match (kind, value) {
            (_, Value::Null) => Self::None,
            (Kind::Date | Kind::Moment, Value::String(text)) => {
                time::parse(text).map_or(Self::None, Self::Time)
            }
            (_, Value::Bool(flag)) => Self::Bool(*flag),
            (_, Value::Number(number)) => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            (Kind::Guid | Kind::Choice(_), Value::String(text)) => Self::Text(text.to_lowercase()),
            (_, Value::String(text)) => Self::Text(case.of(text)),
            (_, other) => Self::Text(other.to_string()),
        }
    }

    /// Nothing comes first.
    pub fn order(&self, other: &Self) -> Ordering {
        let rank = |cell: &Self| match cell {
            Self::None => 0,
            Self::Bool(_) => 1,
            Self::Number(_) => 2,
            Self::Time(_) => 3,
            Self::Text(_) => 4,
        };
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (a, b) => rank(a).cmp(&rank(b)),
        }
    }
}

impl Filter {
    /// Parses `text` against the properties of `type_name`; the error is what the vendor's own
    /// library says.
    pub fn parse(
        text: &str,
        version: Version,
        type_name: &str,
        table: &[Property],
        case: Case,
    ) -> Result<Self, String> {
        let mut parser = Parser { tokens: tokens(text)?, next: 0, version, type_name, table, case };
        let filter = parser.any()?;
        match parser.tokens.get(parser.next) {
            None => Ok(filter),
            Some(_) => Err(format!("Syntax error in '{text}'.")),
        }
    }

    /// Every property that it names.
    pub fn names(&self) -> Vec<&'static str> {
        match self {
            Self::And(a, b) | Self::Or(a, b) => [a.names(), b.names()].concat(),
            Self::Not(inner) => inner.names(),
            Self::Compare { property, .. } | Self::Contains { property, .. } => vec![property.name],
        }
    }

    /// Whether some `or` joins different properties.
    pub fn or_across(&self) -> bool {
        match self {
            Self::Or(a, b) => {
                let mut names = [a.names(), b.names()].concat();
                names.sort_unstable();
                names.dedup();
                names.len() > 1 || a.or_across() || b.or_across()
            }
            Self::And(a, b) => a.or_across() || b.or_across(),
            Self::Not(inner) => inner.or_across(),
            _ => false,
        }
    }

    pub fn holds(&self, record: &Value) -> bool {
        match self {
            Self::And(a, b) => a.holds(record) && b.holds(record),
            Self::Or(a, b) => a.holds(record) || b.holds(record),
            Self::Not(inner) => !inner.holds(record),
            Self::Compare { property, operator, literal, case, trimmed } => {
                let found = match Cell::of(property.kind, &record[property.name], *case) {
                    Cell::Text(text) if *trimmed => Cell::Text(text.trim().to_owned()),
                    found => found,
                };
                let order = found.order(literal);
                let none = found == Cell::None || *literal == Cell::None;
                match operator {
                    Operator::Equal => order == Ordering::Equal,
                    Operator::NotEqual => order != Ordering::Equal,
                    // Nothing is neither more nor less.
                    _ if none => false,
                    Operator::Greater => order == Ordering::Greater,
                    Operator::GreaterOrEqual => order != Ordering::Less,
                    Operator::Less => order == Ordering::Less,
                    Operator::LessOrEqual => order != Ordering::Greater,
                }
            }
            Self::Contains { property, how, text, case } => {
                let found = case.of(record[property.name].as_str().unwrap_or_default());
                match how {
                    How::Anywhere => found.contains(text),
                    How::Starts => found.starts_with(text),
                    How::Ends => found.ends_with(text),
                }
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// Names, numbers, bare times and GUIDs.
    Word(String),
    /// What stood before the quotes, and the text in them.
    Quoted(String, String),
    Open,
    Close,
    Comma,
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut chars = text.chars().enumerate().peekable();
    while let Some(&(at, c)) = chars.peek() {
        match c {
            c if c.is_whitespace() => {
                chars.next();
            }
            '(' | ')' | ',' => {
                chars.next();
                out.push(match c {
                    '(' => Token::Open,
                    ')' => Token::Close,
                    _ => Token::Comma,
                });
            }
            _ => {
                let mut word = String::new();
                while let Some(&(_, c)) = chars.peek() {
                    if c.is_whitespace() || "(),'".contains(c) {
                        break;
                    }
                    word.push(c);
                    chars.next();
                }
                if !matches!(chars.peek(), Some((_, '\''))) {
                    out.push(Token::Word(word));
                    continue;
                }
                chars.next();
                let mut quoted = String::new();
                loop {
                    match chars.next() {
                        Some((_, '\'')) if matches!(chars.peek(), Some((_, '\''))) => {
                            chars.next();
                            quoted.push('\'');
                        }
                        Some((_, '\'')) => break,
                        Some((_, c)) => quoted.push(c),
                        None => {
                            return Err(format!(
                                "There is an unterminated string literal at position {at} in '{text}'."
                            ));
                        }
                    }
                }
                out.push(Token::Quoted(word, quoted));
            }
        }
    }
    Ok(out)
}

struct Parser<'a> {
    tokens: Vec<Token>,
    next: usize,
    version: Version,
    type_name: &'a str,
    table: &'a [Property],
    case: Case,
}

impl Parser<'_> {
    fn take(&mut self) -> Option<Token> {
        self.next += 1;
        self.tokens.get(self.next - 1).cloned()
    }

    fn word_is(&self, wanted: &str) -> bool {
        matches!(self.tokens.get(self.next), Some(Token::Word(word)) if word == wanted)
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
        match self.take() {
            Some(Token::Word(word)) if word == "not" => Ok(Filter::Not(Box::new(self.one()?))),
            Some(Token::Open) => {
                let inner = self.any()?;
                self.expect(Token::Close)?;
                Ok(inner)
            }
            Some(Token::Word(word)) if word == "trim" && self.version == Version::V3 => {
                self.expect(Token::Open)?;
                let Some(Token::Word(column)) = self.take() else {
                    return Err("Expression expected.".to_owned());
                };
                self.expect(Token::Close)?;
                self.comparison(&column, true)
            }
            Some(Token::Word(word)) if self.tokens.get(self.next) == Some(&Token::Open) => {
                self.function(&word)
            }
            Some(Token::Word(word)) => self.comparison(&word, false),
            _ => Err("Expression expected.".to_owned()),
        }
    }

    fn comparison(&mut self, column: &str, trimmed: bool) -> Result<Filter, String> {
        let property = self.property(column)?;
        let operator = match self.take() {
            Some(Token::Word(operator)) => operator,
            _ => return Err(format!("An operator is expected after '{column}'.")),
        };
        let operator = match operator.as_str() {
            "eq" => Operator::Equal,
            "ne" => Operator::NotEqual,
            "gt" => Operator::Greater,
            "ge" => Operator::GreaterOrEqual,
            "lt" => Operator::Less,
            "le" => Operator::LessOrEqual,
            other => return Err(format!("The operator '{other}' is not supported.")),
        };
        let token = self.take();
        let literal = self.literal(property, operator, token)?;
        Ok(Filter::Compare { property, operator, literal, case: self.case, trimmed })
    }

    fn property(&self, name: &str) -> Result<Property, String> {
        find(self.table, name).copied().ok_or_else(|| {
            format!("Could not find a property named '{name}' on type '{}'.", self.type_name)
        })
    }

    fn literal(
        &self,
        property: Property,
        operator: Operator,
        token: Option<Token>,
    ) -> Result<Cell, String> {
        let v3 = self.version == Version::V3;
        let token = token.ok_or("Expression expected at the end of the filter.")?;
        if token == Token::Word("null".to_owned()) {
            return Ok(Cell::None);
        }
        let cell = match (&property.kind, &token) {
            (Kind::Text(_), Token::Quoted(before, text)) if before.is_empty() => {
                Some(Cell::Text(self.case.of(text)))
            }
            // The name of an enumeration may stand before its member.
            (Kind::Choice(_), Token::Quoted(_, text)) => Some(Cell::Text(text.to_lowercase())),
            (Kind::Guid, Token::Word(text)) if !v3 && is_guid(text) => {
                Some(Cell::Text(text.to_lowercase()))
            }
            (Kind::Guid, Token::Quoted(before, text))
                if v3 && before == "guid" && is_guid(text) =>
            {
                Some(Cell::Text(text.to_lowercase()))
            }
            (Kind::Integer | Kind::Decimal, Token::Word(text)) => {
                let digits = if v3 { text.trim_end_matches(['L', 'M', 'd', 'm']) } else { text };
                digits.parse().ok().map(Cell::Number)
            }
            (Kind::Bool, Token::Word(text)) => text.parse().ok().map(Cell::Bool),
            (Kind::Moment | Kind::Date, Token::Quoted(before, text))
                if v3 && before == "datetime" =>
            {
                time::parse(text).map(Cell::Time)
            }
            (Kind::Date, Token::Word(text)) if !v3 && text.len() == 10 => {
                time::parse(text).map(Cell::Time)
            }
            // With a time of day, and with a zone: `2024-01-31T10:00:00Z`.
            (Kind::Moment, Token::Word(text)) if !v3 => {
                text.parse::<Timestamp>().ok().map(Cell::Time)
            }
            _ => None,
        };
        cell.ok_or_else(|| {
            format!(
                "A binary operator with incompatible types was detected. Found operand types '{}' and '{}' for operator kind '{operator:?}'.",
                type_name(property.kind),
                token_type(&token)
            )
        })
    }

    fn function(&mut self, name: &str) -> Result<Filter, String> {
        self.expect(Token::Open)?;
        let (a, comma, b) = (self.take(), self.take(), self.take());
        self.expect(Token::Close)?;
        let (column, text, how) = match (name, a, comma, b) {
            (
                "substringof",
                Some(Token::Quoted(before, text)),
                Some(Token::Comma),
                Some(Token::Word(column)),
            ) if before.is_empty() && self.version == Version::V3 => (column, text, How::Anywhere),
            (
                name @ ("contains" | "startswith" | "endswith"),
                Some(Token::Word(column)),
                Some(Token::Comma),
                Some(Token::Quoted(before, text)),
            ) if before.is_empty() && (self.version == Version::V4 || name != "contains") => {
                let how = match name {
                    "contains" => How::Anywhere,
                    "startswith" => How::Starts,
                    _ => How::Ends,
                };
                (column, text, how)
            }
            _ => {
                return Err(format!(
                    "An unknown function with name '{name}' was found, or it has other arguments."
                ));
            }
        };
        let property = self.property(&column)?;
        if !matches!(property.kind, Kind::Text(_)) {
            return Err(format!(
                "No function signature for the function with name '{name}' matches the specified arguments."
            ));
        }
        // `startswith(…) eq true`, as OData 3 wants it written.
        if self.word_is("eq")
            && self.tokens.get(self.next + 1) == Some(&Token::Word("true".to_owned()))
        {
            self.next += 2;
        }
        Ok(Filter::Contains { property, how, text: self.case.of(&text), case: self.case })
    }

    fn expect(&mut self, wanted: Token) -> Result<(), String> {
        if self.take() == Some(wanted) { Ok(()) } else { Err("Expression expected.".to_owned()) }
    }
}

/// The name of a type in OData.
pub fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text(_) => "Edm.String",
        Kind::Guid => "Edm.Guid",
        Kind::Integer => "Edm.Int32",
        Kind::Decimal => "Edm.Decimal",
        Kind::Bool => "Edm.Boolean",
        Kind::Date => "Edm.Date",
        Kind::Moment => "Edm.DateTimeOffset",
        Kind::Choice(_) => "Edm.Enum",
    }
}

fn token_type(token: &Token) -> &'static str {
    match token {
        Token::Quoted(before, _) if before == "guid" => "Edm.Guid",
        Token::Quoted(before, _) if before == "datetime" => "Edm.DateTime",
        Token::Quoted(..) => "Edm.String",
        Token::Word(word) if is_guid(word) => "Edm.Guid",
        Token::Word(word) if word.parse::<f64>().is_ok() => "Edm.Int32",
        Token::Word(word) if word.parse::<bool>().is_ok() => "Edm.Boolean",
        Token::Word(word) if time::parse(word).is_some() => "Edm.DateTimeOffset",
        _ => "Edm.Untyped",
    }
}

/// An order: properties, and whether each goes down.
#[derive(Debug, Clone)]
pub struct Order(Vec<(Property, bool)>);

impl Order {
    /// `$orderby`, with the vendor's own order and its key behind it, so that pages are stable.
    pub fn parse(
        text: Option<&str>,
        type_name: &str,
        table: &[Property],
        then: &[&str],
    ) -> Result<Self, String> {
        let mut columns = Vec::new();
        for part in text.unwrap_or_default().split(',').map(str::trim) {
            let mut words = part.split_whitespace();
            let Some(name) = words.next() else { continue };
            let property = find(table, name).ok_or_else(|| {
                format!("Could not find a property named '{name}' on type '{type_name}'.")
            })?;
            let down = match words.next() {
                None | Some("asc") => false,
                Some("desc") => true,
                Some(other) => return Err(format!("Syntax error at '{other}' in '{part}'.")),
            };
            columns.push((*property, down));
        }
        columns.extend(then.iter().filter_map(|name| find(table, name)).map(|own| (*own, false)));
        Ok(Self(columns))
    }

    fn compare(&self, a: &Value, b: &Value) -> Ordering {
        self.0
            .iter()
            .map(|(property, down)| {
                let cell =
                    |record: &Value| Cell::of(property.kind, &record[property.name], Case::Folded);
                let order = cell(a).order(&cell(b));
                if *down { order.reverse() } else { order }
            })
            .find(|order| *order != Ordering::Equal)
            .unwrap_or(Ordering::Equal)
    }

    pub fn sort(&self, records: &mut [Value]) {
        records.sort_by(|a, b| self.compare(a, b));
    }

    /// What the next page goes on after: the values that the order goes by.
    pub fn token(&self, last: &Value) -> String {
        let place: serde_json::Map<String, Value> = self
            .0
            .iter()
            .map(|(property, _)| (property.name.to_owned(), last[property.name].clone()))
            .collect();
        super::base64::encode_for_url(Value::Object(place).to_string().as_bytes())
    }

    /// Leaves out what is not behind the place in the token.
    pub fn after(&self, token: &str, records: &mut Vec<Value>) -> Result<(), String> {
        let place: Option<Value> = super::base64::decode(token)
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .filter(Value::is_object);
        let Some(place) = place else {
            return Err("The skip token is not valid.".to_owned());
        };
        records.retain(|record| self.compare(record, &place) == Ordering::Greater);
        Ok(())
    }
}

/// `$select`: the names, or `None` for all.
pub fn select(
    text: Option<&str>,
    type_name: &str,
    table: &[Property],
) -> Result<Option<Vec<String>>, String> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    if names.iter().any(|name| name == "*") {
        return Ok(None);
    }
    match names.iter().find(|name| find(table, name).is_none()) {
        None => Ok(Some(names)),
        Some(name) => {
            Err(format!("Could not find a property named '{name}' on type '{type_name}'."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape::{LONG, fixed, open};
    use super::*;
    use serde_json::json;

    const TABLE: &[Property] = &[
        fixed("id", Kind::Guid),
        open("name", LONG),
        open("price", Kind::Decimal),
        open("sold", Kind::Bool),
        fixed("changed", Kind::Moment),
    ];
    const ID: &str = "0d7ab4b4-1e5c-4a0f-8a39-0c3a3a1e6c11";

    fn parse(text: &str, version: Version) -> Result<Filter, String> {
        Filter::parse(text, version, "NAV.item", TABLE, Case::Folded)
    }

    #[test]
    fn literals_must_have_the_type_of_their_property() {
        let record = json!({"id":ID,"name":"O'Brien","price":12.5,"sold":true,"changed":"2024-01-31T10:00:00.5Z"});
        for text in [
            "name eq 'o''brien' and price gt 12",
            "changed gt 2024-01-31T10:00:00Z and changed lt 2024-01-31T11:00:01+01:00",
            &format!("(id eq {ID}) or not (sold eq false)"),
            "contains(name,'Bri') and startswith(name,'O')",
        ] {
            assert!(parse(text, Version::V4).unwrap().holds(&record), "{text}");
        }
        for text in [
            "changed gt datetime'2024-01-31T10:00:00'",
            &format!("id eq guid'{ID}'"),
            "substringof('bri',name) eq true and price ge 12.5M",
        ] {
            assert!(parse(text, Version::V3).unwrap().holds(&record), "{text}");
            assert!(parse(text, Version::V4).is_err(), "{text}");
        }
        for text in [
            &format!("id eq '{ID}'"),
            "name eq 5",
            "price eq '5'",
            "changed gt '2024-01-31T10:00:00Z'",
            "changed gt 2024-01-31",
            "colour eq 'red'",
            "name eq 'open",
            "name eq 'a' name",
            "name like 'a'",
            "contains(price,'1')",
        ] {
            assert!(parse(text, Version::V4).is_err(), "{text}");
        }
        assert!(!parse("price lt null", Version::V4).unwrap().holds(&json!({"price": 1})));
        assert!(parse("name eq 'a' or price eq 1", Version::V4).unwrap().or_across());
        assert!(!parse("name eq 'a' or name eq 'b'", Version::V4).unwrap().or_across());
    }

    #[test]
    fn pages_go_on_after_the_last_record_though_it_is_gone() {
        let order = Order::parse(Some("price desc"), "NAV.item", TABLE, &["id"]).unwrap();
        let mut records: Vec<Value> = [(1, "a"), (2, "b"), (2, "c"), (3, "d")]
            .map(|(price, id)| json!({"price": price, "id": id}))
            .to_vec();
        order.sort(&mut records);
        let token = order.token(&records[1]);
        records.remove(1);
        order.after(&token, &mut records).unwrap();
        assert_eq!(records.iter().map(|record| &record["id"]).collect::<Vec<_>>(), ["c", "a"]);
        assert!(order.after("nonsense", &mut records).is_err());
        assert!(Order::parse(Some("colour"), "NAV.item", TABLE, &[]).is_err());
        assert!(select(Some("name,colour"), "NAV.item", TABLE).is_err());
    }
}
