//! Answers looked at more closely than a reading shows them, for a conformance run: what they say
//! of records that a listing has not shown, and which places of the manifest they have.

use std::collections::BTreeSet;

use lockstep_model::Timestamp;
use lockstep_model::flow::PropertyRef;
use lockstep_model::id_text::id_text;
use serde_json::{Value, json};

use super::answer::Answer;
use super::connected::Rest;
use super::errors;
use super::ids::OWN;
use super::read::{ParentsWalk, sends_the_page_as_it_is};
use super::template::variables;
use super::value::{at, locate};
use super::walk::Walk;
use super::written::{ListYaml, Paging, RequestYaml, TypeYaml};
use crate::{Absent, Probe, Probed, Trouble};

/// Names of totals, in small letters and without anything else. What is none is never taken for
/// one, as only numbers above what was listed count.
const TOTALS: [&str; 18] = [
    "total",
    "totalcount",
    "totalresults",
    "totalresultscount",
    "totalitems",
    "totalrecords",
    "totalelements",
    "totalhits",
    "totalsize",
    "totalentries",
    "totalnumber",
    "recordcount",
    "recordstotal",
    "itemcount",
    "numfound",
    "fullresultsize",
    "odatacount",
    "count",
];
const TOTAL_HEADERS: [&str; 7] = [
    "x-total-count",
    "x-total",
    "x-wp-total",
    "total-count",
    "x-count",
    "x-pagination-total-count",
    "content-range",
];
/// Names of what says, by being true, that there is more.
const MORE: [&str; 7] =
    ["hasmore", "hasnext", "hasnextpage", "more", "moreresults", "morerecords", "ismore"];
/// Names of what leads on.
const NEXT: [&str; 14] = [
    "next",
    "nextpage",
    "nextlink",
    "nexturl",
    "nexthref",
    "nextpageurl",
    "nextpagetoken",
    "nextpagelink",
    "nextcursor",
    "nexttoken",
    "nextoffset",
    "nextrecordsurl",
    "odatanextlink",
    "nextid",
];
/// Names of how many pages there are.
const PAGES: [&str; 6] = ["totalpages", "pagecount", "pages", "lastpage", "pagestotal", "numpages"];

impl Rest {
    pub(super) fn probed(&self, kind: &str, probe: Probe<'_>) -> Result<Option<Probed>, Trouble> {
        let ty = self.ty(kind)?;
        match probe {
            Probe::List { page_size } => self.probed_list(ty, &ty.list, page_size, None),
            Probe::BeforeFirst => Ok(self.probed_before_first(ty)),
            Probe::Changes { since } => match &ty.changes {
                Some(changes) if asks_since(&changes.request) => {
                    self.probed_list(ty, changes, 0, Some(since))
                }
                _ => Ok(None),
            },
            Probe::Find { path, value } => self.probed_find(ty, path, value),
        }
    }

    fn probed_list(
        &self,
        ty: &TypeYaml,
        list: &ListYaml,
        page_size: usize,
        since: Option<Timestamp>,
    ) -> Result<Option<Probed>, Trouble> {
        let parent = match &list.parents {
            None => None,
            Some(parents) => {
                match self
                    .parents(parents, &mut ParentsWalk::default(), since)?
                    .ids
                    .into_iter()
                    .next()
                {
                    Some(parent) => Some(parent),
                    None => return Ok(None),
                }
            }
        };
        let limit = list.paging.limit(page_size);
        let (answer, named) =
            self.ask(list, &Walk::default(), None, limit, since, parent.as_deref())?;
        let items = self.items(list.items.as_deref(), &named, &answer)?;
        let mut probed = shown(ty, list, limit, items);
        signs(&answer, list, &mut probed);
        probed.without_total =
            list.paging.total().filter(|place| answer.at(place).is_none()).map(str::to_string);
        if list.each_id.is_none() {
            probed.absent = absent(ty, items);
        }
        Ok(Some(probed))
    }

