//! The walk through the pages of a listing: where it goes on, and whether what it has shown is all
//! there is (R1).
//!
//! A page does not end a listing by being short or empty where something says that there is more:
//! systems give fewer records than they are asked for, and filter a page after they have cut it. A
//! listing that turns in a circle is noticed whatever its length, by Brent's algorithm (one page is
//! remembered, and replaced at distances that double), so that what is remembered stays as small as
//! it is.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use super::answer::Answer;
use super::link;
use super::secrets::cut;
use super::value::{at, text};
use super::written::Paging;
use crate::Trouble;

/// Maximum number of consecutive pages without a record before a listing is given up.
const MOST_EMPTY: usize = 1_000;
/// Maximum number of times a listing steps back because records vanished from pages already read.
const MOST_BACK: usize = 100;

/// Where a listing stands.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Walk {
    /// The next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    /// How many records a page of this listing has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// How many it has shown.
    #[serde(skip_serializing_if = "is_zero")]
    pub shown: usize,
    /// How many there are, as the last answer told.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    /// How many records the last page had.
    #[serde(skip_serializing_if = "is_zero")]
    last: usize,
    /// The page that is remembered: what it showed, and where it led.
    #[serde(skip_serializing_if = "is_zero")]
    seen: u64,
    #[serde(skip_serializing_if = "is_zero")]
    seen_next: u64,
    /// Pages since then, and at how many it is replaced.
    #[serde(skip_serializing_if = "is_zero")]
    steps: u64,
    #[serde(skip_serializing_if = "is_zero")]
    power: u64,
    /// Pages without a record, one after the other.
    #[serde(skip_serializing_if = "is_zero")]
    empty: usize,
    /// The last ids of the page before, and how many rows have come twice since: what moves while
    /// it is listed comes again on the next page, and pushes others past it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tail: Vec<u64>,
    #[serde(skip_serializing_if = "is_zero")]
    twice: usize,
    /// How often it went back.
    #[serde(skip_serializing_if = "is_zero")]
    back: usize,
    /// The page that was passed last showed nothing that the first one did not.
    #[serde(skip)]
    pub repeated: bool,
}

fn is_zero<T: Default + PartialEq>(number: &T) -> bool {
    *number == T::default()
}

/// A page to ask for.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Next {
    Offset(usize),
    Page(usize),
    Cursor(String),
    Address(String),
}

/// A page that came.
#[derive(Clone, Copy)]
pub struct Listed<'a> {
    pub paging: &'a Paging,
    /// How its request is named in messages.
    pub named: &'a str,
    /// How many records were asked for.
    pub limit: usize,
    pub answer: &'a Answer,
    pub items: &'a [Value],
    /// Where the id is in a record.
    pub id: &'a str,
    /// The number of the first page, where the manifest does not say it.
    pub first: Option<usize>,
    /// It is of a listing of everything, in which each record stands once.
    pub whole: bool,
}

/// Number of ids at the end of a page that are compared with the next page.
const TAIL: usize = 16;

impl Walk {
    /// One that stands at this page and has shown nothing.
    pub fn at(next: Next) -> Walk {
        Walk { next: Some(next), ..Walk::default() }
    }

