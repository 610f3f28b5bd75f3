//! Lists: `$filter`, `$orderby`, `$select`, `$top`, `$skip`, `$count`, `$expand` of lines, and
//! pages by `$skiptoken`.

use super::base::{BusinessCentral, CREDENTIALS, Refusal, bad, etag, refusal, root};
use super::types::{ENTITIES, place};
use crate::http::{Reply, Request, percent_encode};
use crate::systems::emulator::credential;
use crate::util::json as tree;
use crate::util::odata::{Case, Filter, Order, Version, select};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

const OPTIONS: [&str; 9] =
    ["$filter", "$orderby", "$select", "$top", "$skip", "$count", "$expand", "$skiptoken", "aid"];
/// The most records on a page, which is also what a page has when nobody asks for less.
const PAGE: usize = 20_000;

/// Refuses parameters that are not known.
pub(super) fn parameters(request: &Request) -> Result<(), Refusal> {
    match request.query.iter().find(|(name, _)| !OPTIONS.contains(&name.as_str())) {
        None => Ok(()),
        Some((name, _)) => Err(bad(format!("The query parameter '{name}' is not supported."))),
    }
}

/// A record with its version, all of it or what was selected.
pub(super) fn tagged(record: &Value, selected: Option<&[String]>) -> Value {
    let mut shown = Map::new();
    shown.insert("@odata.etag".to_owned(), json!(etag(record)));
    for (name, value) in record.as_object().into_iter().flatten() {
        if selected.is_none_or(|names| names.contains(name)) {
            shown.insert(name.clone(), value.clone());
        }
    }
    Value::Object(shown)
}

impl BusinessCentral {
    pub(super) fn shown(&self, at: usize, id: &str, status: u16, request: &Request) -> Reply {
        let record = self.tables[at].get(id).unwrap_or(&Value::Null);
        let mut shown = json!({"@odata.context": format!("{}/$metadata#companies({})/{}/$entity", root(request),
            credential(CREDENTIALS, "BUSINESS_CENTRAL_COMPANY_ID"), ENTITIES[at].set)});
        tree::merge(&mut shown, &tagged(record, None), false);
        Reply::json(status, &shown).header("etag", etag(record))
    }

    pub(super) fn one(&self, at: usize, id: &str, request: &Request) -> Result<Reply, Refusal> {
        parameters(request)?;
        let expand = self.expand(at, request)?;
        let entity = &ENTITIES[at];
        let of_type = format!("Microsoft.NAV.{}", entity.name);
        let names = select(request.param("$select"), &of_type, entity.properties).map_err(bad)?;
        let record = self.tables[at].get(id).unwrap_or(&Value::Null);
        if names.is_none() && expand.is_none() {
            return Ok(self.shown(at, id, 200, request));
        }
        let mut shown = tagged(record, names.as_deref());
        self.add_lines(&mut shown, expand, id);
        Ok(Reply::json(200, &shown).header("etag", etag(record)))
    }

    /// The lines that `$expand` asks for.
    fn expand(&self, at: usize, request: &Request) -> Result<Option<usize>, Refusal> {
        let Some(wanted) = request.param("$expand").filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let entity = &ENTITIES[at];
        if wanted == format!("{}Lines", entity.name) {
            return Ok(place(wanted));
        }
        Err(bad(format!(
            "Could not find a property named '{wanted}' on type 'Microsoft.NAV.{}'.",
            entity.name
        )))
    }

    fn add_lines(&self, shown: &mut Value, lines: Option<usize>, id: &str) {
        let Some(lines) = lines else { return };
        let mut own: Vec<Value> = self.lines(lines, id).map(|line| tagged(line, None)).collect();
        own.sort_by_key(|line| line["sequence"].as_i64());
        shown[ENTITIES[lines].set] = Value::Array(own);
    }

