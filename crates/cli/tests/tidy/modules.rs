//! The modules of a crate, and which of its files need which others: by an import, by a path in the
//! code, and by calls of methods of a type whose `impl` blocks are in several files.
//!
//! A name that a module only passes on (`pub use child::Name`) leads to the file that defines it,
//! and passing on needs nothing: a parent that declares its children and re-exports what they have
//! is part of no circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::code::{Token, angles_end, group_end, item_end, tokens};

/// The path of a module in its crate: `rest`, `http`.
type Name = Vec<String>;

/// For each file the files that it needs, each with a line that shows it.
pub type Edges = BTreeMap<String, BTreeMap<String, String>>;

struct Import<'a> {
    path: Vec<&'a str>,
    /// The last name, or what it is called here; `*` for all names.
    alias: &'a str,
    passed_on: bool,
    line: usize,
}

struct Module<'a> {
    /// Below the folder of sources, with `/` between: `rest/http.rs`.
    file: String,
    /// Its own tokens, but for imports and the modules within.
    body: Vec<Token<'a>>,
    imports: Vec<Import<'a>>,
    defined: BTreeSet<&'a str>,
}

pub struct Crate<'a> {
    modules: BTreeMap<Name, Module<'a>>,
}

/// What a path leads to.
#[derive(Debug, PartialEq)]
enum Place {
    Module(Name),
    Item { file: String, name: String },
}

/// The sources of a crate by their paths below its folder of sources.
pub fn sources(folder: &Path) -> BTreeMap<String, String> {
    let (mut found, mut open) = (BTreeMap::new(), vec![PathBuf::new()]);
    while let Some(below) = open.pop() {
        for entry in std::fs::read_dir(folder.join(&below)).expect("a folder").flatten() {
            let path = below.join(entry.file_name());
            if entry.path().is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(entry.path()).expect("a text");
                found.insert(path.to_string_lossy().replace('\\', "/"), text);
            }
        }
    }
    found
}

impl<'a> Crate<'a> {
    pub fn read(sources: &'a BTreeMap<String, String>) -> Self {
        let mut found = Crate { modules: BTreeMap::new() };
        let root = if sources.contains_key("lib.rs") { "lib.rs" } else { "main.rs" };
        found.add_file(sources, root, vec![]);
        found
    }

    fn add_file(&mut self, sources: &'a BTreeMap<String, String>, file: &str, name: Name) {
        let text = sources.get(file).unwrap_or_else(|| panic!("a module without {file}"));
        self.add_module(sources, file, name, &tokens(text));
    }

