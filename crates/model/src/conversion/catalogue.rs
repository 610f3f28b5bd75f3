//! The operations that a conversion can be made of: their names, their arguments, and the near name
//! of one that is misspelt.
//!
//! The names and the order of arguments are those of Sesam's DTL functions
//! (<https://docs.sesam.io/hub/dtl/>), from which the conversions in dataflow documents come; what
//! each gives is said in `docs/conversions.md`. What an operation does stands in `apply`, its way
//! back in `reverse`.

use std::ops::RangeInclusive;

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    String,
    Integer,
    Float,
    Decimal,
    Boolean,
    List,
    DatetimeFormat,
    DatetimeParse,
    DatetimeDiff,
    Now,
    Replace,
    Upper,
    Lower,
    Strip,
    Substring,
    Concat,
    WithoutPrefix,
    WithoutSuffix,
    Join,
    Split,
    Slice,
    First,
    Last,
    Length,
    Count,
    Sum,
    Product,
    Min,
    Max,
    Any,
    Order,
    Abs,
    Multiply,
    Divide,
    Plus,
    Round,
    TrimZeros,
    DateAdd,
    Map,
    If,
    IfNull,
    Coalesce,
    IsEmpty,
    IsNull,
    Eq,
    Neq,
    Gt,
    Gte,
    Lt,
    Lte,
    Matches,
    And,
    Or,
    Not,
    Fail,
}

/// What an argument that is settled by the conversion itself, and never by the value, must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Constant {
    /// Any text.
    Text,
    /// A text that is not empty.
    Something,
    /// A whole number; a negative one counts from the end.
    Index,
    /// A time zone's name, `Europe/Oslo`.
    Zone,
    /// How a time is written, `%Y-%m-%d`.
    Format,
    /// A unit of time, `day`.
    Unit,
    /// A number.
    Number,
    /// How many digits behind the point.
    Digits,
    /// Pairs of values: `[["Norway","NO"],["Denmark","DK"]]`.
    Pairs,
    /// By what a list is put in order: `amount desc`; of single values `asc` or `desc`.
    By,
    /// What becomes of a value that is in no pair: `review`, `pass` or `empty`.
    Else,
}

/// How an operation is written.
#[derive(Debug)]
pub(super) struct Shape {
    pub op: Op,
    pub name: &'static str,
    /// As it is shown to a person: `["slice", START, END?, VALUE]`.
    pub signature: &'static str,
    /// The constants that come first; where some can be left out, each way to write them, of
    /// different lengths.
    pub constants: &'static [&'static [Constant]],
    /// How many values come after them. One only, where the constants can be written in several
    /// ways.
    pub values: RangeInclusive<usize>,
}

const NONE: &[&[Constant]] = &[&[]];
const MANY: usize = 64;
const TIME: &[&[Constant]] = &[&[Constant::Format], &[Constant::Zone, Constant::Format]];
const RANGE: &[&[Constant]] = &[&[Constant::Index], &[Constant::Index, Constant::Index]];
const NUMBER: &[&[Constant]] = &[&[Constant::Number]];
const PERHAPS_TEXT: &[&[Constant]] = &[&[], &[Constant::Something]];

const fn shape(
    op: Op,
    name: &'static str,
    signature: &'static str,
    constants: &'static [&'static [Constant]],
    values: RangeInclusive<usize>,
) -> Shape {
    Shape { op, name, signature, constants, values }
}

