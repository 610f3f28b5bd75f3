//! The command line. Its names are a contract: tools and tests outside the project call them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Keeps the records of several business systems in step, as dataflow documents say.
#[derive(Debug, Parser)]
#[command(name = "lockstep", version, about, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// The project folder.
#[derive(Args, Clone, Debug)]
pub struct InProject {
    /// The project folder
    #[arg(short = 'C', value_name = "DIR", default_value = ".", global = true)]
    pub dir: PathBuf,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

/// How documents are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DocFormat {
    Rst,
    Md,
    Html,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Six emulated systems, kept in step by five flows; nothing to configure
    Demo {
        /// The port of the emulated systems
        #[arg(long, default_value_t = 4700)]
        port: u16,
        /// End after the first two runs
        #[arg(long)]
        once: bool,
    },
    /// Write a new project folder, from documents where given
    Init {
        #[arg(value_name = "DIR", default_value = ".")]
        dir: PathBuf,
        /// Dataflow documents to start from
        #[arg(long, value_name = "DOC", num_args = 1..)]
        from: Vec<PathBuf>,
    },
    /// Dataflow documents to flow files
    Import {
        #[arg(required = true, value_name = "DOC")]
        documents: Vec<PathBuf>,
        /// Where to write; to standard output if not said
        #[arg(short = 'o', value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Flow files (or documents) to documents
    Doc {
        #[command(flatten)]
        project: InProject,
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
    Check {
        #[command(flatten)]
        project: InProject,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Play the tests of the flows, in memory
    Test {
        /// Only tests with this in their name
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        #[command(flatten)]
        project: InProject,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Read two record types and say what they could be matched by
    Advise {
        /// A record type: `crm.People`
        from: String,
        /// Another one, of another system
        to: String,
        #[command(flatten)]
        project: InProject,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Authorise and test the connection to a system
    Connect {
        system: String,
        /// Paste the address to which the browser came back, where the browser is on another machine
        #[arg(long)]
        paste: bool,
        /// The port of this machine to which the browser comes back; 0 for any
        ///
        /// Where a system wants to know the address beforehand, register http://127.0.0.1:PORT/callback.
        #[arg(long, default_value_t = 47111)]
        port: u16,
        #[command(flatten)]
        project: InProject,
    },
    /// A connector of your own: write a manifest, try it
    Connector {
        #[command(subcommand)]
        act: ConnectorAct,
    },
    /// Show what a run would do, and do nothing
    Plan {
        #[command(flatten)]
        project: InProject,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// One run: read, link, decide, deliver, until quiet
    Sync {
        #[command(flatten)]
        project: InProject,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
        /// Say where the time went
        #[arg(long)]
        shares: bool,
        /// List everything, also where a system tells what changed: finds what was deleted
        #[arg(long)]
        full: bool,
    },
    /// The service: runs on a schedule
    Run {
        #[command(flatten)]
        project: InProject,
        /// Approve the flows as they are, instead of waiting for `lockstep approve`
        #[arg(long)]
        approve: bool,
        /// Listen for calls from the systems (webhooks): 127.0.0.1:8787
        #[arg(long, value_name = "ADDRESS")]
        webhooks: Option<std::net::SocketAddr>,
        /// The address under which that is reached from outside: https://hooks.example.com
        #[arg(long, value_name = "URL", requires = "webhooks")]
        public_url: Option<String>,
    },
    /// Let the flows run as they are now, after a look at the plan
    Approve {
        #[command(flatten)]
        project: InProject,
    },
    /// Let through what a guard holds back
    Release {
        #[command(flatten)]
        project: InProject,
        /// Only this system's
        #[arg(long, value_name = "SYSTEM")]
        system: Option<String>,
        /// Only this guard: creates, updates, deletes, vanished or lost
        #[arg(long, value_name = "GUARD")]
        guard: Option<String>,
        /// Give it up instead
        #[arg(long)]
        discard: bool,
    },
    /// Say that a system, record type or property has another name now: links and history stay
    Rename {
        #[command(flatten)]
        project: InProject,
        /// A system (`crm`), a record type (`crm.People`) or a property (`crm.People.name`)
        old: String,
        /// Its name from now on
        new: String,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Where the project stands
    Status {
        #[command(flatten)]
        project: InProject,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// The linked records
    Entities {
        #[command(flatten)]
        project: InProject,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Those after the entity of this number
        #[arg(long)]
        after: Option<i64>,
    },
    /// What waits for a person, and a person's answers
    Review {
        #[command(flatten)]
        project: InProject,
        #[arg(long, value_enum, default_value_t = Format::Text, global = true)]
        format: Format,
        #[command(subcommand)]
        act: Option<ReviewAct>,
    },
    /// Say that two records stand for the same thing
    Link {
        /// system.RecordType/ID
        #[arg(value_name = "RECORD")]
        a: String,
        /// The other one
        #[arg(value_name = "RECORD")]
        b: String,
        #[command(flatten)]
        project: InProject,
    },
    /// Say that records do not stand for the same thing; no rule links them again
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
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        project: InProject,
    },
    /// Try again what a system refused
    Retry {
        /// system.RecordType/ID: what was refused of it and of what it is linked with
        record: Option<String>,
        /// All that was refused
        #[arg(long, conflicts_with = "record")]
        all: bool,
        #[command(flatten)]
        project: InProject,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Take Lockstep's own writes back, after a plan
    Undo {
        /// The number of a run, or a record as system.RecordType/ID
        #[arg(value_name = "RUN|RECORD")]
        what: Option<String>,
        /// One property of the record
        path: Option<String>,
        /// What was written since: 2026-01-31T08:00:00Z, or how long ago: 90m, 2h, 3d
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// And not after
        #[arg(long, value_name = "TIME", requires = "since")]
        until: Option<String>,
        /// Also what has been edited since
        #[arg(long)]
        force: bool,
        /// Keep what is put back apart from the others, until somebody edits any of them; nothing is carried on
        #[arg(long, conflicts_with = "as_edit")]
        keep_apart: bool,
        /// Take what is put back for an edit of now, which the next run carries on to the others
        #[arg(long)]
        as_edit: bool,
        /// Carry the plan out without asking
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        project: InProject,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Take an undo back, after a plan
    Redo {
        /// The run of the undo; the latest that still stands if not said
        run: Option<i64>,
        /// Also what has been edited since
        #[arg(long)]
        force: bool,
        /// Carry the plan out without asking
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        project: InProject,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Read linked records again, and tell what differs from what Lockstep knows
    Audit {
        /// About so many entities instead of all
        #[arg(long, value_name = "N")]
        sample: Option<usize>,
        /// Take in what differs, for the next run to settle
        #[arg(long)]
        repair: bool,
        #[command(flatten)]
        project: InProject,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// What happened: to a record, in a run, since a time
    History {
        /// system.RecordType/ID
        #[arg(required_unless_present_any = ["run", "since"])]
        record: Option<String>,
        /// What happened in this run
        #[arg(long, value_name = "N", conflicts_with = "record")]
        run: Option<i64>,
        /// What happened since: 2026-01-31T08:00:00Z, or how long ago: 90m, 2h, 3d
        #[arg(long, value_name = "TIME", conflicts_with_all = ["record", "run"])]
        since: Option<String>,
        #[command(flatten)]
        project: InProject,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Why a record, or one of its properties, is as it is; what a rule or a diagnostic code means
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
        #[command(flatten)]
        project: InProject,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// The QA checklist: a verdict on every statement and row of documents
    Verify {
        /// The project: its flows run, its store is looked at; with `--sandbox` alone, the documents' own flows run
        #[arg(short = 'C', value_name = "DIR")]
        dir: Option<PathBuf>,
        /// Try them on emulated systems; nothing to configure
        #[arg(long, conflicts_with_all = ["passive", "i_know_this_writes"])]
        sandbox: bool,
        /// Judge by what the project's store and journal have seen in operation; nothing is written
        #[arg(long, conflicts_with = "i_know_this_writes")]
        passive: bool,
        /// Try them on the project's own systems: a test tenant. Marked records are added, edited and deleted again
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
    },
    /// Emulated systems to work against
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
        /// Lost answers, refused connections, 429 and 5xx, slow answers, stale reads, empty lists, values that are stored
        /// otherwise: so many of a thousand requests each. It can be changed while the systems run, with
        /// PUT /_sandbox/faults for all of them or PUT /_sandbox/SYSTEM/faults for one; GET shows what stands and how
        /// often each has struck, DELETE ends it. docs/sandbox.md has all kinds and their settings.
        #[arg(long, value_name = "PRESET|FILE", num_args = 0..=1, default_missing_value = "some")]
        faults: Option<String>,
    },
}

/// What is to be done about a connector.
#[derive(Debug, Subcommand)]
pub enum ConnectorAct {
    /// Write a manifest to start from, from an OpenAPI description where given
    New {
        name: String,
        /// An OpenAPI description, YAML or JSON
        #[arg(long, value_name = "FILE")]
        openapi: Option<PathBuf>,
        #[command(flatten)]
        project: InProject,
    },
    /// Try what a manifest says on the system itself, and tell what holds
    Test {
        #[arg(value_name = "MANIFEST")]
        manifest: PathBuf,
        /// The system whose settings are used; the one that names the manifest if not said
        #[arg(long, value_name = "SYSTEM")]
        system: Option<String>,
        /// Also create, change and delete a marked record of each record type
        #[arg(long)]
        write: bool,
        #[command(flatten)]
        project: InProject,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

/// What is to be done about reviews.
#[derive(Debug, Subcommand)]
pub enum ReviewAct {
    /// Its records side by side, property by property
    Show { number: i64 },
    /// Yes: link the only candidate; try the value again
    Accept {
        #[command(flatten)]
        which: ReviewsMeant,
    },
    /// No: none of the candidates; leave the value until it changes
    Reject {
        #[command(flatten)]
        which: ReviewsMeant,
    },
    /// Keep the records apart for good
    Separate {
        #[command(flatten)]
        which: ReviewsMeant,
    },
    /// Link this one
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