    /// Passes a page, and gives whether there is another one. `stops` says that what follows is not
    /// wanted.
    ///
    /// # Errors
    /// The listing goes round in a circle, or ends before its own end.
    pub fn pass(
        &mut self,
        page: Listed<'_>,
        stops: bool,
        resolved: &dyn Fn(&str) -> String,
    ) -> Result<bool, Trouble> {
        let malformed = |why: String| Err(Trouble::Malformed(format!("{}: {why}", page.named)));
        let count = page.items.len();
        let told =
            page.paging.total().and_then(|place| page.answer.at(place)).as_ref().and_then(number);
        // Some call the number of records on a page so.
        let of_page = self.total == Some(self.last as u64) && told == Some(count as u64);
        if let (Some(before), Some(now), false) = (self.total, told, stops || of_page)
            && now < before
            && self.goes_back(page, before - now)
        {
            self.total = told;
            return match self.back > MOST_BACK {
                true => malformed("records vanish from it faster than it can be listed".into()),
                false => Ok(true),
            };
        }
        self.total = told.or(self.total);
        let next = match self.following(page, resolved) {
            Ok(next) => next.filter(|_| !stops),
            Err(why) => return malformed(why),
        };
        self.shown += count;
        self.last = count;
        self.limit = Some(page.limit);
        self.count_what_came_twice(page);
        let Some(next) = next else {
            let came = (self.shown - self.twice.min(self.shown)) as u64;
            if let Some(total) = self.total.filter(|total| !stops && *total > came) {
                let twice = match self.twice {
                    0 => String::new(),
                    n => format!(
                        " ({n} of them twice: they were on two pages, so that others were on none)"
                    ),
                };
                return malformed(format!(
                    "expected {total} records, as the answer says, and {} came{twice}: the listing is not complete, so nothing is taken for \
                     deleted or new because of it. Are pages counted from 0 (`first: 0`), or is a page larger than the system gives?",
                    self.shown
                ));
            }
            self.next = None;
            return Ok(false);
        };
        let leads = match &next {
            Next::Cursor(text) | Next::Address(text) => xxh3_64(text.as_bytes()),
            Next::Offset(_) | Next::Page(_) => 0,
        };
        let shows = if count > 0 { fingerprint(page.items, page.id) } else { 0 };
        if matches!(page.paging, Paging::Page { unpaged: true, .. }) {
            // A page that is as long as was asked for may have been cut there.
            let longer = self.power == 0 && count > page.limit;
            let again = self.power == 1
                && self.steps == 0
                && shows != 0
                && shows == self.seen
                && count != page.limit;
            if longer || again {
                self.next = None;
                self.repeated = again;
                return Ok(false);
            }
        }
        let again = leads != 0 && (leads == self.seen_next || Some(&next) == self.next.as_ref());
        if again || shows != 0 && shows == self.seen {
            return malformed(
                "expected the next page, and the same page comes again and again: the listing is given up. Where one answer has all \
                 records, say `paging: none`"
                    .into(),
            );
        }
        self.empty = if count > 0 { 0 } else { self.empty + 1 };
        if self.empty > MOST_EMPTY {
            return malformed(format!(
                "{MOST_EMPTY} pages came without a record, and still there are more: the listing is given up"
            ));
        }
        self.steps += 1;
        if self.steps >= self.power {
            (self.seen, self.seen_next, self.steps, self.power) =
                (shows, leads, 0, (2 * self.power).max(1));
        }
        self.next = Some(next);
        Ok(true)
    }

    /// Whether an answer tells of records that it does not show, by the places at which the answers
    /// to a listing tell where that goes on.
    pub fn tells_of_more(page: Listed<'_>) -> bool {
        let total =
            page.paging.total().and_then(|place| page.answer.at(place)).as_ref().and_then(number);
        if total.is_some_and(|total| total > page.items.len() as u64) {
            return true;
        }
        match page.paging {
            Paging::Cursor { .. } => {
                let next = Walk::default().following(page, &|address| address.to_string());
                !page.items.is_empty() && !matches!(next, Ok(None))
            }
            _ => false,
        }
    }

    /// The page at which it stands and those after it, `most` of them at most, where it can be told
    /// what they are: pages are counted, and an answer has told how many records there are.
    pub fn ahead(&self, paging: &Paging, most: usize) -> Vec<Next> {
        let (Some(total), Some(next)) = (self.total, &self.next) else { return vec![] };
        let left = usize::try_from(total).unwrap_or(usize::MAX).saturating_sub(self.shown);
        if self.last == 0 {
            return vec![];
        }
        let pages = left.div_ceil(self.last).min(most);
        match (paging, next) {
            (Paging::Offset { .. }, Next::Offset(offset)) => {
                (0..pages).map(|n| Next::Offset(offset + n * self.last)).collect()
            }
            (Paging::Page { unpaged: false, .. }, Next::Page(page)) => {
                (0..pages).map(|n| Next::Page(page + n)).collect()
            }
            _ => vec![],
        }
    }

    /// R1: rows that stand on this page and at the end of the one before.
    fn count_what_came_twice(&mut self, page: Listed<'_>) {
        if !page.whole || self.total.is_none() {
            return;
        }
        let ids = page.items.iter().filter_map(|item| at(item, page.id).and_then(text));
        let ids: Vec<u64> = ids.map(|id| xxh3_64(id.as_bytes())).collect();
        self.twice += ids.iter().filter(|id| self.tail.contains(id)).count();
        self.tail = ids[ids.len().saturating_sub(TAIL)..].to_vec();
    }