    pub(super) fn list(
        &self,
        at: usize,
        document: Option<&str>,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        parameters(request)?;
        let entity = &ENTITIES[at];
        let of_type = format!("Microsoft.NAV.{}", entity.name);
        let expand = self.expand(at, request)?;
        let names = select(request.param("$select"), &of_type, entity.properties).map_err(bad)?;
        let filter = asked(at, document, &of_type, request)?;
        let order = Order::parse(
            request.param("$orderby"),
            &of_type,
            entity.properties,
            &[entity.number, "id"],
        )
        .map_err(bad)?;
        let number = |name: &str| {
            request.number(name).map_err(|text| {
                bad(format!("Invalid value '{text}' for {name} query option found."))
            })
        };
        let (top, skip) = (number("$top")?, number("$skip")?);
        let mut records: Vec<Value> = self.tables[at]
            .listed(now)
            .filter(|record| document.is_none_or(|document| record["documentId"] == document))
            .filter(|record| filter.as_ref().is_none_or(|filter| filter.holds(record)))
            .cloned()
            .collect();
        let count = records.len();
        order.sort(&mut records);
        match request.param("$skiptoken") {
            Some(token) => order.after(token, &mut records).map_err(bad)?,
            None => drop(records.drain(..skip.unwrap_or(0).min(records.len()))),
        }
        let wanted = top.unwrap_or(usize::MAX);
        let page = wanted.min(page_size(request));
        let more = records.len() > page && page < wanted;
        records.truncate(page);
        let mut body = json!({"@odata.context": format!("{}/$metadata#companies({})/{}", root(request),
            credential(CREDENTIALS, "BUSINESS_CENTRAL_COMPANY_ID"), entity.set)});
        if request.param("$count") == Some("true") {
            body["@odata.count"] = json!(count);
        }
        if let Some(last) = records.last().filter(|_| more) {
            body["@odata.nextLink"] =
                json!(next_link(request, &order.token(last), top.map(|top| top - page)));
        }
        body["value"] = records
            .iter()
            .map(|record| {
                let mut shown = tagged(record, names.as_deref());
                self.add_lines(&mut shown, expand, record["id"].as_str().unwrap_or_default());
                shown
            })
            .collect();
        Ok(Reply::json(200, &body))
    }
}

/// `Prefer: odata.maxpagesize=100` makes pages smaller.
fn page_size(request: &Request) -> usize {
    request
        .header("prefer")
        .unwrap_or_default()
        .split([',', ';'])
        .filter_map(|part| part.trim().strip_prefix("odata.maxpagesize="))
        .find_map(|size| size.trim().parse().ok())
        .filter(|size| *size > 0)
        .unwrap_or(PAGE)
        .min(PAGE)
}

fn next_link(request: &Request, token: &str, left: Option<usize>) -> String {
    let mut query = vec!["aid=FIN".to_owned()];
    for (name, value) in &request.query {
        match (name.as_str(), left) {
            ("$skiptoken" | "$skip" | "aid", _) => {}
            ("$top", Some(left)) => query.push(format!("$top={left}")),
            _ => query.push(format!("{name}={}", percent_encode(value))),
        }
    }
    query.push(format!("$skiptoken={}", percent_encode(token)));
    format!("{}/{}?{}", request.base, request.segments.join("/"), query.join("&"))
}

/// The condition of a list; lines are listed only by key or document.
fn asked(
    at: usize,
    document: Option<&str>,
    of_type: &str,
    request: &Request,
) -> Result<Option<Filter>, Refusal> {
    let entity = &ENTITIES[at];
    let filter = request
        .param("$filter")
        .map(|text| Filter::parse(text, Version::V4, of_type, entity.properties, Case::Matters))
        .transpose()
        .map_err(bad)?;
    if filter.as_ref().is_some_and(Filter::or_across) {
        return Err(refusal(
            501,
            "BadRequest_MethodNotImplemented",
            "The 'OR' operator is not supported on distinct fields on an OData filter.",
        ));
    }
    if entity.number == "sequence" && document.is_none() {
        let by_key = filter.as_ref().is_some_and(|filter| {
            filter.names().iter().any(|name| ["documentId", "id"].contains(name))
        });
        if !by_key {
            return Err(super::rules::dialog(
                "You must specify an Id or a Document Id to get the lines.",
            ));
        }
    }
    Ok(filter)
}
