//! What a person does in the emulated systems, and what a test looks at: over HTTP under
//! `/_sandbox`, and as functions behind the methods of [`crate::Running`].
//!
//! These edits are the people's: they are not counted as writes and are not in the request log, so
//! that both tell only what came over the vendors' APIs.

use crate::calls::{self, Changed};
use crate::faults::{Fault, Setting, Struck};
use crate::http::{Act, Reply, Request};
use crate::shared::{LoggedRequest, Shared, Slot, lock};
use crate::systems;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::MutexGuard;

/// Why an edit by a person was not possible.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AdminError {
    #[error("the sandbox does not run a system '{0}'")]
    UnknownSystem(String),
    #[error("{system} has no collection '{collection}'; it has {known}")]
    UnknownCollection { system: String, collection: String, known: String },
    #[error("{system} has no {collection} with id '{id}'")]
    NotFound { system: String, collection: String, id: String },
    #[error("{system} {collection}: {message}")]
    Refused { system: String, collection: String, message: String },
    /// A fault setting that can't be.
    #[error("{0}")]
    Setting(String),
}

impl AdminError {
    fn status(&self) -> u16 {
        match self {
            Self::Refused { .. } | Self::Setting(_) => 400,
            _ => 404,
        }
    }
}

fn slot<'a>(shared: &'a Shared, system: &str) -> Result<MutexGuard<'a, Slot>, AdminError> {
    shared.slot(system).ok_or_else(|| AdminError::UnknownSystem(system.to_owned()))
}

fn collection(slot: &Slot, system: &str, name: &str) -> Result<&'static str, AdminError> {
    let known = slot.emulator.collections();
    // PowerOffice's v1 and v2 names, and the plural or singular of a name, mean the same records.
    let plain = |text: &str| {
        text.to_lowercase()
            .trim_end_matches('s')
            .trim_end_matches("ie")
            .trim_end_matches('y')
            .to_owned()
    };
    let wanted = match name {
        "PartyContactPerson" => "ContactPersons",
        other => other,
    };
    known
        .iter()
        .chain(slot.emulator.aside())
        .find(|known| plain(known) == plain(wanted))
        .copied()
        .ok_or_else(|| AdminError::UnknownCollection {
            system: system.to_owned(),
            collection: name.to_owned(),
            known: known.join(", "),
        })
}

pub(crate) fn requests(shared: &Shared, since: u64) -> Vec<LoggedRequest> {
    lock(&shared.log).requests.iter().filter(|request| request.n > since).cloned().collect()
}

pub(crate) fn records(shared: &Shared, system: &str, name: &str) -> Result<Vec<Value>, AdminError> {
    let slot = slot(shared, system)?;
    let collection = collection(&slot, system, name)?;
    Ok(slot.emulator.records(collection))
}

pub(crate) fn record(
    shared: &Shared,
    system: &str,
    name: &str,
    id: &str,
) -> Result<Value, AdminError> {
    let slot = slot(shared, system)?;
    let collection = collection(&slot, system, name)?;
    slot.emulator
        .records(collection)
        .into_iter()
        .find(|record| slot.emulator.id_of(collection, record) == id)
        .ok_or_else(|| AdminError::NotFound {
            system: system.to_owned(),
            collection: collection.to_owned(),
            id: id.to_owned(),
        })
}

fn refused(system: &str, collection: &str) -> impl FnOnce(String) -> AdminError {
    let (system, collection) = (system.to_owned(), collection.to_owned());
    move |message| AdminError::Refused { system, collection, message }
}

pub(crate) fn put(
    shared: &Shared,
    system: &str,
    name: &str,
    body: Value,
) -> Result<Value, AdminError> {
    let mut slot = slot(shared, system)?;
    let collection = collection(&slot, system, name)?;
    let now = slot.now();
    slot.about_to_write();
    let made = slot.emulator.put(collection, body, now).map_err(refused(system, collection))?;
    let id = slot.emulator.id_of(collection, &made);
    tell(shared, slot, system, Changed { collection, id: &id, act: Act::Create, patch: None });
    Ok(made)
}

