//! WooCommerce: its reference is text, and no description of it is published. What can be tried is
//! that everything the manifest has can be asked for.

use super::exercise::exercise;
use super::manifest;

#[test]
fn everything_that_the_manifest_has_can_be_asked_for() {
    let keys = [("consumer_key", "ck_1"), ("consumer_secret", "cs_1")];
    let exchanged = exercise("woocommerce", &manifest("woocommerce"), &keys);
    let asked: Vec<String> = exchanged
        .requests
        .iter()
        .map(|asked| format!("{} {}", asked.method, asked.path.split('?').next().unwrap()))
        .collect();
    for set in ["customers", "products", "products/categories", "orders"] {
        let all = format!("/wp-json/wc/v3/{set}");
        for request in [
            format!("GET {all}"),
            format!("GET {all}/4711"),
            format!("POST {all}"),
            format!("PUT {all}/4711"),
            format!("DELETE {all}/4711"),
        ] {
            assert!(asked.contains(&request), "{request}: {asked:#?}");
        }
    }
    // A price is a text, an emptied one an empty text.
    let sent = |method: &str, what: &str| {
        exchanged.requests.iter().any(|asked| asked.method == method && asked.body.contains(what))
    };
    assert!(sent("POST", "\"regular_price\":\"1.50\""));
    assert!(sent("PUT", "\"regular_price\":\"\""));
    assert!(sent("POST", "\"categories\":[{\"id\":7}]"));
}
