//! What a conversion gives, as far as it can be told from its list alone.

use serde_json::{Value, json};

use super::catalogue::Op;
use super::{Computation, Conversion, Node, Reverse, aggregate};
use crate::path::Path;

impl Conversion {
    /// The values that stand in the conversion itself and that it gives for one value or another:
    /// the right sides of a `map`, what takes the place of nothing, a literal.
    pub fn constants(&self) -> Vec<&Value> {
        let mut found = Vec::new();
        if let Conversion::Computed(Computation(node)) = self {
            constants(node, &mut found);
        }
        found
    }

    /// What makes one value of several properties together, by what their row says: how they are
    /// joined, else how they are split, the other way round. They are joined with a blank, if
    /// neither is a conversion.
    pub fn joining(joins: Option<&Conversion>, splits: Option<&Conversion>) -> Conversion {
        let splits = splits.filter(|splits| matches!(splits, Conversion::Computed(_)));
        let undone = splits.map(Conversion::reverse).and_then(Reverse::conversion);
        let list = match joins.or(undone.as_ref()) {
            Some(conversion @ Conversion::Computed(_)) => return conversion.clone(),
            Some(Conversion::Plain(ty)) if Op::named(ty.name()).is_some() => {
                json!([ty.name(), ["join", " ", "_."]])
            }
            _ => json!(["join", " ", "_."]),
        };
        Conversion::parse(&list).expect("it is a conversion")
    }

    /// What several properties together are joined with, if nothing else is done to them but that
    /// they become a plain type.
    pub fn joined_with(&self) -> Option<String> {
        match self {
            Conversion::Computed(Computation(node)) => joined_with(node),
            Conversion::Plain(_) => Some(" ".into()),
        }
    }

    /// Whether the value itself, and not something made of it, is counted, summed up or put in
    /// order.
    pub fn needs_a_list(&self) -> bool {
        fn needs(node: &Node) -> bool {
            let Node::Call(op, arguments) = node else { return false };
            let of_list = matches!(
                op,
                Op::Count | Op::Sum | Op::Product | Op::Min | Op::Max | Op::Any | Op::Order
            );
            of_list && matches!(arguments.last(), Some(Node::Input)) || arguments.iter().any(needs)
        }
        matches!(self, Conversion::Computed(Computation(node)) if needs(node))
    }

    /// By which property of its elements it puts a list in order.
    pub fn ordered_by(&self) -> Option<Path> {
        let Conversion::Computed(Computation(Node::Call(Op::Order, arguments))) = self else {
            return None;
        };
        let Some(Node::Constant(Value::String(by))) = arguments.first() else { return None };
        aggregate::by(by).ok()?.0
    }
}

fn joined_with(node: &Node) -> Option<String> {
    let Node::Call(op, arguments) = node else { return None };
    match (op, arguments.as_slice()) {
        (Op::Join, [Node::Constant(Value::String(separator)), Node::Input]) => {
            Some(separator.clone())
        }
        (op, [of]) if op.is_plain_type() => joined_with(of),
        _ => None,
    }
}

/// The constants that the node gives, not those that it only makes use of.
fn constants<'n>(node: &'n Node, found: &mut Vec<&'n Value>) {
    match node {
        Node::Constant(value) => found.push(value),
        Node::Input | Node::Table(_) => {}
        Node::Call(op, arguments) => match op {
            Op::Map => {
                if let Some(Node::Table(table)) = arguments.first() {
                    found.extend(table.right_side());
                }
            }
            // The condition of an `if` is not what it gives.
            Op::If => arguments.iter().skip(1).for_each(|node| constants(node, found)),
            Op::IfNull | Op::Coalesce => arguments.iter().for_each(|node| constants(node, found)),
            _ => {}
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_conversion_and_comes_out_of_it() {
        for (list, gives) in [
            (json!(["map", [["Norway", "NO"], ["Denmark", "DK"]], "_."]), json!(["NO", "DK"])),
            (json!(["if-null", "_.", "Unknown"]), json!(["Unknown"])),
            (json!(["literal", 7]), json!([7])),
            (json!(["if", ["eq", "_.", "x"], "yes", ["upper", "no"]]), json!(["yes"])),
            (json!(["coalesce", "_.", ["if-null", "_.", "a"], "b"]), json!(["a", "b"])),
            (json!(["concat", "a", "_."]), json!([])),
        ] {
            let conversion = Conversion::parse(&list).unwrap();
            let given: Vec<Value> = conversion.constants().into_iter().cloned().collect();
            assert_eq!(Value::from(given), gives, "{list}");
        }
    }
}
