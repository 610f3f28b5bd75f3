//! `demo` and `sandbox`: the six systems emulated on this machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lockstep_console::Guest;
use lockstep_hub::RunOptions;
use lockstep_sandbox::{
    Options, PRESETS, Running, SYSTEMS, Sandbox, Setting, StartError, credentials,
};
use lockstep_service::Told;

use crate::args::Format;
use crate::exit::{Exit, Failure, Result};
use crate::project::Opened;
use crate::serve::Listening;
use crate::{print, progress, project, wire, work};

/// The port that `demo` and `sandbox` take where none is asked for.
const PORT: u16 = 4700;
/// How often the demo reads all systems once it keeps running.
const EVERY: Duration = Duration::from_secs(2);

/// The example project as it stands in `examples/`.
const EXAMPLE: [(&str, &str); 6] = [
    ("lockstep.yaml", include_str!("../../../examples/lockstep.yaml")),
    ("flows/superoffice-wix.yaml", include_str!("../../../examples/flows/superoffice-wix.yaml")),
    (
        "flows/poweroffice-go-wix.yaml",
        include_str!("../../../examples/flows/poweroffice-go-wix.yaml"),
    ),
    ("flows/wix-crmoffice.yaml", include_str!("../../../examples/flows/wix-crmoffice.yaml")),
    ("flows/wix-youtrack.yaml", include_str!("../../../examples/flows/wix-youtrack.yaml")),
    (
        "flows/superoffice-zendesk.yaml",
        include_str!("../../../examples/flows/superoffice-zendesk.yaml"),
    ),
];

/// Starts the sandbox with sample data, runs the example flows twice, and goes on unless it is to
/// end there.
pub fn demo(port: u16, once: bool, keep: Option<&Path>, format: Format) -> Result<Exit> {
    if format == Format::Json && !once {
        return Err(Failure::usage(
            "`--format json` has the two runs of `lockstep demo --once`: add `--once`",
        ));
    }
    if let Some(path) = keep.filter(|path| {
        path.read_dir().map_or(path.exists(), |mut entries| entries.next().is_some())
    }) {
        return Err(Failure::usage(format!(
            "{} is there already and not an empty folder: name another one",
            path.display()
        )));
    }
    let sandbox = start(Options { port, ..Options::default() })?;
    let folder = Folder::new(&sandbox, keep)?;
    if format == Format::Json {
        let mut hub = project::open(&folder.path)?.hub()?;
        let first = hub.run(RunOptions::default()).map_err(project::hub_failure)?;
        let second = hub.run(RunOptions::default()).map_err(project::hub_failure)?;
        let writes = second.writes();
        let kept = folder.kept.then(|| folder.path.display().to_string());
        crate::look::json(&wire::Demo {
            sandbox: sandbox.root(),
            folder: kept,
            first: first.into(),
            second: second.into(),
        })?;
        return Ok(if writes > 0 { Exit::NeedsAPerson } else { Exit::Done });
    }
    println!(
        "Six systems are emulated at {}, with about 200 people, companies, tickets and products.",
        sandbox.root()
    );
    println!(
        "Five dataflow documents say what is kept in step; the project is in {}.",
        folder.path.display()
    );
    let opened = project::open(&folder.path)?;
    let mut hub = opened.hub()?;

    println!("\n—— first run ——");
    let first = hub.run(progress::watched(false)).map_err(project::hub_failure)?;
    print!("{}", print::report(&first, false));
    println!("\n—— second run ——");
    let second = hub.run(progress::watched(false)).map_err(project::hub_failure)?;
    print!("{}", second_run(&second));
    if second.writes() > 0 {
        return Err(Failure::person(
            "the second run should have written nothing: please report this",
        ));
    }
    if once {
        folder.tell(&sandbox);
        return Ok(Exit::Done);
    }
    drop(hub);
    go_on(opened, &sandbox, &folder)
}

