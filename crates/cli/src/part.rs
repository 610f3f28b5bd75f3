//! `--flow`, `--only`, `--first`: what of all that is to be written a run is about.

use std::collections::BTreeSet;
use std::path::Path;

use lockstep_engine::Plan;
use lockstep_hub::Part;
use lockstep_model::FlowIx;
use lockstep_service::Limits;

use crate::args::Only;
use crate::exit::{Failure, Result};
use crate::project::Opened;

/// What was asked for, in terms of the plan.
pub fn of(opened: &Opened, plan: &Plan, only: &Only) -> Result<Part> {
    let flows = match only.flow.is_empty() {
        true => None,
        false => Some(flows_named(opened, plan, &only.flow)?),
    };
    for name in &only.only {
        if opened.project.system(name).is_none() {
            let names: Vec<&str> =
                opened.project.systems.iter().map(|system| system.name.as_str()).collect();
            let message = format!(
                "there is no system `{name}` in lockstep.yaml; there are {}",
                names.join(", ")
            );
            return Err(Failure::usage(message));
        }
        let reaches = |flow: &FlowIx| {
            let flow = &plan.flows[flow.at()];
            [flow.from, flow.to].iter().any(|ty| plan.ty(*ty).name.system == *name)
        };
        let all = || (0..plan.flows.len() as u16).map(FlowIx);
        let any = match &flows {
            Some(flows) => flows.iter().any(reaches),
            None => all().any(|flow| reaches(&flow)),
        };
        if !any {
            let which = match &flows {
                Some(flows) => flows
                    .iter()
                    .map(|flow| format!("`{}`", plan.flow_name(*flow)))
                    .collect::<Vec<_>>()
                    .join(" and "),
                None => "any flow".into(),
            };
            let message = format!(
                "nothing is written to {name} by {which}: leave out `--only {name}`, or name another flow"
            );
            return Err(Failure::usage(message));
        }
    }
    let systems = (!only.only.is_empty()).then(|| only.only.iter().cloned().collect());
    Ok(Part { flows, systems, first: only.first.map(|first| first as usize) })
}

/// The same, by names, for who carries it out.
pub fn limits(plan: &Plan, part: &Part) -> Limits {
    let names = |flows: &BTreeSet<FlowIx>| flows.iter().map(|flow| plan.flow_name(*flow)).collect();
    Limits {
        flows: part.flows.as_ref().map(names),
        systems: part.systems.as_ref().map(|systems| systems.iter().cloned().collect()),
        first: part.first,
    }
}

/// The flows of these names: of a whole name, else of a part of a name, else all of a file.
fn flows_named(opened: &Opened, plan: &Plan, names: &[String]) -> Result<BTreeSet<FlowIx>> {
    let all = || (0..plan.flows.len() as u16).map(FlowIx);
    let mut found = BTreeSet::new();
    for name in names {
        let named = |is: &dyn Fn(&str) -> bool| {
            all().filter(|flow| is(&plan.flow_name(*flow))).collect::<Vec<_>>()
        };
        let mut meant = named(&|flow| flow == name);
        if meant.is_empty() {
            meant = of_file(opened, plan, name);
        }
        if meant.is_empty() && !name.trim().is_empty() {
            meant = named(&|flow| flow.contains(name.as_str()));
        }
        if meant.is_empty() {
            let known: Vec<String> =
                all().map(|flow| format!("  {}", plan.flow_name(flow))).collect();
            let message = format!(
                "no flow has `{name}` in its name, and no file of flows is called so; there are\n{}",
                known.join("\n")
            );
            return Err(Failure::usage(message));
        }
        found.extend(meant);
    }
    Ok(found)
}

/// The flows of a file, by its path, its name, or its name without the ending.
fn of_file(opened: &Opened, plan: &Plan, name: &str) -> Vec<FlowIx> {
    let is_it = |path: &str| {
        let path = Path::new(path);
        path == Path::new(name)
            || [path.file_name(), path.file_stem()].iter().flatten().any(|part| *part == name)
    };
    let files = opened.project.files.iter().filter(|file| is_it(&file.source.name));
    let (flows, _) = lockstep_config::united_flows(files);
    let at = |flow: &lockstep_model::Flow| {
        let same = |known: &lockstep_engine::plan::PlanFlow| {
            plan.ty(known.from).name == flow.from && plan.ty(known.to).name == flow.to
        };
        plan.flows.iter().position(same).map(|at| FlowIx(at as u16))
    };
    flows.iter().filter_map(at).collect()
}
