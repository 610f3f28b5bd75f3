//! What kind of world a seed gives: its systems with their habits, and the flows between them.

use std::collections::BTreeMap;
use std::fmt;

use lockstep_model::flow::{Create, Deletes, Filter, PropertyRef};
use lockstep_model::{
    Capabilities, Flow, MatchRow, PlainType, PropertyPair, PropertySchema, TypeName, TypeSchema,
};

use crate::forms::{Forms, GROUP, LAND, TAGS};
use crate::lines::{self, LINES};
use crate::random::Random;

/// The properties of a person: who it is (never edited), the address by which they are linked, and
/// what people edit.
pub const WHO: &str = "who";
pub const MAIL: &str = "mail";
pub const EDITED: [&str; 4] = [NAME, "phone", "city", SCORE];
/// All of which linked records hold the same, where their systems have them.
pub const COMPARED: [&str; 8] = [NAME, "phone", "city", SCORE, GROUP[0], GROUP[1], GROUP[2], LAND];
/// The company that a person works for: a reference (P8).
pub const COMPANY: &str = "company";
/// What a company has, too.
pub const NAME: &str = "name";
/// Of which facets a person's record has, and which properties belong to the second.
const WORK: &str = "work";
const HOME: &str = "home";
const AT_HOME: [&str; 2] = ["city", SCORE];

/// Whether the flows of a facet, or of records without facets, are about a property.
pub fn is_about(facet: Option<&str>, prop: &str) -> bool {
    facet.is_none_or(|facet| (facet == HOME) == AT_HOME.contains(&prop))
}

/// The one that is a number, with two decimals.
pub const SCORE: &str = "score";

/// What was only accepted takes up to so long, where no delay is stated (C2).
pub const ACCEPTED_MS: i64 = 60_000;

/// What a system makes of a text when it stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewrite {
    Trim,
    Upper,
    Cut(usize),
    Spaced,
    Round(usize),
}

impl Rewrite {
    /// The text as the system keeps it.
    pub fn of(self, text: &str) -> String {
        match self {
            Rewrite::Trim => text.trim().to_string(),
            Rewrite::Upper => text.to_uppercase(),
            Rewrite::Cut(most) => text.chars().take(most).collect(),
            Rewrite::Spaced => text.split_whitespace().collect::<Vec<_>>().join("  "),
            Rewrite::Round(decimals) => {
                match text.strip_prefix('x').and_then(|number| number.parse::<f64>().ok()) {
                    Some(number) => format!(
                        "x{}",
                        format!("{number:.decimals$}").parse::<f64>().unwrap_or(number)
                    ),
                    None => text.to_string(),
                }
            }
        }
    }
}

/// What the answers to a system's writes show, where it is neither the record nor the least that a
/// write needs (R6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answering {
    /// The record as it is stored, and its connector says so.
    Stored,
    /// The id and nothing else.
    Id,
    /// What was sent, whatever became of it.
    Echo,
    /// Nothing: of a creation not even the id.
    Nothing,
}

/// What a system acknowledges and does not do, for one record in three (R6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loses {
    /// It keeps its own value of this property.
    Property(&'static str),
    /// No update is done at all.
    Updates,
    /// Now and then an update is not done.
    Some,
}

/// How the writes for one person in four fail until everything heals (G4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fails {
    /// Surely not done.
    Surely,
    /// Whether it was done can't be told.
    Perhaps,
}

/// The kinds of fault that are drawn from a stream of their own, so that a seed keeps the world
/// that it had without them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Answers,
    Accepts,
    Loses,
    Shuffles,
    Clocks,
    Fails,
    Reuses,
    Lies,
    Rotates,
    References,
    Suspends,
    Facets,
    Stops,
    Groups,
    Maps,
    Sets,
    Lines,
}

impl Fault {
    pub const ALL: [(&'static str, Fault); 17] = [
        ("answers", Fault::Answers),
        ("accepts", Fault::Accepts),
        ("loses", Fault::Loses),
        ("shuffles", Fault::Shuffles),
        ("clocks", Fault::Clocks),
        ("fails", Fault::Fails),
        ("reuses", Fault::Reuses),
        ("lies", Fault::Lies),
        ("rotates", Fault::Rotates),
        ("references", Fault::References),
        ("suspends", Fault::Suspends),
        ("facets", Fault::Facets),
        ("stops", Fault::Stops),
        ("groups", Fault::Groups),
        ("maps", Fault::Maps),
        ("sets", Fault::Sets),
        ("lines", Fault::Lines),
    ];
}

/// Which kinds of fault a world may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults(u32);

impl Faults {
    /// Those that a world may have where nothing is said.
    pub const USUAL: Faults = Faults(!0);

