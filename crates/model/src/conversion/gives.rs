//! What a conversion gives, as far as it can be told from its list alone.

use serde_json::Value;

use super::catalogue::Op;
use super::{Computation, Conversion, Node, aggregate};
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

    /// By which property of its elements it puts a list in order.
    pub fn ordered_by(&self) -> Option<Path> {
        let Conversion::Computed(Computation(Node::Call(Op::Order, arguments))) = self else {
            return None;
        };
        let Some(Node::Constant(Value::String(by))) = arguments.first() else { return None };
        aggregate::by(by).ok()?.0
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
    use serde_json::json;

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
