//! CSV (RFC 4180): a row taken apart and put together again so that cells that are not touched stay
//! as they were written.
//!
//! The first row names the properties. A name with dots is that path; every value is a text and an
//! empty cell is empty. The cells are separated by comma, semicolon or tab, whichever the first row
//! has most of: spreadsheets in countries with a decimal comma write semicolons.

use std::borrow::Cow;

use lockstep_model::Value;
use xxhash_rust::xxh3::xxh3_64;

/// Where a reader of CSV stands. A quote within a cell that did not begin with one is a plain
/// character.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Cell {
    /// Nothing of the cell was read.
    #[default]
    Start,
    Plain,
    /// Between quotes: line ends and delimiters belong to the cell.
    Quoted,
    /// After a quote that ended the quoted part, unless another quote follows at once.
    Closed,
    /// After white space that follows such a quote: nothing but more of it may come.
    Ended,
}

impl Cell {
    /// Whether this byte can't stand behind the quote that ends a cell.
    pub(super) fn is_left_by(self, byte: u8, delimiter: u8) -> bool {
        let may_follow = byte == delimiter || byte.is_ascii_whitespace();
        match self {
            Cell::Closed => !may_follow && byte != b'"',
            Cell::Ended => !may_follow,
            _ => false,
        }
    }

    /// The state after one more byte.
    pub(super) fn after(self, byte: u8, delimiter: u8) -> Cell {
        match (self, byte) {
            (Cell::Start | Cell::Closed, b'"') => Cell::Quoted,
            (Cell::Quoted, b'"') => Cell::Closed,
            (Cell::Quoted, _) => Cell::Quoted,
            (_, byte) if byte == delimiter => Cell::Start,
            (Cell::Closed | Cell::Ended, byte) if byte.is_ascii_whitespace() => Cell::Ended,
            _ => Cell::Plain,
        }
    }
}

/// The first row: which column is which property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub delimiter: u8,
    /// Trimmed, in the order of the columns.
    pub names: Vec<String>,
}

impl Header {
    /// Reads it, and finds out what separates the cells.
    pub(super) fn parse(row: &[u8]) -> Header {
        let count = |delimiter: u8| split(row, delimiter).len();
        // The comma wins a tie: it comes last.
        Header::separated(
            row,
            [b'\t', b';', b',']
                .into_iter()
                .max_by_key(|&delimiter| count(delimiter))
                .unwrap_or(b','),
        )
    }

    /// R8: the two characters that may as well separate the cells of a first row, if it does not
    /// tell.
    pub(super) fn tie(row: &[u8]) -> Option<(char, char)> {
        let count = |delimiter: char| split(row, delimiter as u8).len();
        [(',', ';'), (',', '\t'), (';', '\t')].into_iter().find(|&(one, other)| {
            let cells = count(one);
            let most = [',', ';', '\t'].into_iter().map(count).max();
            cells > 1 && cells == count(other) && Some(cells) == most
        })
    }

    /// Reads it where it is known what separates the cells.
    pub(super) fn separated(row: &[u8], delimiter: u8) -> Header {
        let names = split(row, delimiter)
            .into_iter()
            .map(|cell| text_of(cell).trim().to_string())
            .collect();
        Header { delimiter, names }
    }

    /// A number that differs when the columns do, or what separates them.
    pub(super) fn layout(&self) -> u64 {
        let mut text = self.names.join("\n");
        text.push(char::from(self.delimiter));
        xxh3_64(text.as_bytes())
    }

    /// Whether all cells of a row are empty: spreadsheets leave such rows at the end.
    pub(super) fn is_empty_row(&self, row: &[u8]) -> bool {
        row.iter().all(|byte| *byte == self.delimiter || byte.is_ascii_whitespace())
    }

    /// A name that several columns have. Columns without a name are nobody's.
    pub(super) fn repeated(&self) -> Option<&str> {
        let twice =
            |(at, name): (usize, &String)| !name.is_empty() && self.names[..at].contains(name);
        self.names
            .iter()
            .enumerate()
            .find(|(at, name)| twice((*at, name)))
            .map(|(_, name)| name.as_str())
    }