    /// What lies before the first page: the page with the number below, or what begins one record,
    /// or one page, earlier.
    fn probed_before_first(&self, ty: &TypeYaml) -> Option<Probed> {
        let list = &ty.list;
        let limit = list.paging.limit(0);
        if list.parents.is_some() {
            return None;
        }
        let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let before: Vec<(&'static str, i64)> = match list.paging {
            Paging::Page { first: Some(first), .. } => vec![("page", whole(first) - 1)],
            // A reading looks at page 0 by itself where it may.
            Paging::Page { first: None, .. } if !sends_the_page_as_it_is(&list.request) => {
                vec![("page", 0)]
            }
            Paging::Offset { .. } => vec![("offset", -1), ("offset", -whole(limit))],
            _ => vec![],
        };
        let mut all = Probed::default();
        for variable in before {
            let context =
                self.client.context([(variable.0, json!(variable.1)), ("limit", json!(limit))]);
            let Some(answer) = self.client.try_once(&list.request, &context) else { continue };
            if errors::meaning(&self.manifest, &answer).is_some() {
                continue;
            }
            let Ok(items) = self.items(list.items.as_deref(), "", &answer) else { continue };
            let probed = shown(ty, list, limit, items);
            all.shown += probed.shown;
            all.ids.extend(probed.ids);
        }
        Some(all)
    }

    /// A look-up as the system answers it, before what does not hold the value is left out of it.
    fn probed_find(
        &self,
        ty: &TypeYaml,
        path: &str,
        value: &Value,
    ) -> Result<Option<Probed>, Trouble> {
        let Some(located) = locate(ty, &PropertyRef::new(path)) else { return Ok(None) };
        let Some(find) = ty.find.get(located.path) else { return Ok(None) };
        let answer = self.client.read_one(
            &find.request,
            &self.client.context([("value", value.clone())]),
            true,
        )?;
        if errors::meaning(&self.manifest, &answer).is_some() {
            return Ok(Some(Probed::default()));
        }
        let items = match at(&answer.body, find.item.as_deref().unwrap_or("")) {
            Some(Value::Array(items)) => items.as_slice(),
            Some(one @ Value::Object(map)) if !map.is_empty() => std::slice::from_ref(one),
            _ => &[],
        };
        Ok(Some(shown(ty, &ty.list, 0, items)))
    }
}

fn asks_since(request: &RequestYaml) -> bool {
    let body = request.body.iter().map(Value::to_string);
    let texts =
        [request.path.clone()].into_iter().chain(request.query.values().cloned()).chain(body);
    let mut read = texts.flat_map(|text| variables(&text));
    read.any(|name| name.starts_with("since"))
}

fn shown(ty: &TypeYaml, list: &ListYaml, limit: usize, items: &[Value]) -> Probed {
    let place = list.each_id.as_ref().unwrap_or(&ty.id);
    let ids = items.iter().filter_map(|item| at(item, place).and_then(id_text)).collect();
    Probed { ids, shown: items.len(), limit, ..Probed::default() }
}

/// What an answer says of how many records there are and of whether there are more, besides what
/// the manifest reads.
fn signs(answer: &Answer, list: &ListYaml, probed: &mut Probed) {
    let mut found = Signs::default();
    found.look(&answer.body, "", list.items.as_deref().unwrap_or(""), 0);
    for name in TOTAL_HEADERS {
        let told = answer.headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(total) = told.and_then(|told| told.rsplit('/').next()?.trim().parse().ok()) {
            found.totals.push((format!("$headers.{name}"), total));
        }
    }
    if let Some(told) = answer
        .headers
        .get("x-pagination")
        .and_then(|value| serde_json::from_slice(value.as_bytes()).ok())
    {
        found.look(&told, "X-Pagination: ", "", 0);
    }
    if answer.link.is_some() && !matches!(list.paging, Paging::Link { .. }) {
        found.truths.push("the header `Link` with rel=\"next\"".into());
    }
    let pages = matches!(list.paging, Paging::None);
    // What says that there is more, in a word, is believed before what may only say where one is.
    probed.more = match (found.truths.is_empty(), found.untruths, &list.paging) {
        (false, _, _) => found.truths,
        (true, true, _) => vec![],
        (true, false, Paging::Cursor { more, end, .. } | Paging::Next { more, end, .. })
            if more.is_some() || end.is_some() =>
        {
            vec![]
        }
        (true, false, _) => {
            found.leads.into_iter().chain(found.pages.into_iter().filter(|_| pages)).collect()
        }
    };
    probed.totals = found.totals;
}

