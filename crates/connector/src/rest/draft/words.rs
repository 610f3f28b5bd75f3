//! The names by which descriptions commonly call things, and how names are written in a draft.

use std::fmt::Write as _;

use crate::rest::sound::VARIABLES;

const LIMITS: &[&str] =
    &["limit", "perpage", "pagesize", "top", "take", "count", "size", "maxresults"];
const OFFSETS: &[&str] = &["offset", "skip", "start", "from", "startindex", "startat"];
const PAGES: &[&str] = &["page", "pagenumber", "pageno", "pageindex"];
const CURSORS: &[&str] =
    &["cursor", "after", "pagetoken", "startingafter", "continuationtoken", "nexttoken", "offset"];
const NEXT_CURSORS: &[&str] = &[
    "nextcursor",
    "nextpagetoken",
    "nexttoken",
    "endcursor",
    "continuationtoken",
    "startingafter",
    "cursor",
    "after",
];
const NEXT_LINKS: &[&str] =
    &["next", "nextlink", "odatanextlink", "nextpage", "nexturl", "nextpageurl"];
const TOTALS: &[&str] = &[
    "total",
    "totalcount",
    "totalitems",
    "totalresults",
    "totalrecords",
    "totalelements",
    "totalsize",
    "fullresultsize",
    "itemcount",
    "odatacount",
];
/// Steps below which paging is told.
pub const PAGING: &[&str] = &[
    "paging",
    "pagination",
    "pages",
    "page",
    "meta",
    "metadata",
    "info",
    "links",
    "additionaldata",
    "next",
    "nextpage",
    "cursors",
    "pageinfo",
    "responsemetadata",
];
/// Lists of records in an answer are called so, or as the path is.
pub const LISTS: &[&str] = &[
    "data",
    "items",
    "values",
    "value",
    "results",
    "result",
    "records",
    "list",
    "rows",
    "elements",
    "entries",
    "content",
    "resources",
];
/// Lists beside the records.
pub const NO_LISTS: &[&str] =
    &["warnings", "errors", "links", "included", "messages", "validationerrors"];
/// What a last step of a path says that is no record type.
const OPERATIONS: &[&str] = &[
    "search",
    "query",
    "find",
    "count",
    "export",
    "import",
    "batch",
    "bulk",
    "list",
    "scroll",
    "default",
    "validate",
    "summary",
    "summaries",
    "statistics",
    "stats",
    "me",
    "current",
    "self",
    "typeahead",
    "autocomplete",
    "download",
    "upload",
    "preview",
    "status",
    "model",
];
const VERBS: &[&str] = &[
    "search", "get", "find", "create", "update", "delete", "export", "import", "download",
    "validate",
];
/// What an account is called that others are in.
pub const TENANTS: &[&str] = &[
    "workspace",
    "organization",
    "organisation",
    "company",
    "tenant",
    "account",
    "site",
    "shop",
    "store",
    "realm",
    "client",
];
/// Where an object of a list, or an object, has its value.
pub const VALUES: &[&str] = &["value", "email", "phone", "number", "address"];

/// Less case and all that separates words.
pub fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The words of a name, small: `billToCustomerId` has four.
pub fn tokens(name: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let (mut within, mut before) = (false, '_');
    for c in name.chars() {
        if !c.is_alphanumeric() {
            within = false;
            continue;
        }
        if !within || (c.is_uppercase() && !before.is_uppercase()) {
            all.push(String::new());
        }
        within = true;
        before = c;
        if let Some(last) = all.last_mut() {
            last.extend(c.to_lowercase());
        }
    }
    all
}

fn among(list: &[&str], name: &str) -> bool {
    list.contains(&plain(name).as_str())
}

pub fn is_limit(name: &str) -> bool {
    among(LIMITS, name)
}

pub fn is_offset(name: &str) -> bool {
    among(OFFSETS, name)
}

pub fn is_page(name: &str) -> bool {
    among(PAGES, name)
}

pub fn is_cursor(name: &str) -> bool {
    among(CURSORS, name)
}

pub fn is_next_cursor(name: &str) -> bool {
    among(NEXT_CURSORS, name)
}

pub fn is_next_link(name: &str) -> bool {
    among(NEXT_LINKS, name)
}

pub fn is_total(name: &str) -> bool {
    among(TOTALS, name)
}

/// A parameter that asks for what changed since.
pub fn is_since(name: &str) -> bool {
    let name = plain(name);
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    name == "since"
        || (has(&["updat", "modif", "chang"])
            && has(&["since", "after", "from", "greaterthan", "min", "gte", "start"])
            && !has(&["until", "before", "lessthan", "max"]))
}

