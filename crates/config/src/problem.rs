//! Problems: what is wrong in a file of the project, where, and what would be right.
//!
//! Broken input is data: reading and checking collect problems and go on, so that every problem of
//! every file is told at once. The order of a message is: what is wrong, what follows from it, what
//! to do.

use std::fmt::Write as _;

use crate::source::{Place, Source};

/// Whether a run may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing runs before it is put right.
    Error,
    /// It runs, and may do harm or less than it says (G6).
    Warning,
    /// It is as it should be, and worth knowing.
    Note,
}

impl Severity {
    /// As it is shown: `error`, `warning`, `note`.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// One problem, with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    pub severity: Severity,
    /// `config::unknown-property`; [`crate::codes`] says what each means.
    pub code: &'static str,
    pub place: Place,
    /// What is wrong and what follows from it.
    pub message: String,
    /// What would be right, or what to do.
    pub help: Option<String>,
    /// Other places that have to do with it.
    pub related: Vec<Label>,
}

/// Another place that has to do with a problem.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    pub place: Place,
    pub message: String,
}

impl Problem {
    /// An error at a place.
    pub fn error(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        Problem {
            severity: Severity::Error,
            code,
            place,
            message: message.into(),
            help: None,
            related: Vec::new(),
        }
    }

    /// A warning at a place.
    pub fn warning(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        Problem { severity: Severity::Warning, ..Problem::error(code, place, message) }
    }

    /// With what would be right.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With another place.
    pub fn related(mut self, place: &Place, message: impl Into<String>) -> Self {
        self.related.push(Label { place: place.clone(), message: message.into() });
        self
    }

    /// The problem as text: file, line, the offending text underlined, what is wrong and what would
    /// be right. No colours.
    pub fn render(&self) -> String {
        let lines = std::iter::once(&self.place)
            .chain(self.related.iter().map(|label| &label.place))
            .map(Place::line);
        let gutter = lines.max().unwrap_or(1).to_string().len();
        let mut text = format!("{}[{}]: {}\n", self.severity.name(), self.code, self.message);
        excerpt(&mut text, &self.place, gutter, "-->", '^', "");
        for label in &self.related {
            excerpt(&mut text, &label.place, gutter, ":::", '-', &label.message);
        }
        if let Some(help) = &self.help {
            let mut lines = help.lines();
            let _ = writeln!(text, "{:gutter$} = help: {}", "", lines.next().unwrap_or_default());
            for line in lines {
                let _ = writeln!(text, "{:gutter$}         {line}", "");
            }
        }
        text
    }
}

/// All problems, rendered one below the other, and a last line that counts them. Empty where there
/// is none.
pub fn render_all(problems: &[Problem]) -> String {
    if problems.is_empty() {
        return String::new();
    }
    let mut text: String = problems.iter().map(|problem| problem.render() + "\n").collect();
    let count = |severity| problems.iter().filter(|problem| problem.severity == severity).count();
    let counted = |count: usize, name: &str| match count {
        0 => None,
        1 => Some(format!("1 {name}")),
        more => Some(format!("{more} {name}s")),
    };
    let counts = [Severity::Error, Severity::Warning, Severity::Note]
        .map(|severity| counted(count(severity), severity.name()));
    let _ = writeln!(text, "{}", counts.into_iter().flatten().collect::<Vec<_>>().join(", "));
    text
}

/// The widest line that is shown whole, in characters.
const SHOWN: usize = 120;

