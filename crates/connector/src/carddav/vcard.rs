//! A vCard (RFC 6350; RFC 2426 for version 3.0) as lines that are kept as they are: what a property
//! does not concern stays byte for byte, as no program knows all that others put into a card.

use lockstep_model::Value;
use lockstep_model::value::{equal, is_added, is_empty};
use serde_json::json;

/// One content line: `item1.EMAIL;TYPE=work:ase@example.no`.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    group: String,
    /// As written; upper and lower case are the same.
    name: String,
    /// As written, without the first `;`.
    params: String,
    /// As written: escaped.
    value: String,
}

/// A card.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Card {
    lines: Vec<Line>,
}

/// Where a path of the record type is in a card.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    /// The text of a line that is there once.
    Text(&'static str),
    /// One component of a structured value, from 0: the family name is the first of `N`.
    Part(&'static str, usize),
    /// The values of all lines of a name.
    List(&'static str),
    /// The `TYPE`s of all lines of a name.
    Types(&'static str),
}

/// How many components a structured value has.
fn components(name: &str) -> usize {
    match name {
        "N" => 5,
        "ADR" => 7,
        _ => 1,
    }
}

impl Line {
    fn new(name: &str, params: &str, value: String) -> Line {
        Line { group: String::new(), name: name.into(), params: params.into(), value }
    }

    fn read(text: &str) -> Option<Line> {
        // The first colon outside of quotation marks parts name and value.
        let mut quoted = false;
        let at = text.char_indices().find(|&(_, c)| {
            quoted ^= c == '"';
            c == ':' && !quoted
        })?;
        let (head, value) = (&text[..at.0], &text[at.0 + 1..]);
        let (name, params) = head.split_once(';').unwrap_or((head, ""));
        let (group, name) = name.rsplit_once('.').unwrap_or(("", name));
        Some(Line {
            group: group.into(),
            name: name.into(),
            params: params.into(),
            value: value.into(),
        })
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    fn written(&self) -> String {
        let group = if self.group.is_empty() { String::new() } else { format!("{}.", self.group) };
        let params =
            if self.params.is_empty() { String::new() } else { format!(";{}", self.params) };
        format!("{group}{}{params}:{}", self.name, self.value)
    }

    /// `TYPE=work,pref`, `TYPE=home;TYPE=pref`, and version 2.1's bare `HOME`.
    fn types(&self) -> Vec<String> {
        let words = self.params.split(';').flat_map(|param| match param.split_once('=') {
            Some((name, words)) if name.eq_ignore_ascii_case("type") => {
                words.trim_matches('"').split(',').map(str::to_lowercase).collect()
            }
            Some(_) => vec![],
            None => vec![param.to_lowercase()],
        });
        words.filter(|word: &String| !word.is_empty()).collect()
    }

    /// The preferred one comes first: `PREF=1` is before `PREF=2`, and `TYPE=pref` is version 3.0's
    /// word for it.
    fn rank(&self) -> u32 {
        let pref = self.params.split(';').find_map(|param| {
            let (name, value) = param.split_once('=')?;
            if name.eq_ignore_ascii_case("pref") {
                value.trim_matches('"').parse().ok()
            } else {
                None
            }
        });
        pref.unwrap_or(if self.types().iter().any(|word| word == "pref") { 1 } else { 101 })
    }

    fn text(&self) -> String {
        let text = unescaped(&self.value);
        // Version 4.0 writes telephone numbers as addresses.
        text.strip_prefix("tel:")
            .or_else(|| text.strip_prefix("mailto:"))
            .map_or(text.clone(), str::to_string)
    }
}

fn unescaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => out.push('\n'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            other => out.push(other),
        }
    }
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\\' | ',' | ';' => out.extend(['\\', c]),
            // A control character would end the line, or the card.
            c if c.is_control() && c != '\t' => {}
            c => out.push(c),
        }
    }
    out
}

