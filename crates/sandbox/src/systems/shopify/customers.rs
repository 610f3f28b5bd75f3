//! Customers and their addresses; companies (B2B).

use super::base::{COMPANY, CUSTOMER, ORDER, Refused, Shopify, id_of, kind, number, refused, tags};
use crate::util::json as tree;
use crate::util::text::{e164, email_key, looks_like_email};
use crate::util::time::{self, seconds_z};
use jiff::Timestamp;
use serde_json::{Value, json};

const COUNTRIES: &[(&str, &str)] = &[
    ("NO", "Norway"),
    ("SE", "Sweden"),
    ("DK", "Denmark"),
    ("FI", "Finland"),
    ("IS", "Iceland"),
    ("DE", "Germany"),
    ("GB", "United Kingdom"),
    ("NL", "Netherlands"),
    ("US", "United States"),
];

/// A text, or null for none; blanks around it are lost.
pub(super) fn text(value: &Value) -> Value {
    match value.as_str().map(str::trim) {
        Some("") | None => Value::Null,
        Some(text) => json!(text),
    }
}

/// Sets what an address's input holds.
pub(super) fn set_address(address: &mut Value, sent: &Value) {
    for (name, value) in sent.as_object().into_iter().flatten() {
        match name.as_str() {
            "id" => {}
            "countryCode" => {
                address["countryCodeV2"] = value.clone();
                let known = COUNTRIES.iter().find(|(code, _)| value == code);
                address["country"] = known.map_or(value.clone(), |(_, name)| json!(name));
            }
            "country" => {
                let known = COUNTRIES.iter().find(|(code, name)| value == name || value == code);
                address["country"] = known.map_or(text(value), |(_, name)| json!(name));
                address["countryCodeV2"] = known.map_or(Value::Null, |(code, _)| json!(code));
            }
            name => address[name] = text(value),
        }
    }
    let parts: Vec<&str> =
        ["firstName", "lastName"].iter().filter_map(|name| tree::filled(address, name)).collect();
    address["name"] = text(&json!(parts.join(" ")));
}

impl Shopify {
    pub(super) fn new_address(&mut self, sent: &Value) -> Value {
        let mut address =
            json!({"id": format!("{}?model_name=CustomerAddress", self.gid("MailingAddress"))});
        set_address(&mut address, sent);
        address
    }