fn excerpt(text: &mut String, place: &Place, gutter: usize, arrow: &str, mark: char, label: &str) {
    let (line, column) = place.source.line_and_column(place.span.start);
    let _ = writeln!(text, "{:gutter$}{arrow} {}:{line}:{column}", "", place.source.name);
    if place.source.text.is_empty() {
        return;
    }
    if place.source.secret {
        if !label.is_empty() {
            let _ = writeln!(text, "{:gutter$} | {label}", "");
        }
        return;
    }
    let (start, written) = place.source.line(line);
    let shown = masked(written);
    let from = column - 1;
    let length = place.span.end.saturating_sub(place.span.start.max(start));
    let marked = written.get(place.span.start.saturating_sub(start)..).unwrap_or_default();
    let marked = &marked[..crate::source::floor(marked, length)];
    let count = marked.trim_end().chars().count().max(1);
    let (shown, from, count) = windowed(&shown, from, count);
    let _ = writeln!(text, "{:gutter$} |", "");
    let _ = writeln!(text, "{line:gutter$} | {}", shown.trim_end());
    let underline: String = std::iter::repeat_n(mark, count).collect();
    let _ = writeln!(text, "{:gutter$} | {:from$}{underline} {label}", "", "");
    // A label is optional; the space before it must not end the line.
    while text.ends_with(" \n") {
        text.truncate(text.len() - 2);
        text.push('\n');
    }
}

/// The part of a long line that has the marked stretch in it.
fn windowed(line: &str, from: usize, count: usize) -> (String, usize, usize) {
    let chars: Vec<char> = line.chars().map(|c| if c == '\t' { ' ' } else { c }).collect();
    if chars.len() <= SHOWN {
        return (chars.into_iter().collect(), from, count.min(SHOWN));
    }
    let begin = from.saturating_sub(SHOWN / 3);
    let end = (begin + SHOWN).min(chars.len());
    let (head, tail) = (if begin > 0 { "…" } else { "" }, if end < chars.len() { "…" } else { "" });
    let shown: String = chars[begin..end].iter().collect();
    let from = from - begin + usize::from(begin > 0);
    (format!("{head}{shown}{tail}"), from, count.min(SHOWN.saturating_sub(from)).max(1))
}

/// Words in the name of a setting whose value is not for showing.
const SECRET_WORDS: [&str; 6] = ["key", "secret", "token", "password", "passwd", "credential"];

/// Whether a setting of this name holds a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// The line with the values of settings that look like secrets covered, character for character, so
/// that columns hold. A name of a variable (`${WIX_API_KEY}`) is no secret.
fn masked(line: &str) -> String {
    let chars: Vec<char> = line.chars().collect();
    let mut shown = chars.clone();
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '"' | '\'');
    for colon in (0..chars.len())
        .filter(|at| chars[*at] == ':' && chars.get(at + 1).is_none_or(|c| c.is_whitespace()))
    {
        let begin = (0..colon).rev().take_while(|at| is_name(chars[*at])).last().unwrap_or(colon);
        let (name, value): (String, String) =
            (chars[begin..colon].iter().collect(), chars[colon + 1..].iter().collect());
        // `key: line_no = pos` of a flow names two properties.
        if !is_secret_name(&name) || name == "key" && value.contains(" = ") {
            continue;
        }
        let value =
            (colon + 1..chars.len()).find(|at| !chars[*at].is_whitespace()).unwrap_or(chars.len());
        let quote = chars.get(value).copied().filter(|c| matches!(c, '"' | '\''));
        let end = match quote {
            Some(quote) => {
                (value + 1..chars.len()).find(|at| chars[*at] == quote).unwrap_or(chars.len())
            }
            None => (value..chars.len())
                .find(|at| matches!(chars[*at], ',' | '}' | ' '))
                .unwrap_or(chars.len()),
        };
        let text: String = chars[value..end].iter().collect();
        if text.trim_start_matches(['"', '\'']).starts_with("${") {
            continue;
        }
        shown[value + usize::from(quote.is_some())..end].fill('•');
    }
    // `postgres://user:password@host`, wherever it stands.
    let text: String = chars.iter().collect();
    for (at, _) in text.match_indices("://") {
        let begin = text[..at].chars().count() + 3;
        let end = (begin..chars.len())
            .find(|at| matches!(chars[*at], '/' | '?' | '"' | '\'' | ' ' | ','))
            .unwrap_or(chars.len());
        let host = (begin..end).rev().find(|at| chars[*at] == '@');
        let password = host.and_then(|host| {
            (begin..host).find(|at| chars[*at] == ':').map(|colon| colon + 1..host)
        });
        if let Some(password) = password.filter(|password| chars.get(password.start) != Some(&'$'))
        {
            shown[password].fill('•');
        }
    }
    shown.into_iter().collect()
}

