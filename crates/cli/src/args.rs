//! The command line. Its names are a contract: tools and tests outside the project call them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Keeps the records of several business systems in step, as dataflow documents say.
#[derive(Debug, Parser)]
#[command(name = "lockstep", version, about, disable_help_subcommand = true, after_help = STATUSES)]
pub struct Cli {
    /// The project folder, before or after the command
    #[arg(id = "project", short = 'C', value_name = "DIR", global = true)]
    pub dir: Option<PathBuf>,
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
  lockstep explain shop.Customers/c-1  why a record is as it is";

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
    #[command(after_help = "Examples:\n  lockstep init shop\n  lockstep init shop --from flows.rst")]
    Init {
        /// The folder, which is made where it is not there; the one that `-C` names, or this one, if not said
        #[arg(value_name = "DIR")]
        dir: Option<PathBuf>,
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
    #[command(after_help = "Examples:\n  lockstep doc -o documents\n  lockstep doc --format html flows/people.yaml")]
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
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Play the tests of the flows, in memory
    Test {
        /// Only tests with this in their name
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Read two record types and say what they could be matched by
    Advise {
        /// A record type: `crm.People`
        from: String,
        /// Another one, of another system
        to: String,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Authorise and test the connection to a system
    #[command(after_help = "Examples:\n  lockstep connect wix")]
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
        /// Sign in anew, and show the settings that the sign-in tells; they may be secret
        #[arg(long)]
        show_claims: bool,
    },
    /// A connector of your own: write a manifest, try it
    Connector {
        #[command(subcommand)]
        act: ConnectorAct,
    },
    /// Show what a run would do, and do nothing
    #[command(after_help = "Examples:\n  lockstep plan\n  lockstep plan --format json")]
    Plan {
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// One run: read, link, decide, deliver, until quiet
    #[command(after_help = "Examples:\n  lockstep sync\n  lockstep sync --full")]
    Sync {
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
    Approve,
    /// Let through what a guard holds back
    #[command(after_help = "Examples:\n  lockstep release --system shop\n  lockstep release --guard deletes --discard")]
    Release {
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
    #[command(after_help = "Examples:\n  lockstep rename crm kunder\n  lockstep rename crm.People.name crm.People.fullname")]
    Rename {
        /// A system (`crm`), a record type (`crm.People`) or a property (`crm.People.name`)
        old: String,
        /// Its name from now on
        new: String,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Where the project stands
    Status {
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// The linked records
    Entities {
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
    #[command(
        after_help = "Examples:\n  lockstep review\n  lockstep review show 3\n  lockstep review link 3 shop.Customers/a\n  lockstep review accept --kind \"rejected value\" --yes"
    )]
    Review {
        #[arg(long, value_enum, default_value_t = Format::Text, global = true)]
        format: Format,
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
    },
    /// Try again what a system refused
    Retry {
        /// system.RecordType/ID: what was refused of it and of what it is linked with
        record: Option<String>,
        /// All that was refused
        #[arg(long, conflicts_with = "record")]
        all: bool,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Take Lockstep's own writes back, after a plan
    #[command(after_help = "Examples:\n  lockstep undo 12\n  lockstep undo crm.People/7 phone\n  lockstep undo --since 2h")]
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
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
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
        /// What happened since: 2026-01-31T08:00:00Z, or how long ago: 90m, 2h, 3d
        #[arg(long, value_name = "TIME", conflicts_with_all = ["record", "run"])]
        since: Option<String>,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
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
    /// Completions for a shell, to standard output
    #[command(
        after_help = "Examples:\n  lockstep completions bash > ~/.local/share/bash-completion/completions/lockstep\n  lockstep completions fish > ~/.config/fish/completions/lockstep.fish"
    )]
    Completions { shell: clap_complete::Shell },
    /// The manual page: of lockstep, or of a command
    #[command(
        after_help = "Examples:\n  lockstep man | man -l -\n  lockstep man plan | man -l -\n  lockstep man -o ~/.local/share/man/man1"
    )]
    Man {
        /// plan, sync, …
        #[arg(value_name = "COMMAND")]
        of: Option<String>,
        /// Write all pages there
        #[arg(short = 'o', value_name = "DIR", conflicts_with = "of")]
        out: Option<PathBuf>,
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
    },
    /// Try what a manifest says on the system itself, and tell what holds
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_folder_is_named_before_or_after_the_command() {
        for line in ["lockstep -C a plan", "lockstep plan -C a", "lockstep review -C a accept 1", "lockstep -C a review accept 1"]
        {
            assert_eq!(Cli::try_parse_from(line.split(' ')).unwrap().dir, Some(PathBuf::from("a")), "{line}");
        }
    }
}
