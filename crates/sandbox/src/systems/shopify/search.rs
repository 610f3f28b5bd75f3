//! The vendor's search syntax, as filters in `query`: terms with comparators, quotes, `AND`, `OR`,
//! `NOT`, brackets, `*` at the end of a word.

use crate::util::text::email_key;
use crate::util::time;
use jiff::Timestamp;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Search {
    All(Vec<Search>),
    Any(Vec<Search>),
    Not(Box<Search>),
    Term(Term),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Term {
    /// None for a word that is looked for everywhere.
    pub field: Option<String>,
    /// `>`, `>=`, `<`, `<=`, or nothing.
    pub comparator: String,
    pub value: String,
    pub quoted: bool,
}

struct Reader<'a> {
    rest: &'a str,
}

impl Search {
    pub fn of(text: &str) -> Self {
        let mut reader = Reader { rest: text };
        reader.any()
    }

    /// The fields that are asked about.
    pub fn fields(&self) -> Vec<&str> {
        match self {
            Self::All(all) | Self::Any(all) => all.iter().flat_map(Self::fields).collect(),
            Self::Not(inner) => inner.fields(),
            Self::Term(term) => term.field.iter().map(String::as_str).collect(),
        }
    }

    /// Whether something passes; `None` for a term about a field that there is none of, which is
    /// left out.
    pub fn passes(&self, holds: &dyn Fn(&Term) -> Option<bool>) -> Option<bool> {
        match self {
            Self::All(all) => {
                let told: Vec<bool> = all.iter().filter_map(|one| one.passes(holds)).collect();
                (!told.is_empty() || all.is_empty()).then(|| told.iter().all(|one| *one))
            }
            Self::Any(all) => {
                let told: Vec<bool> = all.iter().filter_map(|one| one.passes(holds)).collect();
                (!told.is_empty()).then(|| told.iter().any(|one| *one))
            }
            Self::Not(inner) => inner.passes(holds).map(|one| !one),
            Self::Term(term) => holds(term),
        }
    }
}

impl Reader<'_> {
    fn blank(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn word(&mut self, word: &str) -> bool {
        self.blank();
        let there = self.rest.strip_prefix(word).filter(|rest| {
            rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || c == '(')
        });
        if let Some(rest) = there {
            self.rest = rest;
        }
        there.is_some()
    }

    fn any(&mut self) -> Search {
        let mut all = vec![self.all()];
        while self.word("OR") {
            all.push(self.all());
        }
        if all.len() == 1 { all.remove(0) } else { Search::Any(all) }
    }

    fn all(&mut self) -> Search {
        let mut all = Vec::new();
        loop {
            self.word("AND");
            self.blank();
            if self.rest.is_empty() || self.rest.starts_with(')') || self.rest.starts_with("OR ") {
                break;
            }
            all.push(self.one());
        }
        if all.len() == 1 { all.remove(0) } else { Search::All(all) }
    }

    fn one(&mut self) -> Search {
        if self.word("NOT") || self.sign("-") {
            return Search::Not(Box::new(self.one()));
        }
        if self.sign("(") {
            let inner = self.any();
            self.sign(")");
            return inner;
        }
        Search::Term(self.term())
    }

    fn sign(&mut self, sign: &str) -> bool {
        self.blank();
        let there = self.rest.strip_prefix(sign);
        self.rest = there.unwrap_or(self.rest);
        there.is_some()
    }

    fn term(&mut self) -> Term {
        let name = self.rest.find(|c: char| c != '_' && c != '.' && !c.is_ascii_alphanumeric());
        let field = name.filter(|at| *at > 0 && self.rest[*at..].starts_with(':'));
        let field = field.map(|at| {
            let name = self.rest[..at].to_owned();
            self.rest = &self.rest[at + 1..];
            name
        });
        let mut comparator = String::new();
        if field.is_some() {
            for one in [">=", "<=", ">", "<"] {
                if comparator.is_empty() && self.sign(one) {
                    comparator = one.to_owned();
                }
            }
        }
        self.blank();
        let (value, quoted) = self.value();
        Term { field, comparator, value, quoted }
    }

    fn value(&mut self) -> (String, bool) {
        let quote = self.rest.chars().next().filter(|c| ['"', '\''].contains(c));
        let mut value = String::new();
        let mut escaped = false;
        let start = quote.map_or(0, char::len_utf8);
        for (at, c) in self.rest[start..].char_indices() {
            let ends = match quote {
                Some(quote) => c == quote,
                None => c.is_whitespace() || c == ')' || c == '(',
            };
            if ends && !escaped {
                self.rest = &self.rest[start + at + quote.map_or(0, char::len_utf8)..];
                return (value, quote.is_some());
            }
            escaped = c == '\\' && !escaped;
            if !escaped {
                value.push(c);
            }
        }
        self.rest = "";
        (value, quote.is_some())
    }
}

