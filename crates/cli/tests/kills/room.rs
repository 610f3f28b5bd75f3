//! No room for the store, and a store that may not be written: what is told, that nothing is lost,
//! and that it goes on afterwards.

use std::path::Path;
use std::process::{Command, Stdio};

use super::people::{self, Draw};
use super::{World, folders, held, likeness, same, seed, store, until_quiet};
use crate::transcript::{Ran, lockstep, read};

/// Runs the command where no file may grow beyond so many blocks of 512 bytes, as on a full disk.
fn with_little_room(dir: &Path, blocks: u64) -> Ran {
    let shell = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" sync");
    let mut command = Command::new("sh");
    command
        .current_dir(dir)
        .args(["-c", &shell, env!("CARGO_BIN_EXE_lockstep")])
        .stdin(Stdio::null());
    let output = command.output().expect("a shell can be started");
    Ran::of(&command, output)
}

#[test]
fn a_disk_that_is_full_at_any_moment_loses_nothing() {
    let seed = seed("a full disk");
    let mut draw = Draw::new(seed);
    let (calm, wild) = (World::new(), World::new());
    calm.until_quiet();
    let whole = std::fs::metadata(calm.dir().join("lockstep.db")).unwrap().len() / 512;
    let mut full = 0;
    for batch in 0..3 {
        if batch > 0 {
            let acts = people::batch(&mut draw, &calm.sandbox, batch);
            [&calm, &wild].into_iter().for_each(|world| people::act(&world.sandbox, &acts));
            calm.until_quiet();
        }
        for _ in 0..4 {
            let ran = with_little_room(wild.dir(), 8 + draw.below(whole));
            store::sound(wild.dir());
            if ran.stdout.contains("records written") || ran.stdout.contains("Nothing was written")
            {
                continue;
            }
            full += 1;
            ran.exits(1)
                .says("lockstep.db can't be written")
                .says("make room and run again")
                .says_nothing_of("panicked");
        }
        wild.until_quiet();
    }
    assert!(full > 2, "there was room all the time");
    same("a full disk", &likeness::records(&calm.sandbox), &likeness::records(&wild.sandbox));
}

/// The command as somebody who may not write where the permissions say so: the administrator may
/// everywhere, and becomes nobody.
fn without_privileges(dir: &Path, args: &[&str]) -> Option<Ran> {
    let output = Command::new("id").arg("-u").output().ok()?;
    let mut command = if output.stdout.trim_ascii() == b"0" {
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            env!("CARGO_BIN_EXE_lockstep"),
        ]);
        command
    } else {
        Command::new(env!("CARGO_BIN_EXE_lockstep"))
    };
    command.current_dir(dir).args(args).stdin(Stdio::null());
    let output = command.output().ok();
    if output.is_none() {
        println!("skipped: there is no setpriv to take the administrator's privileges away");
    }
    Some(Ran::of(&command, output?))
}

#[cfg(unix)]
fn may(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
#[test]
fn a_store_that_may_not_be_written_is_told_and_nothing_is_done() {
    let dir = folders();
    let dir = dir.path();
    lockstep(dir, &["sync"]).exits(0);
    super::edit_file(dir, "a", 7, "an edit that waits");
    let before = held(dir);
    let file = dir.join("lockstep.db");
    // The file alone, then the folder: the run needs both.
    for (folder, store) in [(0o777, 0o444), (0o555, 0o666)] {
        may(&file, store);
        may(dir, folder);
        let Some(ran) = without_privileges(dir, &["sync"]) else { return };
        ran.exits(1)
            .says("lockstep.db")
            .says("let this user write the file and its folder")
            .says_nothing_of("panicked");
        may(dir, 0o755);
        may(&file, 0o644);
        assert_eq!(held(dir), before, "nothing is sent that can't be recorded before (C2)");
        store::sound(dir);
    }
    until_quiet(dir);
    assert!(read(&dir.join("b/People.jsonl")).contains("an edit that waits"));
}
