//! The command line. Its names are a contract: tools and tests outside the project call them.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::screen::When;

/// The heading of the options that every command has.
const EVERYWHERE: &str = "Everywhere";

/// Keeps the records of several business systems in step, as dataflow documents say.
#[derive(Debug, Parser)]
#[command(name = "lockstep", version, disable_help_subcommand = true, after_help = STATUSES)]
pub struct Cli {
    /// The project folder, before or after the command
    #[arg(id = "project", short = 'C', value_name = "DIR", global = true, help_heading = EVERYWHERE)]
    pub dir: Option<PathBuf>,
    /// When colours are used
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto, global = true, help_heading = EVERYWHERE)]
    pub color: When,
    /// Print no words but errors and what needs a person; the exit status tells the rest
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = EVERYWHERE)]
    pub quiet: bool,
    /// Tell all there is to tell: each event, the requests, where the time went
    #[arg(short, long, global = true, help_heading = EVERYWHERE)]
    pub verbose: bool,
    #[command(subcommand)]
    pub command: Command,
}

/// What the help of the command ends with.
const STATUSES: &str = "\
Exit status:
  0  done
  1  something needs a person: a review, writes that failed, a line that `verify` found not met
  2  wrong usage or configuration
  3  a system could not be reached

Examples:
  lockstep demo                        six emulated systems kept in step; nothing to configure
  lockstep init shop                   a small project to try
  lockstep plan -C shop                what a run would do; changes nothing
  lockstep sync -C shop --first 5      a run that writes five records, and leaves the rest
  lockstep explain shop.Customers/c-1  why a record is as it is";

/// The command line, whose every help ends with the exit statuses.
pub fn command() -> clap::Command {
    fn with_statuses(one: clap::Command) -> clap::Command {
        let examples = one.get_after_help().map_or(String::new(), |text| format!("{text}\n\n"));
        one.mut_subcommands(with_statuses).after_help(format!("{examples}{STATUSES_SHORT}"))
    }
    Cli::command().mut_subcommands(with_statuses)
}

const STATUSES_SHORT: &str = "Exit status: 0 done; 1 something needs a person; 2 wrong usage or configuration; 3 a system could not be reached";

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

/// How results are printed that have rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rows {
    Text,
    Json,
    /// Comma-separated, with a header, for spreadsheets
    Csv,
}

/// What of all that is to be written is written; the rest waits for a run without these.
#[derive(Args, Clone, Debug, Default)]
pub struct Only {
    /// Only what this flow writes: its name or a part of it, or the name of its file; may be
    /// repeated
    #[arg(long, value_name = "FLOW")]
    pub flow: Vec<String>,
    /// Only what is written to this system; may be repeated
    #[arg(long, value_name = "SYSTEM")]
    pub only: Vec<String>,
    /// Only the first N records
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub first: Option<u32>,
}

/// How documents are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DocFormat {
    Rst,
    Md,
    Html,
}

