//! Associations: what a record is tied to, by kind and direction; the primary company of a contact
//! or deal.

use super::base::{HubSpot, Link, Refusal, held, invalid, not_found};
use super::types::{COMPANY, CONTACT, OBJECTS, TIES, Tie, place};
use crate::http::{Act, Reply, Request};
use crate::util::json as tree;
use crate::util::time::millis_z;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The kind that a request names, for this direction.
fn known(from: usize, to: usize, spec: &Value) -> Result<&'static Tie, Refusal> {
    let number = spec["associationTypeId"].as_u64().unwrap_or_default();
    TIES.iter()
        .find(|tie| {
            spec["associationCategory"] == "HUBSPOT_DEFINED"
                && (tie.from, tie.to, tie.number) == (from, to, number)
        })
        .ok_or_else(|| {
            invalid(format!(
                "There is no association type {} from {} to {}",
                spec["associationTypeId"], OBJECTS[from].name, OBJECTS[to].name
            ))
        })
}

fn plain(from: usize, to: usize) -> Result<&'static Tie, Refusal> {
    TIES.iter().find(|tie| (tie.from, tie.to, tie.primary) == (from, to, false)).ok_or_else(|| {
        invalid(format!("{} can't be associated with {}", OBJECTS[from].name, OBJECTS[to].name))
    })
}