    /// This many records have vanished since the last page: what follows them has moved to where the
    /// listing has been already. It goes back there; seeing a record twice does nothing.
    fn goes_back(&mut self, page: Listed<'_>, vanished: u64) -> bool {
        let back = match (page.paging, &self.next) {
            (Paging::Offset { .. }, Some(Next::Offset(offset))) => {
                let vanished = usize::try_from(vanished).unwrap_or(usize::MAX).min(*offset);
                self.shown = offset - vanished;
                Some(Next::Offset(self.shown))
            }
            (Paging::Page { first, .. }, Some(Next::Page(number)))
                if *number > first.or(page.first).unwrap_or(1) =>
            {
                self.shown = self.shown.saturating_sub(self.last);
                Some(Next::Page(number - 1))
            }
            _ => None,
        };
        let Some(back) = back else { return false };
        self.next = Some(back);
        self.back += 1;
        // What was passed comes again, and that is no circle.
        self.tail.clear();
        (self.seen, self.seen_next, self.steps, self.power) = (0, 0, 0, 0);
        true
    }

    /// Where the listing goes on after this page.
    fn following(
        &self,
        page: Listed<'_>,
        resolved: &dyn Fn(&str) -> String,
    ) -> Result<Option<Next>, String> {
        let count = page.items.len();
        let shown = self.shown + count;
        let told = |place: &str| page.answer.at(place).as_ref().and_then(cursor);
        let says = |place: &Option<String>| {
            place.as_ref().map(|place| page.answer.at(place).as_ref().is_some_and(is_true))
        };
        // A total that is too low, as of what is on this page alone, does not end it.
        let counted = || {
            count > 0 && self.total.is_none_or(|total| total != shown as u64 || count >= page.limit)
        };
        let named = |at: &str, more: &Option<String>, end: &Option<String>| {
            let next = told(at);
            let strange = page.answer.at(at).is_some_and(|found| match found {
                Value::Object(_) | Value::Bool(true) => true,
                Value::Array(list) => !list.is_empty(),
                _ => false,
            });
            match (says(more), says(end)) {
                (Some(false), _) | (_, Some(true)) => Ok(None),
                _ if strange => Err(format!(
                    "what leads on, `{at}`, is neither text nor number: name the place in it, as `{at}.href`"
                )),
                (Some(true), _) if next.is_none() => {
                    Err(format!("it says that there is more, and not where: `{at}` is empty"))
                }
                _ => Ok(next),
            }
        };
        Ok(match page.paging {
            Paging::None => None,
            Paging::Offset { .. } => counted().then_some(Next::Offset(shown)),
            Paging::Page { first, .. } => counted().then(|| match self.next {
                Some(Next::Page(number)) => Next::Page(number + 1),
                // Page 0 has been passed with the first one.
                _ => Next::Page(first.or(page.first.map(|_| 1)).unwrap_or(1) + 1),
            }),
            Paging::Cursor { at, more, end, .. } => {
                let next = named(at, more, end)?.map(Next::Cursor);
                // Where nothing else says that it is the end, an empty page that leads nowhere else
                // does.
                next.filter(|next| {
                    count > 0 || more.is_some() || end.is_some() || Some(next) != self.next.as_ref()
                })
            }
            Paging::Next { at, more, end, .. } => {
                named(at, more, end)?.map(|address| Next::Address(resolved(&address)))
            }
            Paging::Link { .. } => {
                linked(page.answer)?.map(|address| Next::Address(resolved(address)))
            }
        })
    }
}

/// The address of the next page that the `Link` header names.
fn linked(answer: &Answer) -> Result<Option<&str>, String> {
    let headers = answer.headers.get_all("link").iter();
    let unclear = || link::unclear(headers.filter_map(|header| header.to_str().ok()));
    match &answer.link {
        Some(address) => Ok(Some(address)),
        None => unclear().map_or(Ok(None), |header| {
            Err(format!(
                "expected a `Link` header such as `<ADDRESS>; rel=\"next\"`, and found `{}`: it does not tell whether there is another \
                 page, so the listing does not count as complete",
                cut(header, 200)
            ))
        }),
    }
}

/// A number, also as text.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| {
            number.as_f64().filter(|n| *n >= 0.0 && n.fract() == 0.0).map(|n| n as u64)
        }),
        // `items 0-24/319`, as `Content-Range` tells it (RFC 9110, section 14.4).
        Value::String(text) => text.rsplit('/').next().and_then(|total| total.trim().parse().ok()),
        _ => None,
    }
}