    fn add_module(
        &mut self,
        sources: &'a BTreeMap<String, String>,
        file: &str,
        name: Name,
        all: &[Token<'a>],
    ) {
        let (mut body, mut imports, mut defined) = (Vec::new(), Vec::new(), BTreeSet::new());
        let (mut at, mut depth) = (0, 0);
        while at < all.len() {
            let text = all[at].text;
            let next = all.get(at + 1).map_or("", |token| token.text);
            let after = all.get(at + 2).map_or("", |token| token.text);
            match text {
                "use" => {
                    let end = item_end_of_import(all, at);
                    let passed_on = at > 0 && ["pub", ")"].contains(&all[at - 1].text);
                    read_imports(&all[at + 1..end - 1], &[], passed_on, &mut imports);
                    at = end;
                    continue;
                }
                "mod" if depth == 0 && after == ";" => {
                    let child: Name = name.iter().cloned().chain([next.to_string()]).collect();
                    let flat = format!("{}.rs", child.join("/"));
                    let folder = format!("{}/mod.rs", child.join("/"));
                    let file = if sources.contains_key(&flat) { flat } else { folder };
                    self.add_file(sources, &file, child);
                    at += 3;
                    continue;
                }
                "mod" if depth == 0 && after == "{" => {
                    let child: Name = name.iter().cloned().chain([next.to_string()]).collect();
                    let end = group_end(all, at + 2);
                    self.add_module(sources, file, child, &all[at + 3..end - 1]);
                    at = end;
                    continue;
                }
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => depth -= 1,
                "struct" | "enum" | "trait" | "type" | "fn" | "const" | "static" | "union"
                    if depth == 0 =>
                {
                    defined.insert(next);
                }
                "macro_rules" => _ = defined.insert(after),
                _ => {}
            }
            body.push(all[at]);
            at += 1;
        }
        self.modules.insert(name, Module { file: file.to_string(), body, imports, defined });
    }

    /// Where a path leads that stands in a module, if into this crate.
    fn resolve(&self, from: &[String], path: &[&str], tried: usize) -> Option<Place> {
        // Names that lead to each other in a circle end nowhere.
        if tried > 16 {
            return None;
        }
        let (first, mut rest) = path.split_first()?;
        let child = |name: &str| from.iter().cloned().chain([name.to_string()]).collect::<Name>();
        let mut module = match *first {
            "crate" => vec![],
            "self" => from.to_vec(),
            "super" => from[..from.len().saturating_sub(1)].to_vec(),
            name if self.modules.contains_key(&child(name)) => child(name),
            name => {
                let import = self.modules[from].imports.iter().find(|i| i.alias == name)?;
                match self.resolve_import(from, import, tried)? {
                    Place::Module(module) => module,
                    item => return Some(item),
                }
            }
        };
        while let Some((name, after)) = rest.split_first() {
            if *name == "super" {
                module.pop();
            } else {
                let child: Name = module.iter().cloned().chain([name.to_string()]).collect();
                if !self.modules.contains_key(&child) {
                    return self.item(&module, name, after, tried);
                }
                module = child;
            }
            rest = after;
        }
        Some(Place::Module(module))
    }

    fn resolve_import(&self, from: &[String], import: &Import, tried: usize) -> Option<Place> {
        // `use url::Url` is no path to itself.
        let own = import.path.len() == 1 && import.path[0] == import.alias;
        let known = own || {
            let same = self.modules[from].imports.iter().find(|i| i.alias == import.path[0]);
            same.is_some_and(|same| same.path == import.path)
        };
        let here: Name = from.iter().cloned().chain([import.path[0].to_string()]).collect();
        if known && !self.modules.contains_key(&here) {
            return None;
        }
        self.resolve(from, &import.path, tried + 1)
    }

    /// What a name in a module is: defined there, or passed on.
    fn item(&self, module: &[String], name: &str, after: &[&str], tried: usize) -> Option<Place> {
        let at = &self.modules[module];
        let own = Place::Item { file: at.file.clone(), name: name.to_string() };
        if at.defined.contains(name) {
            return Some(own);
        }
        if let Some(import) = at.imports.iter().find(|import| import.alias == name) {
            let path: Vec<&str> = import.path.iter().copied().chain(after.to_vec()).collect();
            return self.resolve(module, &path, tried + 1);
        }
        for all in at.imports.iter().filter(|import| import.alias == "*") {
            if let Some(Place::Module(other)) = self.resolve(module, &all.path, tried + 1)
                && let Some(Place::Item { file, name }) =
                    self.item_if_known(&other, name, after, tried + 1)
            {
                return Some(Place::Item { file, name });
            }
        }
        Some(own)
    }

    fn item_if_known(
        &self,
        module: &[String],
        name: &str,
        after: &[&str],
        tried: usize,
    ) -> Option<Place> {
        let at = &self.modules[module];
        let known =
            at.defined.contains(name) || at.imports.iter().any(|import| import.alias == name);
        if known { self.item(module, name, after, tried) } else { None }
    }

    /// Which files need which others, by imports and paths.
    pub fn needs(&self) -> Edges {
        let mut edges = Edges::new();
        for (name, module) in &self.modules {
            let mut add = |place: Option<Place>, line: usize, shown: String| {
                if let Some(Place::Item { file, .. }) = place
                    && file != module.file
                {
                    let needed = edges.entry(module.file.clone()).or_default();
                    needed.entry(file).or_insert_with(|| format!("line {line}: {shown}"));
                }
            };
            let in_body: BTreeSet<&str> = module.body.iter().map(|token| token.text).collect();
            for import in &module.imports {
                if import.alias == "*" {
                    if let Some(Place::Module(other)) = self.resolve(name, &import.path, 0) {
                        for word in &in_body {
                            let shown = format!("{}::{word}", import.path.join("::"));
                            add(self.item_if_known(&other, word, &[], 0), import.line, shown);
                        }
                    }
                } else if !import.passed_on || in_body.contains(import.alias) {
                    let place = self.resolve_import(name, import, 0);
                    add(place, import.line, import.path.join("::"));
                }
            }
            for (path, line) in paths(&module.body) {
                let shown = path.join("::");
                add(self.resolve(name, &path, 0), line, shown);
            }
        }
        edges
    }

    /// Which files need which others because a method of a type calls one of the same type that is
    /// in another file; by type.
    pub fn calls(&self) -> BTreeMap<String, Edges> {
        let mut blocks = Vec::new();
        for (name, module) in &self.modules {
            for block in impls(&module.body) {
                let place = self.resolve(name, &block.of, 0);
                let place = place.or_else(|| self.item(name, block.of[0], &[], 0));
                if let Some(Place::Item { file, name }) = place {
                    blocks.push(((file, name), &module.file, block));
                }
            }
        }
        let mut defined: BTreeMap<_, BTreeMap<&str, BTreeSet<&String>>> = BTreeMap::new();
        for (of, file, block) in &blocks {
            for method in &block.methods {
                defined.entry(of).or_default().entry(method).or_default().insert(file);
            }
        }
        let mut found = BTreeMap::new();
        for (of, file, block) in &blocks {
            for (method, line) in &block.calls {
                let at = defined.get(of).and_then(|methods| methods.get(method));
                let at = at.filter(|at| !at.contains(file));
                for other in at.into_iter().flatten() {
                    let edges: &mut Edges = found.entry(of.1.clone()).or_default();
                    let needed = edges.entry(file.to_string()).or_default();
                    let shown = || format!("line {line}: {}::{method}", of.1);
                    needed.entry(other.to_string()).or_insert_with(shown);
                }
            }
        }
        found
    }
}

/// Past the `;` of an import, over the braces in it.
fn item_end_of_import(all: &[Token], begin: usize) -> usize {
    let semicolon = all[begin..].iter().position(|token| token.text == ";");
    semicolon.map_or_else(|| item_end(all, begin), |at| begin + at + 1)
}

/// The names of an import: `a::{b, c as d, e::*}` has three.
fn read_imports<'a>(
    all: &[Token<'a>],
    before: &[&'a str],
    passed_on: bool,
    found: &mut Vec<Import<'a>>,
) {
    let mut path = before.to_vec();
    let (mut at, mut alias) = (0, None);
    while at < all.len() {
        match all[at].text {
            "{" => {
                let end = group_end(all, at);
                let (mut begin, mut within) = (at + 1, at + 1);
                while within < end {
                    match all[within].text {
                        "{" => within = group_end(all, within),
                        "," | "}" => {
                            read_imports(&all[begin..within], &path, passed_on, found);
                            within += 1;
                            begin = within;
                        }
                        _ => within += 1,
                    }
                }
                return;
            }
            "as" => (alias, at) = (all.get(at + 1).map(|token| token.text), at + 2),
            "*" => (alias, at) = (Some("*"), at + 1),
            "::" => at += 1,
            // `a::{self}` is `a`.
            "self" if !path.is_empty() => at += 1,
            name => {
                path.push(name);
                at += 1;
            }
        }
    }
    if let (Some(last), Some(line)) = (path.last().copied(), all.first().map(|token| token.line)) {
        found.push(Import { alias: alias.unwrap_or(last), path, passed_on, line });
    }
}

/// Paths of two names or more, each with its line.
fn paths<'a>(body: &[Token<'a>]) -> Vec<(Vec<&'a str>, usize)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < body.len() {
        let begins = body[at].is_name() && (at == 0 || !["::", "."].contains(&body[at - 1].text));
        let (mut path, line) = (vec![body[at].text], body[at].line);
        at += 1;
        while begins && at + 1 < body.len() && body[at].text == "::" && body[at + 1].is_name() {
            path.push(body[at + 1].text);
            at += 2;
        }
        if path.len() > 1 {
            found.push((path, line));
        }
    }
    found
}

