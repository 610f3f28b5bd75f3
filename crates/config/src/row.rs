//! The small text forms of flow files: property rows and match rows.
//!
//! `Emails.Value <-> email : string`, `Number = number and Country.Code = country`. What is found
//! keeps its place within the text, so that a message underlines the path and not the whole row.

use std::ops::Range;

use lockstep_document::PathCell;
use lockstep_model::{Direction, Path};

/// A property row in parts, as byte ranges of its text.
#[derive(Debug, PartialEq)]
pub(crate) struct RowParts {
    pub from: Range<usize>,
    pub direction: Direction,
    pub to: Range<usize>,
    /// Behind the colon.
    pub ty: Option<Range<usize>>,
}

const ARROWS: [(&str, Direction); 3] =
    [("<->", Direction::Both), ("->", Direction::Forward), ("<-", Direction::Backward)];

/// Whether a text is meant as a property row.
pub(crate) fn has_arrow(text: &str) -> bool {
    outside_brackets(text).any(|at| ARROWS.iter().any(|(arrow, _)| text[at..].starts_with(arrow)))
}

/// Reads a property row. `Err` says what would be right.
pub(crate) fn property_row(text: &str) -> Result<RowParts, String> {
    let arrow = outside_brackets(text).find_map(|at| {
        ARROWS
            .iter()
            .find(|(arrow, _)| text[at..].starts_with(arrow))
            .map(|(arrow, way)| (at, arrow, *way))
    });
    let Some((at, arrow, direction)) = arrow else {
        return Err(
            "write `path <-> path`, or `->` and `<-` for one way; a type stands behind a colon: `Name <-> name : string`".into(),
        );
    };
    let after = at + arrow.len();
    if has_arrow(&text[after..]) {
        return Err("a row has one arrow; write a row for each pair".into());
    }
    let colon = outside_brackets(&text[after..])
        .map(|offset| after + offset)
        .find(|offset| text[*offset..].starts_with(" : "));
    let (to, ty) = match colon {
        Some(colon) => (trimmed(text, after..colon), Some(trimmed(text, colon + 2..text.len()))),
        None => (trimmed(text, after..text.len()), None),
    };
    let from = trimmed(text, 0..at);
    if from.is_empty() || to.is_empty() {
        return Err("a path is missing beside the arrow: `Name <-> name`".into());
    }
    Ok(RowParts { from, direction, to, ty })
}

/// A pair of a match row, as byte ranges of its text.
pub(crate) type PairParts = (Range<usize>, Range<usize>);

/// Reads a match row: one pair, or several with `and` between them.
pub(crate) fn match_row(text: &str) -> Result<Vec<PairParts>, String> {
    let mut ands: Vec<usize> =
        outside_brackets(text).filter(|at| text[*at..].starts_with(" and ")).collect();
    ands.push(text.len());
    let mut start = 0;
    let mut pairs = Vec::new();
    for end in ands {
        let part = start..end;
        start = (end + " and ".len()).min(text.len());
        let signs: Vec<usize> = outside_brackets(&text[part.clone()])
            .map(|offset| part.start + offset)
            .filter(|at| text[*at..].starts_with('='))
            .collect();
        let [sign] = signs[..] else {
            return Err(match signs.len() {
                0 => "write `path = path`; several pairs that must all agree have `and` between them",
                _ => "a pair has one `=`; write several rows for alternatives, or `and` between pairs that must all agree",
            }
            .into());
        };
        let (from, to) = (trimmed(text, part.start..sign), trimmed(text, sign + 1..part.end));
        if from.is_empty() || to.is_empty() {
            return Err("a path is missing beside the `=`: `Emails.Value = email`".into());
        }
        pairs.push((from, to));
    }
    Ok(pairs)
}

/// The properties of a side of a row, as byte ranges of its text: one, or several that make one
/// value together: `first + last`.
pub(crate) fn parts(text: &str) -> Vec<Range<usize>> {
    divided(text, " + ")
}

/// The steps of a side of a row, as byte ranges of its text: the references that are followed, and
/// the property that they lead to: `company > name`.
pub(crate) fn steps(text: &str) -> Vec<Range<usize>> {
    divided(text, " > ")
}

fn divided(text: &str, sign: &str) -> Vec<Range<usize>> {
    let signs = outside_brackets(text).filter(|at| text[*at..].starts_with(sign));
    let ends = signs.chain(std::iter::once(text.len()));
    let mut start = 0;
    ends.map(|end| trimmed(text, std::mem::replace(&mut start, end + sign.len())..end)).collect()
}

/// The path that a part of a row names. A path that would be mistaken for something else stands in
/// double quotation marks, as JSON has them: `"a = b"`, `""` where a document's cell is empty.
pub(crate) fn path_cell(text: &str) -> PathCell {
    let quoted = quoted_length(text)
        .and_then(|length| Some((serde_json::from_str(&text[..length]).ok()?, &text[length..])));
    match quoted {
        Some((path, rest)) => PathCell { path, ..PathCell::parse(&format!("path{rest}")) },
        None => PathCell::parse(text),
    }
}

/// A path as a row of a flow file writes it: in quotation marks where it would be taken for something
/// else.
///
/// ```
/// assert_eq!(lockstep_config::row_path("info.name"), "info.name");
/// assert_eq!(lockstep_config::row_path("a = b"), "\"a = b\"");
/// ```
pub fn row_path(path: &str) -> String {
    path_text(&PathCell::new(path))
}