/// Every operation, in the order of the document.
pub(super) const SHAPES: &[Shape] = &[
    shape(Op::String, "string", r#"["string", VALUE]"#, NONE, 1..=1),
    shape(Op::Integer, "integer", r#"["integer", VALUE]"#, NONE, 1..=1),
    shape(Op::Float, "float", r#"["float", VALUE]"#, NONE, 1..=1),
    shape(Op::Decimal, "decimal", r#"["decimal", VALUE]"#, NONE, 1..=1),
    shape(Op::Boolean, "boolean", r#"["boolean", VALUE]"#, NONE, 1..=1),
    shape(Op::List, "list", r#"["list", VALUE, …]"#, NONE, 0..=MANY),
    shape(
        Op::DatetimeFormat,
        "datetime-format",
        r#"["datetime-format", ZONE?, FORMAT, VALUE]"#,
        TIME,
        1..=1,
    ),
    shape(
        Op::DatetimeParse,
        "datetime-parse",
        r#"["datetime-parse", ZONE?, FORMAT, VALUE]"#,
        TIME,
        1..=1,
    ),
    shape(
        Op::DatetimeDiff,
        "datetime-diff",
        r#"["datetime-diff", UNIT, VALUE, VALUE]"#,
        &[&[Constant::Unit]],
        2..=2,
    ),
    shape(Op::Now, "now", r#"["now"]"#, NONE, 0..=0),
    shape(
        Op::Replace,
        "replace",
        r#"["replace", OLD, NEW, VALUE]"#,
        &[&[Constant::Something, Constant::Text]],
        1..=1,
    ),
    shape(Op::Upper, "upper", r#"["upper", VALUE]"#, NONE, 1..=1),
    shape(Op::Lower, "lower", r#"["lower", VALUE]"#, NONE, 1..=1),
    shape(Op::Strip, "strip", r#"["strip", CHARACTERS?, VALUE]"#, PERHAPS_TEXT, 1..=1),
    shape(Op::Substring, "substring", r#"["substring", START, END?, VALUE]"#, RANGE, 1..=1),
    shape(Op::Concat, "concat", r#"["concat", VALUE, …]"#, NONE, 1..=MANY),
    shape(
        Op::WithoutPrefix,
        "without-prefix",
        r#"["without-prefix", PREFIX, VALUE]"#,
        &[&[Constant::Something]],
        1..=1,
    ),
    shape(
        Op::WithoutSuffix,
        "without-suffix",
        r#"["without-suffix", SUFFIX, VALUE]"#,
        &[&[Constant::Something]],
        1..=1,
    ),
    shape(Op::Join, "join", r#"["join", SEPARATOR, VALUE]"#, &[&[Constant::Text]], 1..=1),
    shape(Op::Split, "split", r#"["split", SEPARATOR?, VALUE]"#, PERHAPS_TEXT, 1..=1),
    shape(Op::Slice, "slice", r#"["slice", START, END?, VALUE]"#, RANGE, 1..=1),
    shape(Op::First, "first", r#"["first", VALUE]"#, NONE, 1..=1),
    shape(Op::Last, "last", r#"["last", VALUE]"#, NONE, 1..=1),
    shape(Op::Length, "length", r#"["length", VALUE]"#, NONE, 1..=1),
    shape(Op::Count, "count", r#"["count", VALUE]"#, NONE, 1..=1),
    shape(Op::Sum, "sum", r#"["sum", VALUE]"#, NONE, 1..=1),
    shape(Op::Product, "product", r#"["product", VALUE]"#, NONE, 1..=1),
    shape(Op::Min, "min", r#"["min", VALUE]"#, NONE, 1..=1),
    shape(Op::Max, "max", r#"["max", VALUE]"#, NONE, 1..=1),
    shape(Op::Any, "any", r#"["any", VALUE]"#, NONE, 1..=1),
    shape(Op::Order, "order", r#"["order", BY, VALUE]"#, &[&[Constant::By]], 1..=1),
    shape(Op::Abs, "abs", r#"["abs", VALUE]"#, NONE, 1..=1),
    shape(Op::Multiply, "multiply", r#"["multiply", NUMBER, VALUE]"#, NUMBER, 1..=1),
    shape(Op::Divide, "divide", r#"["divide", NUMBER, VALUE]"#, NUMBER, 1..=1),
    shape(Op::Plus, "plus", r#"["plus", NUMBER, VALUE]"#, NUMBER, 1..=1),
    shape(Op::Round, "round", r#"["round", DIGITS?, VALUE]"#, &[&[], &[Constant::Digits]], 1..=1),
    shape(Op::TrimZeros, "trim-zeros", r#"["trim-zeros", VALUE]"#, NONE, 1..=1),
    shape(
        Op::DateAdd,
        "date-add",
        r#"["date-add", UNIT, NUMBER, VALUE]"#,
        &[&[Constant::Unit, Constant::Index]],
        1..=1,
    ),
    shape(
        Op::Map,
        "map",
        r#"["map", PAIRS, ELSE?, VALUE]"#,
        &[&[Constant::Pairs], &[Constant::Pairs, Constant::Else]],
        1..=1,
    ),
    shape(Op::If, "if", r#"["if", CONDITION, THEN, ELSE?]"#, NONE, 2..=3),
    shape(Op::IfNull, "if-null", r#"["if-null", VALUE, INSTEAD]"#, NONE, 2..=2),
    shape(Op::Coalesce, "coalesce", r#"["coalesce", VALUE, …]"#, NONE, 1..=MANY),
    shape(Op::IsEmpty, "is-empty", r#"["is-empty", VALUE]"#, NONE, 1..=1),
    shape(Op::IsNull, "is-null", r#"["is-null", VALUE]"#, NONE, 1..=1),
    shape(Op::Eq, "eq", r#"["eq", VALUE, VALUE]"#, NONE, 2..=2),
    shape(Op::Neq, "neq", r#"["neq", VALUE, VALUE]"#, NONE, 2..=2),
    shape(Op::Gt, "gt", r#"["gt", VALUE, VALUE]"#, NONE, 2..=2),
    shape(Op::Gte, "gte", r#"["gte", VALUE, VALUE]"#, NONE, 2..=2),
    shape(Op::Lt, "lt", r#"["lt", VALUE, VALUE]"#, NONE, 2..=2),
    shape(Op::Lte, "lte", r#"["lte", VALUE, VALUE]"#, NONE, 2..=2),
    shape(Op::Matches, "matches", r#"["matches", PATTERN, VALUE]"#, &[&[Constant::Text]], 1..=1),
    shape(Op::And, "and", r#"["and", CONDITION, …]"#, NONE, 1..=MANY),
    shape(Op::Or, "or", r#"["or", CONDITION, …]"#, NONE, 1..=MANY),
    shape(Op::Not, "not", r#"["not", CONDITION]"#, NONE, 1..=1),
    shape(Op::Fail, "fail", r#"["fail", WHY]"#, &[&[Constant::Text]], 0..=0),
];

/// What keeps a list or a text from being read as anything else: `["literal", X]` is X.
pub(super) const LITERAL: &str = "literal";

/// Names that other tools have for the same.
const OTHERS_NAMES: &[(&str, &str)] = &[
    ("trim", "strip"),
    ("len", "length"),
    ("size", "count"),
    ("int", "integer"),
    ("str", "string"),
    ("text", "string"),
    ("bool", "boolean"),
    ("number", "decimal"),
    ("uppercase", "upper"),
    ("lowercase", "lower"),
    ("date-format", "datetime-format"),
    ("date-parse", "datetime-parse"),
    ("case", "if"),
    ("switch", "map"),
    ("lookup", "map"),
    ("enum", "map"),
    ("times", "multiply"),
    ("add", "plus"),
    ("total", "sum"),
    ("sort", "order"),
    ("sorted", "order"),
    ("some", "any"),
    ("datetime-plus", "date-add"),
    ("datetime-add", "date-add"),
    ("default", "if-null"),
    ("equals", "eq"),
    ("ne", "neq"),
    ("like", "matches"),
    ("lstrip", "strip"),
    ("rstrip", "strip"),
];

impl Op {
    pub(super) fn shape(self) -> &'static Shape {
        SHAPES.iter().find(|shape| shape.op == self).unwrap_or(&SHAPES[0])
    }

    pub(super) fn name(self) -> &'static str {
        self.shape().name
    }

    /// Whether it makes its value one of a plain type, and does nothing else.
    pub(super) fn is_plain_type(self) -> bool {
        matches!(self, Op::String | Op::Integer | Op::Float | Op::Decimal | Op::Boolean)
    }

    pub(super) fn named(name: &str) -> Option<Op> {
        SHAPES.iter().find(|shape| shape.name == name).map(|shape| shape.op)
    }
}

impl Shape {
    /// The constants of a call with so many arguments in all; `None` where it can't have so many.
    pub(super) fn constants_of(&self, arguments: usize) -> Option<&'static [Constant]> {
        self.constants.iter().copied().find(|c| {
            arguments.checked_sub(c.len()).is_some_and(|rest| self.values.contains(&rest))
        })
    }
}

/// The name among these that was probably meant.
pub(super) fn near<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.trim().to_lowercase().replace('_', "-");
    let others = OTHERS_NAMES.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| *ours);
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        if Some(candidate) == others {
            return Some(candidate);
        }
        let distance = distance(&name, candidate);
        if distance <= 1 + candidate.len() / 5 && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// How many characters have to be put in, taken out or changed to make one of the other
/// (Levenshtein's distance).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    // A name that long is near to none, and needs no look.
    for (i, left) in a.chars().take(64).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, right) in b.iter().enumerate() {
            let changed = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_near_to_the_right_one() {
        let near = |name| near(name, SHAPES.iter().map(|shape| shape.name));
        assert_eq!(near("datetime-fromat"), Some("datetime-format"));
        assert_eq!(near("is_null"), Some("is-null"));
        assert_eq!(near("Upper"), Some("upper"));
        assert_eq!(near("trim"), Some("strip"));
        assert_eq!(near("geocode"), None);
    }

    #[test]
    fn every_operation_is_listed_once_and_can_be_written_in_one_way_only() {
        for shape in SHAPES {
            assert_eq!(Op::named(shape.name), Some(shape.op));
            assert_eq!(shape.op.name(), shape.name);
            assert!(
                shape.constants.len() == 1 || shape.values == (1..=1),
                "{} could be read in two ways",
                shape.name
            );
        }
    }
}
