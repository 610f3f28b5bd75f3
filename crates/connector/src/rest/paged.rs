//! The request for one page of what is listed or looked up.

use lockstep_model::Timestamp;
use serde_json::{Value, json};

use super::walk::{Next, Walk};
use super::written::{Paging, RequestYaml};

/// The request for a page, and the variables of its templates.
pub(super) fn page_request(
    request: &RequestYaml,
    paging: &Paging,
    walk: &Walk,
    first: Option<usize>,
    limit: usize,
    since: Option<Timestamp>,
) -> (RequestYaml, Vec<(&'static str, Value)>) {
    let asked = request.clone();
    let mut variables = vec![("limit", json!(limit))];
    if let Some(since) = since {
        let whole = since.to_string();
        // Without zone and fractions, and as a Unix time, as some systems want it.
        variables.push(("since_plain", json!(whole.get(..19).unwrap_or(&whole))));
        variables.push(("since_unix", json!(since.0.div_euclid(1000))));
        variables.push(("since", json!(whole)));
    }
    match (paging, &walk.next) {
        (Paging::Offset { .. }, Some(Next::Offset(offset))) => {
            variables.push(("offset", json!(offset)))
        }
        (Paging::Offset { .. }, _) => variables.push(("offset", json!(0))),
        (Paging::Page { .. }, Some(Next::Page(page))) => variables.push(("page", json!(page))),
        (Paging::Page { first: said, .. }, _) => {
            variables.push(("page", json!(said.or(first).unwrap_or(1))))
        }
        (Paging::Cursor { .. }, Some(Next::Cursor(cursor))) => {
            variables.push(("cursor", json!(cursor)))
        }
        (Paging::None | Paging::Cursor { .. } | Paging::Next { .. } | Paging::Link { .. }, _) => {}
    }
    (asked, variables)
}
