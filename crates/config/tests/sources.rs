//! Where the values of variables come from, which of two sources counts, and what is said of one
//! that gives none.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use lockstep_config::{Commands, Project, ValueSource, load_for, load_with, render_all};

const SECRET: &str = "hunter2";

fn folder(secrets: &str) -> tempfile::TempDir {
    let project = format!(
        "systems:\n  a: {{ connector: files, with: {{ folder: \"${{KEY}}\" }} }}\n{secrets}flows: [none.yaml]\n"
    );
    crate::support::folder(&[("lockstep.yaml", &project), ("none.yaml", "flows: []\n")])
}

fn exec(command: &str) -> String {
    format!("secrets:\n  KEY: {{ exec: {command} }}\n")
}

fn loaded(dir: &Path, process: &[(&str, &str)]) -> (Project, String) {
    let process: BTreeMap<&str, &str> = process.iter().copied().collect();
    let (project, problems) =
        load_with(dir, &|name| process.get(name).map(|value| value.to_string()));
    (project.expect("the project is there"), render_all(&problems))
}

fn value(project: &Project) -> &str {
    project.systems[0].with["folder"].as_str().unwrap()
}

#[test]
fn the_first_source_that_is_there_counts() {
    let dir = folder(&exec("[echo, of the command]"));
    let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    let (named, credentials) = (path("named"), path("credentials"));
    std::fs::write(&named, "of the named file\n").unwrap();
    std::fs::create_dir(&credentials).unwrap();
    std::fs::write(Path::new(&credentials).join("KEY"), "of the credential\r\n").unwrap();
    std::fs::write(path("below"), "of the file that .env names").unwrap();
    std::fs::write(path(".env"), "KEY=of .env\nKEY_FILE=below\n").unwrap();
    let all = [
        ("KEY", "of the process"),
        ("KEY_FILE", &*named),
        ("CREDENTIALS_DIRECTORY", &*credentials),
    ];
    let found = |process: &[(&str, &str)]| {
        let (project, told) = loaded(dir.path(), process);
        assert_eq!(told, "");
        (value(&project).to_string(), project.variables[0].source.clone())
    };
    let expected = [
        ("of the process", ValueSource::Environment),
        ("of the named file", ValueSource::File(named.clone().into())),
        ("of the credential", ValueSource::Credential),
        ("of .env", ValueSource::DotEnv),
    ];
    for (from, (value, source)) in expected.into_iter().enumerate() {
        assert_eq!(found(&all[from..]), (value.to_string(), source));
    }
    std::fs::write(path(".env"), "KEY_FILE=below\n").unwrap();
    assert_eq!(found(&[]).0, "of the file that .env names");
    std::fs::write(path(".env"), "").unwrap();
    assert_eq!(found(&[]), ("of the command".into(), ValueSource::Command("echo".into())));
}

#[test]
fn a_file_that_can_not_be_read_is_an_error_and_no_other_source_is_tried() {
    let dir = folder("");
    std::fs::write(dir.path().join(".env"), "KEY=of .env\n").unwrap();
    let big = dir.path().join("big");
    std::fs::write(&big, "x".repeat(100_000)).unwrap();
    let binary = dir.path().join("binary");
    std::fs::write(&binary, [0xff, 0xfe, b'a']).unwrap();
    for (path, why) in [
        ("/nowhere/at/all", "can't be read"),
        (big.to_str().unwrap(), "more than 65536 bytes"),
        (binary.to_str().unwrap(), "no UTF-8"),
    ] {
        let (project, told) = loaded(dir.path(), &[("KEY_FILE", path)]);
        assert!(told.contains("error[config::env-file]") && told.contains(why), "{told}");
        assert_eq!((value(&project), project.variables.len()), ("", 0));
    }
}

