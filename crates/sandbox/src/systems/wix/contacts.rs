//! Contacts v4: create, read, update with revision, delete, list, query, merge.

use super::Wix;
use super::info;
use super::query::{self, Rules};
use super::refusal::{Refusal, failure};
use crate::http::{Act, Reply, Request};
use crate::util::{json as tree, text, time};
use jiff::Timestamp;
use serde_json::{Value, json};

const RULES: Rules = Rules {
    // Field, operators, sortable.
    fields: &[
        ("id", &["$eq", "$ne", "$in"], false),
        ("createdDate", query::RANGE, true),
        ("updatedDate", query::RANGE, false),
        ("lastActivity.activityDate", query::RANGE, true),
        ("info.name.first", query::TEXT, true),
        ("info.name.last", query::TEXT, true),
        ("info.emails.email", query::TEXT, false),
        ("info.phones.phone", query::TEXT, false),
        ("info.company", query::TEXT, true),
        ("primaryInfo.email", query::TEXT, true),
        ("primaryInfo.phone", query::TEXT, false),
    ],
    max_limit: 1000,
};

impl Wix {
    pub(super) fn contacts_request(
        &mut self,
        rest: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Reply {
        match (request.method.as_str(), rest) {
            ("POST", []) => self.create_contact(request, now),
            ("GET", []) => self.list_contacts(request, now),
            ("POST", ["query"]) => self.query_contacts(request, now),
            ("GET", [id]) => match self.resolve(id).and_then(|id| self.contacts.get(&id)) {
                Some(contact) => Reply::json(200, &json!({"contact": contact})),
                None => not_found(id),
            },
            ("PATCH", [id]) => self.update_contact(id, request, now),
            ("DELETE", [id]) => self.delete_contact(id, now),
            ("POST", [id, "merge"]) => self.merge_contacts(id, request, now),
            _ => Reply::json(404, &json!({"message":"","details":{}})),
        }
    }

    /// A merged contact's id leads to the contact that it went into.
    fn resolve(&self, id: &str) -> Option<String> {
        let mut id = id.to_owned();
        while let Some(target) = self.merged.get(&id) {
            id = target.clone();
        }
        self.contacts.contains(&id).then_some(id)
    }

    fn create_contact(&mut self, request: &Request, now: Timestamp) -> Reply {
        let Some(body) = request.json().filter(Value::is_object) else {
            return Refusal::field("body", "Expected an object", "FORMAT").reply();
        };
        let Some(info) = body.get("info") else {
            return Refusal::code(400, "INSUFFICIENT_CONTACT_DATA", "info is missing").reply();
        };
        let created = info::updated(&json!({}), info, &mut self.ids).and_then(|checked| {
            if body["allowDuplicates"] != true {
                self.refuse_duplicates(&checked, None)?;
            }
            self.new_contact(info, now)
        });
        match created {
            Ok(contact) => {
                Reply::json(200, &json!({"contact": contact})).wrote("contacts", Act::Create, true)
            }
            Err(refusal) => refusal.reply(),
        }
    }

    /// Stores a new contact; duplicates are the caller's concern.
    pub(super) fn new_contact(&mut self, given: &Value, now: Timestamp) -> Result<Value, Refusal> {
        let info = info::updated(&json!({}), given, &mut self.ids)?;
        if !info::sufficient(&info) {
            return Err(Refusal::code(
                400,
                "INSUFFICIENT_CONTACT_DATA",
                "at least one of name, phone or email is needed",
            ));
        }
        let stamp = time::millis_z(now);
        let id = self.ids.uuid();
        let mut contact = json!({"id":id,"revision":1,"source":{"sourceType":"ADMIN"},"createdDate":stamp,"updatedDate":stamp,
            "lastActivity":{"activityDate":stamp,"activityType":"CONTACT_CREATED"},"primaryInfo":{},"info":info});
        info::derive(&mut contact);
        self.contacts.put(&id, contact.clone(), now);
        Ok(contact)
    }

    /// 409 when an e-mail (or, without any e-mail, a phone) is another contact's. On an update only
    /// what the contact does not have yet is looked at.
    fn refuse_duplicates(&self, info: &Value, stored: Option<&Value>) -> Result<(), Refusal> {
        let own = stored.and_then(|contact| contact["id"].as_str()).unwrap_or_default();
        let had: Vec<String> = stored.map(super::contact_keys).unwrap_or_default();
        let keys = super::contact_keys(&json!({"info": info}));
        let has_email = keys.iter().any(|key| key.starts_with("email:"));
        for key in keys.iter().filter(|key| !had.contains(key)) {
            if has_email && key.starts_with("phone:") {
                continue;
            }
            if let Some(other) = self.contacts.other_with(key, own) {
                let duplicate = self.contacts.get(other).unwrap_or(&Value::Null);
                return Err(Refusal::Code {
                    status: 409,
                    code: "DUPLICATE_CONTACT_EXISTS",
                    description: "a contact with this email or phone exists".to_owned(),
                    data: json!({"duplicateContactId":other,"duplicateEmail":duplicate["primaryInfo"]["email"],
                        "duplicatePhone":duplicate["primaryInfo"]["phone"]}),
                });
            }
        }
        Ok(())
    }

    fn update_contact(&mut self, id: &str, request: &Request, now: Timestamp) -> Reply {
        let Some(stored) = self.contacts.get(id).cloned() else {
            return not_found(id);
        };
        let Some(body) = request.json().filter(Value::is_object) else {
            return Refusal::field("body", "Expected an object", "FORMAT").reply();
        };
        let Some(revision) = tree::id_of(&body["revision"]) else {
            return Refusal::field("revision", "is required", "REQUIRED_FIELD").reply();
        };
        if Some(revision) != stored["revision"].as_i64() {
            return failure(
                409,
                "CONTACT_ALREADY_CHANGED",
                &format!("the contact has revision {}, not {revision}", stored["revision"]),
                json!({}),
            );
        }
        let Some(given) =
            body.get("info").filter(|info| info.as_object().is_none_or(|info| !info.is_empty()))
        else {
            return failure(
                400,
                "INSUFFICIENT_UPDATE_CONTACT_DATA",
                "nothing to update",
                json!({}),
            );
        };
        let checked = info::updated(&stored["info"], given, &mut self.ids).and_then(|info| {
            if !info::sufficient(&info) {
                return Err(Refusal::code(
                    400,
                    "INSUFFICIENT_CONTACT_DATA",
                    "at least one of name, phone or email must stay",
                ));
            }
            if body["allowDuplicates"] != true {
                self.refuse_duplicates(&info, Some(&stored))?;
            }
            self.refuse_member_email(id, &stored, &info)?;
            Ok(info)
        });
        match checked {
            Ok(info) => {
                let changed = info != stored["info"];
                let contact = self.store_info(id, stored, info, now);
                Reply::json(200, &json!({"contact": contact})).wrote(
                    "contacts",
                    Act::Update,
                    changed,
                )
            }
            Err(refusal) => refusal.reply(),
        }
    }

    /// The primary e-mail of a site member is changed in the Members API or not at all.
    fn refuse_member_email(&self, id: &str, stored: &Value, info: &Value) -> Result<(), Refusal> {
        let is_member = self.members.find(&format!("contact:{id}")).next().is_some();
        let primary = info::primary(info, "emails").map(|item| &item["email"]);
        if is_member
            && primary != Some(&stored["primaryInfo"]["email"])
            && !stored["primaryInfo"]["email"].is_null()
        {
            return Err(Refusal::code(
                428,
                "CANNOT_UPDATE_MEMBER_EMAIL",
                "the primary email of a site member cannot be changed here",
            ));
        }
        Ok(())
    }

    /// Every update raises the revision, also one that changes nothing.
    pub(super) fn store_info(
        &mut self,
        id: &str,
        mut contact: Value,
        info: Value,
        now: Timestamp,
    ) -> Value {
        contact["info"] = info;
        contact["revision"] = json!(contact["revision"].as_i64().unwrap_or(0) + 1);
        contact["updatedDate"] = json!(time::millis_z(now));
        info::derive(&mut contact);
        self.contacts.put(id, contact.clone(), now);
        // A member shows its contact's data, so its date moves as well.
        let members: Vec<String> =
            self.members.find(&format!("contact:{id}")).map(str::to_owned).collect();
        for member in members {
            if let Some(mut value) = self.members.get(&member).cloned() {
                value["updatedDate"] = contact["updatedDate"].clone();
                self.members.put(&member, value, now);
            }
        }
        contact
    }

    /// A person's edit; `primaryInfo.email` and `.phone` there mean the primary item, as the
    /// contact card shows it.
    pub(super) fn edit_contact(
        &mut self,
        id: &str,
        patch: &Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        let stored = self.contacts.get(id).cloned().ok_or("no such contact")?;
        let mut wanted = stored.clone();
        tree::merge(&mut wanted, patch, true);
        let mut info = wanted["info"].clone();
        for (list, property) in [("emails", "email"), ("phones", "phone")] {
            let Some(value) = patch["primaryInfo"].get(property) else {
                continue;
            };
            let mut items = info[list]["items"].as_array().cloned().unwrap_or_default();
            let position = items.iter().position(|item| item["primary"] == true);
            match (position, value.is_null()) {
                (Some(at), true) => {
                    items.remove(at);
                }
                (Some(at), false) => items[at][property] = value.clone(),
                (None, true) => {}
                (None, false) => items.push(json!({property: value, "primary": true})),
            }
            info[list] = json!({"items": items});
        }
        let info =
            info::updated(&stored["info"], &info, &mut self.ids).map_err(Refusal::message)?;
        let mut info = info;
        if let Some(object) = info.as_object_mut() {
            // What the patch cleared must not come back from the stored state.
            for name in patch["info"]
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(_, value)| value.is_null())
                .map(|(name, _)| name)
            {
                object.remove(name);
            }
        }
        Ok(self.store_info(id, stored, info, now))
    }

