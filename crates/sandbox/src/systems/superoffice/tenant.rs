//! The tenant: its tables and numbers, and what others show of its records.

use super::entities::Kind;
use crate::http::Reply;
use crate::oauth::Server;
use crate::state::Table;
use crate::util::ids::Source;
use crate::util::json;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::HashMap;

pub(super) const CLIENT: &str = "sandbox-superoffice-app";

pub(super) const SECRET: &str = "sandbox-superoffice-secret";

pub(super) const REFRESH: &str = "sandbox-superoffice-refresh";

/// What opens the demo tenant.
pub(crate) const CREDENTIALS: &[(&str, &str)] = &[
    ("SUPEROFFICE_CONTEXT", "Cust12345"),
    ("SUPEROFFICE_CLIENT_ID", CLIENT),
    ("SUPEROFFICE_CLIENT_SECRET", SECRET),
    ("SUPEROFFICE_REFRESH_TOKEN", REFRESH),
    ("SUPEROFFICE_SYSTEM_USER_TOKEN", "sandbox-superoffice-system-user"),
    ("SUPEROFFICE_TICKET", "7T:sandbox-superoffice-ticket"),
];

#[derive(Clone)]
pub(crate) struct SuperOffice {
    pub(super) tables: [Table; 8],
    pub(super) next_id: [i64; 8],
    pub(super) ids: Source,
    pub(super) oauth: Server,
    /// Tickets with the time at which they end.
    pub(super) sessions: HashMap<String, Option<Timestamp>>,
    /// The host at which the tenant lives: what stands before its name in a path, as one server
    /// stands for all hosts here.
    pub(super) host: String,
    pub(super) running: bool,
}

impl SuperOffice {
    pub(super) fn table(&self, kind: Kind) -> &Table {
        &self.tables[kind as usize]
    }

    pub(super) fn table_mut(&mut self, kind: Kind) -> &mut Table {
        &mut self.tables[kind as usize]
    }

    pub(super) fn fresh_id(&mut self, kind: Kind) -> i64 {
        let id = self.next_id[kind as usize];
        self.next_id[kind as usize] += 1;
        id
    }

    pub(super) fn by_id(&self, kind: Kind, id: &Value) -> Option<&Value> {
        self.table(kind).get(&json::id_of(id)?.to_string())
    }

    pub(super) fn contact_carrier(&self, id: &Value) -> Value {
        match self.by_id(Kind::Contact, id) {
            Some(contact) => {
                json!({"ContactId":contact["ContactId"],"Name":contact["Name"],"OrgNr":contact["OrgNr"],"Department":contact["Department"]})
            }
            None => Value::Null,
        }
    }

    pub(super) fn person_carrier(&self, id: &Value) -> Value {
        match self.by_id(Kind::Person, id) {
            Some(person) => {
                json!({"PersonId":person["PersonId"],"Firstname":person["Firstname"],"Lastname":person["Lastname"],
                "FullName":person["FullName"],"ContactId":person["Contact"]["ContactId"].as_i64().unwrap_or(0),"Email":person["Emails"][0]["Value"]})
            }
            None => Value::Null,
        }
    }

    pub(super) fn project_carrier(&self, id: &Value) -> Value {
        match self.by_id(Kind::Project, id) {
            Some(project) => {
                json!({"ProjectId":project["ProjectId"],"Name":project["Name"],"EndDate":project["EndDate"]})
            }
            None => Value::Null,
        }
    }

    pub(super) fn associate_carrier(&self, id: &Value) -> Value {
        match self.by_id(Kind::User, id) {
            Some(user) => {
                json!({"AssociateId":user["AssociateId"],"Name":user["Name"],"PersonId":user["Person"]["PersonId"],"UserName":user["UserName"]})
            }
            None => json!({"AssociateId": json::id_of(id).unwrap_or(0), "Name": ""}),
        }
    }
}

/// The vendor's error body.
pub(super) fn error(status: u16, kind: &str, message: &str) -> Reply {
    Reply::json(
        status,
        &json!({"Error":true,"ErrorType":kind,"ErrorMessage":message,"ErrorSource":"SuperOffice.Services.Implementation"}),
    )
}
