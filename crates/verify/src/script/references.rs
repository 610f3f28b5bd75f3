//! Trials of a row of two references: the linked records are referred to (P8).

use lockstep_model::flow::PropertyRef;
use lockstep_model::{Conversion, Flow, PlainType, PropertyPair, TypeName, Value};

use super::writer::{Side, Sides, Way, Writer, see};
use crate::practice::referable;
use crate::trial::{Expect, LineRef, Step, Trial, Val};

impl Writer<'_> {
    /// A row of two references: the linked records are referred to (P8).
    pub(super) fn reference(
        &mut self,
        line: LineRef,
        flow: &Flow,
        pair: &PropertyPair,
        sides: &Sides,
        (one, other): (TypeName, TypeName),
    ) -> Vec<Trial> {
        let leads = |known: &&Flow, a: &TypeName, b: &TypeName| {
            plainly(&known.from) == *a && plainly(&known.to) == *b
        };
        let forth = self.flows.iter().find(|known| leads(known, &one, &other));
        let back = self.flows.iter().find(|known| leads(known, &other, &one));
        let mut trials = Vec::new();
        for side in [Side::From, Side::To] {
            let (here, there) = sides.names(flow, side);
            let name = format!("another reference in {here} arrives in {there}, translated (P8)");
            match self.way(flow, pair, sides, side) {
                Way::Open => {}
                Way::Unsaid => continue,
                Way::Closed(why) => {
                    trials.push(Trial::not_tried(line, name, why));
                    continue;
                }
            }
            let source = if side == Side::From { &sides.from_schema } else { &sides.to_schema };
            if let Some(why) = self.hands.cannot_edit(here, source) {
                trials.push(Trial::not_tried(
                    line,
                    name,
                    format!("a tester can't make the edit: {why}"),
                ));
                continue;
            }
            if let Some(why) = self.holds_no_id(flow, pair, sides, side) {
                trials.push(Trial::not_tried(line, name, why));
                continue;
            }
            // Slots 2 and 3: what is referred to here and there.
            let referred = match (forth, back) {
                (Some(flow), _) => self.paired(flow, 2, 3),
                (None, Some(flow)) => self.paired(flow, 3, 2),
                (None, None) => Err(format!(
                    "{one} and {other} are linked by no flow, so the reference can't be translated (P8)"
                )),
            };
            let script = referred.and_then(|referred| Ok((referred, self.paired(flow, 0, 1)?)));
            let (referred, own) = match script {
                Ok(both) => both,
                Err(why) => {
                    trials.push(Trial::not_tried(line, name, why));
                    continue;
                }
            };
            let mut script = merged(referred, own);
            for (slot, ty, path) in [(2, &flow.from, &sides.from), (3, &flow.to, &sides.to)] {
                let extras =
                    referable(self.hands.kind_of(&ty.system), &ty.kind, path.path.as_str());
                if !extras.is_empty() {
                    let values = extras.iter().map(|(path, value)| {
                        (PropertyRef::new(*path), Val::Is(Value::from(*value)))
                    });
                    script.push(Step::Edit { slot, values: values.collect() });
                }
            }
            let (edit, path, means, other, other_path, meant) = match side {
                Side::From => (0, &sides.from, 2, 1, &sides.to, 3),
                Side::To => (1, &sides.to, 3, 0, &sides.from, 2),
            };
            script.push(Step::Edit { slot: edit, values: vec![(path.clone(), Val::IdOf(means))] });
            script.push(Step::Run);
            script.push(see(Expect::Shows {
                slot: other,
                path: other_path.clone(),
                value: Val::IdOf(meant),
                refusable: false,
            }));
            trials.push(Trial::new(line, name, script));
        }
        trials
    }

    /// Why a property can't hold the ids of an emulated system: its row asks for numbers, and they
    /// are texts.
    fn holds_no_id(
        &self,
        flow: &Flow,
        pair: &PropertyPair,
        sides: &Sides,
        side: Side,
    ) -> Option<String> {
        let numeric = |ty| {
            matches!(
                ty,
                PlainType::Integer | PlainType::Float | PlainType::Decimal | PlainType::Boolean
            )
        };
        let (there, target) = match side {
            Side::From => (&flow.to, &sides.to_schema),
            Side::To => (&flow.from, &sides.from_schema),
        };
        let stated = matches!(&pair.conversion, Some(Conversion::Plain(ty)) if numeric(*ty) && side == Side::From);
        (self.hands.is_described(&there.system) && (stated || numeric(target.ty))).then(|| {
            format!(
                "ids of {} are texts where it is emulated, and {} is to hold a number",
                there.system, target.path
            )
        })
    }
}

fn plainly(ty: &TypeName) -> TypeName {
    TypeName::new(&ty.system, &ty.kind)
}

/// Two scripts that wait for the same runs.
fn merged(one: Vec<Step>, other: Vec<Step>) -> Vec<Step> {
    let (mut before, after): (Vec<Step>, Vec<Step>) = split(one);
    let (before_too, after_too) = split(other);
    before.extend(before_too);
    before.push(Step::Run);
    before.extend(after);
    before.extend(after_too);
    before
}

/// What comes before the first run, and what after.
fn split(script: Vec<Step>) -> (Vec<Step>, Vec<Step>) {
    let at = script.iter().position(|step| matches!(step, Step::Run)).unwrap_or(script.len());
    let mut before = script;
    let mut after = before.split_off(at);
    if !after.is_empty() {
        after.remove(0);
    }
    (before, after)
}
