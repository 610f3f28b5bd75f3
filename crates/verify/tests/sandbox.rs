//! Documents tried on the emulated systems, over HTTP: what holds is proved, what can't be tried
//! says why.

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
    let found: Vec<&Verdict> = outcome
        .checklist
        .lines()
        .filter(|(_, _, line)| line.text.starts_with(text))
        .map(|(_, _, line)| &line.verdict)
        .collect();
    assert!(!found.is_empty() && found.iter().all(|other| *other == found[0]), "{text}: {found:?}");
    found[0].clone()
}

#[test]
fn the_example_documents_are_proved_as_far_as_they_can_be_tried() {
    let names = [
        "superoffice-wix",
        "poweroffice-go-wix",
        "wix-crmoffice",
        "wix-youtrack",
        "superoffice-zendesk",
    ];
    let outcome = in_sandbox(&examples(&names), false).unwrap();
    let told = lockstep_verify::text::checklist(&outcome.checklist);
    let tally = outcome.checklist.tally();
    assert_eq!(tally.violated, 0, "{told}");
    assert!(tally.proved > 85 && tally.not_tried < 7, "{told}");
    for rule in ["(L3)", "(L4)", "(L8)", "(P2)", "(P7)", "(P9)", "(P10)", "(D1)"] {
        let proved = |trial: &&lockstep_verify::Trial| {
            trial.name.contains(rule) && trial.verdict == Some(Verdict::Proved)
        };
        assert!(outcome.checklist.trials.iter().any(|trial| proved(&trial)), "{rule}");
    }
    assert_eq!(verdict(&outcome, "OwnedBy.AssociateId – requester_id"), Verdict::Proved, "{told}");
    assert_eq!(verdict(&outcome, "A new Zendesk Users will be created"), Verdict::Proved, "{told}");
    let Verdict::NotTried(why) = verdict(&outcome, "TimeToReply") else { panic!("{told}") };
    assert!(why.contains("a number of minutes is no point in time"), "{why}");
    let Verdict::NotTried(why) = verdict(&outcome, "Every Wix Products") else { panic!("{told}") };
    assert!(why.contains("C3"), "{why}");
    assert_eq!(
        verdict(&outcome, "A run with nothing to do writes nothing."),
        Verdict::Proved,
        "{told}"
    );
}

fn table(columns: &[&str], rows: &[&[&str]]) -> String {
    let line = |cells: &[&str]| {
        let cells = cells
            .iter()
            .enumerate()
            .map(|(at, cell)| format!("   {} - {cell}\n", if at == 0 { "*" } else { " " }));
        cells.collect::<String>()
    };
    let rows: String = rows.iter().map(|row| line(row)).collect();
    format!(".. list-table::\n   :header-rows: 1\n\n{}{rows}\n", line(columns))
}

/// A section of a document between Fjord and Tinde.
fn section(a: &str, b: &str, statements: &str, matches: &[&[&str]], rows: &[&[&str]]) -> String {
    let heading = format!("Fjord {a} to Tinde {b}");
    let mut text = format!("{heading}\n{}\n{statements}\n\n", "-".repeat(heading.len()));
    if !matches.is_empty() {
        let columns = [&*format!("Fjord {a} Property"), &*format!("Tinde {b} Property")];
        text += &format!(
            "A Fjord {a} will merge with a Tinde {b} if one of the following property combinations match:\n\n{}",
            table(&columns, matches)
        );
    }
    text += &format!(
        "Once a link between a Fjord {a} and a Tinde {b} is established, it will keep in sync between the two systems, regardless of where it is edited.\n\nThe following properties are synchronized between a Fjord {a} and a Tinde {b}:\n\n"
    );
    let columns =
        [&*format!("Fjord {a} Property"), &*format!("Tinde {b} Property"), "Tinde Data Type"];
    text + &table(&columns, rows) + "\n"
}

