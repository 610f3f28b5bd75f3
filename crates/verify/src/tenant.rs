//! Trials on a project's own systems: for a test tenant, and only for who says so.
//!
//! Every record that a trial adds carries a mark in its texts, and is written down before anything
//! else is done with it, in a file beside the store. In the end all of them are deleted again, with
//! what the flows created for them: also after an interruption, and what a killed verification has
//! left is deleted by the next one. The hub is the project's own, with its guards.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lockstep_config::{FlowFile, Project};
use lockstep_connector::Connector;
use lockstep_hub::Hub;
use lockstep_model::flow::PropertyRef;
use lockstep_model::{Flow, IntentKind, IntentState, RecordId, TypeName, TypeSchema};

use crate::checklist::Checklist;
use crate::hands::{Hand, Hands};
use crate::play::Player;
use crate::values::MARK;
use crate::{Error, Outcome, Written, files, idle, script};

/// How the line begins that tells the first number of a verification's marks, and how many there
/// may be.
const SEED: &str = "# marks from ";
const NUMBERS: u64 = 10_000_000;

/// The file of records that are to be deleted again, in the project's folder.
pub const LEFTOVERS: &str = "lockstep-verify.leftovers";

/// A project with its systems connected twice: the hub's connections, and these for the tester.
pub struct Tenant {
    /// By the systems' names.
    pub systems: Vec<(String, Arc<dyn Connector>, Vec<TypeSchema>)>,
    /// What the systems' capability sheets say does not hold, with why: `create` of a record type.
    pub cannot: BTreeMap<(TypeName, String), String>,
    /// Set when no more trials are to be begun.
    pub stop: Arc<AtomicBool>,
}

/// Tries documents (or the project's own flows) on the project's systems. Whatever happens, what
/// was added is deleted in the end.
pub fn on_tenant(
    project: &Project,
    hub: &mut Hub,
    tenant: Tenant,
    documents: &[Written],
    seed: u64,
) -> Result<Outcome, Error> {
    let (files, problems): (Vec<FlowFile>, _) = files::files_of_project(project, documents);
    let mut hands = Hands::but_for(tenant.cannot);
    for (name, connector, types) in tenant.systems {
        let kind = project
            .systems
            .iter()
            .find(|system| system.name == name)
            .map(|system| system.connector.clone());
        hands
            .take(&name, Hand { connector, types, kind: kind.unwrap_or_default(), emulated: None });
    }
    let leftovers = Leftovers { file: project.dir.join(LEFTOVERS) };
    let (said, _) = lockstep_config::united_flows(files.iter());
    // A killed verification may have added what it had no time to write down: it is known by its
    // mark.
    leftovers.sweep(&hands, &project.flows);
    let mut notes = leftovers.clean_up(hub, &hands)?;
    leftovers.line(&format!("{SEED}{seed}"));
    let mut writer = script::Writer::new(&hands, &said, &project.flows, seed);
    let mut checklist = Checklist::new(&files, &mut writer);
    let mut trials = std::mem::take(&mut checklist.trials);
    let played = {
        let mut player = Player::new(hub, &hands, None, &trials);
        player.stop = Some(tenant.stop);
        player.added = Some(Box::new(|ty, id| leftovers.note(ty, id)));
        player.play(&mut trials)
    };
    notes.extend(leftovers.clean_up(hub, &hands)?);
    let last = played?;
    checklist.trials = trials;
    checklist.judge(&|flow| idle(&last, flow));
    Ok(Outcome { checklist, problems, notes })
}

/// The records that are to be deleted again.
struct Leftovers {
    file: PathBuf,
}

impl Leftovers {
    /// Writes down the records that carry a mark of the verification that left the file.
    fn sweep(&self, hands: &Hands, flows: &[Flow]) {
        let Ok(text) = std::fs::read_to_string(&self.file) else { return };
        let seeds: Vec<u64> =
            text.lines().filter_map(|line| line.strip_prefix(SEED)?.parse().ok()).collect();
        let mut types: BTreeMap<&TypeName, Vec<PropertyRef>> = BTreeMap::new();
        for flow in flows {
            let matches =
                flow.matches.iter().flat_map(|row| &row.pairs).map(|(from, to)| (from, to));
            for (from, to) in
                flow.properties.iter().map(|pair| (&pair.from, &pair.to)).chain(matches)
            {
                for (ty, named) in [(&flow.from, from), (&flow.to, to)] {
                    types
                        .entry(ty)
                        .or_default()
                        .extend(hands.property(ty, named).map(|(path, _)| path));
                }
            }
        }
        for (ty, watch) in types {
            for record in hands.list(ty, &watch).unwrap_or_default() {
                let shown =
                    record.values.iter().flatten().any(|value| carries(&value.to_string(), &seeds));
                if shown && !text.lines().any(|line| line == format!("{ty}/{}", record.id)) {
                    self.note(ty, &record.id);
                }
            }
        }
    }

