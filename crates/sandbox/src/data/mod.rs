//! Sample data: the cast of `cast.rs`, as six systems would have it after some years, with what
//! real ones have too.
//!
//! The same person in several systems, written differently; shared and missing addresses; upper
//! case, blanks at the end, two phones; companies that only some systems know. Who is where (by
//! number of the person):
//!
//! | people | SuperOffice | Wix | PowerOffice | Zendesk | YouTrack |
//! | --- | --- | --- | --- | --- | --- |
//! | 0–7 | users | contacts 0–3 | employees | agents 0–4 | users 0–3 |
//! | 8–89 | persons | contacts 30–79, members 60–74 | contact persons 8–27 | end users 20–31 | users 60–70 |
//! | 90–119 | – | contacts, members 90–99 | customers 110–119 | end users 112–116 | users 90–94 |
//! | 120–129 | – | – | customers 120–124, employees 125–129 | – | – |
//!
//! Persons 40–42 share one `post@` address in SuperOffice that one Wix contact has as well, and
//! person 50 has two Wix contacts: matches by address are ambiguous there, as they are meant to be
//! (rule L6).

mod cast;
mod ledgers;
mod sales;
mod shops;

use crate::systems::Emulator;
use crate::util::ids::Source;
use cast::{Cast, Person, STAFF, written};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Fills one system.
pub(crate) fn fill(system: &str, emulator: &mut dyn Emulator, seed: u64) {
    let mut world = World {
        cast: Cast::new(seed),
        source: Source::new(seed, system),
        emulator,
        start: Timestamp::now(),
    };
    match system {
        "superoffice" => world.superoffice(),
        "wix" => world.wix(),
        "poweroffice-go" => world.poweroffice(),
        "crmoffice" => world.crmoffice(),
        "zendesk" => world.zendesk(),
        "youtrack" => world.youtrack(),
        "business-central" => world.business_central(),
        "woocommerce" => world.woocommerce(),
        "tripletex" => world.tripletex(),
        "zoho-crm" => world.zoho_crm(),
        "exact-online" => world.exact_online(),
        "salesforce" => world.salesforce(),
        "hubspot" => world.hubspot(),
        "shopify" => world.shopify(),
        "fjordclub" => world.fjordclub(),
        _ => {}
    }
}

struct World<'a> {
    cast: Cast,
    source: Source,
    emulator: &'a mut dyn Emulator,
    start: Timestamp,
}