/// What a document asks that is not the engine's to fulfil is not called violated.
#[test]
fn nothing_is_called_violated_that_the_document_itself_decides() {
    let title = "Fjord to Tinde Dataflow";
    let line = "=".repeat(title.len());
    let people = section(
        "People",
        "Contacts",
        "When the person is a customer, it will be synchronized with a Tinde Contacts.\n\nIf a matching Tinde Contacts already exists, the Fjord People will be merged with the existing one.\nIf no matching Tinde Contacts is found, a new Tinde Contacts will be created.",
        // The second row says nothing that the first does not.
        &[&["email", "mail"], &["email, city", "mail, town"]],
        &[
            &["email", "mail", "\"string\""],
            &["city", "town", "\"string\""],
            // One value in parts (P1d).
            &["name", "first", "[\"first\",[\"split\",\" \",\"_.\"]]"],
            &["name", "last", "[\"last\",[\"split\",\" \",\"_.\"]]"],
            // A default.
            &["country", "country", "[\"if-null\",\"_.\",\"Unknown\"]"],
        ],
    );
    let orders = section(
        "Orders",
        "Invoices",
        "Every Fjord Orders will be synchronized with a Tinde Invoices.",
        &[&["no", "no"]],
        &[&["no", "no", "\"string\""], &["person.id", "contact.id", "\"integer\""]],
    );
    let text = format!(
        "{line}\n{title}\n{line}\n\nGenerated: 2024-11-13 00:00:00\n\nIntroduction\n------------\n\nTwo.\n\n{people}\n{orders}"
    );
    let outcome = in_sandbox(&[Written { name: "fjord-tinde.rst".into(), text }], false).unwrap();
    let told = lockstep_verify::text::checklist(&outcome.checklist);
    assert_eq!(outcome.checklist.tally().violated, 0, "{told}");
    let Verdict::NotTried(why) = verdict(&outcome, "When the person is a customer") else {
        panic!("{told}")
    };
    assert!(why.contains("prose"), "{why}");
    assert_eq!(verdict(&outcome, "email = mail"), Verdict::Proved, "{told}");
    assert_eq!(verdict(&outcome, "city – town"), Verdict::Proved, "{told}");
}

/// What a document makes impossible has a word and a reason of its own (P1c, L6).
#[test]
fn what_a_document_makes_impossible_is_called_that() {
    let title = "Fjord to Tinde Dataflow";
    let line = "=".repeat(title.len());
    let every = "Every Fjord People will be synchronized with a Tinde Contacts.";
    let names =
        ["given", "family"].map(|from| ["first", "last"].map(|to| [from, to, "\"string\""]));
    let mut rows: Vec<&[&str]> = vec![&["email", "mail", "\"string\""]];
    rows.extend(names.iter().flatten().map(|row| row.as_slice()));
    let people = section("People", "Contacts", every, &[&["email", "mail"]], &rows);
    let itself = section(
        "People",
        "Contacts",
        "Every Fjord People will be synchronized with a Fjord People.",
        &[&["email", "email"]],
        &[&["email", "email", "\"string\""]],
    )
    .replace("Tinde Contacts", "Fjord People")
    .replace(
        &"-".repeat("Fjord People to Tinde Contacts".len()),
        &"-".repeat("Fjord People to Fjord People".len()),
    );
    let text = format!(
        "{line}\n{title}\n{line}\n\nGenerated: 2024-11-13 00:00:00\n\nIntroduction\n------------\n\nTwo.\n\n{people}\n{itself}"
    );
    let outcome = in_sandbox(&[Written { name: "fjord-tinde.rst".into(), text }], false).unwrap();
    let told = lockstep_verify::text::checklist(&outcome.checklist);
    let tally = outcome.checklist.tally();
    assert_eq!(tally.violated, 0, "{told}");
    assert!(tally.impossible >= 3, "{told}");
    for (line, reason) in [("given – last", "only fill"), ("family – first", "only fill")] {
        let Verdict::Impossible(why) = verdict(&outcome, line) else { panic!("{line}: {told}") };
        assert!(why.contains(reason), "{line}: {why}");
    }
    for line in ["given – first", "family – last", "email – mail"] {
        assert_eq!(verdict(&outcome, line), Verdict::Proved, "{line}: {told}");
    }
    assert!(told.contains("impossible as written:"), "{told}");
}
