//! Rust sources as tokens: enough of the language to find modules, imports, methods and the lengths
//! of functions, without a parser of all of it.

/// An identifier, a number, or a mark; a string or character is the token `"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub text: &'a str,
    /// Counted from 1.
    pub line: usize,
}

impl Token<'_> {
    pub fn is_name(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// The tokens of a source, without comments, lifetimes and what is only compiled for tests.
pub fn tokens(source: &str) -> Vec<Token<'_>> {
    without_tests(&all_tokens(source))
}

fn all_tokens(source: &str) -> Vec<Token<'_>> {
    let (mut found, mut at, mut line) = (Vec::new(), 0, 1);
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        let (length, text) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), None)
        } else if rest.starts_with("/*") {
            (block_comment(rest), None)
        } else if first.is_whitespace() {
            (first.len_utf8(), None)
        } else if let Some(length) = string(rest) {
            (length, Some("\""))
        } else if first == '\'' {
            let name = 1 + word(&rest[1..]);
            match rest[name..].starts_with('\'') || name == 1 {
                true => (character(rest), Some("\"")),
                false => (name, None),
            }
        } else if first.is_alphanumeric() || first == '_' {
            let length = word(rest);
            (length, Some(&rest[..length]))
        } else {
            let length = if rest.starts_with("::") || rest.starts_with("->") { 2 } else { 1 };
            let length = length.max(first.len_utf8());
            (length, Some(&rest[..length]))
        };
        found.extend(text.map(|text| Token { text, line }));
        line += rest[..length].matches('\n').count();
        at += length;
    }
    found
}

fn word(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    loop {
        match &rest.as_bytes()[at..] {
            [] => return rest.len(),
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
}

/// The length of the string that stands here: `"…"`, `b"…"`, `r"…"`, `br#"…"#`.
fn string(rest: &str) -> Option<usize> {
    let prefix = rest.bytes().take(3).position(|byte| byte == b'"' || byte == b'#')?;
    if !["", "b", "r", "br"].contains(&&rest[..prefix]) {
        return None;
    }
    let raw = rest[..prefix].ends_with('r');
    let hashes = rest[prefix..].len() - rest[prefix..].trim_start_matches('#').len();
    let begin = prefix + hashes + 1;
    if !rest[prefix + hashes..].starts_with('"') || (hashes > 0 && !raw) {
        return None;
    }
    if raw {
        let end = format!("\"{}", &rest[prefix..prefix + hashes]);
        return Some(rest[begin..].find(&end).map_or(rest.len(), |at| begin + at + end.len()));
    }
    Some(begin + closing(&rest[begin..], '"'))
}

fn character(rest: &str) -> usize {
    1 + closing(&rest[1..], '\'')
}

/// The length up to and with the closing quote, past escaped ones.
fn closing(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

const ONLY_FOR_TESTS: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];

fn without_tests<'a>(all: &[Token<'a>]) -> Vec<Token<'a>> {
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < all.len() {
        let here = all[at..].iter().take(ONLY_FOR_TESTS.len()).map(|token| token.text);
        if here.eq(ONLY_FOR_TESTS) {
            at = item_end(all, at + ONLY_FOR_TESTS.len());
        } else {
            kept.push(all[at]);
            at += 1;
        }
    }
    kept
}

/// Where the item or statement ends that begins here: past its `;`, or past its body.
pub fn item_end(all: &[Token], begin: usize) -> usize {
    let mut at = begin;
    while at < all.len() {
        match all[at].text {
            ";" => return at + 1,
            "{" => return group_end(all, at),
            "(" | "[" => at = group_end(all, at),
            _ => at += 1,
        }
    }
    at
}

/// Where a group ends that opens here: past the bracket that closes it.
pub fn group_end(all: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in all.iter().enumerate().skip(open) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    all.len()
}

/// Where generic parameters end that may begin here: `<…>`.
pub fn angles_end(all: &[Token], begin: usize) -> usize {
    let (mut at, mut depth) = (begin, 0);
    while at < all.len() {
        match all[at].text {
            "<" => depth += 1,
            ">" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return if at == begin { begin } else { at + 1 };
        }
        at += 1;
    }
    at
}

/// The functions with a body, and how many lines each has, from `fn` to its closing brace.
pub fn functions<'a>(all: &[Token<'a>]) -> Vec<(&'a str, usize)> {
    let mut found = Vec::new();
    for (at, pair) in all.windows(2).enumerate() {
        if pair[0].text != "fn" || !pair[1].is_name() {
            continue;
        }
        let last = all[item_end(all, at + 1) - 1];
        if last.text == "}" {
            found.push((pair[1].text, last.line + 1 - pair[0].line));
        }
    }
    found
}

#[test]
fn tokens_are_those_of_the_code_alone() {
    let source = r##"
use a::b; // c::d
/* e /* f */ g */ fn h<'i>(j: &'i str) -> char { k('l', '\'', "m\"n", r#"o"p"#, b"q", 'r') }
#[cfg(test)]
mod tests { fn s() {} }
fn t() {
}
"##;
    let all = tokens(source);
    let texts: Vec<&str> = all.iter().map(|token| token.text).collect();
    let expected = r#"use a :: b ; fn h < > ( j : & str ) -> char {
        k ( " , " , " , " , " , " ) } fn t ( ) { }"#;
    assert_eq!(texts, expected.split_whitespace().collect::<Vec<_>>());
    assert_eq!(functions(&all), [("h", 1), ("t", 2)]);
}