#[test]
fn a_command_that_fails_is_named_and_what_it_prints_is_not() {
    for (command, why) in [
        (
            format!("[sh, -c, 'echo {SECRET}; echo {SECRET} >&2; exit 3']"),
            "failed (exit status: 3)",
        ),
        (format!("[sh, -c, 'printf \"\\377{SECRET}\"']"), "prints what is no UTF-8"),
        (format!("[sh, -c, 'yes {SECRET} | head -c 100000']"), "prints more than 65536 bytes"),
        ("[no-such-program-here]".into(), "can't be started"),
    ] {
        let (project, told) = loaded(folder(&exec(&command)).path(), &[]);
        // The line of lockstep.yaml is shown where the variable is named, not where the command is.
        assert!(told.contains("error[config::env-command]") && told.contains(why), "{told}");
        assert!(!told.contains(SECRET) && value(&project).is_empty(), "{told}");
    }
}

#[test]
fn a_command_is_run_once_in_the_folder_of_the_project_and_without_a_shell() {
    let dir = folder(&exec("[sh, -c, 'echo run >> ran; echo \"$0 of $PWD\"', 'a  b;c']"));
    let project = std::fs::read_to_string(dir.path().join("lockstep.yaml")).unwrap();
    let twice = project.replace("${KEY}", "${KEY}${KEY}");
    std::fs::write(dir.path().join("lockstep.yaml"), twice).unwrap();
    let (project, told) = loaded(dir.path(), &[]);
    let one = format!("a  b;c of {}", dir.path().canonicalize().unwrap().display());
    assert_eq!((value(&project), told.as_str()), (&*format!("{one}{one}"), ""));
    assert_eq!(std::fs::read_to_string(dir.path().join("ran")).unwrap(), "run\n");
}

#[test]
fn what_a_command_leaves_running_is_not_waited_for_for_ever() {
    let began = Instant::now();
    // What prints too much is stopped at once, and not after the half minute it is given.
    let (_, told) = loaded(folder(&exec("[yes]")).path(), &[]);
    assert!(told.contains("prints more than"), "{told}");
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn what_needs_no_secret_runs_no_command() {
    let dir = folder(&exec("[touch, ran]"));
    let (project, problems) = load_for(dir.path(), Commands::Leave);
    let project = project.unwrap();
    assert!(problems.is_empty() && !dir.path().join("ran").exists());
    assert_eq!(project.variables[0].source, ValueSource::NotRun("touch".into()));
    load_for(dir.path(), Commands::Run);
    assert!(dir.path().join("ran").exists());
}

#[test]
fn what_is_said_of_commands_is_checked() {
    for (secrets, told) in [
        (exec("pass show wix"), "write each by itself"),
        (exec("[]"), "names no program"),
        (exec("['', a]"), "names no program"),
        ("secrets: { KEY: {} }\n".into(), "`exec`"),
        ("secrets: { KEY: { file: x } }\n".into(), "unknown-key"),
        ("secrets: { 'a b': { exec: [x] } }\n".into(), "is no name of a variable"),
        (format!("{}  OTHER: {{ exec: [x] }}\n", exec("[echo, a]")), "nothing names the secret"),
        (
            format!("{}  OTHER: {{ exec: [x] }}\n", exec("[echo, '${OTHER}']")),
            "the variable OTHER is not set",
        ),
    ] {
        let (_, rendered) = loaded(folder(&secrets).path(), &[]);
        assert!(rendered.contains(told), "{secrets}: {rendered}");
    }
    let (project, told) = loaded(folder(&exec("[echo, '${WHO}']")).path(), &[("WHO", "Åse")]);
    assert_eq!((value(&project), told.as_str()), ("Åse", ""));
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = folder("");
    let allow = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let (named, env) = (dir.path().join("named"), dir.path().join(".env"));
    std::fs::write(&named, SECRET).unwrap();
    std::fs::write(&env, format!("OTHER={SECRET}\n")).unwrap();
    let process = [("KEY_FILE", named.to_str().unwrap())];
    for (folder, file, warnings) in
        [(0o700, 0o644, 0), (0o755, 0o640, 0), (0o755, 0o600, 0), (0o755, 0o644, 2)]
    {
        allow(dir.path(), folder);
        allow(&named, file);
        allow(&env, file);
        let (_, told) = loaded(dir.path(), &process);
        let found = told.matches("warning[config::secret-readable]").count();
        assert_eq!(found, warnings, "{folder:o} {file:o}: {told}");
        assert!(!told.contains(SECRET), "{told}");
    }
    allow(dir.path(), 0o700);
}
