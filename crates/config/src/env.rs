//! `.env`, and `${NAME}` in the strings of `lockstep.yaml`.
//!
//! Secrets stand in `.env` or in the environment of the process, which wins; the other files hold names only. No message
//! shows a value.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::codes;
use crate::near::nearest;
use crate::problem::{Problem, Reader};
use crate::source::Source;
use crate::yaml::{Node, Yaml};

/// The variables that `${NAME}` can name.
pub(crate) struct Environment<'a> {
    file: BTreeMap<String, String>,
    process: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Environment<'a> {
    /// The variables of `.env` (its text, if there is one) and of the process.
    pub fn new(file: Option<String>, process: &'a dyn Fn(&str) -> Option<String>) -> (Self, Vec<Problem>) {
        let mut source = Source::new(".env", file.unwrap_or_default());
        source.secret = true;
        let mut reader = Reader::new(Arc::new(source));
        let mut variables = BTreeMap::new();
        let text = reader.source.text.clone();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let start = at;
            at += line.len();
            let line = line.trim_start_matches('\u{feff}').trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.strip_prefix("export ").unwrap_or(line).split_once('=') {
                Some((name, value)) if is_name(name.trim()) => {
                    variables.insert(name.trim().to_string(), unquoted(value.trim()));
                }
                _ => {
                    reader
                        .error(codes::ENV_LINE, &(start..at), "this line is no variable, so it is not used")
                        .set_help("write `NAME=value`; a comment begins with `#`");
                }
            }
        }
        (Environment { file: variables, process }, reader.problems)
    }

    fn get(&self, name: &str) -> Option<String> {
        (self.process)(name).or_else(|| self.file.get(name).cloned())
    }

    /// Puts values in the place of names in all texts below a node. A missing variable is told where it is named.
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
            Yaml::Map(entries) => entries.iter_mut().for_each(|(_, item)| self.expand(item, reader)),
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
            match self.get(name).filter(|value| !value.is_empty() || default.is_none()).or(default.map(String::from)) {
                Some(value) => whole.push_str(&value),
                None => {
                    let near = nearest(name, self.file.keys().map(String::as_str));
                    let help = match near {
                        Some(near) => format!("did you mean `${{{near}}}`, which is in .env?"),
                        None => {
                            format!("add `{name}=…` to .env, or set it in the environment, or give a default: `${{{name}:-…}}`")
                        }
                    };
                    reader.error(codes::ENV_MISSING, &place, format!("the variable {name} is not set")).set_help(help);
                }
            }
        }
        whole.push_str(rest);
        whole
    }

    /// Where in the source a part of a value stands.
    fn place_of(&self, part: &str, span: &std::ops::Range<usize>, reader: &Reader) -> std::ops::Range<usize> {
        let written = reader.source.text.get(span.clone()).unwrap_or_default();
        match written.find(part) {
            Some(at) => span.start + at..span.start + at + part.len(),
            None => span.clone(),
        }
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The value of a line: quotes taken off, a comment behind a bare value dropped.
fn unquoted(value: &str) -> String {
    for quote in ['"', '\''] {
        if let Some((inner, _)) = value.strip_prefix(quote).and_then(|rest| rest.rsplit_once(quote)) {
            return match quote {
                '"' => inner.replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\"),
                _ => inner.to_string(),
            };
        }
    }
    value.split(" #").next().unwrap_or_default().trim_end().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(env: &str, process: &[(&str, &str)], text: &str, expect: &str) {
        let process = |name: &str| process.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string());
        let (environment, problems) = Environment::new(Some(env.into()), &process);
        assert!(problems.is_empty(), "{problems:?}");
        let mut reader = Reader::new(Arc::new(Source::new("lockstep.yaml", text)));
        let got = environment.expanded(text, &(0..text.len()), &mut reader);
        assert_eq!((got.as_str(), reader.problems.len()), (expect, 0));
    }

    #[test]
    fn names_are_put_for_values() {
        check("KEY=abc # mine\nexport B='x y'\r\nC=\"a#b\"\n", &[], "${KEY}/${B}/${C}", "abc/x y/a#b");
        check("KEY=abc", &[("KEY", "of the process")], "${KEY}", "of the process");
        check("", &[], "${PORT:-8080}", "8080");
        check("PORT=", &[], "${PORT:-8080}", "8080");
        check("", &[], "$${PORT}", "${PORT}");
        check("A=${B}", &[], "${A}", "${B}");
    }

    #[test]
    fn a_line_that_is_no_variable_is_told_without_showing_it() {
        let (_, problems) = Environment::new(Some("A=1\nhunter2\n".into()), &|_| None);
        assert_eq!(problems.len(), 1);
        let text = problems[0].render();
        assert!(text.contains(".env:2:1") && !text.contains("hunter2"), "{text}");
    }
}
