//! Members v1: the people who can log in to the site. A member belongs to a contact and shows its
//! data.

use super::Wix;
use super::query::{self, Rules};
use super::refusal::{Refusal, failure};
use crate::http::{Act, Reply, Request};
use crate::util::text::{email_key, looks_like_email};
use crate::util::{json as tree, time};
use jiff::Timestamp;
use serde_json::{Value, json};

const RULES: Rules = Rules {
    fields: &[
        ("id", query::TEXT, false),
        ("contactId", query::TEXT, false),
        ("loginEmail", query::TEXT, false),
        ("status", query::TEXT, false),
        ("privacyStatus", query::TEXT, false),
        ("profile.nickname", query::ANY, true),
        ("profile.slug", query::TEXT, false),
        ("contact.firstName", query::ANY, true),
        ("contact.lastName", query::ANY, true),
        ("createdDate", query::RANGE, true),
        // That this one can be filtered by is unverified.
        ("updatedDate", query::RANGE, true),
        ("lastLoginDate", query::RANGE, true),
    ],
    max_limit: 100,
};

impl Wix {
    pub(super) fn members_request(
        &mut self,
        rest: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Reply {
        let fieldsets = |body: &Value| {
            let lists = [&body["fieldsets"], &body["query"]["fieldsets"]];
            lists
                .iter()
                .any(|list| list.as_array().into_iter().flatten().any(|name| name == "FULL"))
        };
        match (request.method.as_str(), rest) {
            ("POST", []) => self.create_member(request, now),
            ("GET", []) => match query::from_parameters(request) {
                Ok(query) => self.member_page(&query, fieldsets(&query), now),
                Err(refusal) => refusal.reply(),
            },
            ("POST", ["query"]) => match request.json() {
                Some(body) => self.member_page(&body["query"], fieldsets(&body), now),
                None => Refusal::field("body", "Expected an object", "FORMAT").reply(),
            },
            ("GET", [id]) => {
                let full = query::from_parameters(request).is_ok_and(|query| fieldsets(&query));
                match self.members.get(id) {
                    Some(member) => {
                        Reply::json(200, &json!({"member": self.shown_member(member, full)}))
                    }
                    None => not_found(id),
                }
            }
            ("PATCH", [id]) => self.update_member(id, request, now),
            ("DELETE", [id]) => {
                if self.members.remove(id, now) {
                    Reply::json(200, &json!({})).wrote("members", Act::Delete, true)
                } else {
                    not_found(id)
                }
            }
            ("DELETE", [id, list @ ("emails" | "phones" | "addresses")]) => {
                self.clear_member_list(id, list, now)
            }
            _ => Reply::json(404, &json!({"message":"","details":{}})),
        }
    }

    /// The member with the data of its contact.
    pub(super) fn full_member(&self, member: &Value) -> Value {
        let mut member = member.clone();
        let contact = self
            .contacts
            .get(member["contactId"].as_str().unwrap_or_default())
            .unwrap_or(&Value::Null);
        let info = &contact["info"];
        let plain = |list: &str, property: &str| -> Vec<Value> {
            info[list]["items"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|item| item[property].clone())
                .collect()
        };
        member["contact"] = json!({
            "firstName":tree::text(info, "name.first").unwrap_or_default(),
            "lastName":tree::text(info, "name.last").unwrap_or_default(),
            "emails":plain("emails", "email"),"phones":plain("phones", "phone"),"addresses":plain("addresses", "address"),
            "company":info["company"].as_str().unwrap_or_default(),"jobTitle":info["jobTitle"].as_str().unwrap_or_default(),
            "customFields":{}
        });
        member
    }

    /// Without FULL, the login e-mail and the contact stay hidden. That the default hides the login
    /// e-mail is unverified.
    fn shown_member(&self, member: &Value, full: bool) -> Value {
        if full {
            return self.full_member(member);
        }
        let mut member = member.clone();
        if let Some(object) = member.as_object_mut() {
            object.remove("loginEmail");
            object.remove("loginEmailVerified");
        }
        member
    }

    fn member_page(&self, query: &Value, full: bool, now: Timestamp) -> Reply {
        let members: Vec<Value> =
            self.members.listed(now).map(|member| self.full_member(member)).collect();
        match query::run(&RULES, query, members.iter()) {
            Ok(page) => {
                let shown: Vec<Value> = page
                    .items
                    .iter()
                    .map(|member| {
                        let mut member = (*member).clone();
                        if !full && let Some(object) = member.as_object_mut() {
                            for hidden in ["loginEmail", "loginEmailVerified", "contact"] {
                                object.remove(hidden);
                            }
                        }
                        member
                    })
                    .collect();
                Reply::json(
                    200,
                    &json!({"metadata":{"count":shown.len(),"offset":page.offset,"total":page.total},"members":shown}),
                )
            }
            Err(refusal) => refusal.reply(),
        }
    }

    fn create_member(&mut self, request: &Request, now: Timestamp) -> Reply {
        let body = request.json().unwrap_or(Value::Null);
        match self.new_member(&body["member"], now) {
            Ok(id) => {
                let member = self.full_member(self.members.get(&id).unwrap_or(&Value::Null));
                Reply::json(200, &json!({"member": member})).wrote("members", Act::Create, true)
            }
            Err(refusal) => refusal.reply(),
        }
    }

    fn new_member(&mut self, given: &Value, now: Timestamp) -> Result<String, Refusal> {
        let Some(email) = tree::filled(given, "loginEmail") else {
            return Err(Refusal::field("member.loginEmail", "must not be empty", "REQUIRED_FIELD"));
        };
        if !looks_like_email(email) {
            return Err(Refusal::field("member.loginEmail", "must be a valid email", "FORMAT"));
        }
        let key = email_key(email);
        if self.members.find(&format!("login:{key}")).next().is_some() {
            // The code is unverified; the status is the vendor's usual one for what is taken.
            return Err(Refusal::code(
                409,
                "MEMBER_ALREADY_EXISTS",
                "a member with this login email exists",
            ));
        }
        // A member joins the contact that has its address, or gets a new one; the rule is
        // unverified.
        let joined = self.contacts.find(&format!("email:{key}")).next().map(str::to_owned);
        let contact = match joined {
            Some(id) => id,
            None => {
                let mut info =
                    json!({"emails":{"items":[{"tag":"MAIN","email":email,"primary":true}]}});
                if let Some(changes) = contact_changes(&given["contact"], &json!({}))? {
                    tree::merge(&mut info, &changes, false);
                }
                let contact = self.new_contact(&info, now)?;
                contact["id"].as_str().unwrap_or_default().to_owned()
            }
        };
        let (id, stamp) = (self.ids.uuid(), time::millis_z(now));
        let nickname = tree::filled(given, "profile.nickname")
            .or_else(|| tree::filled(given, "contact.firstName"))
            .unwrap_or_else(|| email.split('@').next().unwrap_or_default())
            .to_owned();
        let slug: String = nickname
            .to_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        let member = json!({"id":id,"loginEmail":email,"loginEmailVerified":false,"status":"APPROVED","contactId":contact,
            "privacyStatus":given["privacyStatus"].as_str().unwrap_or("PRIVATE"),"activityStatus":"ACTIVE",
            "profile":{"nickname":nickname,"slug":slug,"title":tree::text(given, "profile.title").unwrap_or_default()},
            "createdDate":stamp,"updatedDate":stamp,"lastLoginDate":Value::Null});
        self.members.put(&id, member, now);
        Ok(id)
    }

    fn update_member(&mut self, id: &str, request: &Request, now: Timestamp) -> Reply {
        let body = request.json().unwrap_or(Value::Null);
        let given = &body["member"];
        let Some(stored) = self.members.get(id).cloned() else {
            return not_found(id);
        };
        if !given.is_object() {
            return Refusal::field("member", "Expected an object", "FORMAT").reply();
        }
        if let Some(email) = given.get("loginEmail")
            && *email != stored["loginEmail"]
        {
            return Refusal::field("member.loginEmail", "is immutable", "IMMUTABLE").reply();
        }
        let before = self.full_member(&stored);
        match self.apply_member(id, given, now) {
            Ok(member) => {
                let changed = without_dates(&before) != without_dates(&member);
                Reply::json(200, &json!({"member": member})).wrote("members", Act::Update, changed)
            }
            Err(refusal) => refusal.reply(),
        }
    }

    fn apply_member(&mut self, id: &str, given: &Value, now: Timestamp) -> Result<Value, Refusal> {
        let Some(mut member) = self.members.get(id).cloned() else {
            return Err(Refusal::code(404, "MEMBER_NOT_FOUND", "no such member"));
        };
        let contact_id = member["contactId"].as_str().unwrap_or_default().to_owned();
        if let Some(contact) = self.contacts.get(&contact_id).cloned()
            && let Some(changes) = contact_changes(&given["contact"], &contact["info"])?
        {
            let info = super::info::updated(&contact["info"], &changes, &mut self.ids)?;
            if info != contact["info"] {
                self.store_info(&contact_id, contact, info, now);
            }
        }
        for property in ["nickname", "title"] {
            if let Some(text) = tree::text(&given["profile"], property) {
                member["profile"][property] = json!(text);
            }
        }
        if let Some(privacy) = given["privacyStatus"].as_str() {
            member["privacyStatus"] = json!(privacy);
        }
        member["updatedDate"] = json!(time::millis_z(now));
        self.members.put(id, member.clone(), now);
        Ok(self.full_member(&member))
    }

    fn clear_member_list(&mut self, id: &str, list: &str, now: Timestamp) -> Reply {
        let Some(member) = self.members.get(id).cloned() else {
            return not_found(id);
        };
        let contact_id = member["contactId"].as_str().unwrap_or_default().to_owned();
        if let Some(contact) = self.contacts.get(&contact_id).cloned() {
            let mut info = contact["info"].clone();
            // The login e-mail is the member's own and stays.
            let login = email_key(member["loginEmail"].as_str().unwrap_or_default());
            let stays: Vec<Value> = info[list]["items"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|item| {
                    list == "emails"
                        && email_key(item["email"].as_str().unwrap_or_default()) == login
                })
                .cloned()
                .collect();
            if let Some(object) = info.as_object_mut() {
                if stays.is_empty() {
                    object.remove(list);
                } else {
                    object.insert(list.to_owned(), json!({"items": stays}));
                }
            }
            self.store_info(&contact_id, contact, info, now);
        }
        let member = self.full_member(self.members.get(id).unwrap_or(&Value::Null));
        Reply::json(200, &json!({"member": member})).wrote("members", Act::Update, true)
    }

    pub(super) fn put_member(&mut self, body: &Value, now: Timestamp) -> Result<Value, String> {
        let id = self.new_member(body, now).map_err(Refusal::message)?;
        self.apply_member(&id, body, now).map_err(Refusal::message)
    }

    /// A person may change the login e-mail in the dashboard; the API may not.
    pub(super) fn edit_member(
        &mut self,
        id: &str,
        patch: &Value,
        now: Timestamp,
    ) -> Result<Value, String> {
        if let Some(email) = patch["loginEmail"].as_str() {
            let mut member = self.members.get(id).cloned().ok_or("no such member")?;
            let old = email_key(member["loginEmail"].as_str().unwrap_or_default());
            member["loginEmail"] = json!(email);
            let contact_id = member["contactId"].as_str().unwrap_or_default().to_owned();
            self.members.put(id, member, now);
            if let Some(contact) = self.contacts.get(&contact_id).cloned() {
                let mut info = contact["info"].clone();
                for item in info["emails"]["items"].as_array_mut().into_iter().flatten() {
                    if email_key(item["email"].as_str().unwrap_or_default()) == old {
                        item["email"] = json!(email);
                    }
                }
                self.store_info(&contact_id, contact, info, now);
            }
        }
        self.apply_member(id, patch, now).map_err(Refusal::message)
    }
}

/// What writing a member's `contact` does to the contact's `info`: an empty text clears, a list
/// replaces the whole list, an empty list does nothing, and e-mails are immutable.
fn contact_changes(given: &Value, info: &Value) -> Result<Option<Value>, Refusal> {
    let Some(given) = given.as_object() else {
        return Ok(None);
    };
    let mut changes = json!({});
    for (property, part) in [("firstName", "first"), ("lastName", "last")] {
        if let Some(text) = given.get(property).and_then(Value::as_str) {
            if changes["name"].is_null() {
                changes["name"] =
                    if info["name"].is_object() { info["name"].clone() } else { json!({}) };
            }
            changes["name"][part] = json!(text);
        }
    }
    for property in ["company", "jobTitle"] {
        if let Some(text) = given.get(property).and_then(Value::as_str) {
            if text.chars().count() > 100 {
                return Err(Refusal::field(
                    format!("member.contact.{property}"),
                    "has a size above 100",
                    "MAX_LENGTH",
                ));
            }
            changes[property] = json!(text);
        }
    }
    if let Some(Value::Array(phones)) = given.get("phones")
        && !phones.is_empty()
    {
        let mut items = Vec::new();
        for (index, phone) in phones.iter().enumerate() {
            let Some(phone) = phone.as_str() else {
                return Err(Refusal::field(
                    format!("member.contact.phones[{index}]"),
                    "Expected a string",
                    "FORMAT",
                ));
            };
            let known = info["phones"]["items"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|item| item["phone"] == phone);
            let mut item =
                known.cloned().unwrap_or_else(|| json!({"tag":"UNTAGGED","phone":phone}));
            item["primary"] = json!(index == 0);
            items.push(item);
        }
        changes["phones"] = json!({"items": items});
    }
    Ok(changes.as_object().is_some_and(|changes| !changes.is_empty()).then_some(changes))
}

fn without_dates(member: &Value) -> Value {
    let mut member = member.clone();
    if let Some(object) = member.as_object_mut() {
        object.remove("updatedDate");
    }
    member
}

fn not_found(id: &str) -> Reply {
    failure(404, "MEMBER_NOT_FOUND", &format!("member {id} was not found"), json!({}))
}