/// What a command's help begins with that such a build can't carry out.
#[cfg(not(feature = "sandbox"))]
const NO_SANDBOX: &str = "This build of lockstep has no emulated systems (it was made with `--no-default-features`): this command needs one that has them.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Six emulated systems, kept in step by five flows; nothing to configure
    #[cfg_attr(
        not(feature = "sandbox"),
        command(about = "Six emulated systems, kept in step (not in this build)", before_help = NO_SANDBOX)
    )]
    #[command(after_help = "Examples:\n  lockstep demo\n  lockstep demo --once --keep demo")]
    Demo {
        /// The port of the emulated systems
        #[arg(long, default_value_t = 4700)]
        port: u16,
        /// End after the first two runs
        #[arg(long)]
        once: bool,
        /// Keep the project in this folder, which must be new or empty; else it is removed at the
        /// end
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
        /// JSON has both runs, and needs `--once`
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Write a new project folder, from documents where given
    #[command(
        after_help = "Examples:\n  lockstep init shop\n  lockstep init shop --from flows.rst"
    )]
    Init {
        /// The folder, which is made where it is not there; the one that `-C` names, or this one,
        /// if not said
        #[arg(value_name = "DIR")]
        dir: Option<PathBuf>,
        /// Dataflow documents to start from
        #[arg(long, value_name = "DOC", num_args = 1..)]
        from: Vec<PathBuf>,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Dataflow documents to flow files
    #[command(
        after_help = "Examples:\n  lockstep import flows.rst\n  lockstep import documents/*.rst -o flows"
    )]
    Import {
        #[arg(required = true, value_name = "DOC")]
        documents: Vec<PathBuf>,
        /// Where to write; to standard output if not said
        #[arg(short = 'o', value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Flow files (or documents) to documents
    #[command(
        after_help = "Examples:\n  lockstep doc -o documents\n  lockstep doc --format html flows/people.yaml"
    )]
    Doc {
        #[arg(long, value_enum, default_value_t = DocFormat::Rst)]
        format: DocFormat,
        /// Where to write, one file each under the same base name
        #[arg(short = 'o', value_name = "DIR")]
        out: Option<PathBuf>,
        /// The files; those of the project if none is given
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Validate everything that can be without a network
    #[command(after_help = "Examples:\n  lockstep check -C shop\n  lockstep check --format json")]
    Check {
        #[arg(long, value_enum, default_value_t = Rows::Text)]
        format: Rows,
    },
    /// Play the tests of the flows, in memory
    #[command(after_help = "Examples:\n  lockstep test\n  lockstep test linked \"a new person\"")]
    Test {
        /// Only tests with this in their name
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        #[arg(long, value_enum, default_value_t = Rows::Text)]
        format: Rows,
    },
    /// Read two record types and say what they could be matched by
    #[command(after_help = "Examples:\n  lockstep advise crm.People shop.Customers")]
    Advise {
        /// A record type: `crm.People`
        from: String,
        /// Another one, of another system
        to: String,
        #[arg(long, value_enum, default_value_t = Rows::Text)]
        format: Rows,
    },
    /// Authorise and test the connection to a system
    #[command(after_help = "Examples:\n  lockstep connect wix")]
    Connect {
        system: String,
        /// Paste the address to which the browser came back, where the browser is on another
        /// machine
        #[arg(long)]
        paste: bool,
        /// The port of this machine to which the browser comes back; 0 for any
        ///
        /// Where a system wants to know the address beforehand, register
        /// http://127.0.0.1:PORT/callback.
        #[arg(long, default_value_t = 47111)]
        port: u16,
        /// Sign in anew, and show the settings that the sign-in tells; they may be secret
        #[arg(long)]
        show_claims: bool,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// A connector of your own: write a manifest, try it
    #[command(
        after_help = "Examples:\n  lockstep connector new fjord --openapi fjord.yaml\n  lockstep connector test connectors/fjord.yaml"
    )]
    Connector {
        #[command(subcommand)]
        act: ConnectorAct,
    },
    /// Show what a run would do, and do nothing
    #[command(
        after_help = "Examples:\n  lockstep plan\n  lockstep plan --format csv -o plan.csv\n  lockstep plan --flow people --first 20"
    )]
    Plan {
        #[arg(long, value_enum, default_value_t = Rows::Text)]
        format: Rows,
        /// Write it into this file
        #[arg(short = 'o', value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        only: Only,
    },
    /// One run: read, link, decide, deliver, until quiet
    ///
    /// With `--flow`, `--only` or `--first` all is read and decided on that the writes in question
    /// depend on, and only these are made. The others stay decided on, or on the list of what is to
    /// be decided, and the next run without such a limit makes them. A guard that trips (G3) stops
    /// such a run, too.
    #[command(
        after_help = "Examples:\n  lockstep sync\n  lockstep sync --full\n  lockstep sync --first 5\n  lockstep sync --flow \"crm.People to shop.Customers\"\n  lockstep sync --only shop --format json"
    )]
    Sync {
        #[arg(long, value_enum, default_value_t = Rows::Text)]
        format: Rows,
        /// Say where the time went
        #[arg(long)]
        shares: bool,
        /// List everything, also where a system tells what changed: finds what was deleted
        #[arg(long)]
        full: bool,
        #[command(flatten)]
        only: Only,
    },
    /// The service: runs on a schedule
    #[command(
        after_help = "Examples:\n  lockstep run\n  lockstep run --listen 127.0.0.1:8080 --public-url https://lockstep.example.com\n  lockstep run --webhooks 127.0.0.1:8787 --public-url https://hooks.example.com\n  lockstep run --format json >> runs.jsonl"
    )]
    Run {
        /// Approve the flows as they are, instead of waiting for `lockstep approve`
        #[arg(long)]
        approve: bool,
        /// Where the console, the HTTP API, health and webhooks listen. 127.0.0.1:4780, or any
        /// free port of this machine where that one is taken
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<std::net::SocketAddr>,
        /// Listen for webhooks at another address as well, which answers nothing else:
        /// 127.0.0.1:8787
        #[arg(long, value_name = "ADDRESS")]
        webhooks: Option<std::net::SocketAddr>,
        /// The address under which it is reached from outside: https://lockstep.example.com. With
        /// `--webhooks`, what systems are told to call
        #[arg(long, value_name = "URL")]
        public_url: Option<String>,
        /// JSON is JSON Lines: the report of each run, a line each
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Who may sign in to the console
    #[command(
        after_help = "Examples:\n  lockstep user add \"Åse Berg\" --role reviewer\n  lockstep user list"
    )]
    User {
        #[command(subcommand)]
        act: UserAct,
    },
    /// What programs show to the HTTP API
    #[command(
        after_help = "Examples:\n  lockstep token create dashboard --scope look --days 90\n  lockstep token list"
    )]
    Token {
        #[command(subcommand)]
        act: TokenAct,
    },
    /// Let the flows run as they are now, after a look at the plan
    #[command(after_help = "Examples:\n  lockstep plan && lockstep approve")]
    Approve {
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Let through what a guard holds back
    #[command(
        after_help = "Examples:\n  lockstep release --system shop\n  lockstep release --guard deletes --discard"
    )]
    Release {
        /// Only this system's
        #[arg(long, value_name = "SYSTEM")]
        system: Option<String>,
        /// Only this guard: creates, updates, deletes, vanished, lost, clears or match_values
        #[arg(long, value_name = "GUARD")]
        guard: Option<String>,
        /// Give it up instead
        #[arg(long)]
        discard: bool,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Say that a system, record type or property has another name now: links and history stay
    #[command(
        after_help = "Examples:\n  lockstep rename crm kunder\n  lockstep rename crm.People.name crm.People.fullname"
    )]
    Rename {
        /// A system (`crm`), a record type (`crm.People`) or a property (`crm.People.name`)
        old: String,
        /// Its name from now on
        new: String,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// The figures of the project as Prometheus reads them
    #[command(
        after_help = "Examples:\n  lockstep metrics\n  lockstep metrics -o /var/lib/prometheus/node-exporter/lockstep.prom"
    )]
    Metrics {
        /// A file to write them into, whole or not at all; to standard output if not said
        #[arg(short = 'o', value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Copy the store into a file, also while a service is at work
    #[command(
        after_help = "Examples:\n  lockstep backup /var/backups/lockstep.db\n  lockstep backup --force nightly.db"
    )]
    Backup {
        /// The copy; its checksum is written beside it
        file: PathBuf,
        /// Replace a file that is there
        #[arg(long)]
        force: bool,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Put a copy in the place of the store; what was open then is found out first
    #[command(
        after_help = "Examples:\n  lockstep restore nightly.db\n  lockstep restore --force nightly.db"
    )]
    Restore {
        /// A copy that `lockstep backup` made
        file: PathBuf,
        /// Replace a store that is there, and keep it beside
        #[arg(long)]
        force: bool,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Where the project stands
    #[command(after_help = "Examples:\n  lockstep status\n  lockstep status --format json")]
    Status {
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// The linked records
    #[command(
        after_help = "Examples:\n  lockstep entities --limit 10\n  lockstep entities --limit 100000 --format csv"
    )]
    Entities {
        #[arg(long, value_enum, default_value_t = Rows::Text)]
        format: Rows,
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Those after the entity of this number
        #[arg(long)]
        after: Option<i64>,
    },
    /// What waits for a person, and a person's answers
    #[command(
        after_help = "Examples:\n  lockstep review\n  lockstep review show 3\n  lockstep review link 3 shop.Customers/a\n  lockstep review accept --kind \"rejected value\" --yes"
    )]
    Review {
        /// CSV is for the list
        #[arg(long, value_enum, default_value_t = Rows::Text, global = true)]
        format: Rows,
        #[command(subcommand)]
        act: Option<ReviewAct>,
    },
    /// Say that two records stand for the same thing
    #[command(after_help = "Examples:\n  lockstep link crm.People/7 shop.Customers/a")]
    Link {
        /// system.RecordType/ID
        #[arg(value_name = "RECORD")]
        a: String,
        /// The other one
        #[arg(value_name = "RECORD")]
        b: String,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Say that records do not stand for the same thing; no rule links them again
    #[command(
        after_help = "Examples:\n  lockstep unlink crm.People/7\n  lockstep unlink crm.People/7 shop.Customers/a --restore"
    )]
    Unlink {
        /// system.RecordType/ID
        #[arg(value_name = "RECORD")]
        a: String,
        /// Only from this one, and what it is linked with; from all of them if not said
        #[arg(value_name = "RECORD")]
        b: Option<String>,
        /// Give each side back the values that it had before the link, after a plan
        #[arg(long)]
        restore: bool,
        /// Carry the plan out without asking
        #[arg(long, requires = "restore")]
        yes: bool,
        #[arg(long, value_enum, default_value_t = Rows::Text)]
        format: Rows,
    },
    /// Try again what a system refused, and nothing else
    #[command(after_help = "Examples:\n  lockstep retry crm.People/7\n  lockstep retry --all")]
    Retry {
        /// system.RecordType/ID: what was refused of it and of what it is linked with
        record: Option<String>,
        /// All that was refused
        #[arg(long, conflicts_with = "record")]
        all: bool,
        #[arg(long, value_enum, default_value_t = Rows::Text)]
        format: Rows,
    },
    /// Take Lockstep's own writes back, after a plan
    #[command(
        after_help = "Examples:\n  lockstep undo 12\n  lockstep undo crm.People/7 phone\n  lockstep undo --since 2h"
    )]
    Undo {
        /// The number of a run, or a record as system.RecordType/ID
        #[arg(value_name = "RUN|RECORD")]
        what: Option<String>,
        /// One property of the record
        path: Option<String>,
        /// What was written since: 2026-01-31 08:00 (in your time zone, or with another:
        /// 2026-01-31T08:00:00Z), or how long ago: 90m, 2h, 3d
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// And not after
        #[arg(long, value_name = "TIME", requires = "since")]
        until: Option<String>,
        /// Also what has been edited since
        #[arg(long)]
        force: bool,
        /// Keep what is put back apart from the others, until somebody edits any of them; nothing
        /// is carried on
        #[arg(long, conflicts_with = "as_edit")]
        keep_apart: bool,
        /// Take what is put back for an edit of now, which the next run carries on to the others
        #[arg(long)]
        as_edit: bool,
        /// Carry the plan out without asking
        #[arg(long)]
        yes: bool,
        #[arg(long, value_enum, default_value_t = Rows::Text)]
        format: Rows,
    },
    /// Take an undo back, after a plan
    #[command(after_help = "Examples:\n  lockstep redo\n  lockstep redo 14 --yes")]
    Redo {
        /// The run of the undo; the latest that still stands if not said
        run: Option<i64>,
        /// Also what has been edited since
        #[arg(long)]
        force: bool,
        /// Carry the plan out without asking
        #[arg(long)]
        yes: bool,
        #[arg(long, value_enum, default_value_t = Rows::Text)]
        format: Rows,
    },
    /// Read linked records again, and tell what differs from what Lockstep knows
    #[command(
        after_help = "Examples:\n  lockstep audit\n  lockstep audit --sample 200\n  lockstep audit --stored --format csv"
    )]
    Audit {
        /// About so many entities instead of all
        #[arg(long, value_name = "N")]
        sample: Option<usize>,
        /// Take in what differs, for the next run to settle
        #[arg(long, conflicts_with = "stored")]
        repair: bool,
        /// Compare what is stored of linked records, without asking any system
        #[arg(long)]
        stored: bool,
        #[arg(long, value_enum, default_value_t = Rows::Text)]
        format: Rows,
    },
    /// What happened: in the latest runs, to a record, in a run, since a time
    #[command(
        after_help = "Examples:\n  lockstep history\n  lockstep history crm.People/7\n  lockstep history --run 12\n  lockstep history --since 2h"
    )]
    History {
        /// system.RecordType/ID; what happened lately if nothing is said
        record: Option<String>,
        /// What happened in this run
        #[arg(long, value_name = "N", conflicts_with = "record")]
        run: Option<i64>,
        /// What happened since: 2026-01-31 08:00 (in your time zone, or with another:
        /// 2026-01-31T08:00:00Z), or how long ago: 90m, 2h, 3d
        #[arg(long, value_name = "TIME", conflicts_with_all = ["record", "run"])]
        since: Option<String>,
        #[arg(long, value_enum, default_value_t = Rows::Text)]
        format: Rows,
    },
    /// Why a record, or one of its properties, is as it is; what a rule or a diagnostic code means
    #[command(
        after_help = "Examples:\n  lockstep explain crm.People/7\n  lockstep explain crm.People/7 email\n  lockstep explain --rule P1b\n  lockstep explain --code config::row"
    )]
    Explain {
        /// system.RecordType/ID
        #[arg(required_unless_present_any = ["rule", "code"])]
        record: Option<String>,
        /// One property
        path: Option<String>,
        /// What a rule means, such as P1b; without a name, all rules in a line each
        #[arg(long, value_name = "RULE", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["record", "path"])]
        rule: Option<String>,
        /// What a code means, such as config::row; without a name, all codes in a line each
        #[arg(long, value_name = "CODE", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["record", "path", "rule"])]
        code: Option<String>,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// The QA checklist: a verdict on every statement and row of documents
    #[command(
        after_help = "Examples:\n  lockstep verify --sandbox flows.rst\n  lockstep verify -C shop --passive --junit results.xml"
    )]
    Verify {
        /// Try them on emulated systems; nothing to configure
        #[cfg_attr(
            not(feature = "sandbox"),
            arg(help = "Try them on emulated systems (not in this build)")
        )]
        #[arg(long, conflicts_with_all = ["passive", "i_know_this_writes"])]
        sandbox: bool,
        /// Judge by what the project's store and journal have seen in operation; nothing is written
        #[arg(long, conflicts_with = "i_know_this_writes")]
        passive: bool,
        /// Try them on the project's own systems: a test tenant. Marked records are added, edited
        /// and deleted again
        #[arg(long)]
        i_know_this_writes: bool,
        /// With emulated systems that fail now and then while the hub runs
        #[arg(long, requires = "sandbox")]
        faults: bool,
        /// Write the results as JUnit XML
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
        /// Write each document back with its verdicts, as HTML, Markdown and reStructuredText
        #[arg(short = 'o', value_name = "DIR")]
        out: Option<PathBuf>,
        /// The documents that say what must hold; with a project, its own files if none is named
        #[arg(value_name = "DOC")]
        documents: Vec<PathBuf>,
        #[arg(long, value_enum, default_value_t = Rows::Text)]
        format: Rows,
    },
    /// Completions for a shell, to standard output
    #[command(
        after_help = "Examples:\n  lockstep completions bash > ~/.local/share/bash-completion/completions/lockstep\n  lockstep completions fish > ~/.config/fish/completions/lockstep.fish"
    )]
    Completions { shell: clap_complete::Shell },
    /// The manual page: of lockstep, or of a command
    #[command(
        after_help = "Examples:\n  lockstep man | man -l -\n  lockstep man connector test | man -l -\n  lockstep man -o ~/.local/share/man/man1"
    )]
    Man {
        /// plan, sync, connector test, …
        #[arg(value_name = "COMMAND")]
        of: Vec<String>,
        /// Write all pages there
        #[arg(short = 'o', value_name = "DIR", conflicts_with = "of")]
        out: Option<PathBuf>,
    },
    /// Emulated systems to work against
    #[cfg_attr(
        not(feature = "sandbox"),
        command(about = "Emulated systems to work against (not in this build)", before_help = NO_SANDBOX)
    )]
    #[command(
        after_help = "Examples:\n  lockstep sandbox\n  lockstep sandbox wix zendesk --port 4800 --faults many"
    )]
    Sandbox {
        /// superoffice, wix, poweroffice-go, crmoffice, zendesk, youtrack; all if none is named
        systems: Vec<String>,
        #[arg(long, default_value_t = 4700)]
        port: u16,
        /// Without the sample data
        #[arg(long)]
        empty: bool,
        /// What goes wrong: none, some (if nothing is said), many, or a JSON file of rates
        ///
        /// Lost answers, refused connections, 429 and 5xx, slow answers, stale reads, empty lists,
        /// values that are stored otherwise: so many of a thousand requests each. It can be changed
        /// while the systems run, with PUT /_sandbox/faults for all of them or PUT
        /// /_sandbox/SYSTEM/faults for one; GET shows what stands and how often each has struck,
        /// DELETE ends it. docs/sandbox.md has all kinds and their settings.
        #[arg(long, value_name = "PRESET|FILE", num_args = 0..=1, default_missing_value = "some")]
        faults: Option<String>,
        /// JSON is one document, printed when the systems are up
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

/// What is to be done about a connector.
#[derive(Debug, Subcommand)]
pub enum ConnectorAct {
    /// Write a manifest to start from, from an OpenAPI description where given
    #[command(
        after_help = "Examples:\n  lockstep connector new fjord\n  lockstep connector new fjord --openapi fjord.yaml"
    )]
    New {
        name: String,
        /// An OpenAPI description, YAML or JSON
        #[arg(long, value_name = "FILE")]
        openapi: Option<PathBuf>,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Try what a manifest says on the system itself, and tell what holds
    #[command(
        after_help = "Examples:\n  lockstep connector test connectors/fjord.yaml\n  lockstep connector test connectors/fjord.yaml --type People --write"
    )]
    Test {
        /// The manifest's file, the name of a built-in connector, or of a system in lockstep.yaml
        #[arg(value_name = "MANIFEST")]
        manifest: PathBuf,
        /// The system whose settings are used; the one that names the manifest if not said
        #[arg(long, value_name = "SYSTEM")]
        system: Option<String>,
        /// Only this record type
        #[arg(long = "type", value_name = "RECORD TYPE")]
        record_type: Option<String>,
        /// Also create, change and delete a marked record of each record type
        #[arg(long)]
        write: bool,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

/// What is to be done about users.
#[derive(Debug, Subcommand)]
pub enum UserAct {
    /// Adds one. The password is asked for, or read from standard input
    #[command(
        after_help = "Examples:\n  lockstep user add \"Åse Berg\" --role reviewer\n  pass show lockstep/ase | lockstep user add \"Åse Berg\" --role reviewer"
    )]
    Add {
        name: String,
        /// Viewers look; reviewers answer as well; operators run, approve and take back as well;
        /// admins see users and tokens as well
        #[arg(long, value_enum)]
        role: UserRole,
    },
    /// Lists them
    #[command(after_help = "Examples:\n  lockstep user list")]
    List {
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Removes one, whose sessions end
    #[command(after_help = "Examples:\n  lockstep user remove \"Åse Berg\"")]
    Remove { name: String },
    /// Gives one another password, which is asked for, or read from standard input
    #[command(after_help = "Examples:\n  lockstep user password \"Åse Berg\"")]
    Password { name: String },
}

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum UserRole {
    Viewer,
    Reviewer,
    Operator,
    Admin,
}

