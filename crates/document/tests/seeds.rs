//! The five documents that the product grew from, where they are at hand.

use std::path::PathBuf;

use lockstep_document::{Draft, read, read_bytes, write_html, write_markdown, write_rst};

fn seeds() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/seeds");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: there is no folder {}", folder.display());
        return Vec::new();
    };
    let mut seeds: Vec<(String, String)> = entries
        .map(|entry| {
            let path = entry.expect("a readable folder").path();
            let text = std::fs::read_to_string(&path).expect("a readable document");
            (path.file_name().unwrap().to_string_lossy().into_owned(), text)
        })
        .collect();
    seeds.sort();
    assert_eq!(seeds.len(), 5, "five documents");
    seeds
}

#[test]
fn reading_keeps_every_byte() {
    for (name, text) in seeds() {
        let (document, _) = read_bytes(text.as_bytes()).unwrap();
        assert_eq!(document.to_source(), text, "{name}");
    }
}

#[test]
fn writing_what_was_read_gives_the_same_bytes() {
    for (name, text) in seeds() {
        assert_eq!(write_rst(&Draft::from(&read(&text).0)), text, "{name}");
    }
}

#[test]
fn only_the_repeated_section_is_amiss() {
    for (name, text) in seeds() {
        let (_, warnings) = read(&text);
        let found: Vec<_> = warnings.iter().map(|w| (w.code, w.span.line)).collect();
        let expected: &[(&str, usize)] =
            if name.starts_with("003") { &[("document::repeated-section", 53)] } else { &[] };
        assert_eq!(found, expected, "{name}");
    }
}

/// Every statement and row is in the other forms as well.
#[test]
fn other_forms_say_the_same() {
    for (name, text) in seeds() {
        let draft = Draft::from(&read(&text).0);
        let (markdown, html) = (write_markdown(&draft), write_html(&draft));
        for line in text.lines().filter(|line| line.contains(" - ")) {
            let cell = line.split_once("- ").unwrap().1.trim();
            assert!(markdown.contains(cell), "{name}: {cell}");
            let cell = cell.replace('"', "&quot;");
            assert!(html.contains(&cell), "{name}: {cell}");
        }
    }
}
