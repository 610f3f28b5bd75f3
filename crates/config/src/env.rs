//! `.env`, and `${NAME}` in the strings of `lockstep.yaml`.
//!
//! Secrets stand outside the files of the project (see [`crate::secrets`]); these hold names only.
//! No message shows a value.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::codes;
use crate::near::nearest;
use crate::problem::{Problem, Reader};
use crate::secrets::{Commands, Looked, Sources, ValueSource, Variable, others_may_read};
use crate::source::{Place, Source};
use crate::yaml::{Node, Yaml};

/// The variables that `${NAME}` can name.
pub(crate) struct Environment<'a> {
    sources: Sources<'a>,
    /// Those that were named, with where their values came from.
    named: RefCell<BTreeMap<String, ValueSource>>,
}

impl<'a> Environment<'a> {
    /// The variables of a project: those of its `.env`, if there is one, of the process, and what
    /// these name.
    pub fn of(
        dir: &Path,
        process: &'a dyn Fn(&str) -> Option<String>,
        commands: Commands,
    ) -> (Self, Vec<Problem>) {
        let path = dir.join(".env");
        let (mut environment, mut problems) =
            Environment::new(std::fs::read_to_string(&path).ok(), process);
        if !environment.sources.file.is_empty() && others_may_read(&path) {
            let mut source = Source::new(".env", " ");
            source.secret = true;
            let message = "other users of this machine may read .env, which holds secrets";
            let place = Place::new(&Arc::new(source), 0..0);
            let problem = Problem::warning(codes::SECRET_READABLE, place, message);
            problems.push(problem.help("let its owner alone read it: `chmod 600 .env`"));
        }
        let file = std::mem::take(&mut environment.sources.file);
        environment.sources = Sources::new(dir, process, file, commands);
        (environment, problems)
    }

    /// The variables of `.env` (its text, if there is one) and of the process.
    fn new(
        file: Option<String>,
        process: &'a dyn Fn(&str) -> Option<String>,
    ) -> (Self, Vec<Problem>) {
        let mut source = Source::new(".env", file.unwrap_or_default());
        source.secret = true;
        let mut reader = Reader::new(Arc::new(source));
        let mut variables = BTreeMap::new();
        let text = reader.source.text.clone();
        let mut at = 0;
        while at < text.len() {
            let mut line = EnvLine { text: &text, at, known: &variables, process };
            let read = line.read();
            let end = line.at;
            match read {
                Ok(Some((name, value))) => drop(variables.insert(name, value)),
                Ok(None) => {}
                Err(wrong) => {
                    let message = format!("{}, so this line is not used", wrong.what);
                    reader.error(codes::ENV_LINE, &(at..end), message).set_help(wrong.help);
                }
            }
            at = end;
        }
        let sources = Sources::new(Path::new(""), process, variables, Commands::Leave);
        (Environment { sources, named: RefCell::default() }, reader.problems)
    }

    /// The commands that `lockstep.yaml` names, by the variables that they give.
    pub fn set_commands(&mut self, commands: BTreeMap<String, Vec<String>>) {
        self.sources.commands = commands;
    }

    /// Whether a variable was named, also where it has no value.
    pub fn is_named(&self, name: &str) -> bool {
        self.sources.was_looked_for(name)
    }

    /// The variables that were named and have a value.
    pub fn variables(&self) -> Vec<Variable> {
        let named = self.named.borrow();
        let one = |(name, source): (&String, &ValueSource)| Variable {
            name: name.clone(),
            source: source.clone(),
        };
        named.iter().map(one).collect()
    }

    /// Puts values in the place of names in all texts below a node. A missing variable is told
    /// where it is named.
    pub fn expand(&self, node: &mut Node, reader: &mut Reader) {
        match &mut node.value {
            Yaml::Text { text, plain } => {
                if text.contains("${") {
                    *text = self.expanded(text, &node.span, reader);
                    // What a variable holds is a text, also when it looks like a number.
                    *plain = false;
                }
            }
            Yaml::List(items) => items.iter_mut().for_each(|item| self.expand(item, reader)),
            Yaml::Map(entries) => {
                entries.iter_mut().for_each(|(_, item)| self.expand(item, reader))
            }
        }
    }