/// What is to be done about tokens.
#[derive(Debug, Subcommand)]
pub enum TokenAct {
    /// Makes one, and prints it: it is not shown again
    #[command(
        after_help = "Examples:\n  lockstep token create dashboard --scope look\n  lockstep token create nightly --scope look --scope operate --days 365"
    )]
    Create {
        /// By which it is known, and by which the journal names it
        name: String,
        /// What it is for; none includes another
        #[arg(long, value_enum, required = true)]
        scope: Vec<TokenScope>,
        /// After how many days it ends
        #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
    },
    /// Lists them, with when they end
    #[command(after_help = "Examples:\n  lockstep token list")]
    List {
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Removes one: it opens nothing any more
    #[command(after_help = "Examples:\n  lockstep token remove dashboard")]
    Remove { name: String },
}

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TokenScope {
    Look,
    Review,
    Operate,
    Admin,
}

/// What is to be done about reviews.
#[derive(Debug, Subcommand)]
pub enum ReviewAct {
    /// Its records side by side, property by property
    #[command(
        after_help = "Examples:\n  lockstep review show 3\n  lockstep review show 3 --format json"
    )]
    Show { number: i64 },
    /// Yes: link the only candidate; try the value again
    #[command(
        after_help = "Examples:\n  lockstep review accept 3\n  lockstep review accept --kind \"rejected value\" --yes"
    )]
    Accept {
        #[command(flatten)]
        which: ReviewsMeant,
    },
    /// No: none of the candidates; leave the value until it changes
    #[command(
        after_help = "Examples:\n  lockstep review reject 3\n  lockstep review reject 3 4 5 --yes"
    )]
    Reject {
        #[command(flatten)]
        which: ReviewsMeant,
    },
    /// Keep the records apart for good
    #[command(
        after_help = "Examples:\n  lockstep review separate 3\n  lockstep review separate --flow people --all --yes"
    )]
    Separate {
        #[command(flatten)]
        which: ReviewsMeant,
    },
    /// Link this one
    #[command(
        after_help = "Examples:\n  lockstep review link 3 shop.Customers/a\n  lockstep review link 3 2"
    )]
    Link {
        number: i64,
        /// system.RecordType/ID, or the candidate's place in the list, from 1 on
        record: String,
    },
}

