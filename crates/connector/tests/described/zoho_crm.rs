//! Zoho CRM, against the vendor's OpenAPI description. It describes a record as an object of
//! anything, but for its id and times: fields of modules are the account's own.

use super::openapi::OpenApi;
use super::{fits, published};

#[test]
fn every_request_is_one_of_the_vendors_description() {
    let Some(text) = published("zoho-crm.json") else { return };
    let keys = [("client_id", "id"), ("client_secret", "secret"), ("refresh_token", "refresh")];
    fits("zoho-crm", &keys, &OpenApi::read(&text, ""), &["/oauth/v2/token"]);
}