impl Term {
    /// Texts: whole in quotes, by words without, with `*` at the end of one.
    pub fn text(&self, held: &str) -> bool {
        let (held, wanted) = (email_key(held), email_key(&self.value));
        if wanted == "*" {
            return !held.is_empty();
        }
        if let Some(start) = wanted.strip_suffix('*') {
            return held.starts_with(start) || words(&held).any(|word| word.starts_with(start));
        }
        if self.quoted || wanted.is_empty() {
            return held == wanted;
        }
        held == wanted || words(&wanted).all(|wanted| words(&held).any(|word| word == wanted))
    }

    pub fn number(&self, held: f64) -> bool {
        let Ok(wanted) = self.value.trim().parse::<f64>() else { return false };
        self.compared(held.total_cmp(&wanted))
    }

    fn compared(&self, order: std::cmp::Ordering) -> bool {
        match self.comparator.as_str() {
            ">" => order.is_gt(),
            ">=" => order.is_ge(),
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            _ => order.is_eq(),
        }
    }

    /// Times: a day alone is the whole day.
    pub fn time(&self, held: &str, now: Timestamp) -> bool {
        let wanted = if self.value == "now" { Some(now) } else { time::parse(&self.value) };
        let (Some(held), Some(wanted)) = (time::parse(held), wanted) else { return false };
        if self.comparator.is_empty() && self.value.len() == 10 {
            return held >= wanted
                && (held - wanted).get_hours().abs() < 24
                && held.duration_since(wanted).as_hours() < 24;
        }
        self.compared(held.as_second().cmp(&wanted.as_second()))
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(field: Option<&str>, comparator: &str, value: &str, quoted: bool) -> Search {
        Search::Term(Term {
            field: field.map(str::to_owned),
            comparator: comparator.into(),
            value: value.into(),
            quoted,
        })
    }

    #[test]
    fn queries_are_read() {
        assert_eq!(
            Search::of("updated_at:>='2026-01-01T10:00:00Z' AND -tag:vip"),
            Search::All(vec![
                term(Some("updated_at"), ">=", "2026-01-01T10:00:00Z", true),
                Search::Not(Box::new(term(Some("tag"), "", "vip", false)))
            ])
        );
        assert_eq!(
            Search::of("(a:1 OR b: >2) kari"),
            Search::All(vec![
                Search::Any(vec![
                    term(Some("a"), "", "1", false),
                    term(Some("b"), ">", "2", false)
                ]),
                term(None, "", "kari", false)
            ])
        );
        assert_eq!(Search::of(r#"title:"a \"b\"""#), term(Some("title"), "", r#"a "b""#, true));
        assert_eq!(Search::of(""), Search::All(Vec::new()));
    }

    #[test]
    fn texts_numbers_and_times_are_compared() {
        let of = |text: &str| match Search::of(text) {
            Search::Term(term) => term,
            other => panic!("{other:?}"),
        };
        let now: Timestamp = "2026-05-01T00:00:00Z".parse().unwrap();
        assert!(of("email:\"a@example.com\"").text("A@example.com"));
        assert!(of("email:example.com").text("a@example.com"));
        assert!(!of("email:\"example.com\"").text("a@example.com"));
        assert!(of("name:Kar*").text("kari berg"));
        assert!(of("email:*").text("x") && !of("email:*").text(""));
        assert!(of("id:>=5").number(5.0) && !of("id:>5").number(5.0));
        assert!(of("updated_at:2026-01-02").time("2026-01-02T23:59:59Z", now));
        assert!(!of("updated_at:2026-01-02").time("2026-01-03T00:00:00Z", now));
        assert!(of("updated_at:<now").time("2026-04-30T00:00:00Z", now));
        assert!(!of("updated_at:>'2026-01-02T10:00:00Z'").time("2026-01-02T10:00:00Z", now));
    }
}
