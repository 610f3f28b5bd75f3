//! Tickets: a requester who asks, an agent who is assigned, and the first comment that every ticket
//! begins with (`comment.body`, or `description`, which is taken on create only).

use super::account::{Problem, Zendesk, invalid, label, not_found, stamp, text_of};
use crate::http::{Act, Reply, Request};
use crate::util::{json as tree, time};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const STATUSES: &[&str] = &["new", "open", "pending", "hold", "solved", "closed"];
const TYPES: &[&str] = &["problem", "incident", "question", "task"];
const PRIORITIES: &[&str] = &["urgent", "high", "normal", "low"];

/// A ticket is archived so many days after it was closed.
const ARCHIVED_DAYS: i64 = 120;

/// Lists of tickets leave archived ones out; by id, in searches and in exports they are there.
/// Nothing in a ticket says that it is one.
fn is_archived(ticket: &Value, now: Timestamp) -> bool {
    let changed = ticket["updated_at"].as_str().and_then(time::parse);
    ticket["status"] == "closed"
        && changed.is_some_and(|at| at <= now - SignedDuration::from_hours(24 * ARCHIVED_DAYS))
}

impl Zendesk {
    pub(super) fn tickets_request(
        &mut self,
        rest: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Reply {
        let body = || request.json().map(|body| body["ticket"].clone()).unwrap_or_default();
        match (request.method.as_str(), rest) {
            ("GET", []) => {
                let external = request.param("external_id").map(str::to_lowercase);
                let listed = self.tickets.listed(now).filter(|ticket| {
                    ticket["status"] != "deleted"
                        && !is_archived(ticket, now)
                        && external.as_ref().is_none_or(|external| {
                            tree::filled(ticket, "external_id")
                                .is_some_and(|own| own.to_lowercase() == *external)
                        })
                });
                self.page("tickets", listed, request)
            }
            ("GET", ["show_many"]) => self.many("tickets", &self.tickets, request),
            ("POST", []) => self.create_ticket(&body(), request, now),
            ("POST", ["create_many"]) => {
                let given = request.json().map(|body| body["tickets"].clone()).unwrap_or_default();
                let given = given.as_array().cloned().unwrap_or_default();
                if given.len() > super::account::BULK {
                    return invalid(400, "Too many records: 100 at most");
                }
                let mut noted = Reply::empty(200);
                let mut results = Vec::new();
                for (index, ticket) in given.iter().enumerate() {
                    match self.new_ticket(ticket, now) {
                        Ok(id) => {
                            noted = noted.wrote("tickets", Act::Create, true);
                            results.push(json!({"index":index,"id":id,"success":true}));
                        }
                        Err(problem) => results
                            .push(json!({"index":index,"success":false,"error":problem.message()})),
                    }
                }
                self.job(request, results, noted)
            }
            (method, [id, rest @ ..]) => {
                let Some(ticket) =
                    self.tickets.get(id).filter(|ticket| ticket["status"] != "deleted").cloned()
                else {
                    return not_found();
                };
                let number = ticket["id"].as_i64().unwrap_or(0);
                match (method, rest) {
                    ("GET", []) => self.ticket_reply(200, number),
                    ("GET", ["comments"]) => {
                        let comments = self.comments.get(*id).cloned().unwrap_or_default();
                        Reply::json(
                            200,
                            &json!({"count":comments.len(),"comments":comments,"next_page":null,"previous_page":null}),
                        )
                    }
                    ("PUT", []) => match self.change_ticket(number, &body(), now) {
                        Ok(changed) => {
                            self.ticket_reply(200, number).wrote("tickets", Act::Update, changed)
                        }
                        Err(problem) => problem.reply(),
                    },
                    ("DELETE", []) => {
                        self.delete_ticket(id, now);
                        Reply::empty(204).wrote("tickets", Act::Delete, true)
                    }
                    _ => not_found(),
                }
            }
            _ => Reply::json(404, &json!({"error":"InvalidEndpoint","description":"Not found"})),
        }
    }

    fn ticket_reply(&self, status: u16, id: i64) -> Reply {
        let reply = Reply::json(status, &json!({"ticket": self.tickets.get(&id.to_string())}));
        if status == 201 {
            return reply.header("location", format!("/api/v2/tickets/{id}.json"));
        }
        reply
    }

    /// With an `Idempotency-Key`, the same body gets the same answer again and another body 400.
    fn create_ticket(&mut self, given: &Value, request: &Request, now: Timestamp) -> Reply {
        let key = request.header("idempotency-key").map(str::to_owned);
        if let Some((body, reply)) = key.as_ref().and_then(|key| self.idempotent.get(key)) {
            if *body != request.body {
                return Reply::json(
                    400,
                    &json!({"error":"IdempotentRequestError","description":"Request parameters do not match the original request"}),
                );
            }
            let mut again = reply.clone().header("x-idempotency-lookup", "hit");
            again.wrote.clear();
            return again;
        }
        let reply = match self.new_ticket(given, now) {
            Ok(id) => self.ticket_reply(201, id).wrote("tickets", Act::Create, true),
            Err(problem) => return problem.reply(),
        };
        let Some(key) = key else { return reply };
        self.idempotent.insert(key, (request.body.clone(), reply.clone()));
        reply.header("x-idempotency-lookup", "miss")
    }

    pub(super) fn new_ticket(&mut self, given: &Value, now: Timestamp) -> Result<i64, Problem> {
        if !given.is_object() {
            return Err(Problem::Reply(Box::new(invalid(400, "Parameter ticket is required"))));
        }
        let comment = ["body", "html_body"]
            .iter()
            .find_map(|name| tree::filled(&given["comment"], name))
            .or_else(|| tree::filled(given, "description"))
            .map(str::to_owned);
        let Some(comment) = comment else {
            return Err(Problem::field("comment", "Comment: cannot be blank", "BlankValue"));
        };
        let requester = self.requester(given, now)?;
        let mut ticket = json!({"url":"","id":0,"external_id":null,"via":{"channel":"api"},"created_at":stamp(now),"updated_at":stamp(now),
            "type":null,"subject":null,"raw_subject":null,"description":comment,"priority":null,"status":"new","recipient":null,
            "requester_id":requester,"submitter_id":self.caller(),"assignee_id":null,"organization_id":null,"group_id":null,
            "collaborator_ids":[],"follower_ids":[],"email_cc_ids":[],"due_at":null,"tags":[],"custom_fields":[],
            "allow_channelback":false,"is_public":true});
        self.over_ticket(&mut ticket, given, true)?;
        if tree::filled(&ticket, "subject").is_none() {
            let start: String = comment.chars().take(80).collect();
            ticket["subject"] = json!(start);
            ticket["raw_subject"] = json!(start);
        }
        if ticket["organization_id"].is_null() && given.get("organization_id").is_none() {
            ticket["organization_id"] = self.organization_of(&ticket["requester_id"]);
        }
        let id = self.next_ticket;
        self.next_ticket += 1;
        ticket["id"] = json!(id);
        ticket["url"] = json!(Self::url("", "tickets", id));
        self.tickets.put(&id.to_string(), ticket, now);
        self.add_comment(id, &comment, given["comment"]["public"] != false, now);
        Ok(id)
    }

    fn add_comment(&mut self, ticket: i64, body: &str, public: bool, now: Timestamp) {
        let id = self.fresh_id();
        let comment = json!({"id":id,"type":"Comment","author_id":self.caller(),"body":body,"plain_body":body,"public":public,"created_at":stamp(now)});
        self.comments.entry(ticket.to_string()).or_default().push(comment);
    }

    /// By id, or by `requester: {name, email}`, which finds or creates a user; the caller when
    /// nothing is said.
    fn requester(&mut self, given: &Value, now: Timestamp) -> Result<i64, Problem> {
        if let Some(id) = given.get("requester_id").filter(|id| !id.is_null()) {
            let id = self.reference(id, "requester_id")?;
            return Ok(id.as_i64().unwrap_or(0));
        }
        let Some(email) = tree::filled(&given["requester"], "email") else {
            return Ok(self.caller());
        };
        if let Some(id) = self.user_with_email(email) {
            return Ok(id.parse().unwrap_or(0));
        }
        if tree::filled(&given["requester"], "name").is_none() {
            return Err(Problem::field(
                "requester",
                "Requester: Name: is too short (minimum one character)",
                "BlankValue",
            ));
        }
        let requester = json!({"name": given["requester"]["name"], "email": email});
        self.new_user(&requester, now)
    }

    fn organization_of(&self, user: &Value) -> Value {
        self.users
            .get(&user.to_string())
            .map_or(Value::Null, |user| user["organization_id"].clone())
    }

    fn over_ticket(
        &self,
        ticket: &mut Value,
        given: &Value,
        creating: bool,
    ) -> Result<(), Problem> {
        let mut problems = Vec::new();
        let mut note = |problem: Problem| match problem {
            Problem::Fields(fields) => {
                problems.extend(fields);
                None
            }
            reply => Some(reply),
        };
        for (name, known) in [("status", STATUSES), ("type", TYPES), ("priority", PRIORITIES)] {
            match given.get(name) {
                None => {}
                Some(Value::Null) if name != "status" => ticket[name] = Value::Null,
                Some(value) if value.as_str().is_some_and(|text| known.contains(&text)) => {
                    ticket[name] = value.clone()
                }
                Some(value) => {
                    note(Problem::field(
                        name,
                        format!("{}: {value} is not valid", label(name)),
                        "InvalidValue",
                    ));
                }
            }
        }
        // raw_subject wins over subject.
        for name in ["subject", "raw_subject"] {
            match text_of(given, name) {
                Ok(Some(text)) => {
                    ticket["subject"] = json!(text);
                    ticket["raw_subject"] = json!(text);
                }
                Ok(None) => {}
                Err(problem) => {
                    note(problem);
                }
            }
        }
        match text_of(given, "external_id") {
            Ok(Some(external)) => ticket["external_id"] = json!(external),
            Ok(None) => {}
            Err(problem) => {
                note(problem);
            }
        }
        if let Some(id) = given.get("requester_id").filter(|_| !creating) {
            match self.reference(id, "requester_id") {
                Ok(Value::Null) => {
                    note(Problem::field(
                        "requester_id",
                        "Requester: cannot be blank",
                        "BlankValue",
                    ));
                }
                Ok(id) => ticket["requester_id"] = id,
                Err(problem) => {
                    note(problem);
                }
            }
        }
        if let Some(id) = given.get("assignee_id") {
            match self.reference(id, "assignee_id") {
                Ok(id) => {
                    let agent = id.is_null()
                        || self
                            .users
                            .get(&id.to_string())
                            .is_some_and(|user| user["role"] != "end-user");
                    if agent {
                        ticket["assignee_id"] = id;
                    } else {
                        // The rule is the vendor's, the text unverified.
                        note(Problem::field(
                            "assignee_id",
                            format!("Assignee: {id} is not an agent"),
                            "InvalidValue",
                        ));
                    }
                }
                Err(problem) => {
                    note(problem);
                }
            }
        }
        if let Some(id) = given.get("organization_id") {
            match self.reference(id, "organization_id") {
                Ok(id) if id.is_null() || id == self.organization_of(&ticket["requester_id"]) => {
                    ticket["organization_id"] = id
                }
                Ok(id) => {
                    note(Problem::field(
                        "organization_id",
                        format!("Organization: the requester does not belong to {id}"),
                        "InvalidValue",
                    ));
                }
                Err(problem) => {
                    note(problem);
                }
            }
        }
        match given.get("due_at") {
            None => {}
            Some(Value::Null) => ticket["due_at"] = Value::Null,
            Some(value) => match value.as_str().and_then(time::parse) {
                Some(at) => ticket["due_at"] = stamp(at),
                None => {
                    note(Problem::field(
                        "due_at",
                        format!("Due at: {value} is not a date and time"),
                        "InvalidValue",
                    ));
                }
            },
        }
        for name in ["tags", "custom_fields"] {
            if given[name].is_array() {
                ticket[name] = given[name].clone();
            }
        }
        if !problems.is_empty() {
            return Err(Problem::Fields(problems));
        }
        // Only tasks have a due date.
        if ticket["type"] != "task" {
            ticket["due_at"] = Value::Null;
        }
        if !ticket["assignee_id"].is_null() && ticket["status"] == "new" {
            ticket["status"] = json!("open");
        }
        Ok(())
    }

    pub(super) fn change_ticket(
        &mut self,
        id: i64,
        given: &Value,
        now: Timestamp,
    ) -> Result<bool, Problem> {
        let key = id.to_string();
        let before = self.tickets.get(&key).cloned().unwrap_or_default();
        if !given.is_object() {
            return Err(Problem::Reply(Box::new(invalid(400, "Parameter ticket is required"))));
        }
        if given["safe_update"] == true {
            let seen = given["updated_stamp"].as_str().and_then(time::parse);
            let stored = before["updated_at"].as_str().and_then(time::parse);
            if seen.is_none() || seen != stored {
                return Err(Problem::Reply(Box::new(Reply::json(
                    409,
                    &json!({"error":"UpdateConflict","description":"Safe Update prevented the update due to outdated ticket data. Please fetch the latest ticket data and try again."}),
                ))));
            }
        }
        if before["status"] == "closed" {
            return Err(Problem::field(
                "status",
                "Status: closed prevents ticket update",
                "TicketClosed",
            ));
        }
        let mut ticket = before.clone();
        self.over_ticket(&mut ticket, given, false)?;
        let comment = ["body", "html_body"]
            .iter()
            .find_map(|name| tree::filled(&given["comment"], name))
            .map(str::to_owned);
        let changed = ticket != before || comment.is_some();
        if changed {
            ticket["updated_at"] = stamp(now);
            self.tickets.put(&key, ticket, now);
        }
        if let Some(comment) = comment {
            self.add_comment(id, &comment, given["comment"]["public"] != false, now);
        }
        Ok(changed)
    }

    /// Soft: it can be restored, and the incremental export shows it as deleted.
    pub(super) fn delete_ticket(&mut self, id: &str, now: Timestamp) -> bool {
        let Some(mut ticket) =
            self.tickets.get(id).filter(|ticket| ticket["status"] != "deleted").cloned()
        else {
            return false;
        };
        let status = ticket["status"].as_str().unwrap_or("open").to_owned();
        self.deleted_status.insert(id.to_owned(), status);
        ticket["status"] = json!("deleted");
        ticket["updated_at"] = stamp(now);
        self.tickets.put(id, ticket, now);
        true
    }

    pub(super) fn deleted_tickets_request(
        &mut self,
        rest: &[&str],
        request: &Request,
        now: Timestamp,
    ) -> Reply {
        match (request.method.as_str(), rest) {
            ("GET", []) => {
                let deleted: Vec<Value> = self
                    .tickets
                    .current()
                    .filter(|ticket| ticket["status"] == "deleted")
                    .map(|ticket| {
                        let id = ticket["id"].to_string();
                        json!({"id":ticket["id"],"subject":ticket["subject"],"actor":{"id":self.caller(),"name":"Account Owner"},
                            "deleted_at":ticket["updated_at"],"previous_state":self.deleted_status.get(&id)})
                    })
                    .collect();
                self.page("deleted_tickets", deleted.iter(), request)
            }
            ("PUT", [id, "restore"]) => {
                let Some(mut ticket) =
                    self.tickets.get(id).filter(|ticket| ticket["status"] == "deleted").cloned()
                else {
                    return not_found();
                };
                ticket["status"] =
                    json!(self.deleted_status.remove(*id).unwrap_or_else(|| "open".to_owned()));
                ticket["updated_at"] = stamp(now);
                self.tickets.put(id, ticket, now);
                Reply::empty(200).wrote("tickets", Act::Update, true)
            }
            ("DELETE", [id]) => {
                if self.tickets.get(id).is_none_or(|ticket| ticket["status"] != "deleted") {
                    return not_found();
                }
                self.tickets.remove(id, now);
                self.job(
                    request,
                    vec![json!({"id": tree::id_of(&json!(id)), "success": true})],
                    Reply::empty(200),
                )
            }
            _ => not_found(),
        }
    }
}
