//! Business Central, against the metadata that a tenant serves of its API v2.0.

use super::edmx::Edmx;
use super::{fits, manifest, published};

const COMPANY: &str = "99999999-2222-4333-8444-555555555555";

#[test]
fn every_request_is_one_of_the_vendors_metadata() {
    let Some(text) = published("businesscentral-v2.0-metadata.xml") else { return };
    let keys = [
        ("tenant_id", "example.com"),
        ("company_id", COMPANY),
        ("client_id", "id"),
        ("client_secret", "secret"),
    ];
    fits("business-central", &keys, &Edmx::read(&text), &["oauth2/v2.0/token"]);
}

#[test]
fn texts_are_as_long_as_the_metadata_says() {
    let Some(text) = published("businesscentral-v2.0-metadata.xml") else { return };
    let edmx = Edmx::read(&text);
    for (kind, ty) in &manifest("business-central").types {
        let mut set = kind.clone();
        set[..1].make_ascii_lowercase();
        for (path, property) in &ty.properties {
            // A reference holds an id here, and a number there.
            if !property.read_only && property.reference_by.is_none() {
                assert_eq!(property.max_chars, edmx.max_chars(&set, path), "{kind} {path}");
            }
        }
    }
}