    fn expanded(&self, text: &str, span: &std::ops::Range<usize>, reader: &mut Reader) -> String {
        let mut whole = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            // `$${` stands for `${` itself.
            if let Some(before) = rest[..at].strip_suffix('$') {
                whole.push_str(before);
                whole.push_str("${");
                rest = &rest[at + 2..];
                continue;
            }
            whole.push_str(&rest[..at]);
            let after = &rest[at + 2..];
            let Some(end) = after.find('}') else {
                let place = self.place_of(&rest[at..], span, reader);
                reader
                    .error(codes::ENV_NAME, &place, "`${` has no `}`")
                    .set_help("write `${NAME}`, or `$${` for the characters themselves");
                return whole;
            };
            let written = &after[..end];
            rest = &after[end + 1..];
            let (name, default) = match written.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (written, None),
            };
            let place = self.place_of(&format!("${{{written}}}"), span, reader);
            if !is_name(name) {
                reader
                    .error(codes::ENV_NAME, &place, format!("`{name}` is no name of a variable"))
                    .set_help("a name has letters, digits and `_`: `${WIX_API_KEY}`");
                continue;
            }
            whole.push_str(&self.value(name, default, &place, reader));
        }
        whole.push_str(rest);
        whole
    }

    /// The value of a variable; nothing where it has none, which is told.
    fn value(
        &self,
        name: &str,
        default: Option<&str>,
        place: &std::ops::Range<usize>,
        reader: &mut Reader,
    ) -> String {
        let (looked, is_first) = self.sources.look_up(name);
        let (value, source) = match (looked, default) {
            (Looked::Failed(why), _) => {
                reader.error(why.code, place, why.message).set_help(why.help);
                return String::new();
            }
            (Looked::Found { value, source }, default) => match default {
                Some(default) if value.is_empty() && !matches!(source, ValueSource::NotRun(_)) => {
                    (default.to_string(), ValueSource::Default)
                }
                _ => (value, source),
            },
            (Looked::Missing, Some(default)) => (default.to_string(), ValueSource::Default),
            (Looked::Missing, None) => {
                let near = nearest(name, self.sources.file.keys().map(String::as_str));
                let help = match near {
                    Some(near) => format!("did you mean `${{{near}}}`, which is in .env?"),
                    None => {
                        format!(
                            "add `{name}=…` to .env, or set it in the environment, or give a default: `${{{name}:-…}}`"
                        )
                    }
                };
                let message = format!("the variable {name} is not set");
                reader.error(codes::ENV_MISSING, place, message).set_help(help);
                return String::new();
            }
        };
        if let ValueSource::File(path) = &source
            && is_first
            && others_may_read(path)
        {
            let shown = path.display();
            let message =
                format!("other users of this machine may read {shown}, which holds {name}");
            reader
                .warning(codes::SECRET_READABLE, place, message)
                .set_help(format!("let its owner alone read it: `chmod 600 {shown}`"));
        }
        self.named.borrow_mut().insert(name.to_string(), source);
        value
    }

    /// Where in the source a part of a value stands.
    fn place_of(
        &self,
        part: &str,
        span: &std::ops::Range<usize>,
        reader: &Reader,
    ) -> std::ops::Range<usize> {
        let written = reader.source.text.get(span.clone()).unwrap_or_default();
        match written.find(part) {
            Some(at) => span.start + at..span.start + at + part.len(),
            None => span.clone(),
        }
    }
}

pub(crate) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// What is wrong with a line of `.env`, without anything of its value, which may be a secret.
struct Wrong {
    what: &'static str,
    help: &'static str,
}

impl Wrong {
    const NO_VARIABLE: Wrong = Wrong {
        what: "this is no variable",
        help: "write `NAME=value`; a comment begins with `#`",
    };
    const NUMBER_SIGN: Wrong = Wrong {
        what: "the value begins with `#`",
        help: "put it in quotation marks; or a blank before the `#` of a comment",
    };
    const OPEN: Wrong = Wrong {
        what: "the quotation mark does not end",
        help: "end the value with the mark that it begins with",
    };
    const ESCAPE: Wrong = Wrong {
        what: "`\\` stands before a character that needs none",
        help: "put the value in single quotation marks, within which all is taken as it stands",
    };
    const DOLLAR: Wrong = Wrong {
        what: "`$` names no variable that the environment or a line above has",
        help: "put the value in single quotation marks if the `$` is a part of it",
    };
}