    /// The column of a property.
    pub(super) fn column(&self, path: &str) -> Option<usize> {
        self.names.iter().position(|name| name == path)
    }
}

/// The cells of a row as they are written, quotes included.
pub(super) fn split(row: &[u8], delimiter: u8) -> Vec<&[u8]> {
    let mut cells = Vec::new();
    let (mut from, mut state) = (0, Cell::Start);
    for (at, &byte) in row.iter().enumerate() {
        if byte == delimiter && state != Cell::Quoted {
            cells.push(&row[from..at]);
            from = at + 1;
        }
        state = state.after(byte, delimiter);
    }
    cells.push(&row[from..]);
    cells
}

/// R8: whether the cells of a row are the names of the columns: where files were joined.
pub(super) fn repeats(names: &[String], cells: &[&[u8]]) -> bool {
    cells.len() == names.len()
        && cells.iter().zip(names).all(|(cell, name)| text_of(cell).trim() == name)
}

/// R8: whether something stands behind the quote that ends a cell, so that what the cell says is a
/// guess.
pub(super) fn is_broken(row: &[u8], delimiter: u8) -> bool {
    let mut state = Cell::Start;
    row.iter().any(|&byte| {
        let strays = state.is_left_by(byte, delimiter);
        state = state.after(byte, delimiter);
        strays
    })
}

/// R8: whether each line of a row that quotes spread over several would be a row of its own without
/// them, with cells that look like those of the first: then two stray quotes have made several
/// records one, and as many cells as there ought to be hide that. Of two columns a text of several
/// lines may well look so.
pub(super) fn reads_as_rows(row: &[u8], delimiter: u8, width: usize) -> bool {
    let cells = |line: &[u8]| -> Vec<Likeness> {
        let line = line.trim_ascii_end();
        line.split(|byte| *byte == delimiter).map(Likeness::of).collect()
    };
    let mut lines = row.split(|byte| *byte == b'\n').map(cells);
    let is_one = |first: &Vec<Likeness>| width > 2 && first.len() == width;
    let Some(first) = lines.next().filter(is_one) else { return false };
    let tells = |at: usize, of: Likeness| of == first[at] && of != Likeness::Text;
    lines.all(|line| {
        line.len() == width
            && (0..width).any(|at| tells(at, line[at]) && first[at] != Likeness::Empty)
            && (0..width)
                .all(|at| line[at] == first[at] || [line[at], first[at]].contains(&Likeness::Empty))
    })
}

/// What a cell looks like.
#[derive(Clone, Copy, PartialEq)]
enum Likeness {
    Empty,
    Digits,
    /// A word of letters and digits.
    Code,
    Address,
    Text,
}

impl Likeness {
    fn of(cell: &[u8]) -> Likeness {
        let cell = cell.trim_ascii();
        let cell = cell.strip_prefix(b"\"").unwrap_or(cell);
        let cell = cell.strip_suffix(b"\"").unwrap_or(cell);
        let has = |is: fn(&u8) -> bool| cell.iter().any(is);
        match () {
            () if cell.is_empty() => Likeness::Empty,
            () if has(|byte| byte.is_ascii_whitespace()) => Likeness::Text,
            () if cell.contains(&b'@') => Likeness::Address,
            () if cell.iter().all(u8::is_ascii_digit) => Likeness::Digits,
            () if has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) => Likeness::Code,
            () => Likeness::Text,
        }
    }
}

/// What a written cell says.
pub(super) fn text_of(cell: &[u8]) -> Cow<'_, str> {
    let Some(inner) = cell.strip_prefix(b"\"") else {
        return String::from_utf8_lossy(cell);
    };
    let mut text = Vec::with_capacity(inner.len());
    let mut state = Cell::Quoted;
    for &byte in inner {
        // A quote is text only as the second of two; one that stands alone opens or closes.
        if byte != b'"' || state == Cell::Closed {
            text.push(byte);
        }
        state = match (state, byte) {
            (Cell::Quoted, b'"') => Cell::Closed,
            (Cell::Closed, b'"') => Cell::Quoted,
            (state, _) => state,
        };
    }
    Cow::Owned(String::from_utf8_lossy(&text).into_owned())
}