/// A cursor or an address; the number 0 is none.
fn cursor(value: &Value) -> Option<String> {
    text(value).filter(|_| value.as_f64() != Some(0.0))
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64().is_some_and(|n| n != 0.0),
        Value::String(text) => matches!(text.trim().to_lowercase().as_str(), "true" | "yes" | "1"),
        _ => false,
    }
}

/// Tells pages apart by the ids that they show; by all of it where that is one, as a list of
/// changes may name a record again.
pub fn fingerprint(items: &[Value], id: &str) -> u64 {
    if let [only] = items {
        return xxh3_64(only.to_string().as_bytes());
    }
    let ids: Vec<String> = items
        .iter()
        .map(|item| at(item, id).and_then(text).unwrap_or_else(|| item.to_string()))
        .collect();
    xxh3_64(ids.join("\n").as_bytes())
}

impl Paging {
    /// How many records to ask for at once: what the system takes, or fewer if fewer are wanted.
    pub fn limit(&self, wanted: usize) -> usize {
        let most = match self {
            Paging::None => 1,
            Paging::Offset { limit, .. }
            | Paging::Page { limit, .. }
            | Paging::Cursor { limit, .. }
            | Paging::Next { limit, .. }
            | Paging::Link { limit } => *limit,
        };
        // The number of all of them should not happen to be what was asked for.
        if matches!(self, Paging::Page { unpaged: true, .. }) {
            return most;
        }
        if wanted == 0 { most } else { most.min(wanted) }
    }

