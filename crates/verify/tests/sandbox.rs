//! Documents tried on the emulated systems, over HTTP: what holds is proved, what can't be tried says why.

use lockstep_verify::{Outcome, Verdict, Written, in_sandbox};

fn examples(names: &[&str]) -> Vec<Written> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/documents/");
    let read = |name: &&str| Written {
        name: format!("{name}.rst"),
        text: std::fs::read_to_string(format!("{folder}{name}.rst")).unwrap(),
    };
    names.iter().map(read).collect()
}

/// The verdict of the only line that begins so, or of all such lines if they have the same.
#[track_caller]
fn verdict(outcome: &Outcome, text: &str) -> Verdict {
    let found: Vec<&Verdict> =
        outcome.checklist.lines().filter(|(_, _, line)| line.text.starts_with(text)).map(|(_, _, line)| &line.verdict).collect();
    assert!(!found.is_empty() && found.iter().all(|other| *other == found[0]), "{text}: {found:?}");
    found[0].clone()
}

#[test]
fn the_example_documents_are_proved_as_far_as_they_can_be_tried() {
    let names = ["superoffice-wix", "poweroffice-go-wix", "wix-crmoffice", "wix-youtrack", "superoffice-zendesk"];
    let outcome = in_sandbox(&examples(&names), false).unwrap();
    let told = lockstep_verify::text::checklist(&outcome.checklist);
    let tally = outcome.checklist.tally();
    assert_eq!(tally.violated, 0, "{told}");
    assert!(tally.proved > 85 && tally.not_tried < 7, "{told}");
    for rule in ["(L3)", "(L4)", "(L8)", "(P2)", "(P7)", "(P9)", "(P10)", "(D1)"] {
        let proved = |trial: &&lockstep_verify::Trial| trial.name.contains(rule) && trial.verdict == Some(Verdict::Proved);
        assert!(outcome.checklist.trials.iter().any(|trial| proved(&trial)), "{rule}");
    }
    assert_eq!(verdict(&outcome, "OwnedBy.AssociateId – requester_id"), Verdict::Proved, "{told}");
    assert_eq!(verdict(&outcome, "A new Zendesk Users will be created"), Verdict::Proved, "{told}");
    let Verdict::NotTried(why) = verdict(&outcome, "TimeToReply") else { panic!("{told}") };
    assert!(why.contains("a number of minutes is no point in time"), "{why}");
    let Verdict::NotTried(why) = verdict(&outcome, "Every Wix Products") else { panic!("{told}") };
    assert!(why.contains("C3"), "{why}");
    assert_eq!(verdict(&outcome, "A run with nothing to do writes nothing."), Verdict::Proved, "{told}");
}