/// A line of `.env`, and those after it while a quotation mark is open, by the grammar of `dotenvy`
/// (docs/decisions/0010-libraries.md tells where it differs). A blank and `#` begin a comment; in
/// double marks `\n`, `\"`, `\\` and `\$` are read; in single marks all is as it stands; `$NAME`
/// and `${NAME}` stand for other variables but in single marks.
struct EnvLine<'a> {
    text: &'a str,
    /// Where it is; after reading, where the next line begins.
    at: usize,
    known: &'a BTreeMap<String, String>,
    process: &'a dyn Fn(&str) -> Option<String>,
}

impl EnvLine<'_> {
    fn read(&mut self) -> Result<Option<(String, String)>, Wrong> {
        let start = self.at;
        let read = self.variable();
        if read.is_err() {
            // One line is left out, also where a quotation mark does not end: the next one may be
            // right.
            self.at = start;
        }
        self.at = self.text[self.at..].find('\n').map_or(self.text.len(), |end| self.at + end + 1);
        read
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|c| c.is_whitespace() && c != '\n' || c == '\u{feff}') {
            self.next();
        }
    }

    fn name(&mut self) -> String {
        let rest = &self.text[self.at..];
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.')
            .unwrap_or(rest.len());
        self.at += end;
        rest[..end].to_string()
    }

    fn variable(&mut self) -> Result<Option<(String, String)>, Wrong> {
        self.skip_blanks();
        if matches!(self.peek(), None | Some('\n' | '#')) {
            return Ok(None);
        }
        let mut name = self.name();
        self.skip_blanks();
        if name == "export" && self.peek() != Some('=') {
            name = self.name();
            self.skip_blanks();
        }
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            || self.peek() != Some('=')
        {
            return Err(Wrong::NO_VARIABLE);
        }
        self.next();
        let close = self.at;
        self.skip_blanks();
        match self.peek() {
            Some('#') if self.at == close => return Err(Wrong::NUMBER_SIGN),
            Some('#') => return Ok(Some((name, String::new()))),
            _ => {}
        }
        Ok(Some((name, self.value()?)))
    }

    fn value(&mut self) -> Result<String, Wrong> {
        let mut value = String::new();
        let mut quote = None;
        while let Some(c) = self.peek() {
            if c == '\n' && quote.is_none() {
                break;
            }
            self.next();
            match (c, quote) {
                // A line end of two characters is one.
                ('\r', _) if self.peek() == Some('\n') => {}
                (c, Some(mark)) if c == mark => quote = None,
                (c, Some('\'')) => value.push(c),
                ('\\', _) => match self.next() {
                    Some('n') => value.push('\n'),
                    Some(c @ ('\\' | '\'' | '"' | '$' | ' ')) => value.push(c),
                    _ => return Err(Wrong::ESCAPE),
                },
                ('$', _) => value.push_str(&self.substituted()?),
                ('"' | '\'', None) => quote = Some(c),
                (c, None) if c.is_whitespace() => {
                    let from = self.at - c.len_utf8();
                    self.skip_blanks();
                    match self.peek() {
                        None | Some('\n' | '#') => return Ok(value),
                        _ => value.push_str(&self.text[from..self.at]),
                    }
                }
                (c, _) => value.push(c),
            }
        }
        if quote.is_some() { Err(Wrong::OPEN) } else { Ok(value) }
    }

    /// What the name after a `$` stands for.
    fn substituted(&mut self) -> Result<String, Wrong> {
        let in_braces = self.peek() == Some('{');
        let rest = &self.text[self.at + usize::from(in_braces)..];
        let end = match in_braces {
            true => rest.find('}').ok_or(Wrong::DOLLAR)?,
            false => {
                rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())
            }
        };
        let name = &rest[..end];
        let found = (self.process)(name)
            .filter(|_| is_name(name))
            .or_else(|| self.known.get(name).cloned());
        let value = found.ok_or(Wrong::DOLLAR)?;
        self.at += end + 2 * usize::from(in_braces);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(env: &str, process: &[(&str, &str)], text: &str, expect: &str) {
        let process = |name: &str| {
            process.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string())
        };
        let (environment, problems) = Environment::new(Some(env.into()), &process);
        assert!(problems.is_empty(), "{problems:?}");
        let mut reader = Reader::new(Arc::new(Source::new("lockstep.yaml", text)));
        let got = environment.expanded(text, &(0..text.len()), &mut reader);
        assert_eq!((got.as_str(), reader.problems.len()), (expect, 0));
    }

    #[test]
    fn names_are_put_for_values() {
        check(
            "KEY=abc # mine\nexport B='x y'\r\nC=\"a#b\"\n",
            &[],
            "${KEY}/${B}/${C}",
            "abc/x y/a#b",
        );
        check(
            "KEY= a b  c # mine\nPEM=-----BEGIN PRIVATE KEY-----",
            &[],
            "${KEY}/${PEM}",
            "a b  c/-----BEGIN PRIVATE KEY-----",
        );
        check("KEY=abc", &[("KEY", "of the process")], "${KEY}", "of the process");
        check("", &[], "${PORT:-8080}", "8080");
        check("PORT=", &[], "${PORT:-8080}", "8080");
        check("", &[], "$${PORT}", "${PORT}");
        check("A='${B}'", &[], "${A}", "${B}");
    }

    #[test]
    fn a_line_is_read_by_the_grammar_of_dotenvy() {
        let cases = [
            "A=1",
            "  A = 1  ",
            "export A=1",
            "export=1",
            "A=",
            "A= # nothing",
            "A=a#b",
            "A=a #b",
            "A='a b' # c",
            "A=\"a b\"",
            "A=a'b c'd\"e f\"",
            "A='a\\n$B'",
            "A=\"a\\nb \\\"q\\\" \\$B \\\\\"",
            "A=a\\ b",
            "A=\"a\nb\"\nB=2",
            "A='a\n\nb'\nB=2",
            "A=1\r\nB=2\r\n",
            "# A=1\n\n  # B\nA=2",
            "A.b=1",
            "A=x\nB=${A}y$A-z\nC='$A'",
            "A=å\nB=\"Ø\"",
            "A=1\nA=2",
        ];
        for text in cases {
            let (environment, problems) = Environment::new(Some(text.into()), &|_| None);
            assert!(problems.is_empty(), "{text:?}: {}", problems[0].render());
            let theirs: BTreeMap<String, String> =
                dotenvy::from_read_iter(text.as_bytes()).map(Result::unwrap).collect();
            assert_eq!(environment.sources.file, theirs, "{text:?}");
        }
    }

    #[test]
    fn what_can_not_be_read_is_told_and_the_next_line_is_read() {
        for (line, what) in [
            ("hunter2", "this is no variable"),
            ("1A=hunter2", "this is no variable"),
            ("A='hunter2", "the quotation mark does not end"),
            ("A=hun\\ter2", "`\\` stands before a character that needs none"),
            ("A=#hunter2", "the value begins with `#`"),
            ("A=hun$ter2", "`$` names no variable"),
            ("A=hunter$$2", "`$` names no variable"),
        ] {
            let (environment, problems) =
                Environment::new(Some(format!("{line}\nB=2\n")), &|_| None);
            assert_eq!(problems.len(), 1, "{line}");
            let told = problems[0].render();
            assert!(told.contains(what) && !told.contains("hunter"), "{told}");
            assert_eq!(environment.sources.file.len(), 1, "{line}: B is read");
        }
    }

    #[test]
    fn a_line_that_is_no_variable_is_told_without_showing_it() {
        let (_, problems) = Environment::new(Some("A=1\nhunter2\n".into()), &|_| None);
        assert_eq!(problems.len(), 1);
        let text = problems[0].render();
        assert!(text.contains(".env:2:1") && !text.contains("hunter2"), "{text}");
    }
}
