//! Shopify, against the schema of its GraphQL Admin API.

use super::graphql::Schema;
use super::{fits, published};

#[test]
fn every_query_is_one_of_the_vendors_schema() {
    let Some(text) = published("shopify-admin.graphql") else { return };
    // The key is tried by the older interface, which has one address for GET.
    let known = ["GET /admin/api/2026-07/shop.json"];
    fits("shopify", &[("access_token", "shpat")], &Schema::read(&text), &known);
}