/// Sorted by file and place, errors before warnings at the same place; the same problem told twice
/// is told once. For what [`crate::load`] and [`crate::check`] say together.
pub fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    let key = |p: &Problem| {
        (p.place.source.name.clone(), p.place.span.start, p.severity, p.code, p.message.clone())
    };
    problems.sort_by_key(key);
    problems.dedup_by(|a, b| key(a) == key(b));
    problems
}

/// Collects the problems of one source.
pub(crate) struct Reader {
    pub source: std::sync::Arc<Source>,
    pub problems: Vec<Problem>,
    /// What can't be read is left out with a warning: documents are made by machines of varying
    /// health, and the rest of one is understood all the same.
    pub lenient: bool,
}

impl Reader {
    pub fn new(source: std::sync::Arc<Source>) -> Self {
        Reader { source, problems: Vec::new(), lenient: false }
    }

    /// An error; in a document a warning, followed by what comes of it.
    pub fn fault(
        &mut self,
        code: &'static str,
        span: &std::ops::Range<usize>,
        message: &str,
        follows: &str,
    ) -> &mut Problem {
        match self.lenient {
            true => self.warning(code, span, format!("{message}; {follows}")),
            false => self.error(code, span, message),
        }
    }

    /// A value as messages may show it: where a variable was put in, the variable's name, because
    /// it may be a secret.
    pub fn shown(&self, span: &std::ops::Range<usize>, text: &str) -> String {
        match self.source.text.get(span.clone()) {
            Some(written) if written.contains("${") => {
                written.trim_matches(['"', '\'']).to_string()
            }
            _ => text.to_string(),
        }
    }

    /// How many errors there are so far.
    pub fn errors(&self) -> usize {
        self.problems.iter().filter(|problem| problem.severity == Severity::Error).count()
    }

    pub fn place(&self, span: &std::ops::Range<usize>) -> Place {
        Place::new(&self.source, span.clone())
    }

    pub fn error(
        &mut self,
        code: &'static str,
        span: &std::ops::Range<usize>,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.add(Problem::error(code, Place::new(&self.source, span.clone()), message))
    }

    pub fn warning(
        &mut self,
        code: &'static str,
        span: &std::ops::Range<usize>,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.add(Problem::warning(code, Place::new(&self.source, span.clone()), message))
    }

    fn add(&mut self, problem: Problem) -> &mut Problem {
        self.problems.push(problem);
        self.problems.last_mut().expect("a problem was just pushed")
    }
}

impl Problem {
    pub(crate) fn set_help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn add_related(&mut self, place: Place, message: impl Into<String>) -> &mut Self {
        self.related.push(Label { place, message: message.into() });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_look_like_secrets_are_covered() {
        assert_eq!(
            masked("  with: { api_key: abc, site: x }"),
            "  with: { api_key: •••, site: x }"
        );
        assert_eq!(masked("client_secret: \"a b\""), "client_secret: \"•••\"");
        assert_eq!(masked("token: ${WIX_TOKEN}"), "token: ${WIX_TOKEN}");
        assert_eq!(masked("key: line_no = pos"), "key: line_no = pos");
        assert_eq!(masked("key: c2VjcmV0=="), "key: ••••••••••");
        assert_eq!(masked("region: NO"), "region: NO");
        assert_eq!(
            masked("url: \"postgres://app:pw@db:5432/x\""),
            "url: \"postgres://app:••@db:5432/x\""
        );
        assert_eq!(masked("url: postgres://app:${PW}@db/x"), "url: postgres://app:${PW}@db/x");
        assert_eq!(masked("see https://example.com:80/a@b"), "see https://example.com:80/a@b");
    }

    #[test]
    fn a_long_line_is_shown_around_the_marked_stretch() {
        let line = format!("{}here{}", "a".repeat(200), "b".repeat(200));
        let (shown, from, count) = windowed(&line, 200, 4);
        let marked: String = shown.chars().skip(from).take(count).collect();
        assert_eq!((marked.as_str(), shown.chars().count()), ("here", SHOWN + 2));
    }
}