/// An `impl` block.
struct Block<'a> {
    of: Vec<&'a str>,
    methods: Vec<&'a str>,
    calls: Vec<(&'a str, usize)>,
}

fn impls<'a>(body: &[Token<'a>]) -> Vec<Block<'a>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < body.len() {
        // Not `-> impl Trait` nor `(impl Trait)`.
        let begins = at == 0 || ["}", ";", "]", "{", "unsafe"].contains(&body[at - 1].text);
        if body[at].text != "impl" || !begins {
            at += 1;
            continue;
        }
        let head = angles_end(body, at + 1);
        let open = item_end_of_head(body, head);
        let end = group_end(body, open);
        let head = &body[head..open];
        let of = head.iter().rposition(|token| token.text == "for").map_or(0, |at| at + 1);
        let of = paths_of_type(&head[of..]);
        if !of.is_empty() {
            found.push(block(of, &body[open + 1..end - 1]));
        }
        at = end;
    }
    found
}

fn item_end_of_head(body: &[Token], begin: usize) -> usize {
    let open = body[begin..].iter().position(|token| token.text == "{");
    begin + open.expect("a block after `impl`")
}

/// The path of the type at the end of the head of an `impl`, without what it is generic over.
fn paths_of_type<'a>(head: &[Token<'a>]) -> Vec<&'a str> {
    let names = head.iter().skip_while(|token| ["&", "mut", "dyn"].contains(&token.text));
    let path = names.take_while(|token| token.is_name() || token.text == "::");
    path.filter(|token| token.is_name() && token.text != "where").map(|token| token.text).collect()
}