/// Whether a name is made of these words alone, one of the first list among them.
fn made_of(name: &str, needed: &[&str], others: &[&str]) -> bool {
    let name = plain(name);
    let (mut rest, mut found) = (name.as_str(), false);
    while !rest.is_empty() {
        let step = |words: &[&str]| words.iter().find_map(|word| rest.strip_prefix(word));
        match (step(needed), step(others)) {
            (Some(after), _) => (rest, found) = (after, true),
            (None, Some(after)) => rest = after,
            (None, None) => return false,
        }
    }
    found
}

const OF_TIMES: &[&str] = &[
    "timestamp",
    "datetime",
    "offset",
    "record",
    "last",
    "date",
    "time",
    "utc",
    "at",
    "on",
    "gmt",
];

/// The time of a record's last change, and of nothing else about it.
pub fn is_change_time(name: &str) -> bool {
    let words = ["modification", "modified", "modify", "updated", "update", "changed", "change"];
    made_of(name, &words, OF_TIMES)
}

pub fn is_creation_time(name: &str) -> bool {
    let words = ["creation", "created", "create", "inserted", "added", "add"];
    made_of(name, &words, OF_TIMES)
}

/// A last step that names what is done, not what there is.
pub fn is_operation(step: &str) -> bool {
    let words = tokens(step);
    let verb = step.split_once([':', '>']).map(|(_, verb)| verb);
    verb.is_some_and(|verb| verb.starts_with(char::is_alphabetic))
        || among(OPERATIONS, step)
        || (words.len() > 1 && VERBS.contains(&words[0].as_str()))
        || words.last().is_some_and(|last| last == "search")
}

/// One and several of the same thing, both as `plain` has them.
pub fn same_noun(one: &str, other: &str) -> bool {
    let plural = |one: &str, many: &str| {
        format!("{one}s") == many
            || format!("{one}es") == many
            || one.strip_suffix('y').is_some_and(|stem| format!("{stem}ies") == many)
    };
    !one.is_empty() && (one == other || plural(one, other) || plural(other, one))
}

/// A schema's name less where it comes from and which form of the thing it is: `ProjectCompact`,
/// `CustomerDto`, `users__Minified_User`.
pub fn thing(name: &str) -> String {
    let last = name.rsplit('.').next().unwrap_or(name);
    let last = last.rsplit("__").next().unwrap_or(last);
    let forms = [
        "compact",
        "base",
        "response",
        "request",
        "dto",
        "ref",
        "reference",
        "minified",
        "summary",
        "resource",
        "entity",
        "object",
        "item",
        "model",
        "with",
        "links",
        "get",
        "basic",
        "details",
    ];
    let words = tokens(last);
    let kept: Vec<&String> = words.iter().filter(|word| !forms.contains(&word.as_str())).collect();
    if kept.is_empty() { plain(last) } else { kept.into_iter().map(String::as_str).collect() }
}

/// `club-members` is `ClubMembers`.
pub fn capitals(step: &str) -> String {
    let words = step.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
            .unwrap_or_default()
    };
    words.map(capital).collect()
}

/// A name that templates can read: `xero-tenant-id` is `xero_tenant_id`.
pub fn setting(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("_");
    match name.chars().next() {
        Some(first) if first.is_ascii_alphabetic() => name,
        _ => format!("parameter_{name}"),
    }
}

/// Whether templates have a variable of this name.
pub fn reserved(name: &str) -> bool {
    VARIABLES.contains(&name)
}

/// Whether a character ends a line, or is one that nobody sees.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// As YAML takes it: bare where it is a plain word or a path, else in quotation marks, with every
/// character escaped that could end them or the line.
pub fn quoted(text: &str) -> String {
    let plain = !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/'));
    let letter = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '/');
    let word = matches!(
        text.to_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    if plain && letter && !word {
        return text.to_string();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if hidden(c) => drop(write!(out, "\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out + "\""
}

/// On the one line of a comment.
pub fn in_a_comment(text: &str) -> String {
    text.chars().map(|c| if hidden(c) { ' ' } else { c }).take(100).collect()
}

/// A text of the description's: it sees none of the settings.
pub fn no_template(text: &str) -> String {
    text.replace("{{", "%7B%7B").replace("{%", "%7B%").replace("{#", "%7B#").replace('\n', "%0A")
}

/// The first sentence of a description, for what a setting is.
pub fn sentence(text: &str) -> String {
    let line = text.split(['\n', '\r']).find(|line| !line.trim().is_empty()).unwrap_or_default();
    let line = line.split(". ").next().unwrap_or_default().trim();
    no_template(&in_a_comment(line)).trim_end_matches('.').to_string()
}