/// Which reviews.
#[derive(Args, Clone, Debug, Default)]
pub struct ReviewsMeant {
    /// Their numbers, as `lockstep review` lists them
    #[arg(value_name = "N")]
    pub numbers: Vec<i64>,
    /// All of them
    #[arg(long)]
    pub all: bool,
    /// Those of this kind: ambiguous match, disputed entity, rejected value, …
    #[arg(long)]
    pub kind: Option<String>,
    /// Those of this flow, or of flows with this in their names
    #[arg(long)]
    pub flow: Option<String>,
    /// Needed for more than one
    #[arg(long)]
    pub yes: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_holds_together() {
        command().debug_assert();
    }

    #[test]
    fn the_page_of_commands_names_all_of_them_and_what_they_have_in_common() {
        let page = include_str!("../../../docs/commands.md");
        let whole = command();
        for one in whole.get_subcommands() {
            assert!(
                page.contains(&format!("`lockstep {}", one.get_name()))
                    || page.contains(&format!("`{}`", one.get_name())),
                "{one}"
            );
        }
        for option in whole.get_arguments().filter(|argument| argument.is_global_set()) {
            let names = [
                option.get_short().map(|c| format!("`-{c}")),
                option.get_long().map(|long| format!("`--{long}")),
            ];
            assert!(names.into_iter().flatten().any(|name| page.contains(&name)), "{option}");
        }
    }

