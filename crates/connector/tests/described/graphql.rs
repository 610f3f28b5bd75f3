//! GraphQL: a schema in its own language, and queries held against it (GraphQL, October 2021):
//! fields, arguments, types of variables, and what the variables hold.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Description;
use crate::serving::Asked;

/// A field: its arguments, and its type.
struct Field {
    arguments: BTreeMap<String, String>,
    ty: String,
}

pub struct Schema {
    /// Types with selections, and inputs, whose fields have no arguments.
    types: BTreeMap<String, BTreeMap<String, Field>>,
}

/// Words, marks, and texts as one word each; descriptions and comments are left out.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(long) = rest.strip_prefix("\"\"\"") {
            rest = long.split_once("\"\"\"").map_or("", |(_, after)| after);
        } else if first == '"' {
            let mut end = 1;
            while !rest[end..].starts_with('"') {
                end += if rest[end..].starts_with('\\') { 2 } else { 1 };
            }
            words.push(rest[..=end].to_string());
            rest = &rest[end + 1..];
        } else if first == '#' {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else if first.is_whitespace() || first == ',' {
            rest = &rest[first.len_utf8()..];
        } else {
            let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
            let end = rest.find(|c| !is_word(c)).filter(|end| *end > 0).unwrap_or(first.len_utf8());
            words.push(rest[..end].to_string());
            rest = &rest[end..];
        }
    }
    words
}

struct Reader<'w> {
    words: &'w [String],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> &str {
        self.words.get(self.at).map_or("", String::as_str)
    }

    fn next(&mut self) -> String {
        self.at += 1;
        self.words.get(self.at - 1).cloned().unwrap_or_default()
    }

    fn takes(&mut self, word: &str) -> bool {
        let same = self.peek() == word;
        self.at += usize::from(same);
        same
    }

    /// `[Name!]!` as it is written.
    fn ty(&mut self) -> String {
        let mut ty = String::new();
        if self.takes("[") {
            ty = format!("[{}]", self.ty());
            assert!(self.takes("]"));
        } else {
            ty.push_str(&self.next());
        }
        if self.takes("!") {
            ty.push('!');
        }
        ty
    }

    /// A value that is written: a word, a variable, a list or an object.
    fn value(&mut self) -> String {
        let first = self.next();
        match first.as_str() {
            "$" => format!("${}", self.next()),
            "[" => {
                while !self.takes("]") {
                    self.value();
                }
                first
            }
            "{" => {
                while !self.takes("}") {
                    self.next();
                    assert!(self.takes(":"));
                    self.value();
                }
                first
            }
            _ => first,
        }
    }

    fn directives(&mut self) {
        while self.takes("@") {
            self.next();
            if self.takes("(") {
                while !self.takes(")") {
                    self.next();
                }
            }
        }
    }

    /// `name: Type = default`, up to a closing mark.
    fn definitions(&mut self, close: &str) -> BTreeMap<String, Field> {
        let mut fields = BTreeMap::new();
        while !self.takes(close) {
            let name = self.next();
            let arguments = if self.takes("(") { self.definitions(")") } else { BTreeMap::new() };
            let arguments = arguments.into_iter().map(|(name, field)| (name, field.ty)).collect();
            assert!(self.takes(":"), "{name}: {}", self.peek());
            let ty = self.ty();
            if self.takes("=") {
                self.value();
            }
            self.directives();
            fields.insert(name, Field { arguments, ty });
        }
        fields
    }
}

fn bare(ty: &str) -> &str {
    ty.trim_matches(['[', ']', '!'])
}

impl Schema {
    pub fn read(text: &str) -> Schema {
        let words = words(text);
        let mut reader = Reader { words: &words, at: 0 };
        let mut types = BTreeMap::new();
        while reader.at < words.len() {
            let kind = reader.next();
            if !matches!(kind.as_str(), "type" | "input" | "interface") {
                continue;
            }
            let name = reader.next();
            while reader.peek() != "{" {
                reader.next();
            }
            reader.next();
            types.insert(name, reader.definitions("}"));
        }
        Schema { types }
    }

