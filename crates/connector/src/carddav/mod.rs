//! The cards of an address book: CardDAV (RFC 6352), as Nextcloud, Radicale, Fastmail, iCloud and
//! many others speak it.
//!
//! `with: { url: https://dav.example.com/ase/contacts/, user: ase, password: ${CARDDAV_PASSWORD} }`:
//! one record type, `Contacts`. `vcard` is the card, kept as it is but for what a write concerns;
//! `dav` asks and reads answers.
//!
//! Changes and deletions are told by sync-collection (RFC 6578). Writes carry the ETag (P6). A new
//! card is stored under a name made of the write's token and only where there is none, so that a
//! second try can't make a second card (C2).

mod dav;
mod vcard;

use std::sync::{Mutex, PoisonError};

use lockstep_model::flow::PropertyRef;
use lockstep_model::schema::KnownFrom;
use lockstep_model::schema::{Capabilities, PropertySchema};
use lockstep_model::value::is_empty;
use lockstep_model::{PlainType, ReadRecord, Timestamp, TypeSchema, Value};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::http::NoAnswer;
use crate::setting::Setting;
use crate::{
    Action, Checkpoint, Connector, Outcome, Page, ReadRequest, RecordFault, Trouble, Write,
};
use dav::{Answer, DavClient, Found, Many, xml};

use vcard::{Card, Place};

/// The one record type.
const KIND: &str = "Contacts";
/// Maximum number of cards per request, whatever page size is asked for: cards include pictures.
const MOST_AT_ONCE: usize = 200;

/// What stands under `with:`. No `Debug`: there is a password in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    url: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    rate_per_second: Option<f64>,
}

/// The settings, for people.
pub fn settings() -> Vec<Setting> {
    let setting = |name: &str, secret: bool, description: &str| Setting {
        name: name.into(),
        secret,
        default: None,
        description: description.into(),
    };
    vec![
        setting(
            "url",
            false,
            "the address of the address book itself: https://dav.example.com/ase/contacts/",
        ),
        setting("user", false, "the user's name"),
        setting("password", true, "the password, or one for this application alone"),
    ]
}

/// The properties, and where they are in a card.
const PLACES: [(&str, Place); 19] = [
    ("fn", Place::Text("FN")),
    ("n.family", Place::Part("N", 0)),
    ("n.given", Place::Part("N", 1)),
    ("n.additional", Place::Part("N", 2)),
    ("n.prefix", Place::Part("N", 3)),
    ("n.suffix", Place::Part("N", 4)),
    ("nickname", Place::Text("NICKNAME")),
    ("org.name", Place::Part("ORG", 0)),
    ("org.unit", Place::Part("ORG", 1)),
    ("title", Place::Text("TITLE")),
    ("role", Place::Text("ROLE")),
    ("note", Place::Text("NOTE")),
    ("url", Place::Text("URL")),
    ("bday", Place::Text("BDAY")),
    ("adr.street", Place::Part("ADR", 2)),
    ("adr.locality", Place::Part("ADR", 3)),
    ("adr.region", Place::Part("ADR", 4)),
    ("adr.code", Place::Part("ADR", 5)),
    ("adr.country", Place::Part("ADR", 6)),
];

/// The record type, which is the same for every address book.
pub fn schemas() -> Vec<TypeSchema> {
    let mut properties: Vec<PropertySchema> =
        PLACES.iter().map(|(path, _)| PropertySchema::new(*path, PlainType::String)).collect();
    let mut uid = PropertySchema::new("uid", PlainType::String);
    uid.read_only = true;
    properties.push(uid);
    for path in ["emails", "phones"] {
        let mut list = PropertySchema::new(path, PlainType::String);
        (list.list, list.ordered, list.value) = (true, true, Some("value".into()));
        list.stored_as.caseless = path == "emails";
        let mut kind = PropertySchema::new(format!("{path}.type").as_str(), PlainType::String);
        (kind.list, kind.read_only) = (true, true);
        properties.extend([list, kind]);
    }
    vec![TypeSchema {
        kind: KIND.into(),
        properties,
        known_from: KnownFrom::Declaration,
        open: false,
        can: Capabilities {
            create: true,
            update: true,
            delete: true,
            restore: false,
            since: true,
            find: true,
            get: true,
            tells_deletions: true,
        },
        absent_is_empty: true,
        tells_times: true,
        unknown_ms: 0,
        note: Some(
            "a card needs a name: one created without gets it made of its other properties".into(),
        ),
        ..TypeSchema::open(KIND)
    }]
}