#[derive(Default)]
struct Signs {
    totals: Vec<(String, u64)>,
    truths: Vec<String>,
    /// Something says that there is no more.
    untruths: bool,
    leads: Vec<String>,
    pages: Vec<String>,
}

impl Signs {
    fn look(&mut self, value: &Value, place: &str, items: &str, depth: usize) {
        let Value::Object(map) = value else { return };
        if depth > 3 {
            return;
        }
        for (key, inner) in map {
            let here = if place.is_empty() || place.ends_with(": ") {
                format!("{place}{key}")
            } else {
                format!("{place}.{key}")
            };
            if here == items {
                continue;
            }
            let name: String =
                key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
            let number = || inner.as_u64().or_else(|| inner.as_str()?.parse().ok());
            if TOTALS.contains(&name.as_str())
                && let Some(total) = number()
            {
                self.totals.push((here.clone(), total));
            }
            if PAGES.contains(&name.as_str()) && number().is_some_and(|pages| pages > 1) {
                self.pages.push(here.clone());
            }
            match inner {
                Value::Bool(true) if MORE.contains(&name.as_str()) => {
                    self.truths.push(here.clone())
                }
                Value::Bool(false) if MORE.contains(&name.as_str()) => self.untruths = true,
                Value::String(text) if NEXT.contains(&name.as_str()) && !text.trim().is_empty() => {
                    self.leads.push(here.clone())
                }
                Value::Number(number)
                    if NEXT.contains(&name.as_str()) && number.as_u64().is_some_and(|n| n > 0) =>
                {
                    self.leads.push(here.clone());
                }
                Value::Object(link)
                    if NEXT.contains(&name.as_str())
                        && link.values().any(|v| v.as_str().is_some_and(|t| !t.is_empty())) =>
                {
                    self.leads.push(here.clone());
                }
                _ => {}
            }
            self.look(inner, &here, items, depth + 1);
        }
    }
}

/// Places that the manifest names and none of these records has.
fn absent(ty: &TypeYaml, items: &[Value]) -> Vec<Absent> {
    let records: Vec<&Value> = items.iter().filter(|item| item.is_object()).collect();
    if records.is_empty() {
        return vec![];
    }
    let mut places: BTreeSet<String> = BTreeSet::new();
    for record in records.iter().take(100) {
        collect_places(record, "", 0, &mut places);
    }
    let missing = |place: &str| !records.iter().any(|record| at(record, place).is_some());
    let is_own = |place: &str| OWN.contains(&place);
    let names: Vec<String> = records
        .iter()
        .flat_map(|r| r.as_object().into_iter().flat_map(|map| map.keys().cloned()))
        .collect();
    let names: Vec<String> = names.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let used: BTreeSet<&str> = ty
        .properties
        .iter()
        .map(|(path, property)| property.at.as_deref().unwrap_or(path))
        .collect();
    let report = |path: &str, is_property: bool, place: &str| {
        // Where what is empty is left out, only the same name written otherwise is a sign.
        let like = similar(
            place,
            places.iter().filter(|known| !is_property || !used.contains(known.as_str())),
            !ty.absent_is_empty,
        );
        Absent { path: path.into(), is_property, at: place.into(), like, names: names.clone() }
    };
    let mut found = vec![];
    for (path, property) in &ty.properties {
        let place = property.at.as_deref().unwrap_or(path);
        if is_own(place) {
            continue;
        }
        if missing(place) {
            found.push(report(path, true, place));
            continue;
        }
        let Some(child) = &property.value else { continue };
        // Of a list or an object, the child that holds the value.
        let held: Vec<&Value> = records.iter().filter_map(|record| at(record, place)).collect();
        let elements: Vec<&Value> = match property.list {
            true => held.iter().filter_map(|held| held.as_array()).flatten().collect(),
            false => held.into_iter().filter(|held| held.is_object()).collect(),
        };
        if !elements.is_empty() && !elements.iter().any(|element| at(element, child).is_some()) {
            let keys: BTreeSet<String> = elements
                .iter()
                .filter_map(|element| element.as_object())
                .flat_map(|map| map.keys().cloned())
                .collect();
            let like = similar(child, keys.iter(), true);
            let names = keys.into_iter().collect();
            found.push(Absent {
                path: path.clone(),
                is_property: true,
                at: format!("{place}[].{child}"),
                like,
                names,
            });
        }
    }
    for (word, place) in [("version", &ty.version), ("modified", &ty.modified)] {
        if let Some(place) = place.as_deref().filter(|place| !is_own(place) && missing(place)) {
            found.push(report(word, false, place));
        }
    }
    found
}