    /// Where an answer tells how many there are.
    pub fn total(&self) -> Option<&str> {
        match self {
            Paging::Offset { total, .. }
            | Paging::Page { total, .. }
            | Paging::Cursor { total, .. }
            | Paging::Next { total, .. } => total.as_deref(),
            Paging::None | Paging::Link { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(body: Value) -> Answer {
        Answer {
            status: 200,
            body,
            date: None,
            url: String::new(),
            link: None,
            retry_after_ms: None,
            etag: None,
            headers: ureq::http::HeaderMap::new(),
            rules: vec![],
        }
    }

    /// Walks through what `serve` gives for each page asked for; the ids that came, or what was
    /// wrong.
    fn walked(
        paging: &Paging,
        limit: usize,
        serve: impl Fn(Option<&Next>, usize) -> Value,
    ) -> Result<Vec<String>, String> {
        let (mut walk, mut ids) = (Walk::default(), vec![]);
        for asked in 0..10_000 {
            let answer = answer(serve(walk.next.as_ref(), asked));
            let items = answer.body["people"].as_array().cloned().unwrap_or_default();
            ids.extend(items.iter().map(|item| item["id"].to_string()));
            let page = Listed {
                paging,
                named: "Fjord",
                limit,
                answer: &answer,
                items: &items,
                id: "id",
                first: None,
                whole: true,
            };
            match walk.pass(page, false, &|address| address.to_string()) {
                Ok(true) => {
                    // What is kept between two pages is all that is known.
                    let kept = serde_json::to_string(&walk).unwrap();
                    assert!(kept.len() < 700, "{kept}");
                    walk = serde_json::from_str(&kept).unwrap();
                }
                Ok(false) => return Ok(ids),
                Err(trouble) => return Err(trouble.to_string()),
            }
        }
        panic!("it never ends");
    }

    fn people(ids: std::ops::Range<usize>) -> Value {
        ids.map(|id| json!({"id": id})).collect()
    }

    fn paging(yaml: &str) -> Paging {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn r1_a_short_page_does_not_end_a_listing() {
        let offset =
            |next: Option<&Next>| if let Some(Next::Offset(offset)) = next { *offset } else { 0 };
        let page = |next: Option<&Next>| if let Some(Next::Page(page)) = next { *page } else { 1 };
        // The system gives 3 at once, however many are asked for.
        for limit in [3, 100] {
            let ids = walked(
                &paging("offset: { limit: 100 }"),
                limit,
                |next, _| json!({"people": people(offset(next)..8.min(offset(next) + 3))}),
            );
            assert_eq!(ids.unwrap().len(), 8);
            let ids = walked(&paging("page: { limit: 100 }"), limit, |next, _| {
                let from = 3 * (page(next) - 1);
                json!({"people": people(from.min(8)..8.min(from + 3))})
            });
            assert_eq!(ids.unwrap().len(), 8);
        }
        // A page may be empty, and another one follows.
        for paging in [
            "cursor: { limit: 2, at: next }",
            "next: { limit: 2, at: next }",
            "cursor: { limit: 2, at: next, more: more }",
        ] {
            let ids = walked(&self::paging(paging), 2, |_, asked| match asked {
                4 => json!({"people": people(4..5), "more": false}),
                n if n % 2 == 1 => json!({"people": [], "next": format!("c{n}"), "more": "true"}),
                n => json!({"people": people(n..n + 1), "next": format!("c{n}"), "more": true}),
            });
            assert_eq!(ids.unwrap().len(), 3, "{paging}");
        }
    }

    #[test]
    fn r1_fewer_records_than_the_listings_own_total_are_not_all() {
        for yaml in [
            "offset: { limit: 100, total: total }",
            "page: { limit: 100, total: total }",
            "cursor: { limit: 100, at: next, total: total }",
            "next: { limit: 100, at: next, total: total }",
        ] {
            for total in [json!(7), json!("7")] {
                let told = walked(&paging(yaml), 100, |next, _| match next {
                    None => json!({"people": people(0..4), "total": total}),
                    Some(_) => json!({"people": [], "total": total}),
                });
                assert!(
                    told.clone().unwrap_err().contains("expected 7 records"),
                    "{yaml}: {told:?}"
                );
            }
        }
        let told = walked(
            &paging("cursor: { limit: 1, at: next, more: more }"),
            1,
            |_, _| json!({"people": people(0..1), "more": true}),
        );
        assert!(told.unwrap_err().contains("not where"));
        // A total of what is on the page ends nothing while pages are full.
        let ids = walked(&paging("offset: { limit: 2, total: count }"), 2, |next, _| {
            let from = if let Some(Next::Offset(offset)) = next { *offset } else { 0 };
            json!({"people": people(from..5.min(from + 2)), "count": 5.min(from + 2) - from})
        });
        assert_eq!(ids.unwrap().len(), 5);
    }

    #[test]
    fn r1_what_comes_twice_has_pushed_another_past_the_page() {
        let rows = [1, 2, 2, 3, 5];
        let offset =
            |next: Option<&Next>| if let Some(Next::Offset(offset)) = next { *offset } else { 0 };
        let serve = |next: Option<&Next>, _| {
            let begin = offset(next);
            let page = &rows[begin.min(5)..5.min(begin + 2)];
            let people: Vec<Value> = page.iter().map(|id| json!({"id": id})).collect();
            json!({"people": people, "total": 5})
        };
        let why = walked(&paging("offset: { limit: 2, total: total }"), 2, serve).unwrap_err();
        assert!(why.contains("5 came (1 of them twice"), "{why}");
    }

    #[test]
    fn r1_a_total_below_what_has_come_ends_no_listing() {
        let offset =
            |next: Option<&Next>| if let Some(Next::Offset(offset)) = next { *offset } else { 0 };
        for total in [0, 1] {
            let ids = walked(&paging("offset: { limit: 100, total: total }"), 100, |next, _| {
                let begin = offset(next);
                json!({"people": people(begin..5.min(begin + 2)), "total": total})
            });
            assert_eq!(ids.unwrap().len(), 5, "{total}");
        }
    }

    #[test]
    fn r1_g10_what_leads_on_and_is_no_text_ends_no_listing() {
        for next in [json!({"href": "/people?page=2"}), json!(["/people?page=2"]), json!(true)] {
            let serve = |_: Option<&Next>, _| json!({"people": people(0..2), "next": next});
            let why = walked(&paging("next: { limit: 2, at: next }"), 2, serve).unwrap_err();
            assert!(why.contains("name the place in it, as `next.href`"), "{why}");
        }
        for end in [json!(null), json!(false), json!(""), json!([])] {
            let serve = |_: Option<&Next>, _| json!({"people": people(0..2), "next": end});
            let ids = walked(&paging("next: { limit: 2, at: next }"), 2, serve).unwrap();
            assert_eq!(ids.len(), 2, "{end}");
        }
    }

    #[test]
    fn r1_what_moves_because_others_vanish_is_not_missed() {
        // The first record is deleted while the list is read: all others move up by one.
        let offset = |next: Option<&Next>, asked: usize| {
            let from = if let Some(Next::Offset(offset)) = next { *offset } else { 0 };
            let all: Vec<usize> = (usize::from(asked > 0)..10).collect();
            let shown: Vec<Value> =
                all.iter().skip(from).take(3).map(|id| json!({"id": id})).collect();
            json!({"people": shown, "total": all.len()})
        };
        let ids = walked(&paging("offset: { limit: 3, total: total }"), 3, offset).unwrap();
        assert!((0..10).all(|id| ids.contains(&id.to_string())), "{ids:?}");
        let page = |next: Option<&Next>, asked: usize| {
            let page = if let Some(Next::Page(page)) = next { *page } else { 1 };
            offset(Some(&Next::Offset(3 * (page - 1))), asked)
        };
        let ids = walked(&paging("page: { limit: 3, total: total }"), 3, page).unwrap();
        assert!((0..10).all(|id| ids.contains(&id.to_string())), "{ids:?}");
    }

    #[test]
    fn r1_pages_that_turn_in_a_circle_are_noticed_whatever_its_length() {
        for long in [1, 2, 3, 7, 64, 1_000] {
            for before in [0, 1, 5] {
                let at = |asked: usize| {
                    if asked < before { asked } else { before + (asked - before) % long }
                };
                for yaml in [
                    "offset: { limit: 2 }",
                    "page: { limit: 2 }",
                    "cursor: { limit: 2, at: next }",
                    "next: { limit: 2, at: next }",
                ] {
                    let told = walked(&paging(yaml), 2, |_, asked| {
                        let n = 2 * at(asked);
                        json!({"people": people(n..n + 2), "next": format!("c{}", at(asked + 1))})
                    });
                    assert!(
                        told.clone().unwrap_err().contains("again and again"),
                        "{yaml} {long}: {told:?}"
                    );
                }
                // Pages without records, too.
                let told = walked(
                    &paging("cursor: { limit: 2, at: next, more: more }"),
                    2,
                    |_, asked| json!({"people": [], "next": format!("c{}", at(asked + 1)), "more": true}),
                );
                assert!(told.is_err(), "{long}: {told:?}");
            }
        }
        // Not even those that lead somewhere else each time.
        let told = walked(
            &paging("next: { limit: 2, at: next }"),
            2,
            |_, asked| json!({"people": [], "next": format!("c{asked}")}),
        );
        assert!(told.unwrap_err().contains("without a record"));
    }

    #[test]
    fn r1_a_list_that_may_not_be_paged_is_whole_where_it_ignores_pages() {
        let may = paging("page: { limit: 10, unpaged: true }");
        // All of them whatever was asked for: more than that, or fewer.
        for all in [25, 4] {
            assert_eq!(
                walked(&may, 10, |_, _| json!({"people": people(0..all)})).unwrap().len() % all,
                0,
                "{all}"
            );
        }
        // As many as were asked for, again and again: it may have been cut there.
        assert!(
            walked(&may, 10, |_, _| json!({"people": people(0..10)}))
                .unwrap_err()
                .contains("again and again")
        );
        // And one that does page is read to its end.
        let paged = walked(&may, 10, |next, _| {
            let page = if let Some(Next::Page(page)) = next { *page } else { 1 };
            let from = (10 * (page - 1)).min(25);
            json!({"people": people(from..25.min(from + 10))})
        });
        assert_eq!(paged.unwrap().len(), 25);
        // Nobody said so.
        assert!(
            walked(&paging("page: { limit: 10 }"), 10, |_, _| json!({"people": people(0..4)}))
                .is_err()
        );
    }

    #[test]
    fn a_cursor_that_stays_at_the_end_is_the_end() {
        let ids = walked(&paging("cursor: { limit: 2, at: next }"), 2, |_, asked| match asked {
            0 => json!({"people": people(0..1), "next": "c1"}),
            _ => json!({"people": [], "next": "c1"}),
        });
        assert_eq!(ids.unwrap().len(), 1);
        let ids = walked(
            &paging("cursor: { limit: 2, at: next }"),
            2,
            |_, _| json!({"people": people(0..1), "next": 0}),
        );
        assert_eq!(ids.unwrap().len(), 1, "0 is no cursor");
    }

    #[test]
    fn a_list_of_changes_may_name_a_record_on_two_pages() {
        let ids = walked(&paging("cursor: { limit: 1, at: next }"), 1, |_, asked| match asked {
            0..3 => json!({"people": [{"id": 1, "version": asked}], "next": format!("c{asked}")}),
            _ => json!({"people": []}),
        });
        assert_eq!(ids.unwrap().len(), 3);
    }
}
