//! Reading mappings key by key: unknown keys, missing keys and values of the wrong kind are told,
//! and reading goes on.

use std::ops::Range;

use schemars::JsonSchema;

use crate::codes;
use crate::near::{all_of, any_of, nearest};
use crate::problem::Reader;
use crate::written;
use crate::yaml::{Key, Node, Yaml};

/// A mapping whose keys have been looked at.
pub(crate) struct Fields<'a> {
    pub span: Range<usize>,
    entries: &'a [(Key, Node)],
    /// Keys that slips of the pen were meant as: they are not missing on top of that.
    meant: Vec<String>,
}

impl<'a> Fields<'a> {
    /// The value of a key, unless it is not there or empty.
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        self.entry(key).map(|(_, node)| node).filter(|node| !node.is_null())
    }

    /// The entries but those with these keys, and but those without a value.
    pub fn others<'k>(
        &self,
        known: &'k [&'k str],
    ) -> impl Iterator<Item = &'a (Key, Node)> + use<'a, 'k> {
        self.entries
            .iter()
            .filter(move |(key, node)| !known.contains(&key.text.as_str()) && !node.is_null())
    }

    /// A key with its value, empty or not.
    pub fn entry(&self, key: &str) -> Option<&'a (Key, Node)> {
        self.entries.iter().find(|(known, _)| known.text == key)
    }
}

impl Reader {
    /// A country, by its two letters.
    pub(crate) fn region(&mut self, node: &Node) -> Option<lockstep_model::Region> {
        let text = self.text(node, "`region`")?;
        if let Some(region) = lockstep_model::Region::parse(text) {
            return Some(region);
        }
        let text = self.shown(&node.span, text);
        self.error(codes::WRONG_TYPE, &node.span, format!("`{text}` is no country"))
            .set_help("write its two letters: `NO`");
        None
    }

    /// A system that `prefer` names a second time: the first place counts.
    pub(crate) fn preferred_once(&mut self, name: &str, span: &Range<usize>, before: &[String]) {
        if before.iter().any(|known| known == name) {
            let message = format!("`{name}` stands twice in `prefer`: the first place counts");
            self.error(codes::WITHOUT_EFFECT, span, message).set_help("leave it out");
        }
    }

    /// A mapping of the written form `T`. `what` it is stands in messages: "a flow".
    pub fn fields<'a, T: JsonSchema>(&mut self, node: &'a Node, what: &str) -> Option<Fields<'a>> {
        self.fields_or::<T>(node, what, "")
    }

    /// The same; `else_where` says where other keys belong.
    pub fn fields_or<'a, T: JsonSchema>(
        &mut self,
        node: &'a Node,
        what: &str,
        else_where: &str,
    ) -> Option<Fields<'a>> {
        let entries = self.entries(node, what)?;
        let known = written::keys::<T>();
        let mut meant = Vec::new();
        for (key, _) in entries {
            if known.contains(&key.text) {
                continue;
            }
            let near = nearest(&key.text, known.iter().map(String::as_str)).map(String::from);
            meant.extend(near.clone());
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    format!("known here: {}{else_where}", all_of(known.iter().map(String::as_str)))
                }
            };
            self.error(codes::UNKNOWN_KEY, &key.span, format!("{what} has no `{}`", key.text))
                .set_help(help);
        }
        Some(Fields { span: node.span.clone(), entries, meant })
    }

    /// A mapping with keys of the user's own.
    pub fn entries<'a>(&mut self, node: &'a Node, what: &str) -> Option<&'a [(Key, Node)]> {
        match &node.value {
            Yaml::Map(entries) => Some(entries),
            _ => {
                self.wrong_type(node, what, "a mapping (`key: value`)");
                None
            }
        }
    }

    /// A list.
    pub fn list<'a>(&mut self, node: &'a Node, what: &str) -> Option<&'a [Node]> {
        match &node.value {
            Yaml::List(items) => Some(items),
            _ => {
                self.wrong_type(node, what, "a list");
                None
            }
        }
    }

    /// A list of texts, or one text alone.
    pub fn texts<'a>(&mut self, node: &'a Node, what: &str) -> Vec<(&'a str, Range<usize>)> {
        if let Some(text) = node.text() {
            return vec![(text, node.span.clone())];
        }
        let Some(items) = self.list(node, what) else { return Vec::new() };
        items
            .iter()
            .filter_map(|item| self.text(item, what).map(|text| (text, item.span.clone())))
            .collect()
    }

    /// A text.
    pub fn text<'a>(&mut self, node: &'a Node, what: &str) -> Option<&'a str> {
        match node.text() {
            Some(text) => Some(text),
            None => {
                self.wrong_type(node, what, "a text");
                None
            }
        }
    }

    /// `true` or `false`.
    pub fn truth(&mut self, node: &Node, what: &str) -> Option<bool> {
        match node.text() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => {
                self.wrong_type(node, what, "`true` or `false`");
                None
            }
        }
    }

    /// One of the words of the written form `T`.
    pub fn word<'a, T: JsonSchema>(&mut self, node: &'a Node, what: &str) -> Option<&'a str> {
        let known = written::words::<T>();
        let text = self.text(node, what)?;
        if known.iter().any(|word| word == text) {
            return Some(text);
        }
        let words = || known.iter().map(String::as_str);
        let help = match nearest(text, words()) {
            Some(near) => format!("did you mean `{near}`? {what} is {}", any_of(words())),
            None => format!("{what} is {}", any_of(words())),
        };
        let text = self.shown(&node.span, text);
        self.error(
            codes::UNKNOWN_WORD,
            &node.span,
            format!("`{text}` is nothing that {what} can be"),
        )
        .set_help(help);
        None
    }

    /// A key that must be there.
    pub fn required<'a>(
        &mut self,
        fields: &Fields<'a>,
        key: &str,
        what: &str,
        example: &str,
    ) -> Option<&'a Node> {
        let found = fields.get(key);
        if found.is_none() && !fields.meant.iter().any(|meant| meant == key) {
            let span = match fields.entry(key) {
                Some((key, _)) => key.span.clone(),
                None => self.first_line(&fields.span),
            };
            self.error(codes::MISSING_KEY, &span, format!("{what} needs `{key}`"))
                .set_help(format!("add `{key}: {example}`"));
        }
        found
    }

    pub fn wrong_type(&mut self, node: &Node, what: &str, wanted: &str) {
        let span = self.first_line(&node.span);
        self.error(
            codes::WRONG_TYPE,
            &span,
            format!("{what} must be {wanted}, this is {}", node.kind()),
        );
    }

    /// The part of a stretch that is on its first line: enough to point at a mapping.
    pub fn first_line(&self, span: &Range<usize>) -> Range<usize> {
        let text = self.source.text.get(span.clone()).unwrap_or_default();
        let length = text.find(['\n', '\r']).unwrap_or(text.len());
        span.start..span.start + length
    }
}