fn place_of(property: &PropertyRef) -> Result<Place, Trouble> {
    Ok(match property.path.as_str() {
        // A card is known by its address; the hub fills that in itself.
        "uid" | lockstep_model::schema::OWN_ID => Place::Text("UID"),
        "emails.value" | "emails" => Place::List("EMAIL"),
        "phones.value" | "phones" => Place::List("TEL"),
        "emails.type" => Place::Types("EMAIL"),
        "phones.type" => Place::Types("TEL"),
        path => {
            let known = PLACES.iter().find(|(known, _)| *known == path);
            known.map(|(_, place)| *place).ok_or_else(|| {
                Trouble::Misconfigured(format!("a contact has no property `{path}`"))
            })?
        }
    })
}

/// An address book, connected.
pub struct CardDav {
    book: DavClient,
    schemas: Vec<TypeSchema>,
    listing: Mutex<Option<Listing>>,
}

/// What a sync told, while its cards are fetched page by page.
struct Listing {
    since: String,
    many: Many,
}

/// What the checkpoint says.
#[derive(Default, Deserialize, Serialize)]
struct Mark {
    /// Up to which everything was read; empty at the beginning of all.
    token: String,
    /// A listing of everything that the server does not tell at once is not at its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    everything: bool,
    /// A reading under way: so many cards of what was told have been fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<usize>,
}

impl CardDav {
    /// Connects; nothing is asked yet.
    ///
    /// # Errors
    /// [`Trouble::Misconfigured`] for settings that are wrong.
    pub fn open(settings: &serde_json::Map<String, Value>) -> Result<CardDav, Trouble> {
        let settings: Settings =
            serde_json::from_value(Value::Object(settings.clone())).map_err(|error| {
                Trouble::Misconfigured(format!(
                    "the settings of a `carddav` system are `url`, `user` and `password`: {error}"
                ))
            })?;
        let book = DavClient::new(
            &settings.url,
            &settings.user,
            &settings.password,
            settings.rate_per_second,
        );
        Ok(CardDav { book, schemas: schemas(), listing: Mutex::default() })
    }

    fn known(kind: &str) -> Result<(), Trouble> {
        if kind == KIND {
            return Ok(());
        }
        Err(Trouble::Misconfigured(format!(
            "an address book has the record type {KIND} and no {kind}"
        )))
    }

    /// What changed since a token, without the cards. An old token that the server has forgotten
    /// begins anew.
    fn sync(&self, since: &str) -> Result<(Many, bool), Trouble> {
        let body = format!(
            r#"<?xml version="1.0" encoding="utf-8"?><sync-collection xmlns="DAV:"><sync-token>{}</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>"#,
            xml(since)
        );
        // RFC 6578, section 3.3: a sync is asked for with depth 0; some servers want what the
        // predecessors of the RFC said.
        match self.book.report("0", &body)? {
            Ok(many) => Ok((many, since.is_empty())),
            Err(answer) if !since.is_empty() && matches!(answer.status, 400 | 403 | 409 | 410) => {
                self.sync("").map(|(many, _)| (many, true))
            }
            Err(answer) => Err(self.book.trouble("asking for what changed", &answer)),
        }
    }

    /// These cards.
    fn cards(&self, names: &[&str]) -> Result<Vec<Found>, Trouble> {
        let path = self.book.place().splitn(4, '/').nth(3).unwrap_or_default();
        let addresses: String =
            names.iter().map(|name| format!("<href>/{}{}</href>", xml(path), xml(name))).collect();
        let body = format!(
            r#"<?xml version="1.0" encoding="utf-8"?><C:addressbook-multiget xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><prop><getetag/><getlastmodified/><C:address-data/></prop>{addresses}</C:addressbook-multiget>"#
        );
        match self.book.report("1", &body)? {
            Ok(many) => Ok(many.found),
            Err(answer) => Err(self.book.trouble("reading cards", &answer)),
        }
    }

