//! The values that an expression compares with, for whoever looks for records that meet it.

use serde_json::{Value, json};

/// The texts and numbers that stand in an expression.
pub fn literals(expression: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let chars: Vec<char> = expression.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        let before = at.checked_sub(1).map(|at| chars[at]);
        let in_name = before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.');
        match c {
            '"' | '\'' => {
                let end = (at + 1..chars.len()).find(|end| chars[*end] == c).unwrap_or(chars.len());
                found.push(json!(chars[at + 1..end].iter().collect::<String>()));
                at = end;
            }
            '0'..='9' if !in_name => {
                let end = (at..chars.len())
                    .find(|end| !chars[*end].is_ascii_digit() && chars[*end] != '.')
                    .unwrap_or(chars.len());
                let text: String = chars[at..end].iter().collect();
                found.extend(serde_json::from_str::<Value>(&text).ok());
                at = end - 1;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_numbers_are_found_and_names_are_not() {
        let found = literals("kind == \"a 'b' 1\" and size2 > 3.5 or x in ['y', 7]");
        assert_eq!(found, [json!("a 'b' 1"), json!(3.5), json!("y"), json!(7)]);
    }
}
