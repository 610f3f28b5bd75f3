//! The command line: its names are a contract (design section 6).

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
    #[arg(short = 'C', value_name = "DIR", default_value = ".")]
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
    /// Test the connection to a system
    Connect {
        system: String,
        #[command(flatten)]
        project: InProject,
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
        /// Only this guard: creates, updates, deletes or vanished
        #[arg(long, value_name = "GUARD")]
        guard: Option<String>,
        /// Give it up instead
        #[arg(long)]
        discard: bool,
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
    /// What waits for a person
    Review {
        #[command(flatten)]
        project: InProject,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// What happened to a record
    History {
        /// system.RecordType/ID
        record: String,
        #[command(flatten)]
        project: InProject,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Why a record, or one of its properties, is as it is
    Explain {
        /// system.RecordType/ID
        record: String,
        /// One property
        path: Option<String>,
        #[command(flatten)]
        project: InProject,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
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