fn second_run(report: &lockstep_hub::Report) -> String {
    let mut out = String::new();
    for flow in &report.flows {
        let done = flow.linked + flow.created + flow.updated;
        if done > 0 {
            out.push_str(&format!("{}: {done} done\n", flow.flow));
        }
    }
    let read: u64 = report.systems.iter().map(|s| s.read).sum();
    out.push_str(&format!("{} read again.\n", print::count(read, "record")));
    out.push_str(if report.writes() == 0 { "Nothing was written.\n" } else { "" });
    out
}

fn go_on(opened: Opened, sandbox: &Running, folder: &Folder) -> Result<Exit> {
    let opened = Arc::new(opened);
    let types = opened.plan()?.types;
    let periods = types.iter().map(|ty| (ty.name.clone(), EVERY)).collect();
    let guest = Guest::new("demo").map_err(|error| Failure::person(error.to_string()))?;
    let at = Listening { guest: Some(guest), ..Listening::default() };
    let served = |console: &lockstep_console::Running| {
        println!(
            "\nThe console is at {}\nOpen that link: it signs you in for as long as the demo runs.",
            console.guest_link().unwrap_or_else(|| console.url())
        );
        println!(
            "\nIt goes on, reading every {} s. Make an edit, and watch it travel; {} lists",
            EVERY.as_secs(),
            sandbox.root()
        );
        println!("the systems' addresses and how to edit in each. For example:\n");
        println!("{}", example_edit(sandbox));
        println!(
            "Look from another terminal:  lockstep status -C {0}   lockstep review -C {0}",
            folder.path.display()
        );
        println!("Ctrl-C ends it.\n");
        Ok(())
    };
    let mut tell = |told: Told<'_>| match told {
        Told::Report(report) => work::narrate(report),
        Told::Trouble(trouble) => eprintln!("! {trouble}"),
        Told::Begins | Told::Waits(_) => {}
    };
    crate::serve::serve(&folder.path, opened, periods, (true, ""), at, &served, &mut tell)?;
    folder.tell(sandbox);
    Ok(Exit::Done)
}

/// A command that edits a first name in Wix, of a contact with a telephone number: it has a
/// counterpart in CRMOffice.
fn example_edit(sandbox: &Running) -> String {
    let contacts = sandbox.records("wix", "contacts").unwrap_or_default();
    let with_phone = contacts.iter().find(|c| c.pointer("/info/phones/items/0/phone").is_some());
    let Some(id) = with_phone.and_then(|c| c["id"].as_str()) else { return String::new() };
    format!(
        "  curl -s -X PATCH {}/_sandbox/wix/contacts/{id} -H 'content-type: application/json' \\\n       -d '{{\"info\":{{\"name\":{{\"first\":\"Solveig\"}}}}}}'\n",
        sandbox.root()
    )
}

/// Emulated systems to work against, until it is stopped.
pub fn sandbox(
    systems: Vec<String>,
    port: u16,
    empty: bool,
    faults: Option<&str>,
    format: Format,
) -> Result<Exit> {
    let names = if systems.is_empty() {
        SYSTEMS.iter().map(|s| (*s).to_string()).collect()
    } else {
        systems.clone()
    };
    let what = faults.unwrap_or("none");
    let faults = settings(what)?;
    let sandbox =
        start(Options { port, systems, sample_data: !empty, faults, ..Options::default() })?;
    if format == Format::Json {
        let system = |name: &String| wire::EmulatedSystem {
            system: name.clone(),
            url: sandbox.url(name),
            credentials: credentials(name).into_iter().collect(),
        };
        crate::look::json(&wire::Emulated {
            root: sandbox.root(),
            systems: names.iter().map(system).collect(),
            faults: what.into(),
        })?;
        let _ = std::io::Write::flush(&mut std::io::stdout());
        loop {
            std::thread::park();
        }
    }
    println!("{} shows how to work with them.", sandbox.root());
    for name in names {
        println!("\n{name}: {}", sandbox.url(&name).unwrap_or_default());
        for (variable, value) in credentials(&name) {
            println!("  {variable}={value}");
        }
    }
    println!(
        "\nFaults: {what}. To change that while it runs, for all systems or for one, and to see what has struck:"
    );
    for line in FAULT_LINES {
        println!("  {}", line.replace("{root}", &sandbox.root()));
    }
    println!("\nCtrl-C ends it.");
    loop {
        std::thread::park();
    }
}

