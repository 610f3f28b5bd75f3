//! The guides of `docs/guides/`, carried out as they stand: their files are written, their commands
//! run in the order of the page, and what they show of the output must be there. A command ends
//! with 0 unless `→ N` stands behind it. A page with `<!-- sandbox: SYSTEM -->` is carried out with the
//! sandbox in place of the vendor, empty: its address stands for `base_url`, and its keys for
//! those that are `…` in `.env`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::transcript::{lockstep, read, root, write};
use lockstep_model::ReviewKind;
use lockstep_sandbox::{Options, Running, Sandbox, credentials};
use serde_json::json;

/// The private key that the sandbox's SuperOffice knows.
const KEY: &str = include_str!("../../connector/tests/key.xml");

#[test]
fn every_guide_holds_as_it_is_written() {
    let mut pages: Vec<_> = std::fs::read_dir(root().join("docs/guides"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    pages.sort();
    let ran: usize = pages.iter().map(|page| follow(page)).sum();
    assert!(
        pages.len() >= 7 && ran >= 30,
        "{} guides with {ran} commands: some are not found",
        pages.len()
    );
}

#[test]
fn whatever_may_wait_is_in_the_guide() {
    let page = read(&root().join("docs/guides/when-something-waits.md"));
    let table = page.split("## What may wait").nth(1).expect("the page has the table");
    let named: BTreeSet<&str> = table
        .lines()
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    let kinds: BTreeSet<&str> = ReviewKind::ALL.into_iter().map(ReviewKind::name).collect();
    assert_eq!(named, kinds);
}

/// Gives how many commands were run.
fn follow(page: &Path) -> usize {
    follow_text(&page.file_name().unwrap().to_string_lossy(), &read(page))
}

/// The same of the text of a page, or of a part of one.
pub fn follow_text(name: &str, text: &str) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let (dir, mut ran) = (dir.path(), 0);
    let vendor = Vendor::of(text);
    for block in text.split("\n```").skip(1).step_by(2) {
        let (kind, block) = block.split_once('\n').expect("a block has a first line");
        let (first, rest) = block.split_once('\n').unwrap_or((block, ""));
        if let Some(file) = first.strip_prefix("# FILE ") {
            let (file, form) = file.split_once(" as ").unwrap_or((file, ""));
            let rest = vendor.as_ref().map_or(rest.to_owned(), |vendor| vendor.fill(file, rest));
            put(&dir.join(file), &format!("{rest}\n"), form);
        } else if let Some(file) = first.strip_prefix("# ADD ") {
            let before = read(&dir.join(file));
            write(&dir.join(file), &format!("{before}{rest}\n"));
        } else if let Some(file) = first.strip_prefix("# SQL ") {
            rusqlite::Connection::open(dir.join(file)).unwrap().execute_batch(rest).unwrap();
        } else if kind == "console" {
            for command in format!("\n{block}").split("\n$ ").skip(1) {
                carry_out(name, dir, command);
                ran += 1;
            }
        }
    }
    ran
}

/// The sandbox in place of a vendor.
struct Vendor {
    system: String,
    sandbox: Running,
}

impl Vendor {
    fn of(text: &str) -> Option<Self> {
        let (system, _) = text.split_once("<!-- sandbox: ")?.1.split_once(" -->")?;
        let options = Options { systems: vec![system.into()], ..Options::empty() };
        let sandbox = Sandbox::start(options).expect("the sandbox starts");
        if system == "superoffice" {
            // No tenant is without the one who signed in.
            let user = json!({"Name":"RUNA","UserName":"runa@example.com"});
            sandbox.put(system, "User", user).expect("it is a user");
        }
        Some(Self { system: system.into(), sandbox })
    }

    /// A file of the page with the sandbox's address and keys.
    fn fill(&self, file: &str, text: &str) -> String {
        let address = self.sandbox.url(&self.system).unwrap();
        let key = |name: &str| match name {
            "SUPEROFFICE_PRIVATE_KEY" => Some(KEY.replace('\n', "")),
            _ => credentials(&self.system)
                .into_iter()
                .find(|(known, _)| known == name)
                .map(|(_, key)| key),
        };
        let line = |line: &str| match (file, line.split_once("base_url: "), line.split_once("=…"))
        {
            ("lockstep.yaml", Some((before, _)), _) => {
                format!("{before}base_url: {address}\n{before}rate_per_second: 1000")
            }
            (".env", _, Some((name, _))) => {
                format!(
                    "{name}={}",
                    key(name).unwrap_or_else(|| panic!("the sandbox has no {name}"))
                )
            }
            _ => line.to_owned(),
        };
        text.lines().map(line).collect::<Vec<_>>().join("\n")
    }
}

fn put(file: &Path, text: &str, form: &str) {
    match form {
        "" => write(file, text),
        r"windows-1252, \r\n" => {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            // The letters of the samples are where Latin-1 has them.
            let bytes: Vec<u8> = text
                .replace('\n', "\r\n")
                .chars()
                .map(|c| u8::try_from(u32::from(c)).unwrap())
                .collect();
            std::fs::write(file, bytes).unwrap();
        }
        other => panic!("{}: no form {other}", file.display()),
    }
}

fn carry_out(page: &str, dir: &Path, command: &str) {
    let (command, shown) = command.split_once('\n').unwrap_or((command, ""));
    let (command, status) = command
        .split_once(" → ")
        .map_or((command, 0), |(command, status)| (command, status.parse().unwrap()));
    let Some(args) = command.strip_prefix("lockstep ") else {
        let done = Command::new("sh").args(["-ec", command]).current_dir(dir).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success(), "{page}: {command}\n{said}");
        for line in shown.lines().map(str::trim).filter(|line| !line.is_empty()) {
            assert!(said.lines().any(|said| said.trim() == line), "{page}: {command}\n{said}");
        }
        return;
    };
    let args: Vec<&str> = args.split_whitespace().collect();
    let mut ran = lockstep(dir, &args);
    assert_eq!(ran.status, Some(status), "{page}\n{ran}");
    for line in shown.lines().filter(|line| !line.trim().is_empty()) {
        ran = ran.says(line.trim());
    }
}
