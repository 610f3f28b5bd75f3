//! Incremental exports: what changed since a time, by cursor for users and tickets, by time for
//! organizations.
//!
//! Items changed within the configured lag (the vendor's: the last minute) are left out. Deleted
//! tickets and users are in it with their marks (unverified), deleted organizations are not;
//! archived tickets are. A cursor holds the last item's time and id.
//!
//! Unverified, and the stricter is chosen: a cursor and a start time together are refused, as the
//! vendor says that the first request alone has a start time; by time, more items of one second
//! than a page holds are the same page for ever.

use super::account::{Zendesk, invalid, not_found};
use crate::http::{Reply, Request, percent_encode};
use crate::util::{base64, time};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Items in one answer when `per_page` does not say.
const PAGE: usize = 1000;

impl Zendesk {
    pub(super) fn incremental_request(
        &self,
        rest: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Reply {
        match rest {
            ["users", "cursor"] => self.by_cursor("users", request, now),
            ["tickets", "cursor"] => self.by_cursor("tickets", request, now),
            ["organizations"] => self.by_time("organizations", request, now),
            ["users"] => self.by_time("users", request, now),
            ["tickets"] => self.by_time("tickets", request, now),
            _ => not_found(),
        }
    }

    /// Items with the second of their last change, in the order of that and of their ids.
    fn changed<'a>(&'a self, name: &str, now: Timestamp) -> Vec<(i64, i64, &'a Value)> {
        let table = match name {
            "users" => &self.users,
            "tickets" => &self.tickets,
            _ => &self.organizations,
        };
        let end = (now - self.incremental_lag).as_second();
        let lags = !self.incremental_lag.is_zero();
        let mut items: Vec<(i64, i64, &Value)> = table
            .listed(now)
            .filter_map(|item| {
                let at = time::parse(item["updated_at"].as_str()?)?.as_second();
                Some((at, item["id"].as_i64()?, item))
            })
            .filter(|(at, _, _)| !lags || *at < end)
            .collect();
        items.sort_by_key(|(at, id, _)| (*at, *id));
        items
    }

    fn by_cursor(&self, name: &str, request: &Request, now: Timestamp) -> Reply {
        let size = request.number("per_page").ok().flatten().unwrap_or(PAGE).clamp(1, PAGE);
        let cursor = request.param("cursor").filter(|text| !text.is_empty());
        if cursor.is_some() && request.param("start_time").is_some() {
            return invalid(400, "start_time and cursor can't be given together");
        }
        let start = match (cursor, request.number("start_time")) {
            (Some(cursor), _) => {
                let decoded =
                    base64::decode(cursor).and_then(|bytes| String::from_utf8(bytes).ok());
                let parts = decoded.as_deref().and_then(|text| text.split_once('|'));
                match parts
                    .and_then(|(at, id)| Some((at.parse::<i64>().ok()?, id.parse::<i64>().ok()?)))
                {
                    Some(start) => start,
                    None => return invalid(400, "The cursor is not valid"),
                }
            }
            // Everything from the start time on, that second included.
            (None, Ok(Some(time))) => (time as i64 - 1, i64::MAX),
            _ => return invalid(400, "start_time is required and must be a Unix time"),
        };
        let mut items = self.changed(name, now);
        if request.param("exclude_deleted") == Some("true") {
            items.retain(|(_, _, item)| item["status"] != "deleted");
        }
        let from = items.partition_point(|(at, id, _)| (*at, *id) <= start);
        let page = &items[from..(from + size).min(items.len())];
        let end = from + page.len() >= items.len();
        let last = page.last().map_or(start, |(at, id, _)| (*at, *id));
        let after = base64::encode(format!("{}|{}", last.0, last.1).as_bytes());
        let address = format!("{}/{}", request.base, request.segments.join("/"));
        let shown: Vec<&Value> = page.iter().map(|(_, _, item)| *item).collect();
        Reply::json(
            200,
            &json!({name: shown, "after_url": format!("{address}?cursor={}&per_page={size}{}", percent_encode(&after), if request.param("exclude_deleted") == Some("true") { "&exclude_deleted=true" } else { "" }), "before_url": null,
                "after_cursor": after, "before_cursor": null, "end_of_stream": end}),
        )
    }

    fn by_time(&self, name: &str, request: &Request, now: Timestamp) -> Reply {
        let Ok(Some(start)) = request.number("start_time") else {
            return invalid(400, "start_time is required and must be a Unix time");
        };
        let size = request.number("per_page").ok().flatten().unwrap_or(PAGE).clamp(1, PAGE);
        let items = self.changed(name, now);
        let from = items.partition_point(|(at, _, _)| *at < start as i64);
        // The next page begins at the last item's second.
        let end = (from + size).min(items.len());
        let page = &items[from..end];
        let last = page.last().map_or(start as i64, |(at, _, _)| *at);
        let finished = end >= items.len();
        let address = format!("{}/{}", request.base, request.segments.join("/"));
        let shown: Vec<&Value> = page.iter().map(|(_, _, item)| *item).collect();
        Reply::json(
            200,
            &json!({name: shown, "count": shown.len(), "end_time": last,
                "next_page": format!("{address}?start_time={last}&per_page={size}"), "end_of_stream": finished}),
        )
    }
}
