//! Organizations: the name is required and unique.

use super::account::{Problem, Zendesk, invalid, not_found, stamp, text_of, trimmed};
use crate::http::{Act, Reply, Request};
use crate::util::json as tree;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Look-up keys: the name without regard to case (that case does not count is unverified), and the
/// external id.
pub(super) fn keys(organization: &Value) -> Vec<String> {
    let mut keys = super::account::keys(organization);
    if let Some(name) = tree::filled(organization, "name") {
        keys.push(name_key(name));
    }
    keys
}

fn name_key(name: &str) -> String {
    format!("name:{}", name.trim().to_lowercase())
}

impl Zendesk {
    pub(super) fn organizations_request(
        &mut self,
        rest: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Reply {
        let body = || request.json().map(|body| body["organization"].clone()).unwrap_or_default();
        match (request.method.as_str(), rest) {
            ("GET", []) => self.page("organizations", self.organizations.listed(now), request),
            ("GET", ["show_many"]) => self.many("organizations", &self.organizations, request),
            ("GET", ["search"]) => {
                let name = request.param("name").map(|name| name.trim().to_lowercase());
                let external = request.param("external_id").map(str::to_lowercase);
                if name.is_none() && external.is_none() {
                    return invalid(400, "name or external_id is required");
                }
                let is = |record: &Value, property: &str, wanted: &Option<String>| {
                    wanted.as_ref().is_none_or(|wanted| {
                        tree::filled(record, property)
                            .is_some_and(|own| own.to_lowercase() == *wanted)
                    })
                };
                let found = self.organizations.listed(now).filter(|record| {
                    is(record, "name", &name) && is(record, "external_id", &external)
                });
                self.page("organizations", found, request)
            }
            ("POST", []) => match self.new_organization(&body(), now) {
                Ok(id) => {
                    self.organization_reply(201, id).wrote("organizations", Act::Create, true)
                }
                Err(problem) => problem.reply(),
            },
            ("POST", ["create_or_update"]) => {
                // By id or external id, never by name.
                let given = body();
                let known = tree::id_of(&given["id"])
                    .filter(|id| self.organizations.contains(&id.to_string()))
                    .or_else(|| {
                        let external = tree::filled(&given, "external_id")?.to_lowercase();
                        self.organizations
                            .find(&format!("external:{external}"))
                            .next()?
                            .parse()
                            .ok()
                    });
                match known {
                    Some(id) => match self.change_organization(id, &given, now) {
                        Ok(changed) => self.organization_reply(200, id).wrote(
                            "organizations",
                            Act::Update,
                            changed,
                        ),
                        Err(problem) => problem.reply(),
                    },
                    None => match self.new_organization(&given, now) {
                        Ok(id) => self.organization_reply(201, id).wrote(
                            "organizations",
                            Act::Create,
                            true,
                        ),
                        Err(problem) => problem.reply(),
                    },
                }
            }
            ("POST", ["create_many"]) => {
                let given =
                    request.json().map(|body| body["organizations"].clone()).unwrap_or_default();
                let given = given.as_array().cloned().unwrap_or_default();
                if given.len() > super::account::BULK {
                    return invalid(400, "Too many records: 100 at most");
                }
                let mut noted = Reply::empty(200);
                let mut results = Vec::new();
                for (index, organization) in given.iter().enumerate() {
                    match self.new_organization(organization, now) {
                        Ok(id) => {
                            noted = noted.wrote("organizations", Act::Create, true);
                            results.push(json!({"index":index,"id":id,"success":true}));
                        }
                        Err(problem) => results
                            .push(json!({"index":index,"success":false,"error":problem.message()})),
                    }
                }
                self.job(request, results, noted)
            }
            (method, [id]) => {
                let Some(organization) = self.organizations.get(id).cloned() else {
                    return not_found();
                };
                let number = organization["id"].as_i64().unwrap_or(0);
                match method {
                    "GET" => self.organization_reply(200, number),
                    "PUT" => match self.change_organization(number, &body(), now) {
                        Ok(changed) => self.organization_reply(200, number).wrote(
                            "organizations",
                            Act::Update,
                            changed,
                        ),
                        Err(problem) => problem.reply(),
                    },
                    "DELETE" => {
                        self.delete_organization(id, now);
                        Reply::empty(204).wrote("organizations", Act::Delete, true)
                    }
                    _ => Reply::empty(405),
                }
            }
            _ => Reply::json(404, &json!({"error":"InvalidEndpoint","description":"Not found"})),
        }
    }

    fn organization_reply(&self, status: u16, id: i64) -> Reply {
        let reply =
            Reply::json(status, &json!({"organization": self.organizations.get(&id.to_string())}));
        if status == 201 {
            return reply.header("location", format!("/api/v2/organizations/{id}.json"));
        }
        reply
    }

    pub(super) fn new_organization(
        &mut self,
        given: &Value,
        now: Timestamp,
    ) -> Result<i64, Problem> {
        let mut organization = json!({"id":0,"url":"","name":"","shared_tickets":false,"shared_comments":false,"external_id":null,
            "created_at":stamp(now),"updated_at":stamp(now),"domain_names":[],"details":null,"notes":null,"group_id":null,"tags":[],
            "organization_fields":{}});
        self.over_organization(&mut organization, given, "")?;
        let id = self.fresh_id();
        organization["id"] = json!(id);
        organization["url"] = json!(Self::url("", "organizations", id));
        self.organizations.put(&id.to_string(), organization, now);
        Ok(id)
    }

    fn over_organization(
        &self,
        organization: &mut Value,
        given: &Value,
        own: &str,
    ) -> Result<(), Problem> {
        if !given.is_object() {
            return Err(Problem::Reply(Box::new(invalid(
                400,
                "Parameter organization is required",
            ))));
        }
        for name in ["name", "external_id", "details", "notes"] {
            if let Some(text) = text_of(given, name)? {
                let text = text.map(|text| if name == "name" { trimmed(&text) } else { text });
                organization[name] = match text {
                    Some(text) if text.is_empty() && name != "name" => Value::Null,
                    other => json!(other),
                };
            }
        }
        let Some(name) = tree::filled(organization, "name") else {
            return Err(Problem::field("name", "Name: cannot be blank", "BlankValue"));
        };
        if self.organizations.other_with(&name_key(name), own).is_some() {
            return Err(Problem::field("name", "Name: has already been taken", "DuplicateValue"));
        }
        if let Some(external) = tree::filled(organization, "external_id")
            && self
                .organizations
                .other_with(&format!("external:{}", external.to_lowercase()), own)
                .is_some()
        {
            return Err(Problem::field(
                "external_id",
                "External: has already been taken",
                "DuplicateValue",
            ));
        }
        for name in ["domain_names", "tags"] {
            if given[name].is_array() {
                organization[name] = given[name].clone();
            }
        }
        if given["organization_fields"].is_object() {
            organization["organization_fields"] = given["organization_fields"].clone();
        }
        for name in ["shared_tickets", "shared_comments"] {
            if let Some(flag) = given.get(name).and_then(Value::as_bool) {
                organization[name] = json!(flag);
            }
        }
        Ok(())
    }

    pub(super) fn change_organization(
        &mut self,
        id: i64,
        given: &Value,
        now: Timestamp,
    ) -> Result<bool, Problem> {
        let key = id.to_string();
        let before = self.organizations.get(&key).cloned().unwrap_or_default();
        let mut organization = before.clone();
        self.over_organization(&mut organization, given, &key)?;
        let changed = organization != before;
        if changed {
            organization["updated_at"] = stamp(now);
            self.organizations.put(&key, organization, now);
        }
        Ok(changed)
    }

    pub(super) fn delete_organization(&mut self, id: &str, now: Timestamp) -> bool {
        if !self.organizations.remove(id, now) {
            return false;
        }
        for table in [&mut self.users, &mut self.tickets] {
            let members: Vec<String> =
                table.find(&format!("organization:{id}")).map(str::to_owned).collect();
            for member in members {
                if let Some(mut record) = table.get(&member).cloned() {
                    record["organization_id"] = Value::Null;
                    record["updated_at"] = stamp(now);
                    table.put(&member, record, now);
                }
            }
        }
        true
    }
}
