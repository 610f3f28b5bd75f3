//! Every request of the built-in manifests of these systems held against what the vendor publishes:
//! paths, methods, parameters of the query, properties of what is sent and of what is read.
//!
//! A small server answers each request with what the manifest expects (`exercise`); what it was
//! asked is then looked up in the vendor's description. The descriptions are not part of this
//! repository (`../shared/apis/openapi`); where one is missing, its test says so.

mod business_central;
mod edmx;
mod exact_online;
mod exercise;
mod graphql;
mod hubspot;
mod openapi;
mod salesforce;
mod shopify;
mod tripletex;
mod woo_commerce;
mod zoho_crm;

use std::path::PathBuf;

use lockstep_connector::rest::written::Manifest;

use crate::serving::Asked;

/// What a vendor publishes of its interface.
trait Description {
    /// What is not in the description of a request, in words; nothing where all is.
    fn remarks(&self, asked: &Asked) -> Vec<String>;

    /// What is not in the description of the answer to a request: a property of the records that
    /// are at a place in it.
    fn missing(&self, asked: &Asked, records_at: &str, property: &str) -> Option<String>;
}

/// A file of the descriptions; `None`, with a word to whoever reads the output, where it is not
/// there.
fn published(file: &str) -> Option<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/apis/openapi");
    let text = std::fs::read_to_string(folder.join(file)).ok();
    if text.is_none() {
        println!("LEFT OUT: there is no ../shared/apis/openapi/{file} here");
    }
    text
}

/// A file of the packages of npm that hold a vendor's types, which `./test` installs
/// (`LOCKSTEP_TYPINGS`).
fn typings(file: &str) -> Option<String> {
    let folder = std::env::var_os("LOCKSTEP_TYPINGS").map(PathBuf::from);
    let text = folder.and_then(|folder| std::fs::read_to_string(folder.join(file)).ok());
    if text.is_none() {
        println!("LEFT OUT: LOCKSTEP_TYPINGS leads to no {file}");
    }
    text
}

/// A built-in manifest.
fn manifest(system: &str) -> Manifest {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("systems/{system}.yaml"));
    let text = std::fs::read_to_string(&path).unwrap();
    lockstep_connector::rest::parse(system, &text).unwrap_or_else(|trouble| panic!("{trouble}"))
}

/// Asks for everything that the manifest has, and compares.
#[track_caller]
fn fits(system: &str, keys: &[(&str, &str)], description: &dyn Description, known: &[&str]) {
    let exchanged = exercise::exercise(system, &manifest(system), keys);
    assert!(exchanged.requests.len() > 5, "{system}: {}", exchanged.requests.len());
    let mut remarks: Vec<String> = Vec::new();
    for asked in &exchanged.requests {
        let of = description.remarks(asked);
        remarks.extend(of.iter().map(|r| format!("{} {}: {r}", asked.method, asked.path)));
    }
    for shown in &exchanged.shown {
        let missing = description.missing(&shown.asked, &shown.records_at, &shown.property);
        remarks.extend(missing.map(|r| format!("{} {}: {r}", shown.of, shown.property)));
    }
    for known in known {
        let before = remarks.len();
        remarks.retain(|remark| !remark.contains(known));
        assert!(remarks.len() < before, "{system}: {known} is not so any more");
    }
    remarks.sort();
    remarks.dedup();
    assert!(
        remarks.is_empty(),
        "{system}, against the vendor's description:\n{}",
        remarks.join("\n")
    );
}