    fn delete_contact(&mut self, id: &str, now: Timestamp) -> Reply {
        if self.members.find(&format!("contact:{id}")).next().is_some() {
            return failure(
                409,
                "CANNOT_DELETE_MEMBER",
                "the contact is a site member; delete the member first",
                json!({}),
            );
        }
        if !self.contacts.remove(id, now) {
            return not_found(id);
        }
        Reply::json(200, &json!({})).wrote("contacts", Act::Delete, true)
    }

    fn list_contacts(&self, request: &Request, now: Timestamp) -> Reply {
        let query = match query::from_parameters(request) {
            Ok(query) => query,
            Err(refusal) => return refusal.reply(),
        };
        self.contact_page(&query, None, now)
    }

    fn query_contacts(&self, request: &Request, now: Timestamp) -> Reply {
        let Some(body) = request.json() else {
            return Refusal::field("body", "Expected an object", "FORMAT").reply();
        };
        self.contact_page(&body["query"], body["search"].as_str(), now)
    }

    fn contact_page(&self, query: &Value, search: Option<&str>, now: Timestamp) -> Reply {
        let page = match query::run(
            &RULES,
            query,
            self.contacts.listed(now).filter(|contact| matches(contact, search)),
        ) {
            Ok(page) => page,
            Err(refusal) => return refusal.reply(),
        };
        let fieldsets: Vec<&str> =
            query["fieldsets"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let contacts: Vec<Value> =
            page.items.iter().map(|contact| shown(contact, &fieldsets)).collect();
        Reply::json(
            200,
            &json!({"pagingMetadata":{"count":contacts.len(),"offset":page.offset,"total":page.total,"tooManyToCount":false},
                "contacts":contacts}),
        )
    }

    fn merge_contacts(&mut self, id: &str, request: &Request, now: Timestamp) -> Reply {
        let body = request.json().unwrap_or(Value::Null);
        let Some(target) = self.contacts.get(id).cloned() else {
            return not_found(id);
        };
        if tree::id_of(&body["targetContactRevision"]) != target["revision"].as_i64() {
            return failure(
                409,
                "CONTACT_ALREADY_CHANGED",
                "the target has another revision",
                json!({}),
            );
        }
        let sources: Vec<String> = body["sourceContactIds"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        let mut info = target["info"].clone();
        for source in &sources {
            if self.members.find(&format!("contact:{source}")).next().is_some() {
                return failure(
                    400,
                    "CANNOT_MERGE_MEMBER_SOURCE",
                    "members can only be targets of a merge",
                    json!({}),
                );
            }
            let Some(contact) = self.contacts.get(source).cloned() else {
                return not_found(source);
            };
            for list in ["emails", "phones", "addresses"] {
                let mut items = info[list]["items"].as_array().cloned().unwrap_or_default();
                for item in contact["info"][list]["items"].as_array().into_iter().flatten() {
                    let value = if list == "emails" {
                        "email"
                    } else if list == "phones" {
                        "phone"
                    } else {
                        "address"
                    };
                    if !items.iter().any(|known| known[value] == item[value]) {
                        let mut item = item.clone();
                        if list != "addresses" {
                            item["primary"] = json!(items.is_empty());
                        }
                        items.push(item);
                    }
                }
                if !items.is_empty() {
                    info[list] = json!({"items": items});
                }
            }
            self.contacts.remove(source, now);
            self.merged.insert(source.clone(), id.to_owned());
        }
        let contact = self.store_info(id, target, info, now);
        Reply::json(200, &json!({"contact": contact})).wrote("contacts", Act::Update, true)
    }
}

fn not_found(id: &str) -> Reply {
    failure(
        404,
        "CONTACT_NOT_FOUND",
        &format!("contact {id} was not found"),
        json!({"contactId": id}),
    )
}

/// The free-text search of a query: any word that starts with it, in names, e-mails and phones.
fn matches(contact: &Value, search: Option<&str>) -> bool {
    let Some(search) = search.map(str::trim).filter(|text| !text.is_empty()) else {
        return true;
    };
    let search = search.to_lowercase();
    let items = |list: &str, property: &str| {
        contact["info"][list]["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|item| item[property].as_str().map(str::to_lowercase))
            .collect::<Vec<_>>()
    };
    let names = ["name.first", "name.last"]
        .iter()
        .filter_map(|path| tree::text(&contact["info"], path))
        .map(str::to_lowercase);
    let digits = text::strip_phone(&search);
    names.chain(items("emails", "email")).any(|word| word.starts_with(&search))
        || (digits.len() > 4
            && items("phones", "e164Phone").iter().any(|number| number.contains(&digits)))
}

/// Fieldsets; what each of them holds is unverified beyond the names. Without any the whole contact
/// is shown.
fn shown(contact: &Value, fieldsets: &[&str]) -> Value {
    if fieldsets.is_empty() || fieldsets.contains(&"FULL") {
        return contact.clone();
    }
    let mut out = json!({"id":contact["id"],"revision":contact["revision"],"info":{}});
    let mut copy = |names: &[&str]| {
        for name in names {
            match name.strip_prefix("info.") {
                Some(field) if !contact["info"][field].is_null() => {
                    out["info"][field] = contact["info"][field].clone()
                }
                None if !contact[*name].is_null() => out[*name] = contact[*name].clone(),
                _ => {}
            }
        }
    };
    copy(&["info.name", "primaryInfo", "primaryEmail", "createdDate", "updatedDate"]);
    if fieldsets.contains(&"COMMUNICATION_DETAILS") {
        copy(&["info.emails", "info.phones", "primaryPhone"]);
    }
    if fieldsets.contains(&"EXTENDED") {
        copy(&[
            "info.extendedFields",
            "info.labelKeys",
            "info.company",
            "info.jobTitle",
            "info.locale",
            "lastActivity",
            "source",
        ]);
    }
    out
}
