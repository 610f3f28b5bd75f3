//! What kind of world a seed gives: its systems with their habits, and the flows between them.

use std::fmt;

use lockstep_model::flow::{Create, Deletes, PropertyRef};
use lockstep_model::{Capabilities, Flow, MatchRow, PlainType, PropertyPair, PropertySchema, TypeName, TypeSchema};

use crate::random::Random;

/// The properties of a person: who it is (never edited), the address by which they are linked, and what people edit.
pub const WHO: &str = "who";
pub const MAIL: &str = "mail";
pub const EDITED: [&str; 4] = ["name", "phone", "city", SCORE];
/// The one that is a number, with two decimals.
pub const SCORE: &str = "score";

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
            Rewrite::Round(decimals) => match text.strip_prefix('x').and_then(|number| number.parse::<f64>().ok()) {
                Some(number) => format!("x{}", format!("{number:.decimals$}").parse::<f64>().unwrap_or(number)),
                None => text.to_string(),
            },
        }
    }
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
    /// Per mille of calls that go wrong while anything may.
    pub trouble: u32,
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
    /// No flow has a match row: everybody is typed into one system only, and what was created is known by that alone (L4).
    pub matchless: bool,
}

impl Drawn {
    /// The world of a seed.
    pub fn of(random: &mut Random) -> Drawn {
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
        Drawn { systems, flows, deletes, people, sharers: sharers && !matchless, killed, matchless }
    }

    /// The flows, as a project has them.
    pub fn flows(&self) -> Vec<Flow> {
        let name = |at: usize| TypeName::parse(&format!("{}.Person", self.systems[at].name)).expect("a name of ours");
        let row = |prop: &str| PropertyPair::equal(PropertyRef::new(prop), PropertyRef::new(prop));
        let by_mail = || MatchRow::single(PropertyRef::new(MAIL), PropertyRef::new(MAIL));
        let flow = |&(from, to, creates): &(usize, usize, bool)| {
            let both = |prop: &&&str| self.systems[from].props.contains(prop) && self.systems[to].props.contains(prop);
            let edited = EDITED.iter().filter(both).map(|prop| row(prop));
            Flow {
                create: if creates { Create::Always } else { Create::Never },
                matches: if self.matchless { vec![] } else { vec![by_mail()] },
                properties: [row(WHO), row(MAIL)].into_iter().chain(edited).collect(),
                deletes: self.deletes,
                ..Flow::between(name(from), name(to))
            }
        };
        self.flows.iter().map(flow).collect()
    }
}

fn system(n: usize, random: &mut Random) -> SystemDrawn {
    let props = EDITED.into_iter().filter(|prop| random.per_mille(if *prop == SCORE { 500 } else { 850 })).collect::<Vec<_>>();
    let habit = |random: &mut Random| match random.below(8) {
        0 => Some(Rewrite::Trim),
        1 => Some(Rewrite::Upper),
        2 => Some(Rewrite::Cut(9)),
        3 => Some(Rewrite::Spaced),
        _ => None,
    };
    let rounds = |random: &mut Random| (random.below(2) == 0).then(|| Rewrite::Round(random.below(2)));
    let rewrites = props.iter().filter_map(|prop| Some((*prop, if *prop == SCORE { rounds(random) } else { habit(random) }?)));
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
        // Without a version or a time of its own, only the delay that a system states tells an old state from a new edit.
        settles_ms: if random.per_mille(250) { random.between(200, 4_000) } else { 0 },
        drift_ms: if random.per_mille(400) { random.between(-90_000, 90_000) } else { 0 },
        drift_ppm: if random.per_mille(300) { random.between(-300, 300) } else { 0 },
        latency_ms: [0, 0, 40, 3_000][random.below(4)],
        puts_back: vec![],
        page: 1 + random.below(5),
        batch: 1 + random.below(3),
        trouble: [0, 20, 80, 200][random.below(4)],
    }
}

impl SystemDrawn {
    /// What its connector says of it.
    pub fn schema(&self) -> TypeSchema {
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
        let who = PropertySchema { create_only: true, ..PropertySchema::new(WHO, PlainType::String) };
        let mut mail = PropertySchema { list: self.mail_is_a_list, ..PropertySchema::new(MAIL, PlainType::String) };
        mail.stored_as.caseless = true;
        TypeSchema {
            properties: [who, mail].into_iter().chain(self.props.iter().map(describe)).collect(),
            open: false,
            can: Capabilities {
                create: true,
                update: true,
                delete: true,
                since: self.lists_changes,
                find: self.finds,
                get: true,
                tells_deletions: self.lists_changes && self.tells_deletions,
            },
            settles_ms: self.settles_ms,
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
            writeln!(f, "  {} to {}{}", name(*from), name(*to), if *creates { ", creating" } else { "" })?;
        }
        let sharers = if self.sharers { ", two with one address" } else { "" };
        let sharers = if self.matchless { ", matched by nothing" } else { sharers };
        writeln!(f, "  {} people{sharers}; deletes: {:?}; {} in 1000 runs killed", self.people, self.deletes, self.killed)
    }
}