pub(crate) fn edit(
    shared: &Shared,
    system: &str,
    name: &str,
    id: &str,
    patch: &Value,
) -> Result<Value, AdminError> {
    record(shared, system, name, id)?;
    let mut slot = slot(shared, system)?;
    let collection = collection(&slot, system, name)?;
    let now = slot.now();
    slot.about_to_write();
    let edited =
        slot.emulator.edit(collection, id, patch, now).map_err(refused(system, collection))?;
    tell(shared, slot, system, Changed { collection, id, act: Act::Update, patch: Some(patch) });
    Ok(edited)
}

pub(crate) fn remove(
    shared: &Shared,
    system: &str,
    name: &str,
    id: &str,
) -> Result<(), AdminError> {
    let mut slot = slot(shared, system)?;
    let collection = collection(&slot, system, name)?;
    let now = slot.now();
    slot.about_to_write();
    match slot.emulator.remove(collection, id, now) {
        Ok(true) => {
            tell(shared, slot, system, Changed { collection, id, act: Act::Delete, patch: None });
            Ok(())
        }
        Ok(false) => Err(AdminError::NotFound {
            system: system.to_owned(),
            collection: collection.to_owned(),
            id: id.to_owned(),
        }),
        Err(message) => Err(refused(system, collection)(message)),
    }
}

/// Makes the calls that follow from what a person did. The system can be asked again before they
/// arrive.
fn tell(shared: &Shared, mut slot: MutexGuard<'_, Slot>, system: &str, changed: Changed<'_>) {
    let now = slot.now();
    let calls = slot.emulator.calls(&changed, now);
    drop(slot);
    calls::send(&shared.calls, system, calls);
}

pub(crate) fn call_at(shared: &Shared, system: &str, url: &str) -> Result<bool, AdminError> {
    Ok(slot(shared, system)?.emulator.call_at(url))
}

pub(crate) fn arm(shared: &Shared, system: &str, fault: Fault) -> Result<(), AdminError> {
    let mut slot = slot(shared, system)?;
    if fault.next > 0 {
        slot.armed.push(fault);
    }
    Ok(())
}

pub(crate) fn disarm(shared: &Shared, system: &str) -> Result<(), AdminError> {
    let mut slot = slot(shared, system)?;
    slot.armed.clear();
    slot.faults.set(system, Setting::default());
    Ok(())
}

pub(crate) fn set_faults(
    shared: &Shared,
    system: &str,
    setting: Setting,
) -> Result<(), AdminError> {
    slot(shared, system)?.faults.set(system, setting);
    Ok(())
}

pub(crate) fn struck(shared: &Shared, system: &str) -> Result<Struck, AdminError> {
    Ok(slot(shared, system)?.faults.struck().clone())
}

/// What is armed, what stands and what has struck.
fn faults(shared: &Shared, system: &str) -> Result<Value, AdminError> {
    let slot = slot(shared, system)?;
    let mut shown = slot.faults.shown();
    shown["faults"] = json!(slot.armed);
    Ok(shown)
}

/// The same for every system that runs, by its name.
fn all_faults(shared: &Shared) -> Result<Value, AdminError> {
    shared.systems.iter().map(|(name, _)| Ok(((*name).to_owned(), faults(shared, name)?))).collect()
}

/// Sets the rates of one system, or of all that run.
fn change_faults(
    shared: &Shared,
    system: Option<&str>,
    body: Option<Value>,
) -> Result<Value, AdminError> {
    let refused = |message: String| AdminError::Setting(message);
    let body = body.ok_or_else(|| {
        refused("a JSON object is expected, or the name of a preset in quotes".into())
    })?;
    let setting = Setting::read(&body).map_err(|error| refused(error.to_string()))?;
    match system {
        Some(system) => set_faults(shared, system, setting).and_then(|()| faults(shared, system)),
        None => {
            for (name, _) in &shared.systems {
                set_faults(shared, name, setting.clone())?;
            }
            all_faults(shared)
        }
    }
}

pub(crate) fn with_oauth(
    shared: &Shared,
    system: &str,
    act: impl FnOnce(&mut crate::oauth::Server),
) -> Result<(), AdminError> {
    if let Some(server) = slot(shared, system)?.emulator.oauth() {
        act(server);
    }
    Ok(())
}