fn collect_places(value: &Value, place: &str, depth: usize, places: &mut BTreeSet<String>) {
    let Value::Object(map) = value else { return };
    for (key, inner) in map {
        let here = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
        if depth < 3 {
            collect_places(inner, &here, depth + 1, places);
        }
        places.insert(here);
    }
}

/// The known place that is most like this one, if any is.
fn similar<'p>(
    place: &str,
    known: impl Iterator<Item = &'p String>,
    parts: bool,
) -> Option<String> {
    let plain = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
    };
    let last = |text: &str| plain(text.rsplit('.').next().unwrap_or(text));
    let wanted = (plain(place), last(place));
    let rank = |known: &&String| {
        let (whole, end) = (plain(known), last(known));
        if whole == wanted.0 {
            Some(0)
        } else if end == wanted.1 || end.len() > 4 && is_slip(&end, &wanted.1) {
            Some(1)
        } else if parts
            && end.len() > 2
            && wanted.1.len() > 2
            && (end.contains(&wanted.1) || wanted.1.contains(&end))
        {
            Some(2)
        } else {
            None
        }
    };
    known
        .filter_map(|known| Some((rank(&known)?, known.len(), known)))
        .min()
        .map(|(_, _, known)| known.clone())
}

/// Whether two words differ by one letter: another one, one too many, or two that changed places.
fn is_slip(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let (short, long) = (&short[same..], &long[same..]);
    match (short.len(), long.len()) {
        (0, 1) => true,
        (a, b) if a == b => {
            short.get(1..) == long.get(1..)
                || a > 1 && short[0] == long[1] && short[1] == long[0] && short[2..] == long[2..]
        }
        (a, b) if a + 1 == b => short == &long[1..],
        _ => false,
    }
}

impl Probed {
    /// The totals that say more than were listed.
    pub(crate) fn totals_above(&self, listed: usize) -> Option<&(String, u64)> {
        self.totals.iter().find(|(_, total)| *total > listed as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_like_the_one_meant_is_named() {
        let known = ["updated_at", "emails.email", "fullName", "mobilePhone"].map(String::from);
        let like = |place: &str, parts: bool| similar(place, known.iter(), parts);
        assert_eq!(like("updatet_at", false).as_deref(), Some("updated_at"));
        assert_eq!(like("udpated_at", false).as_deref(), Some("updated_at"));
        assert_eq!(like("full_name", false).as_deref(), Some("fullName"));
        assert_eq!(like("email", false).as_deref(), Some("emails.email"));
        assert_eq!(
            (like("phone", false), like("phone", true).as_deref()),
            (None, Some("mobilePhone"))
        );
        assert_eq!(like("town", true), None);
    }
}