fn block<'a>(of: Vec<&'a str>, body: &[Token<'a>]) -> Block<'a> {
    let (mut methods, mut calls, mut depth) = (Vec::new(), Vec::new(), 0);
    let own = *of.last().expect("a type");
    for (at, token) in body.iter().enumerate() {
        match (token.text, &body[at + 1..]) {
            ("{", _) => depth += 1,
            ("}", _) => depth -= 1,
            ("fn", [name, ..]) if depth == 0 => methods.push(name.text),
            ("self", [dot, name, open, ..])
                if dot.text == "." && ["(", "::"].contains(&open.text) =>
            {
                calls.push((name.text, name.line));
            }
            (of, [colons, name, ..]) if (of == "Self" || of == own) && colons.text == "::" => {
                calls.push((name.text, name.line));
            }
            _ => {}
        }
    }
    Block { of, methods, calls }
}

/// The groups of files that need each other, by whatever way; each file in a circle is in one.
pub fn circles(edges: &Edges) -> Vec<BTreeSet<String>> {
    let reach = |from: &String| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(file) = open.pop() {
            for next in edges.get(file).into_iter().flat_map(|needed| needed.keys()) {
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        edges.keys().map(|file| (file, reach(file))).collect();
    let mut found: Vec<BTreeSet<String>> = Vec::new();
    for (file, others) in &reached {
        if !others.contains(file) || found.iter().any(|group| group.contains(*file)) {
            continue;
        }
        let back = |other: &&&String| reached.get(**other).is_some_and(|r| r.contains(*file));
        found.push(others.iter().filter(back).map(|other| other.to_string()).collect());
    }
    found
}

/// A shortest way from a file back to itself, with the lines that make it.
pub fn way_round(edges: &Edges, file: &str) -> String {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open = std::collections::VecDeque::from([file]);
    'search: while let Some(at) = open.pop_front() {
        for next in edges.get(at).into_iter().flat_map(|needed| needed.keys()) {
            if !came_from.contains_key(next.as_str()) {
                came_from.insert(next, at);
                open.push_back(next);
            }
            if next == file {
                break 'search;
            }
        }
    }
    let (mut steps, mut at) = (Vec::new(), file);
    while let Some(from) = came_from.get(at) {
        steps.push(format!("{from} needs {at} ({})", edges[*from][at]));
        at = from;
        if at == file {
            break;
        }
    }
    steps.reverse();
    steps.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges_of(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let files = files.iter().map(|(file, text)| (file.to_string(), text.to_string()));
        let files = files.collect();
        let read = Crate::read(&files);
        let listed = |edges: &Edges| {
            let pairs = edges.iter().flat_map(|(a, to)| to.keys().map(move |b| format!("{a} {b}")));
            pairs.collect::<Vec<_>>()
        };
        let calls = read.calls();
        (listed(&read.needs()), calls.values().flat_map(listed).collect())
    }

    #[test]
    fn files_need_what_they_import_and_name() {
        let (needs, _) = edges_of(&[
            ("lib.rs", "mod a; mod b; mod c; pub use b::Two; pub struct One;"),
            ("a.rs", "use crate::{One, Two}; use serde::De; fn f() { super::c::d::g() }"),
            ("b.rs", "pub struct Two; fn f() -> crate::a::X { use crate::c; c::d::g() }"),
            ("c/mod.rs", "mod d; mod e; pub(crate) use self::d::*;"),
            ("c/d.rs", "pub fn g() {} #[cfg(test)] mod tests { use crate::a; }"),
            ("c/e.rs", "fn h() { super::g() } mod within { use super::super::super::One; }"),
        ]);
        assert_eq!(
            needs,
            [
                "a.rs b.rs",
                "a.rs c/d.rs",
                "a.rs lib.rs",
                "b.rs a.rs",
                "b.rs c/d.rs",
                "c/e.rs c/d.rs",
                "c/e.rs lib.rs"
            ]
        );
    }

    #[test]
    fn methods_of_one_type_are_followed_through_its_files() {
        let (_, calls) = edges_of(&[
            ("lib.rs", "mod a; mod b; pub struct One; impl One { fn f(&self) { self.g() } }"),
            ("a.rs", "impl<'a> crate::One { fn g(&self) { Self::h(self); self.field.f() } }"),
            (
                "b.rs",
                "use crate::One; impl T for One { fn h(&self) { self.f() } } impl X { fn g() {} }",
            ),
        ]);
        assert_eq!(calls, ["a.rs b.rs", "b.rs lib.rs", "lib.rs a.rs"]);
    }

    #[test]
    fn a_circle_is_found_with_the_way_round() {
        let mut edges = Edges::new();
        for (from, to) in [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("b", "a")] {
            let needed = edges.entry(from.to_string()).or_default();
            needed.insert(to.to_string(), "line 1".to_string());
        }
        assert_eq!(circles(&edges), [["a", "b", "c"].map(String::from).into()]);
        assert_eq!(way_round(&edges, "a"), "a needs b (line 1), b needs a (line 1)");
    }
}
