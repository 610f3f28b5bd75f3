//! Bodies as HTML forms send them (`application/x-www-form-urlencoded`), with what is nested in
//! brackets: `address[city]`, `lines[0][sku]`.

use serde_json::Value;

use super::template::percent_encoded;

/// A body as form fields. What is empty is sent empty, so that it empties; lists are counted from
/// 0.
pub fn as_form(body: &Value) -> String {
    let mut pairs = Vec::new();
    if let Value::Object(map) = body {
        map.iter().for_each(|(key, value)| fields(&percent_encoded(key), value, &mut pairs));
    }
    pairs.join("&")
}

fn fields(name: &str, value: &Value, pairs: &mut Vec<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(key, value)| {
                fields(&format!("{name}%5B{}%5D", percent_encoded(key)), value, pairs)
            });
        }
        Value::Array(list) if !list.is_empty() => {
            list.iter()
                .enumerate()
                .for_each(|(at, value)| fields(&format!("{name}%5B{at}%5D"), value, pairs));
        }
        Value::Null | Value::Object(_) | Value::Array(_) => pairs.push(format!("{name}=")),
        Value::String(text) => pairs.push(format!("{name}={}", percent_encoded(text))),
        other => pairs.push(format!("{name}={}", percent_encoded(&other.to_string()))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::as_form;

    #[test]
    fn what_is_nested_stands_in_brackets() {
        let body = json!({"name": "Åse & co", "address": {"city": "Moss", "line2": null}, "lines": [{"n": 1}, {"n": 2.5}], "vip": true, "tags": []});
        assert_eq!(
            as_form(&body),
            "address%5Bcity%5D=Moss&address%5Bline2%5D=&lines%5B0%5D%5Bn%5D=1&lines%5B1%5D%5Bn%5D=2.5&name=%C3%85se%20%26%20co&tags=&vip=true"
        );
        assert_eq!(as_form(&json!({})), "");
    }
}