    /// Walks through a selection; what is not known goes to the remarks.
    fn selection(
        &self,
        reader: &mut Reader<'_>,
        ty: &str,
        variables: &BTreeMap<String, String>,
        remarks: &mut Vec<String>,
    ) {
        while !reader.takes("}") {
            let name = reader.next();
            let Some(field) = self.types.get(ty).and_then(|fields| fields.get(&name)) else {
                remarks.push(format!("{ty} has no {name}"));
                return;
            };
            if reader.takes("(") {
                while !reader.takes(")") {
                    let argument = reader.next();
                    assert!(reader.takes(":"));
                    let value = reader.value();
                    let Some(wanted) = field.arguments.get(&argument) else {
                        remarks.push(format!("{name} has no argument {argument}"));
                        continue;
                    };
                    if let Some(variable) = value.strip_prefix('$') {
                        let given = variables.get(variable).map_or("", String::as_str);
                        // What may be null is not taken where it may not.
                        if bare(given) != bare(wanted)
                            || wanted.ends_with('!') && !given.ends_with('!')
                        {
                            remarks.push(format!("{argument} is {wanted}, and not {given}"));
                        }
                    }
                }
            }
            let has_fields = self.types.contains_key(bare(&field.ty));
            if reader.takes("{") {
                self.selection(reader, bare(&field.ty), variables, remarks);
            } else if has_fields {
                remarks.push(format!("{name} is {}, of which fields are to be said", field.ty));
            }
        }
    }

    /// What a variable holds, against its type.
    fn compare(&self, place: &str, value: &Value, ty: &str, remarks: &mut Vec<String>) {
        if value.is_null() {
            if ty.ends_with('!') {
                remarks.push(format!("{place} is {ty}, and not null"));
            }
            return;
        }
        let ty = ty.trim_end_matches('!');
        if let Some(of) = ty.strip_prefix('[').and_then(|ty| ty.strip_suffix(']')) {
            match value.as_array() {
                Some(list) => list.iter().for_each(|one| self.compare(place, one, of, remarks)),
                None => remarks.push(format!("{place} is a list, and not {value}")),
            }
            return;
        }
        match (self.types.get(ty), value) {
            (Some(fields), Value::Object(map)) => {
                for (name, value) in map {
                    match fields.get(name) {
                        None => remarks.push(format!("{ty} has no {name}")),
                        Some(field) => {
                            self.compare(&format!("{place}.{name}"), value, &field.ty, remarks);
                        }
                    }
                }
            }
            (Some(_), _) => remarks.push(format!("{place} is {ty}, and not {value}")),
            (None, value) => {
                let fits = match ty {
                    "Int" => value.is_i64(),
                    "Float" => value.is_number(),
                    "Boolean" => value.is_boolean(),
                    _ => value.is_string(),
                };
                if !fits {
                    remarks.push(format!("{place} is {ty}, and not {value}"));
                }
            }
        }
    }

    /// A request's query and variables.
    fn query(&self, body: &Value) -> Vec<String> {
        let Some(text) = body["query"].as_str() else { return vec!["there is no query".into()] };
        let words = words(text);
        let mut reader = Reader { words: &words, at: 0 };
        let root = if reader.takes("mutation") { "Mutation" } else { "QueryRoot" };
        reader.takes("query");
        let mut variables = BTreeMap::new();
        if reader.takes("(") {
            while !reader.takes(")") {
                assert!(reader.takes("$"));
                let name = reader.next();
                assert!(reader.takes(":"));
                variables.insert(name, reader.ty());
            }
        }
        let mut remarks = Vec::new();
        if !reader.takes("{") {
            return vec![format!("no selection: {text}")];
        }
        self.selection(&mut reader, root, &variables, &mut remarks);
        for (name, value) in body["variables"].as_object().into_iter().flatten() {
            match variables.get(name) {
                None => remarks.push(format!("the query has no variable {name}")),
                Some(ty) => self.compare(name, value, ty, &mut remarks),
            }
        }
        for (name, ty) in variables.iter().filter(|(_, ty)| ty.ends_with('!')) {
            if body["variables"].get(name).is_none() {
                remarks.push(format!("the variable {name} ({ty}) is missing"));
            }
        }
        remarks
    }
}

impl Description for Schema {
    fn remarks(&self, asked: &Asked) -> Vec<String> {
        if asked.method != "POST" || !asked.path.ends_with("/graphql.json") {
            return vec!["no query".into()];
        }
        self.query(&serde_json::from_str(&asked.body).unwrap_or_default())
    }

    fn missing(&self, asked: &Asked, records_at: &str, property: &str) -> Option<String> {
        // Whether it is asked for: the places of an answer are those of the query.
        let body: Value = serde_json::from_str(&asked.body).ok()?;
        let words = words(body["query"].as_str()?);
        let first = records_at.strip_prefix("data.")?.split('.').next()?;
        // Another query of the record type has the same address.
        words.iter().find(|word| *word == first)?;
        let steps = property.split('.').filter(|step| step.parse::<usize>().is_err());
        let missing: Vec<&str> =
            steps.filter(|step| !words.iter().any(|word| word == step)).collect();
        (!missing.is_empty()).then(|| format!("{property} is not asked for"))
    }
}
