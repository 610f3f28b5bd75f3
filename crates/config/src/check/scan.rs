//! The comparisons of a filter with literals, found in its text.

use std::ops::Range;

/// How a path is compared, read with the path in front: `3 < n` is `More`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Unequal,
    /// `<` and `<=`
    Less,
    /// `>` and `>=`
    More,
    In,
    NotIn,
}

/// What a literal is; those of a list are all of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    Text,
    Number,
    Truth,
}

/// A comparison of a path with literals, as byte ranges of the expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Comparison {
    pub span: Range<usize>,
    pub path: Range<usize>,
    pub operator: Operator,
    pub literal: Literal,
    pub literals: Vec<Range<usize>>,
}

impl Comparison {
    pub(super) fn path<'e>(&self, expression: &'e str) -> &'e str {
        &expression[self.path.clone()]
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Token {
    span: Range<usize>,
    is: Is,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    Literal(Literal),
    Path,
    /// A word of the language, or a sign.
    Other,
}

/// Words of the language that are neither paths nor literals.
const WORDS: [&str; 9] = ["and", "or", "not", "in", "is", "if", "else", "none", "None"];

/// Beside these a comparison begins and ends.
const BEFORE: [&str; 6] = ["and", "or", "not", "(", "if", "else"];
const AFTER: [&str; 5] = ["and", "or", ")", "if", "else"];

/// The comparisons of paths with literals that stand by themselves.
pub(super) fn comparisons(expression: &str) -> Vec<Comparison> {
    let tokens = tokens(expression);
    (0..tokens.len()).filter_map(|at| comparison(expression, &tokens, at)).collect()
}

/// Whether an expression asks what a path holds: `n is string`.
pub(super) fn is_asked_for_its_type(expression: &str, path: &str) -> bool {
    let tokens = tokens(expression);
    let text = |at: usize| tokens.get(at).map_or("", |token| &expression[token.span.clone()]);
    (0..tokens.len()).any(|at| {
        let test = if text(at + 2) == "not" { text(at + 3) } else { text(at + 2) };
        text(at) == path
            && text(at + 1) == "is"
            && matches!(test, "string" | "number" | "integer" | "float" | "boolean")
    })
}

/// The comparison whose sign or word is this token.
fn comparison(expression: &str, tokens: &[Token], at: usize) -> Option<Comparison> {
    let text = |at: usize| tokens.get(at).map_or("", |token| &expression[token.span.clone()]);
    let negated = text(at) == "in" && at > 0 && text(at - 1) == "not";
    let operator = match text(at) {
        "==" => Operator::Equal,
        "!=" => Operator::Unequal,
        "<" | "<=" => Operator::Less,
        ">" | ">=" => Operator::More,
        "in" if negated => Operator::NotIn,
        "in" => Operator::In,
        _ => return None,
    };
    let last = at.checked_sub(1 + usize::from(negated))?;
    let first = if last > 0 && text(last - 1) == "-" { last - 1 } else { last };
    let is_list = matches!(operator, Operator::In | Operator::NotIn);
    let (left, end) = operand(expression, tokens, first, false)?;
    let (right, after) = operand(expression, tokens, at + 1, is_list)?;
    let alone = end == last + 1
        && (first == 0 || BEFORE.contains(&text(first - 1)))
        && (after == tokens.len() || AFTER.contains(&text(after)));
    let (path, (literal, literals), operator) = match (left, right) {
        _ if !alone => return None,
        (Operand::Path(path), Operand::Literals(literal, literals)) => {
            (path, (literal, literals), operator)
        }
        (Operand::Literals(literal, literals), Operand::Path(path)) if !is_list => {
            let turned = match operator {
                Operator::Less => Operator::More,
                Operator::More => Operator::Less,
                same => same,
            };
            (path, (literal, literals), turned)
        }
        _ => return None,
    };
    let span = tokens[first].span.start..tokens[after - 1].span.end;
    Some(Comparison { span, path, operator, literal, literals })
}

enum Operand {
    Path(Range<usize>),
    Literals(Literal, Vec<Range<usize>>),
}