    fn record(
        &self,
        watch: &[(Place, Option<&str>)],
        found: &Found,
    ) -> Result<ReadRecord, RecordFault> {
        let fault = |message: &str| RecordFault {
            part: false,
            place: format!("{}{}", self.book.place(), found.name),
            message: message.into(),
            id: None,
        };
        let text = found.card.as_deref().ok_or_else(|| {
            fault("the server did not give the card: it will be asked for again when it changes")
        })?;
        let card = Card::read(text)
            .ok_or_else(|| fault("this is no vCard that can be read: correct or delete it"))?;
        Ok(ReadRecord {
            id: found.name.clone(),
            version: found.etag.clone(),
            modified: found.modified.as_deref().and_then(moment),
            deleted: false,
            values: watch.iter().map(|&(place, having)| Some(card.get(place, having))).collect(),
        })
    }

    /// A card as it is now.
    fn fetch(&self, id: &str) -> Result<Option<Found>, Trouble> {
        // An id is one step of an address and nothing else.
        if id.is_empty() || id.contains(['/', '?', '#', ' ']) || id == ".." || id == "." {
            return Ok(None);
        }
        let answer = self.book.send("GET", id, &[], "")?;
        match answer.status {
            200 => Ok(Some(Found {
                name: id.into(),
                gone: false,
                etag: answer.etag,
                modified: answer.modified,
                card: Some(answer.body),
            })),
            404 | 410 => Ok(None),
            _ => Err(self.book.trouble("reading a card", &answer)),
        }
    }

    fn write_one(&self, watch: &[PropertyRef], write: &Write) -> Result<Outcome, Trouble> {
        let places = places(watch)?;
        match &write.action {
            Action::Create => self.create(&places, watch, write),
            Action::Update { id, version } => {
                self.update(&places, watch, write, id, version.as_deref())
            }
            Action::Restore { id } => Ok(gone(id)),
            Action::Delete { id, version } => {
                let headers: Vec<(&str, &str)> =
                    version.as_deref().map(|version| ("If-Match", version)).into_iter().collect();
                let Some(held) = self.fetch(id)? else { return Ok(gone(id)) };
                Ok(match self.book.send("DELETE", id, &headers, "") {
                    Ok(answer) => match answer.status {
                        200..=299 => Outcome::Done(ReadRecord {
                            id: id.clone(),
                            version: held.etag,
                            modified: None,
                            deleted: true,
                            values: vec![None; watch.len()],
                        }),
                        404 | 410 => gone(id),
                        412 => changed(id),
                        _ => self.refused(&answer),
                    },
                    Err(no_answer) => unanswered(no_answer),
                })
            }
        }
    }

    fn create(
        &self,
        places: &[(Place, Option<&str>)],
        watch: &[PropertyRef],
        write: &Write,
    ) -> Result<Outcome, Trouble> {
        let uid = format!("{:032x}", xxh3_128(write.token.as_bytes()));
        let name = format!("{uid}.vcf");
        let mut card = Card::new(&uid);
        for value in write.values.iter().filter(|value| !is_empty(&value.value)) {
            let (place, having) = places[value.prop];
            card.put(place, having, &value.value, &Value::Null);
        }
        self.stored(&mut card, &name, ("If-None-Match", "*"), places, watch)
    }

    fn update(
        &self,
        places: &[(Place, Option<&str>)],
        watch: &[PropertyRef],
        write: &Write,
        id: &str,
        version: Option<&str>,
    ) -> Result<Outcome, Trouble> {
        let Some(held) = self.fetch(id)? else { return Ok(gone(id)) };
        if version.is_some() && held.etag.as_deref() != version {
            return Ok(changed(id));
        }
        let Some(mut card) = held.card.as_deref().and_then(Card::read) else {
            return Ok(Outcome::Rejected {
                prop: None,
                message: format!("{id} is no vCard that can be read: correct or delete it"),
            });
        };
        for value in &write.values {
            let (place, having) = places[value.prop];
            card.put(place, having, &value.value, &value.displaced);
        }
        // A server without ETags can't be asked for more than that the card is there.
        self.stored(&mut card, id, ("If-Match", held.etag.as_deref().unwrap_or("*")), places, watch)
    }