    /// Writes a record down. That it can't be is no reason to leave the trial half done: then only
    /// this process knows of it.
    fn note(&self, ty: &TypeName, id: &str) {
        self.line(&format!("{ty}/{id}"));
    }

    fn line(&self, text: &str) {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&self.file);
        if let Ok(mut file) = file {
            let _ = writeln!(file, "{text}");
            let _ = file.sync_data();
        }
    }

    /// Deletes what was written down, and what the flows created for it. Gives a line for each that
    /// could not be.
    fn clean_up(&self, hub: &mut Hub, hands: &Hands) -> Result<Vec<String>, Error> {
        let Ok(text) = std::fs::read_to_string(&self.file) else { return Ok(vec![]) };
        let own: BTreeSet<(String, String)> =
            text.lines().filter_map(|line| split(line.trim())).collect();
        let mut all = own.clone();
        for (ty, id) in &own {
            all.extend(made_for(hub, ty, id)?);
        }
        let (mut left, mut deleted, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        for (ty, id) in &all {
            let Some(name) = TypeName::parse(ty) else { continue };
            match hands.remove(&name, id) {
                Ok(()) => deleted.push(format!("{ty}/{id}")),
                Err(refused) => {
                    notes.push(format!(
                        "{ty}/{id} was added for a trial and could not be deleted: {}",
                        refused.message
                    ));
                    left.push(format!("{ty}/{id}\n"));
                }
            }
        }
        hub.deleted_by_hand(&deleted).map_err(|error| Error::Stage(error.to_string()))?;
        let failed =
            |error: std::io::Error| Error::Stage(format!("{}: {error}", shown(&self.file)));
        match left.is_empty() {
            true => std::fs::remove_file(&self.file).map_err(failed)?,
            false => std::fs::write(&self.file, left.concat()).map_err(failed)?,
        }
        if !all.is_empty() {
            notes.push(format!(
                "{} of {} records of trials were deleted again",
                deleted.len(),
                all.len()
            ));
        }
        Ok(notes)
    }
}

/// Whether a text has a mark with a number of one of these verifications.
fn carries(text: &str, seeds: &[u64]) -> bool {
    text.match_indices(MARK).any(|(at, _)| {
        let digits: String =
            text[at + MARK.len()..].chars().take_while(char::is_ascii_digit).collect();
        digits
            .parse::<u64>()
            .is_ok_and(|number| seeds.iter().any(|seed| (*seed..*seed + NUMBERS).contains(&number)))
    })
}

/// The records that Lockstep created in the entity of this one.
fn made_for(hub: &mut Hub, ty: &str, id: &str) -> Result<Vec<(String, String)>, Error> {
    let Some(ix) =
        TypeName::parse(ty).and_then(|name| hub.ledger.plan_of_flows().type_named(&name))
    else {
        return Ok(vec![]);
    };
    let Some(state) = hub.ledger.store().by_key(ix, &[id])?.pop() else { return Ok(vec![]) };
    let members = hub.ledger.store().members(&[state.entity])?;
    let ids: Vec<RecordId> = members.iter().map(|member| member.id).collect();
    let intents = hub.ledger.store().intents_of(&ids, usize::MAX >> 1)?;
    let made: BTreeSet<RecordId> = intents
        .iter()
        .filter(|intent| intent.kind == IntentKind::Create && intent.state == IntentState::Done)
        .filter_map(|intent| intent.record)
        .collect();
    let names = members.iter().filter(|member| made.contains(&member.id) && member.is_live());
    Ok(names.filter_map(|member| split(&hub.ledger.name_of(member).0)).collect())
}

/// `system.Type/ID`
fn split(name: &str) -> Option<(String, String)> {
    let (ty, id) = name.split_once('/')?;
    (!id.is_empty() && !name.starts_with('#')).then(|| (ty.to_string(), id.to_string()))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