    fn contact_facts(&self, own: &str, record: &mut Value, sent: &Value) -> Result<(), Refused> {
        let mut wrong: Refused = Vec::new();
        let mut refuse =
            |field: &str, message: &str| wrong.push((vec![field.to_owned()], message.to_owned()));
        if let Some(email) = sent.get("email").map(text) {
            match email.as_str() {
                Some(email) if !looks_like_email(email) => refuse("email", "Email is invalid"),
                Some(email) => {
                    let email = email_key(email);
                    if self.tables[CUSTOMER].other_with(&format!("email:{email}"), own).is_some() {
                        refuse("email", "Email has already been taken");
                    }
                    record["email"] = json!(email);
                }
                None => record["email"] = Value::Null,
            }
        }
        if let Some(phone) = sent.get("phone").map(text) {
            let country = record["addresses"][0]["countryCodeV2"].as_str().unwrap_or("NO");
            match phone.as_str().map(|phone| e164(phone, Some(country))) {
                Some(Some(phone)) if (9..=16).contains(&phone.len()) => {
                    if self.tables[CUSTOMER].other_with(&format!("phone:{phone}"), own).is_some() {
                        refuse("phone", "Phone has already been taken");
                    }
                    record["phone"] = json!(phone);
                }
                Some(_) => refuse("phone", "Phone is invalid"),
                None => record["phone"] = Value::Null,
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    pub(super) fn store_customer(
        &mut self,
        gid: Option<&str>,
        sent: &Value,
        now: Timestamp,
    ) -> Result<String, Refused> {
        let before = match gid {
            Some(gid) => match self.record(gid).filter(|_| gid.contains("/Customer/")) {
                Some(record) => Some(record.clone()),
                None => return refused(&["id"], "Customer does not exist"),
            },
            None => None,
        };
        let mut record = before.unwrap_or_else(|| {
            json!({"firstName": null, "lastName": null, "email": null, "phone": null, "note": null, "tags": [], "taxExempt": false,
                "locale": "nb", "state": "DISABLED", "addresses": [], "createdAt": seconds_z(now)})
        });
        if let Some(addresses) = sent.get("addresses") {
            let all: Vec<Value> = addresses
                .as_array()
                .into_iter()
                .flatten()
                .map(|one| self.new_address(one))
                .collect();
            record["addresses"] = json!(all);
        }
        for name in ["firstName", "lastName", "note"] {
            if let Some(value) = sent.get(name) {
                record[name] = text(value);
            }
        }
        for name in ["taxExempt", "locale"] {
            if let Some(value) = sent.get(name).filter(|value| !value.is_null()) {
                record[name] = value.clone();
            }
        }
        if let Some(value) = sent.get("tags") {
            record["tags"] = tags(value);
        }
        self.contact_facts(gid.map(number).unwrap_or_default(), &mut record, sent)?;
        let named = ["firstName", "lastName", "email", "phone"];
        if named.iter().all(|name| record[*name].is_null()) {
            return refused(&[], "A name, phone number, or email address must be present");
        }
        if gid.is_none() {
            record["id"] = json!(self.gid("Customer"));
        }
        Ok(self.keep(CUSTOMER, record, now))
    }

    pub(super) fn delete_customer(&mut self, gid: &str, now: Timestamp) -> Result<String, Refused> {
        if !gid.contains("/Customer/") || self.record(gid).is_none() {
            return refused(&["id"], "Customer can't be found");
        }
        if !self.with_key(ORDER, &format!("customer:{gid}")).is_empty() {
            return refused(
                &["id"],
                "Customer can't be deleted because they have associated orders",
            );
        }
        self.drop_record(gid, now);
        Ok(gid.to_owned())
    }

    /// A change of a customer's addresses: `change` gets the list and says which address it is about.
    fn addresses(
        &mut self,
        customer: &str,
        now: Timestamp,
        change: impl FnOnce(&mut Self, &mut Vec<Value>) -> Result<Value, Refused>,
    ) -> Result<Value, Refused> {
        let Some(mut record) =
            self.record(customer).filter(|_| customer.contains("/Customer/")).cloned()
        else {
            return refused(&["customerId"], "Customer does not exist");
        };
        let mut all = record["addresses"].as_array().cloned().unwrap_or_default();
        let about = change(self, &mut all)?;
        record["addresses"] = json!(all);
        self.keep(CUSTOMER, record, now);
        Ok(about)
    }

    pub(super) fn add_address(&mut self, args: &Value, now: Timestamp) -> Result<Value, Refused> {
        let customer = args["customerId"].as_str().unwrap_or_default();
        self.addresses(customer, now, |own, all| {
            let address = own.new_address(&args["address"]);
            // The first is the usual one.
            let first = all.is_empty() || args["setAsDefault"] == true;
            all.insert(if first { 0 } else { all.len() }, address.clone());
            Ok(address)
        })
    }

    pub(super) fn change_address(
        &mut self,
        args: &Value,
        now: Timestamp,
    ) -> Result<Value, Refused> {
        let customer = args["customerId"].as_str().unwrap_or_default();
        self.addresses(customer, now, |_, all| {
            let at = all.iter().position(|one| id_of(one) == args["addressId"]);
            let Some(at) = at else { return refused(&["addressId"], "Address does not exist") };
            set_address(&mut all[at], &args["address"]);
            let address = all[at].clone();
            if args["setAsDefault"] == true {
                let first = all.remove(at);
                all.insert(0, first);
            }
            Ok(address)
        })
    }

    pub(super) fn drop_address(&mut self, args: &Value, now: Timestamp) -> Result<Value, Refused> {
        let customer = args["customerId"].as_str().unwrap_or_default();
        self.addresses(customer, now, |_, all| {
            let before = all.len();
            all.retain(|one| id_of(one) != args["addressId"]);
            if all.len() == before {
                return refused(&["addressId"], "Address does not exist");
            }
            Ok(args["addressId"].clone())
        })
    }

    pub(super) fn default_address(
        &mut self,
        args: &Value,
        now: Timestamp,
    ) -> Result<Value, Refused> {
        let customer = args["customerId"].as_str().unwrap_or_default();
        self.addresses(customer, now, |_, all| {
            let at = all.iter().position(|one| id_of(one) == args["addressId"]);
            let Some(at) = at else { return refused(&["addressId"], "Address does not exist") };
            let first = all.remove(at);
            all.insert(0, first);
            Ok(json!(customer))
        })
    }

    pub(super) fn store_company(
        &mut self,
        gid: Option<&str>,
        sent: &Value,
        now: Timestamp,
    ) -> Result<String, Refused> {
        let mut record = match gid {
            Some(gid) => match self.record(gid).filter(|_| kind(gid) == Some(COMPANY)) {
                Some(record) => record.clone(),
                None => return refused(&["companyId"], "Resource requested does not exist."),
            },
            None => {
                json!({"name": null, "externalId": null, "note": null, "customerSince": seconds_z(now), "createdAt": seconds_z(now)})
            }
        };
        for name in ["name", "externalId", "note"] {
            if let Some(value) = sent.get(name) {
                record[name] = text(value);
            }
        }
        if let Some(since) = sent["customerSince"].as_str().and_then(time::parse) {
            record["customerSince"] = json!(seconds_z(since));
        }
        if record["name"].is_null() {
            return refused(&["input", "name"], "Name can't be blank");
        }
        let own = gid.map(number).unwrap_or_default();
        let taken = |external| {
            self.tables[COMPANY].other_with(&format!("external:{external}"), own).is_some()
        };
        if tree::filled(&record, "externalId").is_some_and(taken) {
            return refused(&["input", "externalId"], "External id has already been taken");
        }
        if gid.is_none() {
            record["id"] = json!(self.gid("Company"));
        }
        Ok(self.keep(COMPANY, record, now))
    }

    pub(super) fn delete_company(&mut self, gid: &str, now: Timestamp) -> Result<String, Refused> {
        if kind(gid) != Some(COMPANY) || self.record(gid).is_none() {
            return refused(&["id"], "Resource requested does not exist.");
        }
        self.drop_record(gid, now);
        Ok(gid.to_owned())
    }
}