/// The operand that begins at a token, and the token behind it.
fn operand(
    expression: &str,
    tokens: &[Token],
    at: usize,
    is_list: bool,
) -> Option<(Operand, usize)> {
    let text = |at: usize| tokens.get(at).map_or("", |token| &expression[token.span.clone()]);
    if is_list {
        let close = match text(at) {
            "[" => "]",
            "(" => ")",
            _ => return None,
        };
        let (mut all, mut next) = (Vec::new(), at + 1);
        let mut literal = None;
        while text(next) != close {
            let (Operand::Literals(one, span), after) = operand(expression, tokens, next, false)?
            else {
                return None;
            };
            if *literal.get_or_insert(one) != one {
                return None;
            }
            all.extend(span);
            next = if text(after) == "," { after + 1 } else { after };
        }
        return Some((Operand::Literals(literal?, all), next + 1));
    }
    let token = tokens.get(at)?;
    match token.is {
        Is::Path => Some((Operand::Path(token.span.clone()), at + 1)),
        Is::Literal(literal) => {
            Some((Operand::Literals(literal, vec![token.span.clone()]), at + 1))
        }
        Is::Other if text(at) == "-" => {
            let number = tokens.get(at + 1).filter(|n| n.is == Is::Literal(Literal::Number))?;
            let span = token.span.start..number.span.end;
            Some((Operand::Literals(Literal::Number, vec![span]), at + 2))
        }
        Is::Other => None,
    }
}

fn tokens(expression: &str) -> Vec<Token> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(c) = expression[at..].chars().next() {
        let rest = &expression[at..];
        let (length, is) = match c {
            '"' | '\'' => (quoted_length(rest, c), Is::Literal(Literal::Text)),
            c if c.is_ascii_digit() => (number_length(rest), Is::Literal(Literal::Number)),
            c if c.is_alphabetic() || c == '_' => {
                let length = path_length(rest);
                let is = match &rest[..length] {
                    "true" | "false" | "True" | "False" => Is::Literal(Literal::Truth),
                    word if WORDS.contains(&word) => Is::Other,
                    _ => Is::Path,
                };
                (length, is)
            }
            _ => {
                let two = ["==", "!=", "<=", ">=", "//", "**"];
                let is_two = two.iter().any(|sign| rest.starts_with(sign));
                (if is_two { 2 } else { c.len_utf8() }, Is::Other)
            }
        };
        if !c.is_whitespace() {
            found.push(Token { span: at..at + length, is });
        }
        at += length;
    }
    found
}

fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, c)| at + c.len_utf8())
}

fn number_length(text: &str) -> usize {
    let is_part = |(at, c): (usize, char)| {
        let exponent = text[..at].ends_with(['e', 'E']);
        c.is_ascii_alphanumeric() || matches!(c, '.' | '_') || matches!(c, '+' | '-') && exponent
    };
    text.char_indices().find(|part| !is_part(*part)).map_or(text.len(), |(at, _)| at)
}

/// The length of names with dots between them.
fn path_length(text: &str) -> usize {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    while let Some(rest) = text[end..].strip_prefix('.')
        && rest.starts_with(is_name)
    {
        end += 1 + rest.find(|c| !is_name(c)).unwrap_or(rest.len());
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g10_comparisons_with_literals_are_found() {
        for (expression, path, operator, literal) in [
            ("amount > 100", "amount", Operator::More, Literal::Number),
            ("-1.5e-3 <= a.b and c", "a.b", Operator::More, Literal::Number),
            ("x or (typ == \"a 'b' \\\" c\")", "typ", Operator::Equal, Literal::Text),
            ("not åpen != True", "åpen", Operator::Unequal, Literal::Truth),
            ("typ in [1, -2,]", "typ", Operator::In, Literal::Number),
            ("typ not in ('1', \"2\") and b", "typ", Operator::NotIn, Literal::Text),
        ] {
            let found = comparisons(expression);
            assert_eq!(found.len(), 1, "{expression}: {found:?}");
            let found = &found[0];
            assert_eq!((found.path(expression), found.operator), (path, operator), "{expression}");
            assert_eq!(found.literal, literal, "{expression}");
        }
    }

    #[test]
    fn g10_what_is_calculated_is_no_comparison_with_a_literal() {
        for expression in [
            "amount|float > 100",
            "100 < amount|float",
            "amount + 1 > 100",
            "1 + amount > 100",
            "amount > 100 + b",
            "amount > 100|abs",
            "1 < amount < 3",
            "tags[0] == 3",
            "tags|length > 3",
            "'a' in tags",
            "typ in [1, 'a']",
            "typ in [1, b]",
            "a == b",
            "a is defined",
            "a == none",
            "note == 'x > 3",
        ] {
            let found = comparisons(expression);
            let found: Vec<_> = found.iter().filter(|one| one.literal != Literal::Text).collect();
            assert!(found.is_empty(), "{expression}: {found:?}");
        }
        assert!(is_asked_for_its_type("n is not string and n > 3", "n"));
        assert!(!is_asked_for_its_type("n is defined and n > 3", "n"));
    }
}