impl HubSpot {
    pub(super) fn ties<'a>(
        &'a self,
        at: usize,
        id: &'a str,
        to: usize,
    ) -> impl Iterator<Item = &'a Link> {
        self.links.iter().filter(move |link| link.from == (at, id.to_owned()) && link.to.0 == to)
    }

    fn link(&mut self, tie: &Tie, from: &str, to: &str) {
        let there = Link {
            from: (tie.from, from.to_owned()),
            to: (tie.to, to.to_owned()),
            number: tie.number,
        };
        let back = Link { from: there.to.clone(), to: there.from.clone(), number: tie.back };
        for link in [there, back] {
            if !self.links.contains(&link) {
                self.links.push(link);
            }
        }
    }

    /// Takes one kind of tie away, in both directions.
    fn cut(&mut self, tie: &Tie, from: &str, to: &str) {
        let (from, to) = ((tie.from, from.to_owned()), (tie.to, to.to_owned()));
        self.links.retain(|link| {
            !((link.from == from && link.to == to && link.number == tie.number)
                || (link.from == to && link.to == from && link.number == tie.back))
        });
    }

    /// Ties two records. The first company of a contact or deal is its primary one.
    pub(super) fn tie(&mut self, tie: &'static Tie, from: &str, to: &str, now: Timestamp) {
        let plain = plain(tie.from, tie.to).unwrap_or(tie);
        self.link(plain, from, to);
        // Seen from the record that has a company.
        let owner = if tie.from == COMPANY { (tie.to, to, from) } else { (tie.from, from, to) };
        let (at, id, company) = owner;
        let first = TIES.iter().find(|one| (one.from, one.to, one.primary) == (at, COMPANY, true));
        if let Some(primary) = first {
            let old = self.primary(at, id).map(str::to_owned);
            if old.is_none() || tie.primary {
                if let Some(old) = old {
                    self.cut(primary, id, &old);
                }
                self.link(primary, id, company);
                self.note_company(at, id, now);
            }
        }
    }

    fn primary<'a>(&'a self, at: usize, id: &'a str) -> Option<&'a str> {
        self.ties(at, id, COMPANY)
            .find(move |link| {
                TIES.iter().any(|tie| tie.from == at && tie.number == link.number && tie.primary)
            })
            .map(|link| link.to.1.as_str())
    }

    /// Puts a contact's primary company into its property.
    fn note_company(&mut self, at: usize, id: &str, now: Timestamp) {
        if at != CONTACT {
            return;
        }
        let company = json!(self.primary(at, id));
        let Some(mut record) = self.tables[at].get(id).cloned() else { return };
        if record["properties"]["associatedcompanyid"] != company {
            record["properties"]["associatedcompanyid"] = company;
            record["properties"][OBJECTS[at].modified] = json!(millis_z(now));
            record["updatedAt"] = json!(millis_z(now));
            self.tables[at].put(id, record, now);
        }
    }

    /// Ties a contact to the company that was written into its property, and to no other first.
    pub(super) fn tie_company(&mut self, id: &str) {
        let company = self.tables[CONTACT]
            .get(id)
            .map(|record| held(record, "associatedcompanyid").to_owned());
        let old = self.primary(CONTACT, id).map(str::to_owned);
        let primary =
            TIES.iter().find(|tie| (tie.from, tie.to, tie.primary) == (CONTACT, COMPANY, true));
        let (Some(primary), Some(company)) = (primary, company) else { return };
        if let Some(old) = old {
            self.cut(primary, id, &old);
        }
        if !company.is_empty() {
            if let Ok(plain) = plain(CONTACT, COMPANY) {
                self.link(plain, id, &company);
            }
            self.link(primary, id, &company);
        }
    }

    /// Unties two records altogether.
    pub(super) fn untie(&mut self, at: usize, id: &str, to: usize, other: &str, now: Timestamp) {
        let (one, two) = ((at, id.to_owned()), (to, other.to_owned()));
        self.links.retain(|link| {
            !((link.from == one && link.to == two) || (link.from == two && link.to == one))
        });
        self.note_company(at, id, now);
        self.note_company(to, other, now);
    }

    pub(super) fn untie_all(&mut self, at: usize, id: &str, now: Timestamp) {
        let own = (at, id.to_owned());
        let others: Vec<(usize, String)> =
            self.links.iter().filter(|link| link.from == own).map(|link| link.to.clone()).collect();
        for (to, other) in others {
            self.untie(at, id, to, &other, now);
        }
    }

    /// What a new record is to be tied to.
    pub(super) fn wanted(
        &self,
        at: usize,
        sent: &Value,
    ) -> Result<Vec<(&'static Tie, String)>, Refusal> {
        let mut ties = Vec::new();
        for one in sent["associations"].as_array().into_iter().flatten() {
            let id = tree::id_of(&one["to"]["id"]).map(|id| id.to_string()).unwrap_or_default();
            for spec in one["types"].as_array().into_iter().flatten() {
                let number = spec["associationTypeId"].as_u64().unwrap_or_default();
                let to = TIES
                    .iter()
                    .find(|tie| tie.from == at && tie.number == number)
                    .map_or(at, |tie| tie.to);
                let tie = known(at, to, spec)?;
                if !self.tables[to].contains(&id) {
                    return Err(invalid(format!(
                        "One or more associations are invalid: {} {id} does not exist",
                        OBJECTS[to].singular
                    )));
                }
                ties.push((tie, id.clone()));
            }
        }
        Ok(ties)
    }

    /// The `associations` of a record that is read with them.
    pub(super) fn associated(&self, at: usize, id: &str, names: &[String]) -> Option<Value> {
        let mut all = json!({});
        for to in names.iter().filter_map(|name| place(name)) {
            let results: Vec<Value> = self
                .ties(at, id, to)
                .filter_map(|link| {
                    let tie =
                        TIES.iter().find(|tie| tie.from == at && tie.number == link.number)?;
                    Some(json!({"id": link.to.1, "type": tie.name}))
                })
                .collect();
            if !results.is_empty() {
                all[OBJECTS[to].name.replace('_', " ")] = json!({"results": results});
            }
        }
        all.as_object().is_some_and(|all| !all.is_empty()).then_some(all)
    }

    fn all_ties(&self, at: usize, id: &str, to: usize) -> Reply {
        let mut results: Vec<Value> = Vec::new();
        let number = |link: &Link| link.to.1.parse::<u64>().unwrap_or_default();
        for link in self.ties(at, id, to) {
            let kind = json!({"category": "HUBSPOT_DEFINED", "typeId": link.number, "label": label(link.number)});
            match results.iter_mut().find(|one| one["toObjectId"] == number(link)) {
                Some(one) => one["associationTypes"]
                    .as_array_mut()
                    .into_iter()
                    .for_each(|all| all.push(kind.clone())),
                None => {
                    results.push(json!({"toObjectId": number(link), "associationTypes": [kind]}))
                }
            }
        }
        Reply::json(200, &json!({"results": results}))
    }

    /// `/crm/v4/objects/{from}/{id}/associations/…`.
    pub(super) fn associations(
        &mut self,
        at: usize,
        id: &str,
        rest: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        if !self.tables[at].contains(id) {
            return Err(not_found());
        }
        let named = |name: &str| {
            place(name).ok_or_else(|| invalid(format!("Unable to infer object type from: {name}")))
        };
        let there = |own: &Self, to: usize, other: &str| {
            if own.tables[to].contains(other) { Ok(()) } else { Err(not_found()) }
        };
        match (request.method.as_str(), rest) {
            ("GET", [name]) => Ok(self.all_ties(at, id, named(name)?)),
            ("PUT", ["default", name, other]) => {
                let to = named(name)?;
                there(self, to, other)?;
                let tie = plain(at, to)?;
                self.tie(tie, id, other, now);
                let spec = |number: u64| json!({"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number});
                let results = json!([
                    {"from": {"id": id}, "to": {"id": other}, "associationSpec": spec(tie.number)},
                    {"from": {"id": other}, "to": {"id": id}, "associationSpec": spec(tie.back)}]);
                let stamp = millis_z(now);
                Ok(Reply::json(200, &json!({"status": "COMPLETE", "results": results, "startedAt": stamp, "completedAt": stamp}))
                    .wrote(OBJECTS[at].name, Act::Update, true))
            }
            ("PUT", [name, other]) => {
                let to = named(name)?;
                there(self, to, other)?;
                let specs = request.json().filter(Value::is_array).unwrap_or_default();
                let mut kinds = Vec::new();
                for spec in specs.as_array().into_iter().flatten() {
                    kinds.push(known(at, to, spec)?);
                }
                if kinds.is_empty() {
                    return Err(invalid("Invalid input JSON"));
                }
                kinds.iter().for_each(|tie| self.tie(tie, id, other, now));
                let labels: Vec<&str> = kinds.iter().filter_map(|tie| label(tie.number)).collect();
                Ok(Reply::json(201, &json!({"fromObjectTypeId": OBJECTS[at].code, "fromObjectId": id.parse::<u64>().unwrap_or_default(),
                    "toObjectTypeId": OBJECTS[to].code, "toObjectId": other.parse::<u64>().unwrap_or_default(), "labels": labels}))
                    .wrote(OBJECTS[at].name, Act::Update, true))
            }
            ("DELETE", [name, other]) => {
                let to = named(name)?;
                self.untie(at, id, to, other, now);
                Ok(Reply::empty(204).wrote(OBJECTS[at].name, Act::Update, true))
            }
            _ => Err(super::base::plain(405, "Method Not Allowed")),
        }
    }
}

/// What a kind of tie is called; plain ones have no name.
fn label(number: u64) -> Option<&'static str> {
    TIES.iter().any(|tie| tie.number == number && tie.primary).then_some("Primary")
}
