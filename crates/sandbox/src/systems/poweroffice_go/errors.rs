//! Answers of errors.

use super::kind::Kind;
use crate::http::Reply;
use serde_json::json;

/// The vendor's ProblemDetails, with the lower-case keys that its examples have.
pub(super) fn problem(status: u16, title: &str, detail: &str) -> Reply {
    Reply::json(status, &json!({"type":null,"title":title,"status":status,"detail":detail}))
        .header("content-type", "application/problem+json; charset=utf-8")
}

pub(super) fn not_found(what: &str, id: &str) -> Reply {
    problem(404, "Object(s) not found", &format!("{what} with id = {id} not found."))
}

pub(super) fn no_subscription() -> Reply {
    Reply::json(
        401,
        &json!({"statusCode":401,"message":"Access denied due to missing or invalid subscription key."}),
    )
}

/// A confirmed order takes no change.
pub(super) fn refused() -> Reply {
    problem(
        400,
        &Kind::SalesOrders.validation(),
        "The sales order is confirmed and cannot be changed. Set SalesOrderStatus to Draft first.",
    )
}