/// A cell's value: a text, or nothing.
pub(super) fn value_of(cell: &[u8]) -> Value {
    let text = text_of(cell);
    if text.is_empty() { Value::Null } else { Value::String(text.into_owned()) }
}

/// Whether a written cell stands in quotes.
pub(super) fn is_quoted(cell: &[u8]) -> bool {
    cell.first() == Some(&b'"')
}

/// A text as a cell is written: in quotes where the file writes it so (`quoted`), or where it needs
/// them.
pub(super) fn cell_of(text: &str, delimiter: u8, quoted: bool) -> Vec<u8> {
    let special = |byte: u8| matches!(byte, b'"' | b'\n' | b'\r') || byte == delimiter;
    if quoted || text.bytes().any(special) || text.trim() != text {
        format!("\"{}\"", text.replace('"', "\"\"")).into_bytes()
    } else {
        text.as_bytes().to_vec()
    }
}

/// Cells as a row.
pub(super) fn join(cells: &[Cow<'_, [u8]>], delimiter: u8) -> Vec<u8> {
    cells.join(&delimiter)
}

/// A value as the text of a cell; `Err` says why it can't be one.
pub(super) fn text_for(value: &Value) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::Array(list) if list.len() <= 1 => list.first().map_or(Ok(String::new()), text_for),
        Value::Array(_) | Value::Object(_) => {
            Err("a list or an object can't stand in a cell of a CSV file".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_split_as_the_csv_library_splits_them() {
        for row in [
            "a,b,c",
            "",
            ",",
            "\"a,b\",c",
            "\"a \"\"b\"\" c\",d",
            "5\" pipe,x",
            "\"two\nlines\",y",
            "a,\"\",b",
            "å,\"ø;\",æ",
        ] {
            let mut reader =
                ::csv::ReaderBuilder::new().has_headers(false).from_reader(row.as_bytes());
            let expected: Vec<String> = reader
                .records()
                .next()
                .map_or(vec![String::new()], |r| r.unwrap().iter().map(str::to_string).collect());
            let ours: Vec<String> = split(row.as_bytes(), b',')
                .into_iter()
                .map(|cell| text_of(cell).into_owned())
                .collect();
            assert_eq!(ours, expected, "{row:?}");
        }
    }

    #[test]
    fn r8_a_row_of_several_lines_is_told_from_several_rows_in_quotes() {
        for torn in [
            "4,\"N4,n4@example.com,22000004,T4\n5,N5\",n5@example.com,22000005,T5",
            "k4,\"N4,n4@example.com,,T4\r\nk5,N5,,22000005,T5\r\nk6,N6\",n6@example.com,,T6",
        ] {
            assert!(reads_as_rows(torn.as_bytes(), b',', 5), "{torn:?}");
        }
        for whole in [
            "4,Åse,a@example.com,22000004,\"Storgata 1\n0155 Oslo\"",
            "4,Åse,a@example.com,22000004,\"Likes\ntea, coffee, milk, water, juice\"",
            "4,Åse,a@example.com,22000004,\"Moss, Oslo, Tromsø\nBodø\"",
            "\"Åse\nBerg\",a,b,c,d",
        ] {
            assert!(!reads_as_rows(whole.as_bytes(), b',', 5), "{whole:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for text in
            ["", "plain", "a;b", "say \"hi\"", "two\r\nlines", " spaced ", "\"", "Åse, Ørjan"]
        {
            for delimiter in [b',', b';', b'\t'] {
                for quoted in [false, true] {
                    assert_eq!(text_of(&cell_of(text, delimiter, quoted)), text);
                    assert_eq!(
                        split(&cell_of(text, delimiter, quoted), delimiter).len(),
                        1,
                        "{text:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_first_row_tells_what_separates_the_cells() {
        assert_eq!(Header::parse(b"id, name ,mail").names, ["id", "name", "mail"]);
        assert_eq!(Header::parse("id;navn;\"e-post, privat\"".as_bytes()).delimiter, b';');
        assert_eq!(Header::parse(b"id").delimiter, b',');
    }
}