/// How a person changes what goes wrong.
const FAULT_LINES: [&str; 4] = [
    "curl -X PUT {root}/_sandbox/faults -d '\"some\"'        # or \"none\", \"many\"",
    "curl -X PUT {root}/_sandbox/wix/faults -d '{\"rates\":[{\"kind\":\"lost-answer\",\"per_mille\":50}]}'",
    "curl {root}/_sandbox/faults",
    "curl -X DELETE {root}/_sandbox/faults",
];

/// A preset by its name, or the settings in a file.
fn settings(what: &str) -> Result<Vec<(String, Setting)>> {
    if PRESETS.contains(&what) {
        let setting = Setting::preset(what).map_err(|error| Failure::usage(error.to_string()))?;
        return Ok(setting.for_all());
    }
    if SYSTEMS.contains(&what) {
        return Err(Failure::usage(format!("`{what}` is a system: name it before `--faults`")));
    }
    let path = Path::new(what);
    let text = std::fs::read_to_string(path).map_err(|error| {
        let presets = PRESETS.join(", ");
        Failure::usage(format!(
            "`--faults {what}` is neither one of {presets} nor a file that can be read: {error}"
        ))
    })?;
    Setting::read_file(&text)
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

/// Starts the sandbox; where the usual port is taken, on any free one.
fn start(options: Options) -> Result<Running> {
    match Sandbox::start(options.clone()) {
        Err(StartError::Listen { .. }) if options.port == PORT => {
            Sandbox::start(Options { port: 0, ..options })
        }
        started => started,
    }
    .map_err(|error| Failure::usage(error.to_string()))
}

/// The example project in a folder of its own, with the sandbox's addresses and keys.
struct Folder {
    path: PathBuf,
    /// Somebody wants to have it.
    kept: bool,
}

impl Folder {
    fn new(sandbox: &Running, keep: Option<&Path>) -> Result<Self> {
        let own = || std::env::temp_dir().join(format!("lockstep-demo-{}", std::process::id()));
        let path = keep.map_or_else(own, Path::to_path_buf);
        let failed = |at: &Path| {
            let at = at.to_path_buf();
            move |error: std::io::Error| Failure::file(&at, &error)
        };
        std::fs::create_dir_all(path.join("flows")).map_err(failed(&path))?;
        for (name, text) in EXAMPLE {
            std::fs::write(path.join(name), text).map_err(failed(&path.join(name)))?;
        }
        let mut env = String::from(
            "# The sandbox's addresses and keys. They open nothing else.\nRATE=1000\n",
        );
        env.push_str(&format!(
            "CRMOFFICE_TOKEN_URL={}/connect/token\n",
            sandbox.url("crmoffice").unwrap_or_default()
        ));
        for system in SYSTEMS {
            let variable = system.to_uppercase().replace('-', "_");
            env.push_str(&format!("{variable}_URL={}\n", sandbox.url(system).unwrap_or_default()));
            for (name, value) in credentials(system) {
                env.push_str(&format!("{name}={value}\n"));
            }
        }
        let file = path.join(".env");
        std::fs::write(&file, env).map_err(failed(&file))?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let for_its_owner = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(&file, for_its_owner).map_err(failed(&file))?;
        }
        Ok(Folder { path, kept: keep.is_some() })
    }

    /// What can be done with it, where it is kept.
    fn tell(&self, sandbox: &Running) {
        if self.kept {
            let port =
                sandbox.root().rsplit_once(':').map_or(String::new(), |(_, port)| port.to_string());
            println!(
                "\nThe project stays in {0}: `lockstep status -C {0}` looks at it. `lockstep sandbox --port {port}` starts its systems anew; \
                 delete {0}/lockstep.db then, since they begin again with the sample data.",
                self.path.display()
            );
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        // A demo's leftovers help nobody; that a temporary folder can't be removed hurts nobody.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
