//! What decides between two values at the first link, where a system does not tell when they were
//! put in (P1).

use lockstep_model::{Policy, TypeName};

use super::view::{Row, View};
use crate::codes;
use crate::problem::{Problem, Severity};

pub(super) fn check(
    view: &View<'_>,
    (a, b): &(TypeName, TypeName),
    rows: &[Row<'_>],
    problems: &mut Vec<Problem>,
) {
    let both_ways = |row: &&Row<'_>| {
        let open = row.ways() == (true, true) && row.pair.policy == Policy::Latest;
        open && row.from.unwritable().is_none() && row.to.unwritable().is_none()
    };
    let (Some(mine), Some(theirs)) = (view.schema(a), view.schema(b)) else { return };
    if rows.iter().find(both_ways).is_none() || (mine.tells_times && theirs.tells_times) {
        return;
    }
    let Some((_, places)) = view.between(a, b).next() else { return };
    let mut named = view.flows().flat_map(|(flow, _)| [&flow.from, &flow.to]);
    let first = named.find(|name| *name == a || *name == b).unwrap_or(a);
    let (silent, wins, why) = match (mine.tells_times, theirs.tells_times) {
        (true, _) if theirs.untold_wins => (format!("{b} does"), b, "as `untold: wins` says"),
        (_, true) if mine.untold_wins => (format!("{a} does"), a, "as `untold: wins` says"),
        (true, _) => (format!("{b} does"), a, "as its times are told"),
        (_, true) => (format!("{a} does"), b, "as its times are told"),
        _ if mine.untold_wins && !theirs.untold_wins => {
            (format!("{a} and {b} do"), a, "as `untold: wins` says")
        }
        _ if theirs.untold_wins && !mine.untold_wins => {
            (format!("{a} and {b} do"), b, "as `untold: wins` says")
        }
        _ => (format!("{a} and {b} do"), first, "as it is named first"),
    };
    let message = format!(
        "{silent} not tell when a value was put in: where two records are linked for the first time and hold different ones, those of \
         {wins} win, {why} (P1)"
    );
    let problem = Problem::warning(codes::UNDATED, places.flow.clone(), message).help(
        "if others are to win, say `prefer:` on the flow or a row, or name the property with the time of the last change in the system's \
         settings (`modified`)",
    );
    problems.push(Problem { severity: Severity::Note, ..problem });
}
