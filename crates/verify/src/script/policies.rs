//! Trials of a row whose policy is not the latest edit: whoever edits last, the value that the
//! policy names is in both records (P1).

use lockstep_model::flow::Wins;
use lockstep_model::{Flow, Policy, PropertyPair, Value};

use super::writer::{Side, Sides, Way, Writer, closed_by_policy, shows};
use crate::trial::{LineRef, Step, Trial, Val};
use crate::values::Row;

/// The values of a row's two properties.
type Pair = (Value, Value);

impl Writer<'_> {
    /// P1: edited on both sides, last on the one that loses by the policy, both end with the value
    /// that wins.
    pub(super) fn by_policy(
        &mut self,
        line: LineRef,
        flow: &Flow,
        pair: &PropertyPair,
        sides: &Sides,
    ) -> Option<Trial> {
        if pair.policy == Policy::Latest
            || pair.each
            || self.way_by_schemas(flow, pair, sides, Side::From) != Way::Open
        {
            return None;
        }
        if self.way_by_schemas(flow, pair, sides, Side::To) != Way::Open {
            return None;
        }
        let (winner, said) = match &pair.policy {
            Policy::Latest => return None,
            Policy::Wins(wins) => (Side::From, format!("`wins: {wins}`")),
            Policy::OnlyFrom(only) => (self.closed_to(flow, pair)?, format!("`only_from: {only}`")),
            Policy::Prefer(systems) => {
                (self.closed_to(flow, pair)?, format!("`prefer: [{}]`", systems.join(", ")))
            }
        };
        let name = format!("edited in {} and in {}, {said} decides", flow.from, flow.to);
        for (ty, schema) in [(&flow.from, &sides.from_schema), (&flow.to, &sides.to_schema)] {
            if let Some(why) = self.hands.cannot_edit(ty, schema) {
                let why = format!("a tester can't make the edit: {why}");
                return Some(Trial::not_tried(line, name, why));
            }
        }
        let script = match self.paired(flow, 0, 1) {
            Ok(script) => script,
            Err(why) => return Some(Trial::not_tried(line, name, why)),
        };
        let row = Row { pair, from: &sides.from_schema, to: &sides.to_schema };
        let values = match &pair.policy {
            Policy::Wins(wins) => self.contest(flow, &row, sides, &script, wins),
            _ => self.two_values(flow, &row, sides, &script),
        };
        let (wins, loses) = match values {
            Ok(values) => values,
            Err(why) => return Some(Trial::not_tried(line, name, why)),
        };
        Some(Trial::new(line, name, decided(script, sides, winner, wins, loses)))
    }

    /// The side whose edits count, where those of one side do not.
    fn closed_to(&self, flow: &Flow, pair: &PropertyPair) -> Option<Side> {
        let closed = |side| closed_by_policy(flow, pair, side).is_some();
        match (closed(Side::From), closed(Side::To)) {
            (false, true) => Some(Side::From),
            (true, false) => Some(Side::To),
            _ => None,
        }
    }

    fn two_values(
        &mut self,
        flow: &Flow,
        row: &Row<'_>,
        sides: &Sides,
        script: &[Step],
    ) -> Result<(Pair, Pair), String> {
        let (one, two) = (self.number(), self.number());
        let first = self.kept_values(flow, row, sides, script, one, None)?;
        let second = self.kept_values(flow, row, sides, script, two + 1, Some(&first))?;
        match first.0 == second.0 || first.1 == second.1 {
            true => Err("no two values could be found to try it with".into()),
            false => Ok((first, second)),
        }
    }

    /// A value that wins over another one, and that one.
    fn contest(
        &mut self,
        flow: &Flow,
        row: &Row<'_>,
        sides: &Sides,
        script: &[Step],
        wins: &Wins,
    ) -> Result<(Pair, Pair), String> {
        let made = |value: Value| row.forward(&value).map(|made| (value, made));
        let (best, other) = match wins {
            Wins::Truth(truth) => (made(Value::Bool(*truth))?, made(Value::Bool(!truth))?),
            Wins::AnyOf(values) => {
                let first = made(values.first().cloned().unwrap_or_default())?;
                match values.get(1) {
                    Some(second) => (first, made(second.clone())?),
                    None => (first, self.two_values(flow, row, sides, script)?.0),
                }
            }
            Wins::Longest => {
                let (one, _) = self.two_values(flow, row, sides, script)?;
                let longer = one.0.as_str().map(|text| Value::from(format!("{text} and more")));
                (made(longer.ok_or("it holds no text")?)?, one)
            }
            Wins::Min | Wins::Max => {
                let (one, two) = self.two_values(flow, row, sides, script)?;
                if wins.compare(&one.0, &two.0).is_lt() { (one, two) } else { (two, one) }
            }
        };
        if !(wins.compare(&best.0, &other.0).is_lt() && wins.compare(&best.1, &other.1).is_lt()) {
            return Err("no two values could be found of which one wins".into());
        }
        for (from, to) in [&best, &other] {
            if let Some(why) =
                self.falls_out(flow, script, &[(0, &sides.from, from), (1, &sides.to, to)])
            {
                return Err(why);
            }
        }
        Ok((best, other))
    }
}

/// The winning value is put in on its side, later the other one on the other side: both show the
/// winning one after a run, and still after another.
fn decided(
    mut script: Vec<Step>,
    sides: &Sides,
    winner: Side,
    wins: Pair,
    loses: Pair,
) -> Vec<Step> {
    let in_from =
        |value: Value| Step::Edit { slot: 0, values: vec![(sides.from.clone(), Val::Is(value))] };
    let in_to =
        |value: Value| Step::Edit { slot: 1, values: vec![(sides.to.clone(), Val::Is(value))] };
    let (first, later) = match winner {
        Side::From => (in_from(wins.0.clone()), in_to(loses.1)),
        Side::To => (in_to(wins.1.clone()), in_from(loses.0)),
    };
    script.extend([first, Step::Later, later]);
    for _ in 0..2 {
        script.push(Step::Run);
        script.push(shows(0, &sides.from, wins.0.clone()));
        script.push(shows(1, &sides.to, wins.1.clone()));
    }
    script
}
