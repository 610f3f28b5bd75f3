//! Tripletex, against the vendor's OpenAPI description.

use super::openapi::OpenApi;
use super::{fits, published};

#[test]
fn every_request_is_one_of_the_vendors_description() {
    let Some(text) = published("tripletex.json") else { return };
    let keys = [("consumer_token", "consumer"), ("employee_token", "employee")];
    fits("tripletex", &keys, &OpenApi::read(&text, "/v2"), &[]);
}