    /// Stores a card under this condition and reads it again: a server may change what it stores
    /// (RFC 6352, section 6.3.2.3).
    fn stored(
        &self,
        card: &mut Card,
        name: &str,
        condition: (&str, &str),
        places: &[(Place, Option<&str>)],
        watch: &[PropertyRef],
    ) -> Result<Outcome, Trouble> {
        card.make_whole();
        card.stamp(jiff::Timestamp::now());
        let headers = [condition, ("Content-Type", "text/vcard; charset=utf-8")];
        let answer = match self.book.send("PUT", name, &headers, &card.written()) {
            Ok(answer) => answer,
            Err(no_answer) => return Ok(unanswered(no_answer)),
        };
        match answer.status {
            200..=299 => {}
            // C2: the name was made of this write: an earlier try has stored it.
            412 if condition.0 == "If-None-Match" => {}
            412 => return Ok(changed(name)),
            404 | 410 => return Ok(gone(name)),
            _ => return Ok(self.refused(&answer)),
        }
        // It is stored; that it can't be read now changes nothing about that.
        let untold = ReadRecord {
            id: name.into(),
            version: answer.etag,
            modified: None,
            deleted: false,
            values: vec![None; watch.len()],
        };
        let read =
            self.fetch(name).ok().flatten().and_then(|found| self.record(places, &found).ok());
        Ok(Outcome::Done(read.unwrap_or(untold)))
    }

    fn refused(&self, answer: &Answer) -> Outcome {
        match answer.status {
            400 | 403 | 409 | 413 | 415 | 422 => {
                let words: String =
                    answer.body.chars().filter(|c| !c.is_control()).take(200).collect();
                Outcome::Rejected {
                    prop: None,
                    message: format!("status {}: {words}", answer.status),
                }
            }
            429 | 502..=504 => Outcome::Later {
                retry_after_ms: None,
                message: format!("status {}", answer.status),
            },
            _ => Outcome::Stopped(self.book.trouble("writing a card", answer)),
        }
    }
}

fn places(watch: &[PropertyRef]) -> Result<Vec<(Place, Option<&str>)>, Trouble> {
    watch
        .iter()
        .map(|property| {
            Ok((place_of(property)?, property.when.as_ref().map(|having| having.value.as_str())))
        })
        .collect()
}

/// The time of a `Last-Modified` header or property (RFC 9110, section 5.6.7).
fn moment(text: &str) -> Option<Timestamp> {
    let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp(zoned.timestamp().as_millisecond()))
}

fn gone(id: &str) -> Outcome {
    Outcome::Gone { message: format!("there is no card {id} any more") }
}

fn changed(id: &str) -> Outcome {
    Outcome::Conflict { message: format!("the card {id} was changed meanwhile") }
}

fn unanswered(no_answer: NoAnswer) -> Outcome {
    match no_answer {
        NoAnswer::NotSent(trouble) => Outcome::Stopped(trouble),
        NoAnswer::Lost(trouble) => Outcome::Unknown { message: trouble.to_string() },
    }
}

impl Connector for CardDav {
    fn types(&self) -> &[TypeSchema] {
        &self.schemas
    }

    fn test(&self) -> Result<String, Trouble> {
        let body = r#"<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><displayname/><resourcetype/></prop></propfind>"#;
        let answer = self.book.send(
            "PROPFIND",
            "",
            &[("Depth", "0"), ("Content-Type", "application/xml; charset=utf-8")],
            body,
        )?;
        match answer.status {
            207 if answer.body.contains("addressbook") => {
                Ok(format!("address book {}", self.book.place()))
            }
            207 => Err(Trouble::Misconfigured(format!(
                "{} is no address book: `url` is the address of the book itself",
                self.book.place()
            ))),
            _ => Err(self.book.trouble("testing the connection", &answer)),
        }
    }