    #[test]
    fn every_help_has_examples_and_exit_statuses() {
        fn check(of: &clap::Command, path: &str) {
            for one in of.get_subcommands() {
                let path = format!("{path} {}", one.get_name());
                let ends = one.get_after_help().map(ToString::to_string).unwrap_or_default();
                let mut lines = ends.lines().skip_while(|line| *line != "Examples:").skip(1);
                let examples: Vec<&str> =
                    lines.by_ref().take_while(|line| !line.is_empty()).collect();
                assert!(!examples.is_empty(), "{path}: {ends}");
                // An example may begin with another command; one of them is of this one.
                assert!(examples.iter().any(|line| line.contains(&path)), "{path}: {ends}");
                assert!(ends.contains("Exit status: 0 done;"), "{path}: {ends}");
                check(one, &path);
            }
        }
        check(&command(), "lockstep");
    }

    #[test]
    fn the_help_begins_with_what_lockstep_is_for() {
        let help = command().render_help().to_string();
        assert!(
            help.starts_with("Keeps the records of several business systems in step"),
            "{help}"
        );
    }

    #[test]
    fn the_help_of_release_names_every_guard() {
        let mut whole = command();
        let release = whole.find_subcommand_mut("release").unwrap();
        let help = release.render_help().to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for guard in lockstep_model::GuardKind::ALL {
            assert!(help.contains(guard.name()), "{}: {help}", guard.name());
        }
    }

