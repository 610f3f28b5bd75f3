//! A real Secret Service: gnome-keyring on a bus of its own, with a home of its own, where this
//! machine has them installed. What a keyring does that is locked or empty is tested against a
//! stand-in, beside the vault.

use std::process::Command;

use lockstep_connector::keyring::Keyring;
use lockstep_connector::vault::{Credentials, Vault};

fn is_installed(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

#[test]
fn a_real_keyring_keeps_the_key() {
    let needed = ["dbus-run-session", "gnome-keyring-daemon", "secret-tool"];
    if let Some(missing) = needed.into_iter().find(|program| !is_installed(program)) {
        println!(
            "skipped: {missing} is not installed (Debian: gnome-keyring, libsecret-tools, dbus)"
        );
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let inner = "printf secret | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec \"$0\" --exact within_its_session --ignored --nocapture";
    let ran = Command::new("dbus-run-session")
        .args(["--", "sh", "-c", inner])
        .arg(std::env::current_exe().unwrap())
        .envs([
            ("HOME", home.path()),
            ("XDG_DATA_HOME", home.path()),
            ("XDG_RUNTIME_DIR", home.path()),
            ("HELD", home.path()),
        ])
        .output()
        .unwrap();
    let told =
        String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && told.contains("1 passed"), "{told}");
}

#[test]
#[ignore = "run by the test above, in the session of a keyring"]
fn within_its_session() {
    let dir = std::path::PathBuf::from(std::env::var_os("HELD").unwrap());
    let ring = Keyring::of_this_machine().unwrap();
    assert_eq!(ring.read("nobody"), Ok(None));
    let store = dir.join("lockstep.db");
    let kept = Credentials {
        access: Some("a".into()),
        refresh: Some("r".into()),
        ..Credentials::default()
    };
    // It is what is taken where nothing else is said.
    Vault::beside(&store, None).write("crm", &kept).unwrap();
    assert_eq!(Vault::beside(&store, None).read("crm").unwrap(), Some(kept));
    assert!(!dir.join("lockstep.key").exists());
}