    fn read(&self, request: ReadRequest<'_>) -> Result<Page, Trouble> {
        Self::known(request.kind)?;
        let places = places(request.watch)?;
        let mark: Mark = request
            .checkpoint
            .and_then(|checkpoint| serde_json::from_str(&checkpoint.text).ok())
            .unwrap_or_default();
        let mut listing = self.listing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut everything = mark.everything || mark.token.is_empty();
        let mut at = mark.at.unwrap_or(0);
        if mark.at.is_none() || listing.as_ref().is_none_or(|listing| listing.since != mark.token) {
            let (mut many, anew) = self.sync(&mark.token)?;
            everything |= anew;
            many.found.sort_by(|a, b| a.name.cmp(&b.name));
            at = 0;
            *listing = Some(Listing { since: mark.token.clone(), many });
        }
        let Some(told) = listing.as_ref() else {
            return Err(Trouble::Unreachable("the listing is gone".into()));
        };
        let names: Vec<&str> = told
            .many
            .found
            .iter()
            .filter(|found| !found.gone)
            .map(|found| found.name.as_str())
            .collect();
        let end = names.len().min(at + request.page_size.clamp(1, MOST_AT_ONCE));
        let (mut records, mut faults) = (Vec::new(), Vec::new());
        let mut gone: Vec<String> = Vec::new();
        if at == 0 && !everything {
            gone.extend(
                told.many.found.iter().filter(|found| found.gone).map(|found| found.name.clone()),
            );
        }
        let asked = names.get(at..end).unwrap_or_default();
        for found in if asked.is_empty() { vec![] } else { self.cards(asked)? } {
            match self.record(&places, &found) {
                _ if found.gone => gone.push(found.name),
                Ok(record) => records.push(record),
                Err(fault) => faults.push(fault),
            }
        }
        let at_end = end == names.len();
        let next = if at_end {
            let token = told.many.token.clone().ok_or_else(|| {
                Trouble::Malformed(format!(
                    "{} told no sync-token: it does not know RFC 6578, which this connector needs",
                    self.book.place()
                ))
            })?;
            Mark { token, everything: everything && told.many.cut, at: None }
        } else {
            Mark { token: mark.token, everything, at: Some(end) }
        };
        let more = !at_end || told.many.cut;
        if at_end {
            *listing = None;
        }
        let text = serde_json::to_string(&next).unwrap_or_default();
        Ok(Page {
            records,
            faults,
            gone,
            below: vec![],
            checkpoint: Checkpoint { text, bytes: vec![] },
            more,
            everything,
        })
    }

    fn get(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        id: &str,
    ) -> Result<Option<ReadRecord>, Trouble> {
        Self::known(kind)?;
        let Some(found) = self.fetch(id)? else { return Ok(None) };
        match self.record(&places(watch)?, &found) {
            Ok(record) => Ok(Some(record)),
            Err(fault) => Err(Trouble::Malformed(format!("{}: {}", fault.place, fault.message))),
        }
    }

    fn find(
        &self,
        kind: &str,
        watch: &[PropertyRef],
        prop: usize,
        value: &Value,
    ) -> Result<Option<Vec<ReadRecord>>, Trouble> {
        Self::known(kind)?;
        let places = places(watch)?;
        let (name, value) = match (places[prop].0, value.as_str()) {
            (Place::Text(name) | Place::List(name), Some(text)) => (name, text),
            // A component of a structured value can't be asked for.
            _ => return Ok(None),
        };
        let body = format!(
            r#"<?xml version="1.0" encoding="utf-8"?><C:addressbook-query xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><prop><getetag/><getlastmodified/><C:address-data/></prop><C:filter><C:prop-filter name="{name}"><C:text-match collation="i;unicode-casemap" match-type="contains">{}</C:text-match></C:prop-filter></C:filter></C:addressbook-query>"#,
            xml(value.trim())
        );
        let many = match self.book.report("1", &body)? {
            Ok(many) => many,
            Err(answer) => return Err(self.book.trouble("looking for a card", &answer)),
        };
        let wanted = value.trim().to_lowercase();
        let holds = |record: &ReadRecord| match &record.values[prop] {
            Some(Value::Array(list)) => list
                .iter()
                .any(|held| held.as_str().is_some_and(|held| held.trim().to_lowercase() == wanted)),
            Some(held) => held.as_str().is_some_and(|held| held.trim().to_lowercase() == wanted),
            None => false,
        };
        Ok(Some(
            many.found
                .iter()
                .filter_map(|found| self.record(&places, found).ok())
                .filter(holds)
                .collect(),
        ))
    }

    fn write(&self, kind: &str, watch: &[PropertyRef], writes: &[Write]) -> Vec<Outcome> {
        let one = |write| {
            Self::known(kind)
                .and_then(|()| self.write_one(watch, write))
                .unwrap_or_else(Outcome::Stopped)
        };
        writes.iter().map(one).collect()
    }
}