    #[test]
    fn every_command_that_prints_results_prints_them_as_json_too() {
        let documents =
            ["doc", "import", "completions", "man", "connector", "metrics", "user", "token"];
        let whole = command();
        for one in whole.get_subcommands().filter(|one| !documents.contains(&one.get_name())) {
            let format = one.get_arguments().find(|argument| argument.get_id() == "format");
            let values =
                format.unwrap_or_else(|| panic!("{one} has no --format")).get_possible_values();
            assert!(values.iter().any(|value| value.get_name() == "json"), "{one}");
        }
        for accounts in ["user", "token"] {
            let list = whole.find_subcommand(accounts).and_then(|one| one.find_subcommand("list"));
            let mut arguments = list.expect("it is there").get_arguments();
            assert!(arguments.any(|argument| argument.get_id() == "format"), "{accounts}");
        }
    }

    #[test]
    fn the_folder_is_named_before_or_after_the_command() {
        for line in [
            "lockstep -C a plan",
            "lockstep plan -C a",
            "lockstep review -C a accept 1",
            "lockstep -C a review accept 1",
        ] {
            assert_eq!(
                Cli::try_parse_from(line.split(' ')).unwrap().dir,
                Some(PathBuf::from("a")),
                "{line}"
            );
        }
    }
}