pub(crate) fn expire_tokens(shared: &Shared, system: &str) -> Result<(), AdminError> {
    slot(shared, system)?.emulator.expire_tokens();
    Ok(())
}

pub(crate) fn set_clock_offset(
    shared: &Shared,
    system: &str,
    seconds: i64,
) -> Result<(), AdminError> {
    slot(shared, system)?.clock_offset = SignedDuration::from_secs(seconds);
    Ok(())
}

/// Requests under `/_sandbox`.
pub(crate) fn answer(shared: &Shared, request: &Request) -> Reply {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    let result = match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["requests"]) => {
            let since = request.param("since").and_then(|text| text.parse().ok()).unwrap_or(0);
            Ok(json!({"requests": requests(shared, since)}))
        }
        ("GET", ["writes"]) => {
            let log = lock(&shared.log);
            let total: u64 = log
                .writes
                .values()
                .flat_map(|types| types.values())
                .map(|count| count.total())
                .sum();
            Ok(json!({"total": total, "writes": log.writes}))
        }
        ("GET", ["faults"]) => all_faults(shared),
        ("PUT", ["faults"]) => change_faults(shared, None, request.json()),
        ("DELETE", ["faults"]) => shared
            .systems
            .iter()
            .try_for_each(|(name, _)| disarm(shared, name))
            .and_then(|()| all_faults(shared)),
        ("GET", [system, "faults"]) => faults(shared, system),
        ("PUT", [system, "faults"]) => change_faults(shared, Some(system), request.json()),
        ("DELETE", [system, "faults"]) => {
            disarm(shared, system).and_then(|()| faults(shared, system))
        }
        ("POST", [system, "faults"]) => match serde_json::from_slice::<Fault>(&request.body) {
            Ok(fault) => arm(shared, system, fault.clone()).map(|()| json!(fault)),
            Err(error) => return bad(&format!("not a fault: {error}")),
        },
        ("POST", [system, "expire-tokens"]) => {
            expire_tokens(shared, system).map(|()| json!({"expired": true}))
        }
        ("POST", [system, "clock"]) => {
            let offset = request.json().and_then(|body| body["offset_seconds"].as_i64());
            match offset {
                Some(seconds) => set_clock_offset(shared, system, seconds)
                    .map(|()| json!({"offset_seconds": seconds})),
                None => return bad("a body such as {\"offset_seconds\": 30} is expected"),
            }
        }
        ("POST", [system, "call-at"]) => {
            match request.json().as_ref().and_then(|body| body["url"].as_str()) {
                Some(url) => {
                    call_at(shared, system, url).map(|taken| json!({"url": url, "calls": taken}))
                }
                None => {
                    return bad(
                        "a body such as {\"url\": \"http://127.0.0.1:8787/hooks/wix\"} is expected",
                    );
                }
            }
        }
        ("GET", ["calls"]) => Ok(json!({"calls": *lock(&shared.calls)})),
        ("GET", [system, name]) => records(shared, system, name).map(Value::Array),
        ("GET", [system, name, id]) => record(shared, system, name, id),
        ("POST", [system, name]) => match request.json() {
            Some(body @ Value::Object(_)) => put(shared, system, name, body),
            _ => return bad("a JSON object is expected"),
        },
        ("PATCH", [system, name, id]) => match request.json() {
            Some(patch @ Value::Object(_)) => edit(shared, system, name, id, &patch),
            _ => return bad("a JSON object is expected"),
        },
        ("DELETE", [system, name, id]) => {
            remove(shared, system, name, id).map(|()| json!({"deleted": id}))
        }
        _ => return Reply::json(404, &json!({"error": "nothing here; see / for what there is"})),
    };
    match result {
        Ok(body) => Reply::json(200, &body),
        Err(error) => Reply::json(error.status(), &json!({"error": error.to_string()})),
    }
}

fn bad(message: &str) -> Reply {
    Reply::json(400, &json!({"error": message}))
}

