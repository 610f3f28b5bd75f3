//! User groups and organizations, as YouTrack's own interface has them from version 2026.1 on.
//!
//! Vendor: resource-api-groups, resource-api-admin-organizations in the developer portal. Unverified
//! there, and chosen: a name is required, and unique among groups as a key is among organizations
//! (409); an organization without a key gets one of its name; what is read-only and sent all the same is
//! ignored; the groups of all users and of the registered ones can be neither renamed nor deleted.

use super::fields::Fields;
use super::instance::{API_TOP, Refusal, YouTrack, error, refusal, refused};
use crate::http::{Act, Reply, Request};
use crate::state::Table;
use crate::util::json as tree;
use jiff::Timestamp;
use serde_json::{Value, json};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Groups,
    Organizations,
}

impl Kind {
    pub fn named(collection: &str) -> Option<Self> {
        [Self::Groups, Self::Organizations].into_iter().find(|kind| kind.collection() == collection)
    }

    fn collection(self) -> &'static str {
        match self {
            Self::Groups => "groups",
            Self::Organizations => "organizations",
        }
    }
}

pub(super) fn keys(record: &Value) -> Vec<String> {
    let of = |name: &str| {
        tree::filled(record, name).map(|text| format!("{name}:{}", text.to_lowercase()))
    };
    of("name").into_iter().chain(of("key")).collect()
}

/// Letters and digits of a name.
fn key_of(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_uppercase()
}

impl YouTrack {
    pub(super) fn set(&self, kind: Kind) -> &Table {
        match kind {
            Kind::Groups => &self.groups,
            Kind::Organizations => &self.organizations,
        }
    }

    fn set_mut(&mut self, kind: Kind) -> &mut Table {
        match kind {
            Kind::Groups => &mut self.groups,
            Kind::Organizations => &mut self.organizations,
        }
    }

    /// The two groups that every YouTrack has.
    pub(super) fn found_groups(&mut self, now: Timestamp) {
        for name in ["All Users", "Registered Users"] {
            if let Ok(id) = self.save(Kind::Groups, None, &json!({"name": name}), now)
                && let Some(mut group) = self.groups.get(&id).cloned()
            {
                group["allUsersGroup"] = json!(name == "All Users");
                group["_fixed"] = json!(true);
                self.groups.put(&id, group, now);
            }
        }
    }

    /// Validates and stores; `id` is that of a stored record.
    pub(super) fn save(
        &mut self,
        kind: Kind,
        id: Option<&str>,
        given: &Value,
        now: Timestamp,
    ) -> Result<String, Refusal> {
        let Some(given) = given.as_object() else {
            return Err(refusal(400, "", "A JSON object is expected"));
        };
        let mut record = match id.and_then(|id| self.set(kind).get(id)) {
            Some(stored) => stored.clone(),
            None => match kind {
                Kind::Groups => {
                    json!({"$type":"UserGroup","name":null,"ringId":self.ids.uuid(),"usersCount":0,
                    "icon":null,"allUsersGroup":false,"users":[]})
                }
                Kind::Organizations => {
                    json!({"$type":"Organization","name":null,"key":null,"description":null,
                    "iconUrl":null,"projects":[]})
                }
            },
        };
        let texts: &[&'static str] = match kind {
            Kind::Groups => &["name"],
            Kind::Organizations => &["name", "key", "description"],
        };
        for name in texts.iter().copied() {
            let value = match given.get(name) {
                None => continue,
                Some(Value::String(text)) if !text.trim().is_empty() => json!(text.trim()),
                Some(Value::String(_) | Value::Null) if name == "description" => Value::Null,
                Some(_) => return Err(refusal(400, name, format!("{name} must be a text"))),
            };
            if record["_fixed"] == true && value != record[name] {
                return Err(refusal(403, name, "This group can't be changed"));
            }
            record[name] = value;
        }
        let Some(name) = tree::filled(&record, "name").map(str::to_owned) else {
            return Err(refusal(400, "name", "name is required"));
        };
        if kind == Kind::Organizations && record["key"].is_null() {
            record["key"] = json!(key_of(&name));
        }
        let (unique, value) = match kind {
            Kind::Groups => ("name", name),
            Kind::Organizations => ("key", record["key"].as_str().unwrap_or_default().to_owned()),
        };
        let taken = format!("{unique}:{}", value.to_lowercase());
        if self.set(kind).other_with(&taken, id.unwrap_or_default()).is_some() {
            return Err(refusal(409, unique, format!("Another one has this {unique} already")));
        }
        let id = match id {
            Some(id) => id.to_owned(),
            None => {
                self.next_set += 1;
                let series = if kind == Kind::Groups { 3 } else { 165 };
                format!("{series}-{}", self.next_set)
            }
        };
        record["id"] = json!(id);
        self.set_mut(kind).put(&id, record, now);
        Ok(id)
    }

    pub(super) fn shown(&self, kind: Kind, id: &str) -> Value {
        let mut record = self.set(kind).get(id).cloned().unwrap_or_default();
        if record["allUsersGroup"] == true {
            record["usersCount"] = json!(self.users.current().count());
        }
        if let Some(object) = record.as_object_mut() {
            object.remove("_fixed");
        }
        record
    }

    /// `/api/groups` and `/api/admin/organizations`, and one of them.
    pub(super) fn sets(
        &mut self,
        kind: Kind,
        rest: &[&str],
        fields: &Fields,
        request: &Request,
        now: Timestamp,
    ) -> Reply {
        let body = || request.json().unwrap_or(Value::Null);
        match (request.method.as_str(), rest) {
            ("GET", []) => {
                let (Ok(skip), Ok(top)) = (request.number("$skip"), request.number("$top")) else {
                    return error(400, "$top", "$skip and $top must be numbers");
                };
                let ids = self.set(kind).listed(now).filter_map(|record| record["id"].as_str());
                let page: Vec<Value> = ids
                    .skip(skip.unwrap_or(0))
                    .take(top.unwrap_or(API_TOP))
                    .map(|id| fields.project(&self.shown(kind, id)))
                    .collect();
                Reply::json(200, &Value::Array(page))
            }
            ("POST", []) => match self.save(kind, None, &body(), now) {
                Ok(id) => Reply::json(200, &fields.project(&self.shown(kind, &id))).wrote(
                    kind.collection(),
                    Act::Create,
                    true,
                ),
                Err(refusal) => refused(&refusal),
            },
            (method, [id]) => {
                let Some(before) = self.set(kind).get(id).cloned() else {
                    return error(404, "", &format!("Entity with id {id} not found"));
                };
                match method {
                    "GET" => Reply::json(200, &fields.project(&self.shown(kind, id))),
                    "POST" => match self.save(kind, Some(id), &body(), now) {
                        Ok(_) => {
                            let changed = self.set(kind).get(id) != Some(&before);
                            Reply::json(200, &fields.project(&self.shown(kind, id))).wrote(
                                kind.collection(),
                                Act::Update,
                                changed,
                            )
                        }
                        Err(refusal) => refused(&refusal),
                    },
                    "DELETE" if before["_fixed"] == true => {
                        error(403, "", "This group can't be deleted")
                    }
                    "DELETE" => {
                        self.set_mut(kind).remove(id, now);
                        Reply::json(200, &json!({})).wrote(kind.collection(), Act::Delete, true)
                    }
                    _ => error(405, "", "Method Not Allowed"),
                }
            }
            _ => error(404, "", "Not found"),
        }
    }
}