    /// These kinds, by their names separated by commas; `none` for none.
    pub fn parse(names: &str) -> Option<Faults> {
        let one = |name: &str| {
            Fault::ALL.iter().find(|(known, _)| *known == name).map(|(_, fault)| 1 << *fault as u32)
        };
        names
            .split(',')
            .filter(|name| *name != "none")
            .try_fold(0, |all, name| Some(all | one(name)?))
            .map(Faults)
    }

    pub fn has(self, fault: Fault) -> bool {
        self.0 & (1 << fault as u32) != 0
    }
}

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Person,
    Company,
}

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::Person, Kind::Company];

    /// Its record type's name in every system.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Person => "Person",
            Kind::Company => "Company",
        }
    }

    /// Reads the name.
    pub fn named(name: &str) -> Kind {
        if name == "Company" { Kind::Company } else { Kind::Person }
    }
}

/// The flows between two systems that are not about everybody (L11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspended {
    pub from: usize,
    pub to: usize,
    /// They are about those whose city, as `from` has it, has no 3 in it, which changes. Else about
    /// the people with even numbers, which does not.
    pub by_city: bool,
}

impl Suspended {
    /// How a flow says it.
    fn filter(self) -> Filter {
        let odd = || {
            (1..100)
                .filter(|n| n % 2 == 1)
                .map(|n| format!("'p{n}'"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let (expression, read) = match self.by_city {
            true => ("'3' not in (city or '')".to_string(), "city"),
            false => (format!("who not in [{}]", odd()), WHO),
        };
        Filter { expression, reads: vec![read.into()] }
    }

    /// Whether the flows are about a record of `from`.
    pub fn holds(self, texts: &BTreeMap<&'static str, String>) -> bool {
        let text = |prop: &str| texts.get(prop).map_or("", String::as_str);
        match self.by_city {
            true => !text("city").contains('3'),
            false => !is_odd(text(WHO)),
        }
    }
}

/// Whether a person is one of those with odd numbers.
pub fn is_odd(who: &str) -> bool {
    who.strip_prefix('p')
        .and_then(|number| number.parse::<u64>().ok())
        .is_some_and(|number| number % 2 == 1)
}

/// A system and its habits.
#[derive(Clone, Debug)]
pub struct SystemDrawn {
    pub name: String,
    pub props: Vec<&'static str>,
    pub rewrites: Vec<(&'static str, Rewrite)>,
    /// Its connector says beforehand what it does to texts.
    pub says_how_it_stores: bool,
    pub numbers_ids: bool,
    pub tells_version: bool,
    pub tells_modified: bool,
    pub lists_changes: bool,
    pub tells_deletions: bool,
    pub mail_is_a_list: bool,
    pub answers_with_values: bool,
    pub finds: bool,
    pub refuses_duplicates: bool,
    pub names_duplicates: bool,
    pub settles_ms: i64,
    pub drift_ms: i64,
    /// What its clock gains, or loses, in a million.
    pub drift_ppm: i64,
    /// A call takes up to so long.
    pub latency_ms: i64,
    /// What an automation of its own puts back whenever it was written.
    pub puts_back: Vec<&'static str>,
    pub page: usize,
    pub batch: usize,
    /// How many requests may be under way at one time.
    pub at_once: usize,
    /// Per mille of calls that go wrong while anything may.
    pub trouble: u32,
    pub answering: Option<Answering>,
    /// Creations are answered with no more than "accepted", and show up to so long after; 0 where
    /// they are not.
    pub accepts_ms: i64,
    pub loses: Option<Loses>,
    /// Its lists come in another order each time.
    pub shuffles: bool,
    /// Its clock is now and then set back.
    pub steps_back: bool,
    pub fails: Option<Fails>,
    /// The id of a deleted record is given to the next new one (R9).
    pub reuses_ids: bool,
    /// Per mille of single reads and look-ups that show nothing, or something else, in place of
    /// what was asked for.
    pub lies: u32,
    /// It keeps codes where others keep words.
    pub codes: bool,
    /// Its people have a list whose elements come and go one by one.
    pub tags: bool,
    /// Its people have a list whose elements are records of their own.
    pub lines: bool,
}

/// A world as it was drawn, before anything happens in it.
#[derive(Clone, Debug)]
pub struct Drawn {
    pub systems: Vec<SystemDrawn>,
    pub flows: Vec<(usize, usize, bool)>,
    pub deletes: Deletes,
    pub people: usize,
    /// Two people who share an address.
    pub sharers: bool,
    /// Per mille of runs that are killed.
    pub killed: u32,
    /// No flow has a match row: everybody is typed into one system only, and what was created is
    /// known by that alone (L4).
    pub matchless: bool,
    /// The hub's own clock is set back up to so often.
    pub set_back: u32,
    /// People get other addresses after they were linked (L4, R9).
    pub rotates: bool,
    /// There are companies for which people work.
    pub companies: bool,
    pub suspended: Option<Suspended>,
    /// A person's record stands for two things, each with links and flows of its own (F1): who and
    /// where they work, and the rest.
    pub facets: bool,
    /// Runs are ended at a step, as whoever watches them wants: from this number is drawn which,
    /// and where. None in a world without that.
    pub stops: Option<u64>,
    /// The forms of rows that its flows have beside plain ones.
    pub forms: Forms,
    /// Its people have lists whose elements are records of their own.
    pub lines: bool,
}

impl Drawn {
    /// The world of a seed: `random` gives what worlds have always had, `more` the kinds of fault
    /// that `faults` allows, `forms` the forms of rows.
    pub fn of([random, more, forms]: [&mut Random; 3], faults: Faults) -> Drawn {
        let count = 2 + random.below(3);
        let mut systems: Vec<SystemDrawn> = (0..count).map(|n| system(n, random)).collect();
        // An automation somewhere, and sometimes another one that does not know of it.
        let automations = if random.per_mille(250) { 1 + random.below(2) } else { 0 };
        let prop = EDITED[random.below(EDITED.len())];
        for _ in 0..automations {
            let system = &mut systems[random.below(count)];
            if system.props.contains(&prop) && system.puts_back.is_empty() {
                system.puts_back.push(prop);
            }
        }
        let star = random.per_mille(400);
        let mut flows = Vec::new();
        for n in 1..count {
            let with = if star { 0 } else { n - 1 };
            let (from, to) = if random.per_mille(500) { (with, n) } else { (n, with) };
            flows.push((from, to, random.per_mille(850)));
            if random.per_mille(600) {
                flows.push((to, from, random.per_mille(850)));
            }
        }
        let deletes = match random.below(5) {
            0 => Deletes::Propagate,
            1 => Deletes::Review,
            _ => Deletes::Ignore,
        };
        let people = 2 + random.below(7);
        let sharers = random.per_mille(300);
        let killed = [0, 150, 400, 700][random.below(4)];
        let matchless = random.per_mille(80);
        let sharers = sharers && !matchless;
        let mut drawn = Drawn {
            systems,
            flows,
            deletes,
            people,
            sharers,
            killed,
            matchless,
            set_back: 0,
            rotates: false,
            companies: false,
            suspended: None,
            facets: false,
            stops: None,
            forms: Forms::default(),
            lines: false,
        };
        drawn.add_faults(more, faults);
        drawn.forms = Forms::draw(forms, faults, &mut drawn.systems);
        drawn
    }

    /// Draws everything, and keeps what is allowed: what is left out changes nothing of the rest.
    fn add_faults(&mut self, more: &mut Random, faults: Faults) {
        // What gets the first address of a list that comes in any order can't be told from what a
        // third system has under the second.
        let may_shuffle = self.systems.len() == 2;
        for system in &mut self.systems {
            let answering = [Answering::Stored, Answering::Id, Answering::Echo, Answering::Nothing]
                [more.below(4)];
            system.answering =
                Some(answering).filter(|_| more.per_mille(400) & faults.has(Fault::Answers));
            let accepts_ms = more.between(1_000, 50_000);
            if more.per_mille(150) & faults.has(Fault::Accepts) {
                // No delay is stated: a minute is assumed.
                (system.accepts_ms, system.settles_ms) = (accepts_ms, 0);
            }
            let prop = EDITED[more.below(EDITED.len())];
            let loses = [Loses::Property(prop), Loses::Property(prop), Loses::Updates, Loses::Some]
                [more.below(4)];
            system.loses = Some(loses).filter(|_| more.per_mille(200) & faults.has(Fault::Loses));
            system.shuffles = more.per_mille(600)
                & (system.mail_is_a_list && may_shuffle && faults.has(Fault::Shuffles));
            system.steps_back = more.per_mille(250) & faults.has(Fault::Clocks);
            let fails = [Fails::Surely, Fails::Perhaps][more.below(2)];
            system.fails = Some(fails).filter(|_| more.per_mille(200) & faults.has(Fault::Fails));
            system.reuses_ids = more.per_mille(300) & faults.has(Fault::Reuses);
            system.lies = if more.per_mille(250) & faults.has(Fault::Lies) { 100 } else { 0 };
        }
        let set_back = 1 + more.below(2) as u32;
        self.set_back = if more.per_mille(250) & faults.has(Fault::Clocks) { set_back } else { 0 };
        self.rotates = more.per_mille(300) & !self.matchless & faults.has(Fault::Rotates);
        self.companies = more.per_mille(300) & faults.has(Fault::References);
        let (suspends, by_city) = (more.per_mille(250), more.per_mille(500));
        if suspends & faults.has(Fault::Suspends) {
            let (from, to, _) = self.flows[0];
            let by_city = by_city && self.systems[from].props.contains(&"city");
            if by_city {
                self.flows.retain(|(other, back, _)| (*other, *back) != (to, from));
            }
            self.suspended = Some(Suspended { from, to, by_city });
        }
        let plain = !self.matchless && !self.sharers && !self.companies && self.suspended.is_none();
        self.facets = more.per_mille(250) & plain & faults.has(Fault::Facets);
        self.rotates &= !self.facets;
        // Of two who share an address nothing tells which one a number belongs to; and a facet
        // without match values is known by nothing.
        for system in &mut self.systems {
            system.reuses_ids &= !self.facets && !self.sharers;
        }
        let stops = more.below(1 << 30) as u64;
        self.stops = Some(stops).filter(|_| more.per_mille(300) & faults.has(Fault::Stops));
    }

    /// Draws whether people have lists whose elements are records of their own.
    pub fn add_lines(&mut self, random: &mut Random, faults: Faults) {
        let has_forms =
            self.forms.group > 0 || self.forms.map.is_some() || self.forms.sets || self.facets;
        let is_plain = self.systems.len() == 2 && !has_forms;
        let (plainly, beside) = (random.per_mille(400), random.per_mille(200));
        // Known: with three systems an element may stay in one list only.
        let beside = beside & !is_plain & !self.facets & (self.systems.len() == 2);
        self.lines = (plainly & is_plain | beside) & faults.has(Fault::Lines);
        for system in &mut self.systems {
            system.lines = self.lines;
            // R9, known: an element that is to come into the list of somebody who was deleted, and
            // not read since, comes into that of who has their id now.
            system.reuses_ids &= !self.lines;
        }
    }

    /// The flows, as a project has them.
    pub fn flows(&self) -> Vec<Flow> {
        let name = |at: usize, kind: Kind| TypeName::new(&self.systems[at].name, kind.name());
        let person = |at: usize, facet: Option<&str>| TypeName {
            facet: facet.map(str::to_string),
            ..name(at, Kind::Person)
        };
        let row = |prop: &str| PropertyPair::equal(PropertyRef::new(prop), PropertyRef::new(prop));
        let by_mail = || MatchRow::single(PropertyRef::new(MAIL), PropertyRef::new(MAIL));
        let people = |&(from, to, creates): &(usize, usize, bool)| {
            let both = |prop: &&&str| {
                self.systems[from].props.contains(prop) && self.systems[to].props.contains(prop)
            };
            let facet = self.facets.then_some(WORK);
            let edited = EDITED
                .iter()
                .filter(both)
                .filter(|prop| !self.facets || !AT_HOME.contains(prop))
                .map(|prop| row(prop));
            let company = self.companies.then(|| row(COMPANY));
            let suspended = self
                .suspended
                .filter(|pair| [(pair.from, pair.to), (pair.to, pair.from)].contains(&(from, to)));
            Flow {
                create: if creates { Create::Always } else { Create::Never },
                matches: if self.matchless { vec![] } else { vec![by_mail()] },
                properties: [row(WHO), row(MAIL)]
                    .into_iter()
                    .chain(edited)
                    .chain(company)
                    .chain(self.forms.rows(&self.systems[from], &self.systems[to]))
                    .collect(),
                deletes: self.deletes,
                only: suspended.map(Suspended::filter),
                ..Flow::between(person(from, facet), person(to, facet))
            }
        };
        // F2: nothing matches, but whose other facets are linked.
        let at_home = |&(from, to, creates): &(usize, usize, bool)| {
            let both = |prop: &&&str| {
                self.systems[from].props.contains(prop) && self.systems[to].props.contains(prop)
            };
            Flow {
                create: if creates { Create::Always } else { Create::Never },
                properties: AT_HOME.iter().filter(both).map(|prop| row(prop)).collect(),
                deletes: self.deletes,
                ..Flow::between(person(from, Some(HOME)), person(to, Some(HOME)))
            }
        };
        let by_who = || MatchRow::single(PropertyRef::new(WHO), PropertyRef::new(WHO));
        let companies = |&(from, to, creates): &(usize, usize, bool)| {
            let named = [from, to]
                .iter()
                .all(|at| self.systems[*at].props.contains(&NAME))
                .then(|| row(NAME));
            Flow {
                create: if creates { Create::Always } else { Create::Never },
                matches: if self.matchless { vec![] } else { vec![by_who()] },
                properties: [row(WHO)].into_iter().chain(named).collect(),
                ..Flow::between(name(from, Kind::Company), name(to, Kind::Company))
            }
        };
        let companies = self.flows.iter().filter(|_| self.companies).map(companies);
        let at_home = self.flows.iter().filter(|_| self.facets).map(at_home);
        let lines = self.flows_of_lines();
        self.flows.iter().map(people).chain(at_home).chain(companies).chain(lines).collect()
    }
}

fn system(n: usize, random: &mut Random) -> SystemDrawn {
    let props = EDITED
        .into_iter()
        .filter(|prop| random.per_mille(if *prop == SCORE { 500 } else { 850 }))
        .collect::<Vec<_>>();
    let habit = |random: &mut Random| match random.below(8) {
        0 => Some(Rewrite::Trim),
        1 => Some(Rewrite::Upper),
        2 => Some(Rewrite::Cut(9)),
        3 => Some(Rewrite::Spaced),
        _ => None,
    };
    let rounds =
        |random: &mut Random| (random.below(2) == 0).then(|| Rewrite::Round(random.below(2)));
    let rewrites = props.iter().filter_map(|prop| {
        Some((*prop, if *prop == SCORE { rounds(random) } else { habit(random) }?))
    });
    let rewrites = rewrites.collect();
    let tells_version = random.per_mille(500);
    let tells_modified = random.per_mille(600);
    SystemDrawn {
        name: ["a", "b", "c", "d"][n].into(),
        props,
        rewrites,
        says_how_it_stores: random.per_mille(500),
        numbers_ids: random.per_mille(500),
        tells_version,
        tells_modified,
        lists_changes: random.per_mille(600),
        tells_deletions: random.per_mille(500),
        mail_is_a_list: random.per_mille(300),
        answers_with_values: random.per_mille(700),
        finds: random.per_mille(500),
        refuses_duplicates: random.per_mille(250),
        names_duplicates: random.per_mille(500),
        // Without a version or a time of its own, only the delay that a system states tells an old
        // state from a new edit.
        settles_ms: if random.per_mille(250) { random.between(200, 4_000) } else { 0 },
        drift_ms: if random.per_mille(400) { random.between(-90_000, 90_000) } else { 0 },
        drift_ppm: if random.per_mille(300) { random.between(-300, 300) } else { 0 },
        latency_ms: [0, 0, 40, 3_000][random.below(4)],
        puts_back: vec![],
        page: 1 + random.below(5),
        batch: 1 + random.below(3),
        at_once: 1,
        trouble: [0, 20, 80, 200][random.below(4)],
        answering: None,
        accepts_ms: 0,
        loses: None,
        shuffles: false,
        steps_back: false,
        fails: None,
        reuses_ids: false,
        lies: 0,
        codes: false,
        tags: false,
        lines: false,
    }
}

impl SystemDrawn {
    /// What its connector says of its people, and of its companies where there are some.
    pub fn schemas(&self, companies: bool) -> Vec<TypeSchema> {
        let mut person = self.schema();
        if !companies {
            return vec![person];
        }
        let mut company = TypeSchema { kind: Kind::Company.name().into(), ..person.clone() };
        company.properties.retain(|prop| [WHO, NAME].contains(&prop.path.as_str()));
        let reference = PropertySchema {
            reference: Some(Kind::Company.name().into()),
            ..PropertySchema::new(COMPANY, PlainType::String)
        };
        person.properties.push(reference);
        vec![person, company]
    }

    /// The properties that people edit in records of a kind.
    pub fn edited(&self, kind: Kind) -> Vec<&'static str> {
        self.props.iter().copied().filter(|prop| kind == Kind::Person || *prop == NAME).collect()
    }

    /// Whether it stores the elements of its lists in another spelling.
    pub fn spells_tags(&self) -> bool {
        self.rewrites.iter().any(|(prop, _)| *prop == TAGS)
    }

    fn schema(&self) -> TypeSchema {
        let describe = |prop: &&'static str| {
            let ty = if *prop == SCORE { PlainType::Decimal } else { PlainType::String };
            let mut schema = PropertySchema::new(*prop, ty);
            if self.says_how_it_stores {
                match self.rewrites.iter().find(|(name, _)| name == prop) {
                    Some((_, Rewrite::Trim)) => schema.stored_as.trimmed = true,
                    Some((_, Rewrite::Upper)) => schema.stored_as.upper = true,
                    Some((_, Rewrite::Cut(most))) => schema.stored_as.max_chars = Some(*most),
                    Some((_, Rewrite::Spaced | Rewrite::Round(_))) | None => {}
                }
            }
            schema
        };
        let who =
            PropertySchema { create_only: true, ..PropertySchema::new(WHO, PlainType::String) };
        let mut mail = PropertySchema {
            list: self.mail_is_a_list,
            ..PropertySchema::new(MAIL, PlainType::String)
        };
        mail.stored_as.caseless = true;
        let tags = self.tags.then(|| PropertySchema { list: true, ..describe(&TAGS) });
        let lines = if self.lines { lines::described() } else { vec![] };
        TypeSchema {
            properties: [who, mail]
                .into_iter()
                .chain(self.props.iter().map(describe))
                .chain(tags)
                .chain(lines)
                .collect(),
            open: false,
            can: Capabilities {
                create: true,
                update: true,
                delete: true,
                restore: false,
                since: self.lists_changes,
                find: self.finds,
                get: true,
                tells_deletions: self.lists_changes && self.tells_deletions,
            },
            settles_ms: self.settles_ms,
            // As it is for a system asked over a network, where no delay is stated.
            unknown_ms: if self.accepts_ms > 0 { ACCEPTED_MS } else { 0 },
            ..TypeSchema::open("Person")
        }
    }
}

impl fmt::Display for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for system in &self.systems {
            writeln!(f, "  {system:?}")?;
        }
        let name = |at: usize| self.systems[at].name.as_str();
        for (from, to, creates) in &self.flows {
            writeln!(
                f,
                "  {} to {}{}",
                name(*from),
                name(*to),
                if *creates { ", creating" } else { "" }
            )?;
        }
        let sharers = if self.sharers { ", two with one address" } else { "" };
        let sharers = if self.matchless { ", matched by nothing" } else { sharers };
        let rotates = if self.rotates { ", who get other addresses" } else { "" };
        if self.set_back > 0 {
            writeln!(f, "  the hub's clock is set back up to {} times", self.set_back)?;
        }
        if self.stops.is_some() {
            writeln!(f, "  runs are ended at a step")?;
        }
        if self.facets {
            writeln!(f, "  a person has two facets")?;
        }
        if self.companies {
            writeln!(f, "  people work for companies")?;
        }
        self.forms.fmt(f)?;
        if self.lines {
            writeln!(f, "  the elements of {LINES} are records")?;
        }
        if let Some(Suspended { from, to, by_city }) = self.suspended {
            let whom = if by_city { "those whose city has no 3 in it" } else { "the even ones" };
            writeln!(f, "  {} to {} is only about {whom}", name(from), name(to))?;
        }
        writeln!(
            f,
            "  {} people{sharers}{rotates}; deletes: {:?}; {} in 1000 runs killed",
            self.people, self.deletes, self.killed
        )
    }
}