/// The components of a structured value, still escaped.
fn parts(value: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in value.chars() {
        match c {
            ';' if !escaped => parts.push(String::new()),
            c => parts.last_mut().expect("there is always one").push(c),
        }
        escaped = c == '\\' && !escaped;
    }
    parts
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

impl Card {
    /// Reads a card; `None` if it is none.
    pub(super) fn read(text: &str) -> Option<Card> {
        // A line goes on where the next begins with white space (section 3.2).
        let unfolded = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
        let lines: Vec<Line> = unfolded
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(Line::read)
            .collect::<Option<_>>()?;
        let is = |line: Option<&Line>, name: &str| {
            line.is_some_and(|line| line.is(name) && line.value.eq_ignore_ascii_case("vcard"))
        };
        (is(lines.first(), "BEGIN") && is(lines.last(), "END")).then_some(Card { lines })
    }

    /// A new one.
    pub(super) fn new(uid: &str) -> Card {
        let line = |name: &str, value: &str| Line::new(name, "", value.into());
        Card {
            lines: vec![
                line("BEGIN", "VCARD"),
                line("VERSION", "3.0"),
                line("UID", uid),
                line("END", "VCARD"),
            ],
        }
    }

    /// The card as text, with lines folded at 75 bytes.
    pub(super) fn written(&self) -> String {
        let mut out = String::new();
        for line in &self.lines {
            let mut room = 75;
            for c in line.written().chars() {
                if c.len_utf8() > room {
                    out.push_str("\r\n ");
                    room = 74;
                }
                out.push(c);
                room -= c.len_utf8();
            }
            out.push_str("\r\n");
        }
        out
    }

    fn first(&self, name: &str) -> Option<usize> {
        (0..self.lines.len())
            .filter(|&at| self.lines[at].is(name))
            .min_by_key(|&at| self.lines[at].rank())
    }

    /// The lines of a name, the preferred one first, that have this type if one is asked for.
    fn all(&self, name: &str, having: Option<&str>) -> Vec<usize> {
        let mut all: Vec<usize> =
            (0..self.lines.len()).filter(|&at| self.lines[at].is(name)).collect();
        all.retain(|&at| {
            having.is_none_or(|word| match word.trim() {
                // The one that has no such marker.
                "" => self.lines[at].types().is_empty(),
                word => self.lines[at].types().contains(&word.to_lowercase()),
            })
        });
        all.sort_by_key(|&at| self.lines[at].rank());
        all
    }

    /// What a place holds; of a list, the elements that have this type if one is asked for.
    pub(super) fn get(&self, place: Place, having: Option<&str>) -> Value {
        let text = |text: String| if text.is_empty() { Value::Null } else { Value::String(text) };
        match place {
            Place::Text(name) => {
                self.first(name).map_or(Value::Null, |at| text(self.lines[at].text()))
            }
            Place::Part(name, part) => {
                let held = self.first(name).and_then(|at| {
                    parts(&self.lines[at].value).get(part).map(|part| unescaped(part))
                });
                held.map_or(Value::Null, text)
            }
            Place::List(name) => {
                self.all(name, having).into_iter().map(|at| json!(self.lines[at].text())).collect()
            }
            Place::Types(name) => self
                .all(name, having)
                .into_iter()
                .map(|at| json!(self.lines[at].types().first().cloned().unwrap_or_default()))
                .collect(),
        }
    }

    /// Writes a value there. Of a list one element: the displaced one's place, else the preferred
    /// one's, else the end (P9); a list is the whole.
    pub(super) fn put(
        &mut self,
        place: Place,
        having: Option<&str>,
        value: &Value,
        displaced: &Value,
    ) {
        match place {
            Place::Types(_) => {}
            Place::Text(name) => match (self.first(name), is_empty(value)) {
                (Some(at), true) => drop(self.lines.remove(at)),
                (None, true) => {}
                (Some(at), false) => self.lines[at].value = escaped(&as_text(value)),
                (None, false) => self.add(Line::new(name, "", escaped(&as_text(value)))),
            },
            Place::Part(name, part) => {
                let at = self.first(name);
                let mut held = at.map(|at| parts(&self.lines[at].value)).unwrap_or_default();
                held.resize(held.len().max(components(name)), String::new());
                held[part] = if is_empty(value) { String::new() } else { escaped(&as_text(value)) };
                let nothing = held.iter().all(String::is_empty);
                match at {
                    Some(at) if nothing && name != "N" => drop(self.lines.remove(at)),
                    Some(at) => self.lines[at].value = held.join(";"),
                    None if nothing => {}
                    None => self.add(Line::new(name, "", held.join(";"))),
                }
            }
            Place::List(name) => {
                let word = having.map(str::trim).filter(|word| !word.is_empty());
                let params = word.map_or(String::new(), |word| format!("TYPE={word}"));
                let there = self.all(name, having);
                if let Value::Array(wanted) = value {
                    let mut left: Vec<&Value> =
                        wanted.iter().filter(|value| !is_empty(value)).collect();
                    let mut gone = Vec::new();
                    for at in there {
                        let held = json!(self.lines[at].text());
                        match left.iter().position(|wanted| equal(wanted, &held)) {
                            Some(place) => drop(left.remove(place)),
                            None => gone.push(at),
                        }
                    }
                    gone.sort_unstable_by(|a, b| b.cmp(a));
                    gone.into_iter().for_each(|at| drop(self.lines.remove(at)));
                    left.into_iter().for_each(|value| {
                        self.add(Line::new(name, &params, escaped(&as_text(value))))
                    });
                    return;
                }
                let same =
                    |at: &&usize| self.lines[**at].text().eq_ignore_ascii_case(&as_text(displaced));
                // P9: at a first link nothing is its own yet.
                let adds = is_added(displaced) && !is_empty(value);
                let place = there.iter().find(same).or(there.first()).copied().filter(|_| !adds);
                match (place, is_empty(value)) {
                    (Some(at), true) => drop(self.lines.remove(at)),
                    (None, true) => {}
                    (Some(at), false) => self.lines[at].value = escaped(&as_text(value)),
                    (None, false) => self.add(Line::new(name, &params, escaped(&as_text(value)))),
                }
            }
        }
    }

    /// Before the last line.
    fn add(&mut self, line: Line) {
        self.lines.insert(self.lines.len() - 1, line);
    }

    /// A card needs a name to show, and version 3.0 a structured one (RFC 2426, section 4): made of
    /// what there is.
    pub(super) fn make_whole(&mut self) {
        if self.first("N").is_none() {
            let name = self.get(Place::Text("FN"), None);
            let family = if is_empty(&name) { String::new() } else { escaped(&as_text(&name)) };
            self.add(Line::new("N", "", format!("{family};;;;")));
        }
        if is_empty(&self.get(Place::Text("FN"), None)) {
            let name: Vec<String> = [1, 0]
                .iter()
                .filter_map(|&part| {
                    self.get(Place::Part("N", part), None).as_str().map(str::to_string)
                })
                .collect();
            let others = ["EMAIL", "ORG", "TEL"]
                .iter()
                .find_map(|name| self.get(Place::Text(name), None).as_str().map(str::to_string));
            let name =
                if name.is_empty() { others.unwrap_or_else(|| "-".into()) } else { name.join(" ") };
            self.put(Place::Text("FN"), None, &json!(name), &Value::Null);
        }
    }

    /// Notes when it was last changed (section 6.7.4).
    pub(super) fn stamp(&mut self, now: jiff::Timestamp) {
        let now = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        match self.first("REV") {
            Some(at) => self.lines[at].value = now,
            None => self.add(Line::new("REV", "", now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASE: &str = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:Åse Nes\r\nN:Nes;Åse;;;\r\nitem1.EMAIL;TYPE=home:home@example.org\r\n\
        EMAIL;TYPE=\"work,pref\":ase@example.no\r\nTEL;TYPE=CELL:+47 900 00 001\r\nitem1.X-ABLabel:a \"very: odd\\; label\r\n  that goes on\r\nORG:Fjord\\, AS;Sale\r\n \
        s\r\nEND:VCARD\r\n";

    fn ase() -> Card {
        Card::read(ASE).unwrap()
    }

    #[test]
    fn what_is_read_is_in_the_order_of_preference_and_unescaped() {
        let card = ase();
        assert_eq!(
            card.get(Place::List("EMAIL"), None),
            json!(["ase@example.no", "home@example.org"])
        );
        assert_eq!(card.get(Place::List("TEL"), Some("cell")), json!(["+47 900 00 001"]));
        assert_eq!(card.get(Place::List("TEL"), Some("fax")), json!([]));
        assert_eq!(card.get(Place::Part("N", 1), None), json!("Åse"));
        assert_eq!(card.get(Place::Part("ORG", 0), None), json!("Fjord, AS"));
        assert_eq!(card.get(Place::Part("ORG", 1), None), json!("Sales"));
        assert_eq!(card.get(Place::Text("NOTE"), None), Value::Null);
        assert_eq!(Card::read("<html>"), None);
    }

    #[test]
    fn what_a_write_does_not_concern_stays_as_it_was() {
        let mut card = ase();
        card.put(
            Place::List("EMAIL"),
            None,
            &json!("ase.nes@example.no"),
            &json!("home@example.org"),
        );
        card.put(Place::Part("N", 0), None, &json!("Nes; Jr"), &Value::Null);
        card.put(Place::Text("NOTE"), None, &json!("two\nlines, END:VCARD"), &Value::Null);
        let again = Card::read(&card.written()).unwrap();
        assert_eq!(again, card, "what is written is read again");
        let text = card.written();
        for kept in [
            "item1.EMAIL;TYPE=home:ase.nes@example.no",
            "N:Nes\\; Jr;Åse;;;",
            "item1.X-ABLabel:a \"very: odd\\; label that goes on",
        ] {
            assert!(text.contains(kept), "{kept} in {text}");
        }
        assert!(text.contains("NOTE:two\\nlines\\, END:VCARD\r\nEND:VCARD\r\n"), "{text}");
        assert!(text.lines().all(|line| line.len() <= 75), "{text}");
    }

    #[test]
    fn a_list_is_the_whole_and_keeps_the_lines_that_stay() {
        let mut card = ase();
        card.put(
            Place::List("EMAIL"),
            None,
            &json!(["home@example.org", "new@example.no"]),
            &Value::Null,
        );
        let text = card.written();
        assert!(
            text.contains("item1.EMAIL;TYPE=home:home@example.org")
                && text.contains("EMAIL:new@example.no"),
            "{text}"
        );
        assert!(!text.contains("ase@example.no"), "{text}");
        card.put(Place::List("EMAIL"), None, &Value::Null, &json!("new@example.no"));
        assert_eq!(card.get(Place::List("EMAIL"), None), json!(["home@example.org"]));
    }

    #[test]
    fn a_card_gets_the_names_that_it_must_have() {
        let mut card = Card::new("2");
        card.put(Place::List("EMAIL"), None, &json!("bo@example.no"), &Value::Null);
        card.make_whole();
        assert_eq!(card.get(Place::Text("FN"), None), json!("bo@example.no"));
        assert!(card.written().contains("\r\nN:;;;;\r\n"), "{}", card.written());
    }
}