/// A path as rows write it, for [`path_cell`] to read.
pub(crate) fn path_text(cell: &PathCell) -> String {
    let text = cell.to_string();
    let path = cell.path.as_str();
    let mistaken = path.is_empty()
        || Path::new(path).steps().any(|step| step.starts_with('"'))
        || [" and ", "=", "->", "<-", " > ", " + ", " : ", "(", ")"]
            .iter()
            .any(|sign| path.contains(sign));
    match text.strip_prefix(path).filter(|_| mistaken) {
        Some(rest) => format!("{}{rest}", serde_json::Value::from(path)),
        None => text,
    }
}

/// The length of the text in double quotation marks that a text begins with.
fn quoted_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    let inner = text.strip_prefix('"')?;
    inner.char_indices().find_map(|(at, c)| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at + 2)
    })
}

/// The offsets of the characters of a text that stand in no brackets and in no quotation marks.
fn outside_brackets(text: &str) -> impl Iterator<Item = usize> {
    let (mut depth, mut quoted_until) = (0usize, 0);
    text.char_indices().filter_map(move |(at, c)| {
        if at < quoted_until {
            return None;
        }
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            // Quotation marks open at the beginning of a path, or of a name in it.
            '"' if at == 0 || text[..at].ends_with([' ', '.']) => {
                quoted_until = at + quoted_length(&text[at..]).unwrap_or(0)
            }
            _ => {}
        }
        (depth == 0).then_some(at)
    })
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + part.len() - part.trim_start().len();
    start..start + part.trim().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Result<(String, Direction, String, Option<String>), String> {
        let part = |range: Range<usize>| text[range].to_string();
        property_row(text)
            .map(|row| (part(row.from), row.direction, part(row.to), row.ty.map(part)))
    }

    #[test]
    fn a_property_row_is_two_paths_with_an_arrow() {
        let expect = |from: &str, way, to: &str, ty: Option<&str>| {
            Ok((from.into(), way, to.into(), ty.map(String::from)))
        };
        assert_eq!(row("a.b <-> c"), expect("a.b", Direction::Both, "c", None));
        assert_eq!(
            row("a-b  ->  c : string"),
            expect("a-b", Direction::Forward, "c", Some("string"))
        );
        assert_eq!(
            row("a <- c : [\"x\",\" : \"]"),
            expect("a", Direction::Backward, "c", Some("[\"x\",\" : \"]"))
        );
        assert_eq!(
            row("n (Dependant on having a -> b in c) <-> d"),
            expect("n (Dependant on having a -> b in c)", Direction::Both, "d", None)
        );
        for wrong in ["a = b", "a <->", "<-> b", "a <-> b <-> c"] {
            assert!(row(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn any_path_can_be_written_in_a_row() {
        for path in [
            "a.b",
            "",
            "a = b",
            "x and y",
            "p <-> q",
            "t : u",
            "v > w",
            "say \"so\"",
            "\"",
            "f(x)",
            "\\",
            "(",
            "a) and (b",
            "meta.\"api.endpoint\"",
            ".\"x.y\"",
            "meta.\"a = b.c\"",
            "a.\"b",
        ] {
            let mut cell = PathCell::new(path);
            for _ in 0..2 {
                let text = format!("{} = {}", path_text(&cell), path_text(&cell));
                let [(from, to)] = &match_row(&text).unwrap()[..] else { panic!("{text}") };
                assert_eq!(
                    (path_cell(&text[from.clone()]), path_cell(&text[to.clone()])),
                    (cell.clone(), cell.clone()),
                    "{text}"
                );
                let condition =
                    lockstep_document::PathCondition { value: "v = w".into(), path: "k".into() };
                cell.conditions.push(condition);
            }
        }
    }

    #[test]
    fn a_name_in_quotation_marks_is_one_name_in_a_path() {
        assert_eq!(
            row("meta.\"a -> b.c\" <-> .\"x : y.z\" : string"),
            Ok((
                "meta.\"a -> b.c\"".into(),
                Direction::Both,
                ".\"x : y.z\"".into(),
                Some("string".into())
            ))
        );
        assert_eq!(match_row("meta.\"a = b.c\" = d and e = f").map(|pairs| pairs.len()), Ok(2));
    }

    #[test]
    fn a_side_of_a_row_may_follow_references() {
        let steps = |text: &str| -> Vec<String> {
            steps(text).into_iter().map(|step| text[step].to_string()).collect()
        };
        assert_eq!(steps("name"), ["name"]);
        assert_eq!(steps("company > owner  > mail"), ["company", "owner", "mail"]);
        assert_eq!(steps("\"a > b\" > c"), ["\"a > b\"", "c"]);
        assert_eq!(
            steps("company > no (Dependant on having a > b in c)"),
            ["company", "no (Dependant on having a > b in c)"]
        );
    }

    #[test]
    fn a_match_row_is_pairs_with_and_between_them() {
        let pairs = |text: &str| {
            let pair = |(from, to): PairParts| format!("{}|{}", &text[from], &text[to]);
            match_row(text).map(|pairs| pairs.into_iter().map(pair).collect::<Vec<_>>())
        };
        assert_eq!(pairs("a = b").unwrap(), ["a|b"]);
        assert_eq!(pairs("a=b and c.d = e").unwrap(), ["a|b", "c.d|e"]);
        assert_eq!(
            pairs("a (Dependant on having x and y = z in w) = b").unwrap(),
            ["a (Dependant on having x and y = z in w)|b"]
        );
        for wrong in ["a == b", "a", "a = ", "a = b and c", "a = b = c"] {
            assert!(pairs(wrong).is_err(), "{wrong}");
        }
    }
}