/// The page at `/`: addresses, credentials, and one complete edit per system.
pub(crate) fn index(shared: &Shared, base: &str) -> Reply {
    let mut out = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sandbox systems</title>\
         <style>body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
         pre{background:#f4f4f2;padding:.7rem;overflow:auto}</style></head><body><h1>Sandbox systems</h1>\
         <p>Emulated systems to work against. Each answers as its vendor documents, with the credentials shown.</p>\n",
    );
    for system in systems::all() {
        let Some(slot) = shared.slot(system) else { continue };
        let collections = slot.emulator.collections();
        let _ = writeln!(out, "<h2>{system}</h2>\n<p><code>{base}/{system}</code></p>\n<pre>");
        for (name, value) in systems::credentials(system) {
            let _ = writeln!(out, "{name}={value}");
        }
        let _ = writeln!(
            out,
            "</pre>\n<p>Read over the vendor's interface:</p>\n<pre>{}</pre>",
            escape(&read_command(system, base))
        );
        let _ = writeln!(
            out,
            "<p>Edit a record as a person in that system would (then let the flows carry it on):</p>\n<pre>"
        );
        let (collection, patch) = example_edit(system);
        // One from the middle: the first is mostly the account's owner, who is nobody's
        // counterpart.
        let mut records = slot.emulator.records(collection);
        let middle = records.len() / 2;
        let command = match (middle < records.len()).then(|| records.swap_remove(middle)) {
            Some(record) => {
                let id = slot.emulator.id_of(collection, &record);
                format!("curl -X PATCH {base}/_sandbox/{system}/{collection}/{id} -d '{patch}'")
            }
            None => format!("curl -X POST {base}/_sandbox/{system}/{collection} -d '{patch}'"),
        };
        let _ = writeln!(out, "{}</pre>", escape(&command));
        let lists: Vec<String> = collections
            .iter()
            .map(|name| {
                format!(
                    "<a href=\"/_sandbox/{system}/{name}\">{name}</a> ({})",
                    slot.emulator.records(name).len()
                )
            })
            .collect();
        let _ = writeln!(out, "<p>Records: {}</p>", lists.join(", "));
    }
    let _ = writeln!(
        out,
        "<h2>Looking and breaking</h2>\n<pre>{}</pre></body></html>",
        escape(&format!(
            "curl {base}/_sandbox/requests?since=0\ncurl {base}/_sandbox/writes\n\
             curl -X POST {base}/_sandbox/zendesk/faults -d '{{\"next\":2,\"kind\":\"status\",\"status\":503,\"retry_after\":1}}'\n\
             # kinds: status, lost-answer, broken-json, hang, down, unauthorized, slow, stale-read, empty-list, rewrite;\n\
             # narrow with \"method\" and \"path_contains\"\n\
             curl -X PUT {base}/_sandbox/wix/faults -d '{{\"rates\":[{{\"kind\":\"lost-answer\",\"per_mille\":50}}]}}'\n\
             curl -X PUT {base}/_sandbox/faults -d '\"some\"'\n\
             curl {base}/_sandbox/faults\n\
             curl -X DELETE {base}/_sandbox/faults\n\
             curl -X POST {base}/_sandbox/superoffice/expire-tokens\n\
             curl -X POST {base}/_sandbox/wix/clock -d '{{\"offset_seconds\":90}}'"
        ))
    );
    Reply::text(200, "text/html; charset=utf-8", out)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn example_edit(system: &str) -> (&'static str, &'static str) {
    match system {
        "superoffice" => {
            ("Person", r#"{"Firstname":"Kari","Emails":[{"Value":"kari.new@example.no"}]}"#)
        }
        "wix" => ("contacts", r#"{"info":{"name":{"first":"Kari","last":"Berg"}}}"#),
        "poweroffice-go" => (
            "Employees",
            r#"{"FirstName":"Kari","LastName":"Berg","PhoneNumber":"+47 99 88 77 66"}"#,
        ),
        "crmoffice" => ("contacts", r#"{"givenName":"Kari","familyName":"Berg"}"#),
        "business-central" => ("customers", r#"{"displayName":"Berg Snekkeri AS","city":"Odda"}"#),
        "woocommerce" => ("customers", r#"{"first_name":"Kari","last_name":"Berg"}"#),
        "tripletex" => ("customer", r#"{"name":"Berg Snekkeri AS","phoneNumber":"99 88 77 66"}"#),
        "zoho-crm" => ("Contacts", r#"{"First_Name":"Kari","Last_Name":"Berg"}"#),
        "exact-online" => ("Accounts", r#"{"Name":"Berg Snekkeri AS","City":"Odda"}"#),
        "salesforce" => ("Account", r#"{"Name":"Berg Snekkeri AS","BillingCity":"Odda"}"#),
        "hubspot" => ("contacts", r#"{"properties":{"firstname":"Kari","lastname":"Berg"}}"#),
        "shopify" => ("customers", r#"{"firstName":"Kari","lastName":"Berg"}"#),
        "fjordclub" => ("members", r#"{"name":"Kari Berg","town":"Odda"}"#),
        "zendesk" => ("users", r#"{"name":"Kari Berg","phone":"+4799887766"}"#),
        _ => (
            "users",
            r#"{"login":"kari.berg","name":"Kari Berg","profile":{"email":{"email":"kari.berg@example.org"}}}"#,
        ),
    }
}

fn read_command(system: &str, base: &str) -> String {
    if let Some(command) = further_command(system, base) {
        return command;
    }
    let of = |name: &str| systems::credential(system, name);
    match system {
        "superoffice" => format!(
            "curl -g '{base}/{system}/{}/api/v1/Person?$top=5' -H 'Accept: application/json' \\\n  -H 'Authorization: SOTicket {}' -H 'SO-AppToken: {}'",
            of("SUPEROFFICE_CONTEXT"),
            of("SUPEROFFICE_TICKET"),
            of("SUPEROFFICE_CLIENT_SECRET")
        ),
        "wix" => format!(
            "curl '{base}/{system}/contacts/v4/contacts?paging.limit=5' -H 'Authorization: {}' -H 'wix-site-id: {}'",
            of("WIX_API_KEY"),
            of("WIX_SITE_ID")
        ),
        "poweroffice-go" => format!(
            "TOKEN=$(curl -s -X POST {base}/{system}/OAuth/Token -u '{}:{}' -H 'Ocp-Apim-Subscription-Key: {key}' \\\n  -d grant_type=client_credentials | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n\
             curl '{base}/{system}/v2/Customers?PageSize=5' -H \"Authorization: Bearer $TOKEN\" -H 'Ocp-Apim-Subscription-Key: {key}'",
            of("POWEROFFICE_APPLICATION_KEY"),
            of("POWEROFFICE_CLIENT_KEY"),
            key = of("POWEROFFICE_SUBSCRIPTION_KEY")
        ),
        "crmoffice" => format!(
            "TOKEN=$(curl -s -X POST {base}/{system}/connect/token -d grant_type=refresh_token -d client_id={} \\\n  -d client_secret={} -d refresh_token={} | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n\
             curl '{base}/{system}/contacts?page=1&pageSize=5' -H \"Authorization: Bearer $TOKEN\"",
            of("CRMOFFICE_CLIENT_ID"),
            of("CRMOFFICE_CLIENT_SECRET"),
            of("CRMOFFICE_REFRESH_TOKEN")
        ),
        "fjordclub" => {
            format!(
                "curl '{base}/{system}/members?limit=5' -H 'X-Api-Key: {}'",
                of("FJORDCLUB_API_KEY")
            )
        }
        "zendesk" => format!(
            "curl -g '{base}/{system}/api/v2/users?page[size]=5' -u '{}/token:{}'",
            of("ZENDESK_EMAIL"),
            of("ZENDESK_API_TOKEN")
        ),
        _ => format!(
            "curl '{base}/{system}/hub/api/rest/users?fields=id,login,profile(email(email))&$top=5' \\\n  -H 'Authorization: Bearer {}' -H 'Accept: application/json'",
            of("YOUTRACK_TOKEN")
        ),
    }
}

/// [`read_command`] of a system that runs only where it is named.
fn further_command(system: &str, base: &str) -> Option<String> {
    let of = |name: &str| systems::credential(system, name);
    Some(match system {
        "business-central" => format!(
            "TOKEN=$(curl -s -X POST {base}/{system}/{tenant}/oauth2/v2.0/token -d grant_type=client_credentials \\\n  -d client_id={} -d client_secret={} -d scope=https://api.businesscentral.dynamics.com/.default | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n\
             curl '{base}/{system}/v2.0/{tenant}/{}/api/v2.0/companies({})/customers?$top=5' -H \"Authorization: Bearer $TOKEN\"",
            of("BUSINESS_CENTRAL_CLIENT_ID"),
            of("BUSINESS_CENTRAL_CLIENT_SECRET"),
            of("BUSINESS_CENTRAL_ENVIRONMENT"),
            of("BUSINESS_CENTRAL_COMPANY_ID"),
            tenant = of("BUSINESS_CENTRAL_TENANT_ID")
        ),
        "woocommerce" => format!(
            "curl -g '{base}/{system}/wp-json/wc/v3/customers?per_page=5' -u {}:{}",
            of("WOOCOMMERCE_CONSUMER_KEY"),
            of("WOOCOMMERCE_CONSUMER_SECRET")
        ),
        "tripletex" => format!(
            "TOKEN=$(curl -s -X PUT '{base}/{system}/v2/token/session/:create?consumerToken={}&employeeToken={}&expirationDate=2099-01-01' \\\n  | sed 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/')\n\
             curl '{base}/{system}/v2/customer?count=5' -u \"0:$TOKEN\"",
            of("TRIPLETEX_CONSUMER_TOKEN"),
            of("TRIPLETEX_EMPLOYEE_TOKEN")
        ),
        "zoho-crm" => format!(
            "TOKEN=$(curl -s -X POST {base}/{system}/oauth/v2/token -d grant_type=refresh_token -d client_id={} \\\n  -d client_secret={} -d refresh_token={} | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n\
             curl '{base}/{system}/crm/v8/Contacts?fields=Last_Name,Email&per_page=5' -H \"Authorization: Zoho-oauthtoken $TOKEN\"",
            of("ZOHO_CRM_CLIENT_ID"),
            of("ZOHO_CRM_CLIENT_SECRET"),
            of("ZOHO_CRM_REFRESH_TOKEN")
        ),
        "salesforce" => format!(
            "TOKEN=$(curl -s -X POST {base}/{system}/services/oauth2/token -d grant_type=client_credentials -d client_id={} \\\n  -d client_secret={} | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n\
             curl -G '{base}/{system}/services/data/v62.0/query' --data-urlencode 'q=SELECT Id, LastName, Email FROM Contact LIMIT 5' -H \"Authorization: Bearer $TOKEN\"",
            of("SALESFORCE_CLIENT_ID"),
            of("SALESFORCE_CLIENT_SECRET")
        ),
        "hubspot" => format!(
            "curl '{base}/{system}/crm/v3/objects/contacts?limit=5' -H 'Authorization: Bearer {}'",
            of("HUBSPOT_ACCESS_TOKEN")
        ),
        "shopify" => format!(
            "curl {base}/{system}/admin/api/2026-07/graphql.json -H 'X-Shopify-Access-Token: {}' -H 'Content-Type: application/json' \\\n  -d '{{\"query\":\"{{ customers(first: 5) {{ nodes {{ id email }} }} }}\"}}'",
            of("SHOPIFY_ACCESS_TOKEN")
        ),
        "exact-online" => format!(
            "TOKEN=$(curl -s -X POST {base}/{system}/api/oauth2/token -d grant_type=refresh_token -d client_id={} \\\n  -d client_secret={} -d refresh_token={} | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n\
             curl -g '{base}/{system}/api/v1/{}/crm/Accounts?$select=ID,Name&$top=5' -H \"Authorization: Bearer $TOKEN\"",
            of("EXACT_ONLINE_CLIENT_ID"),
            of("EXACT_ONLINE_CLIENT_SECRET"),
            of("EXACT_ONLINE_REFRESH_TOKEN"),
            of("EXACT_ONLINE_DIVISION")
        ),
        _ => return None,
    })
}