impl World<'_> {
    /// Some moment in the past months, at least a day ago.
    fn some_time(&mut self) -> Timestamp {
        self.start - SignedDuration::from_secs(86_400 + self.source.below(200 * 86_400) as i64)
    }

    /// Adds a record; the sample data holds nothing that a system would refuse.
    fn add(&mut self, collection: &'static str, body: Value) -> Value {
        let at = self.some_time();
        let added = self.emulator.put(collection, body, at);
        debug_assert!(added.is_ok(), "sample {collection}: {added:?}");
        added.unwrap_or_default()
    }

    /// A few members, so that there is something to see.
    fn fjordclub(&mut self) {
        for (name, email, town) in [
            ("Eira Solheim", "eira@example.no", "Bergen"),
            ("Jorunn Vik", "jorunn@example.com", "Voss"),
            ("Halvard Moe", "halvard@example.org", "Florø"),
        ] {
            self.add("members", json!({"name": name, "email": email, "town": town}));
        }
    }

    /// The address in one of the ways in which people type it.
    fn typed(&mut self, email: &str) -> String {
        match self.source.below(12) {
            0 => email.to_uppercase(),
            1 => {
                let mut letters = email.chars();
                letters
                    .next()
                    .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
            }
            _ => email.to_owned(),
        }
    }

    fn superoffice(&mut self) {
        let mut contacts = Vec::new();
        for index in 0..self.cast.companies.len() {
            let company = &self.cast.companies[index];
            let (name, domain, number) = (company.name, company.domain, company.org_number.clone());
            // One was typed with a blank at its end.
            let typed = if index == 13 { format!("{name} ") } else { name.to_owned() };
            let contact = self.add(
                "Contact",
                json!({"Name":typed,"OrgNr":number,"Emails":[{"Value":format!("post@{domain}")}],
                    "Phones":[{"Value":written(&format!("2{:07}", index * 31_337), index as u64)}],
                    "Urls":[{"Value":format!("https://www.{domain}")}]}),
            );
            contacts.push(contact["ContactId"].clone());
        }
        let mut persons = Vec::new();
        for n in 0..90 {
            let person = &self.cast.people[n];
            let contact =
                person.company.map_or(Value::Null, |index| json!({"ContactId": contacts[index]}));
            let (email, private, phone, mobile) = (
                person.email.clone(),
                person.private_email.clone(),
                person.phone.clone(),
                person.mobile.clone(),
            );
            let (mut first, last) = (person.first.to_owned(), person.last);
            let mut emails = Vec::new();
            if (40..43).contains(&n) {
                emails.push(json!({"Value": format!("post@{}", self.cast.companies[2].domain), "Description": "Felles"}));
            } else if let Some(email) = email {
                let mut typed = self.typed(&email);
                if n % 17 == 9 {
                    typed.push(' ');
                }
                emails.push(json!({"Value": typed}));
            }
            if let Some(private) = private {
                emails.push(json!({"Value": private, "Description": "Privat"}));
            }
            if n % 23 == 5 {
                first.push(' ');
            }
            let style = self.source.next();
            let mut private_phones = Vec::new();
            if !self.source.chance(15) {
                private_phones.push(json!({"Value": written(&phone, style)}));
            }
            if self.source.chance(20) {
                private_phones
                    .push(json!({"Value": written(&mobile, style / 7), "Description": "Hytta"}));
            }
            let person = self.add(
                "Person",
                json!({"Firstname":first,"Lastname":last,"Contact":contact,"Emails":emails,"PrivatePhones":private_phones,
                    "MobilePhones":[{"Value": written(&mobile, style / 3)}],"Retired":n % 41 == 40}),
            );
            persons.push(person["PersonId"].clone());
        }
        let mut users = Vec::new();
        for (n, person) in persons.iter().enumerate().take(STAFF) {
            let name = format!("{}{}", self.cast.people[n].first, n).to_uppercase();
            let email = self.cast.people[n].email.clone();
            let user = self.add(
                "User",
                json!({"Name":name,"UserName":email,"NickName":self.cast.people[n].first,"Person":{"PersonId":person},"EjUserId":n + 1}),
            );
            users.push(user["AssociateId"].clone());
        }
        let titles = [
            "Passordet virker ikke",
            "Faktura med feil beløp",
            "Levering mangler to kolli",
            "Ny bruker i systemet",
            "Skriveren står igjen",
            "Kan ikke logge inn på møterommet",
            "Ønsker tilbud på støtteavtale",
            "Rapporten viser gårsdagens tall",
            "Retur av defekt vare",
            "Endring av postadresse",
            "Spørsmål om oppsigelse",
            "Nettsiden er treg",
        ];
        for n in 0..40 {
            let customer = &persons[STAFF + self.source.below(82) as usize];
            // Some nobody has taken yet.
            let owner = if n % 9 == 8 {
                json!(0)
            } else {
                users[self.source.below(STAFF as u64) as usize].clone()
            };
            let person = if n % 13 == 12 { Value::Null } else { json!({"PersonId": customer}) };
            let due = jiff_text(self.start + SignedDuration::from_hours(24 + n as i64 * 5));
            let ticket = self.add(
                "Ticket",
                json!({"Title": format!("{} ({})", titles[n % titles.len()], n + 1),"OwnedBy":{"AssociateId":owner},"Person":person,
                    "Deadline":due,"Slevel":"External"}),
            );
            if n % 3 == 0 {
                let minutes = 15 + self.source.below(600);
                let at = self.some_time();
                let edited = self.emulator.edit(
                    "Ticket",
                    &ticket["TicketId"].to_string(),
                    &json!({"TimeToReply": minutes}),
                    at,
                );
                debug_assert!(edited.is_ok(), "{edited:?}");
            }
        }
        self.superoffice_sales(&contacts, &persons, &users);
    }

    /// What is offered, to whom, and what is sold.
    fn superoffice_sales(&mut self, contacts: &[Value], persons: &[Value], users: &[Value]) {
        let mut projects = Vec::new();
        for name in ["Vårmessa", "Nytt lager i Moss", "Kundetreff Bodø", "Katalog 2027"] {
            let body = json!({"Name":name,"Description":format!("{name}, se mappa."),"EndDate":"2027-03-31T00:00:00",
                "Associate":{"AssociateId":users[projects.len() % users.len()]}});
            projects.push(self.add("Project", body)["ProjectId"].clone());
        }
        for n in 0..10 {
            let company = self.cast.people[STAFF + n].company;
            let contact =
                company.map_or(Value::Null, |index| json!({"ContactId": contacts[index]}));
            let status = ["Open", "Sold", "Open", "Lost"][n % 4];
            let body = json!({"Heading":format!("Vårleveranse {}", n + 1),"Amount":12_500.5 + 1000.0 * n as f64,"Probability":10 * (n + 1),
                "Status":status,"Saledate":"2026-06-30T00:00:00","Contact":contact,"Person":{"PersonId":persons[STAFF + n]},
                "Project":{"ProjectId":projects[n % projects.len()]},"Associate":{"AssociateId":users[n % users.len()]}});
            self.add("Sale", body);
        }
        for (n, (name, price)) in cast::ARTICLES.iter().enumerate() {
            let code = format!("NO-{:04}", 100 + n);
            let price = f64::from(*price);
            let body = json!({"Name":name,"Code":code,"Description":format!("{name}, håndlaget."),"ERPProductKey":code,"UnitListPrice":price,
                "UnitCost":price / 2.0,"VAT":25.0,"QuantityUnit":"stk","InAssortment":n != 6});
            self.add("Product", body);
            let line = json!({"QuoteAlternativeId":1 + n / 3,"Rank":1 + n % 3,"Name":name,"Code":code,"ERPProductKey":code,
                "Quantity":1.0 + n as f64,"UnitListPrice":price,"UnitCost":price / 2.0,"VAT":25.0,"DiscountPercent":5.0});
            self.add("QuoteLine", line);
        }
    }

    /// `info` of a Wix contact.
    fn wix_info(&mut self, n: usize) -> Value {
        let Person { first, last, email, private_email, phone, mobile, company } =
            &self.cast.people[n];
        let (first, last, phone, mobile) = (*first, *last, phone.clone(), mobile.clone());
        let (email, private) = (email.clone(), private_email.clone());
        let company = company.map(|index| self.cast.companies[index].name);
        let mut info = json!({"name":{"first":first,"last":last},"locale":"nb-NO"});
        let mut emails = Vec::new();
        if let Some(email) = email {
            emails.push(json!({"tag":"MAIN","email":self.typed(&email),"primary":true}));
        }
        if let Some(private) = private {
            emails.push(json!({"tag":"HOME","email":private,"primary":emails.is_empty()}));
        }
        if !emails.is_empty() {
            info["emails"] = json!({"items": emails});
        }
        let style = self.source.next();
        let mut phones = Vec::new();
        if self.source.chance(80) {
            phones.push(json!({"tag":"MOBILE","countryCode":"NO","phone":written(&mobile, style),"primary":true}));
        }
        if self.source.chance(25) {
            phones.push(json!({"tag":"HOME","phone":written(&phone, style / 5),"primary":phones.is_empty()}));
        }
        if !phones.is_empty() {
            info["phones"] = json!({"items": phones});
        }
        if let Some(company) = company {
            info["company"] = json!(company);
        }
        info
    }

    fn wix(&mut self) {
        for n in (0..4).chain(30..80).chain(90..120) {
            // Of the three who share an address in SuperOffice, one contact here has it.
            let mut info = self.wix_info(n);
            if (41..43).contains(&n) {
                continue;
            }
            if n == 40 {
                let shared = format!("post@{}", self.cast.companies[2].domain);
                info["emails"] = json!({"items":[{"tag":"WORK","email":shared,"primary":true}]});
            }
            self.add("contacts", json!({"info": info}));
        }
        // The same person once more, by an import that allowed duplicates.
        let mut twin = self.wix_info(50);
        if let Some(email) = self.cast.people[50].email.clone() {
            twin["emails"] = json!({"items":[{"tag":"UNTAGGED","email":email}]});
        }
        twin["company"] = json!("(import)");
        self.add("contacts", json!({"info": twin}));
        for n in (60..75).chain(90..100) {
            let Some(email) = self.cast.people[n].email.clone() else { continue };
            self.add(
                "members",
                json!({"loginEmail":email,"profile":{"nickname":self.cast.people[n].first}}),
            );
        }
        let products = [
            "Ullgenser",
            "Turkopp i bjørk",
            "Lysestake",
            "Fiskesuppe på boks",
            "Strikkepinner",
            "Reinskinn",
            "Kaffekvern",
            "Tovet tøffel",
            "Saueost",
            "Brødkniv",
            "Sølvbrosje",
            "Fløyte",
        ];
        for (n, name) in products.iter().enumerate() {
            self.add(
                "products",
                json!({"name":name,"sku":format!("NO-{:04}", 100 + n),"priceData":{"price":99 + 50 * n},"description":format!("{name}, håndlaget.")}),
            );
        }
    }

    fn crmoffice(&mut self) {
        let mut companies = Vec::new();
        for index in [1, 6] {
            let company = &self.cast.companies[index];
            let body = json!({"name":company.name,"orgNr":company.org_number,
                "postAddress":{"streetAddress":"Postboks 1","postCode":"0150","postalArea":company.city,"country":"NO"}});
            companies.push(self.add("companies", body)["id"].clone());
        }
        for (n, company) in [(30, 0), (31, 1), (45, 0), (150, 1), (151, 0)] {
            let person = &self.cast.people[n];
            let body = json!({"givenName":person.first,"familyName":person.last,"directPhone":written(&person.phone, n as u64),
                "mobilePhone":written(&person.mobile, 2),"company":{"id":companies[company]}});
            self.add("contacts", body);
        }
        for n in 0..2 {
            let person = &self.cast.people[n];
            let body =
                json!({"userName":person.email,"givenName":person.first,"familyName":person.last});
            self.add("users", body);
        }
        for n in 0..3 {
            let subject = ["Møte om levering", "Telefon til Bodø", "Befaring"][n];
            let body = json!({"subject":subject,"startsAt":format!("2026-03-0{}T09:00:00Z", n + 2),
                "endsAt":format!("2026-03-0{}T10:00:00Z", n + 2),"address":{"postalArea":"Bodø","country":"NO"}});
            self.add("activities", body);
        }
    }

    fn zendesk(&mut self) {
        let mut organizations = Vec::new();
        for index in [1, 3, 5, 7, 9, 11] {
            let name = self.cast.companies[index].name;
            // Case and blanks differ from what the other systems have.
            let name = if index == 7 { name.to_uppercase() } else { name.to_owned() };
            let organization = self.add(
                "organizations",
                json!({"name":name,"domain_names":[self.cast.companies[index].domain]}),
            );
            organizations.push((index, organization["id"].clone()));
        }
        for name in ["Gammelt Arkiv (ikke slett)", "Testkunde"] {
            self.add("organizations", json!({"name": name}));
        }
        let mut users = Vec::new();
        for n in (0..5).chain(20..32).chain(112..117) {
            let person = &self.cast.people[n];
            let (name, mobile) =
                (format!("{} {}", person.first, person.last), person.mobile.clone());
            let Some(email) = person.email.clone() else { continue };
            let organization = person
                .company
                .and_then(|index| organizations.iter().find(|(known, _)| *known == index))
                .map(|(_, id)| id.clone());
            // One agent's address was typed in capitals.
            let email = if n == 2 { email.to_uppercase() } else { self.typed(&email) };
            let role = if n < 5 { "agent" } else { "end-user" };
            let phone = if n % 2 == 0 { json!(format!("+47{mobile}")) } else { Value::Null };
            let user = self.add(
                "users",
                json!({"name":name,"email":email,"role":role,"organization_id":organization,"phone":phone,"verified":n < 5}),
            );
            users.push((role, user["id"].clone()));
        }
        let ids = |role: &str| {
            users
                .iter()
                .filter(|(known, _)| *known == role)
                .map(|(_, id)| id.clone())
                .collect::<Vec<_>>()
        };
        let (agents, customers) = (ids("agent"), ids("end-user"));
        for n in 0..6 {
            let status = ["new", "open", "pending", "solved", "open", "open"][n];
            let kind = if n == 4 { "task" } else { "question" };
            let due = jiff_text(self.start + SignedDuration::from_hours(24 * 7)) + "Z";
            self.add(
                "tickets",
                json!({"subject":format!("Henvendelse fra skjema {}", n + 1),"comment":{"body":"Hei, kan dere hjelpe?"},
                    "requester_id":customers[n % customers.len()],"assignee_id":if n == 0 { Value::Null } else { agents[n % agents.len()].clone() },
                    "status":status,"type":kind,"due_at":if n == 4 { json!(due) } else { Value::Null }}),
            );
        }
    }

    fn youtrack(&mut self) {
        for n in (0..4).chain(60..71).chain(90..95) {
            let person = &self.cast.people[n];
            let Some(email) = person.email.clone() else { continue };
            let login = email.split('@').next().unwrap_or_default().to_owned();
            let name = format!("{} {}", person.first, person.last);
            let email = self.typed(&email);
            self.add("users", json!({"login":login,"name":name,"profile":{"email":{"email":email,"verified":n % 4 != 3}}}));
        }
        for n in [160, 161] {
            let person = &self.cast.people[n];
            let body = json!({"login":format!("ekstern{n}"),"name":format!("{} {}", person.first, person.last),"banned":n == 161});
            self.add("users", body);
        }
        for name in ["Support", "Utvikling", "Salg"] {
            self.add("groups", json!({"name": name}));
        }
        for index in [1, 4, 7] {
            let company = &self.cast.companies[index];
            let (name, city) = (company.name, company.city);
            self.add(
                "organizations",
                json!({"name": name, "description": format!("Kunde i {city}")}),
            );
        }
    }
}

fn jiff_text(at: Timestamp) -> String {
    crate::util::time::seconds_bare(at)
}
