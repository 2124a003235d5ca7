//! The command line of `tt`, read by clap. Doc comments here are what `--help` prints.
//!
//! `main` matches [`Command`] once; the flags of [`Common`] become the last layer of the configuration.

use crate::config::Flags;
use crate::console::table::Format;
use crate::role::Role;
use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// SQL over cached market data.
#[derive(Debug, Parser)]
#[command(name = "tt", version, about, max_term_width = 100)]
pub struct Arguments {
    /// The command and its arguments.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags every command takes.
#[derive(Debug, Clone, Default, Args)]
pub struct Common {
    /// Configuration file; `config/ttapi.toml` in the source tree holds every key with its default.
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Where the lake is: a directory or s3://bucket/prefix.
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<String>,
    /// Postgres wire address; port 0 picks a free one.
    #[arg(long, value_name = "ADDR", global = true)]
    pub pg: Option<SocketAddr>,
    /// Flight SQL address; port 0 picks a free one.
    #[arg(long, value_name = "ADDR", global = true)]
    pub flight: Option<SocketAddr>,
    /// Address of health, metrics and the status page; port 0 picks a free one.
    #[arg(long, value_name = "ADDR", global = true)]
    pub http: Option<SocketAddr>,
}

impl Common {
    /// The flags that were given as configuration keys with their text: `("server.pg", "127.0.0.1:0")`.
    pub fn flags(&self) -> Flags {
        let address = |key: &str, value: Option<SocketAddr>| value.map(|value| (key.to_owned(), value.to_string()));
        let data = self.data.clone().map(|data| ("lake.location".to_owned(), data));
        let addresses =
            [address("server.pg", self.pg), address("server.flight", self.flight), address("server.http", self.http)];
        addresses.into_iter().flatten().chain(data).collect()
    }
}

/// The commands of `tt`, one file each in `command`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Everything on this machine with no account: a simulated venue, collectors, the lake, the servers
    Demo {
        /// Flags that every command takes.
        #[command(flatten)]
        common: Common,
    },
    /// The server of a configuration and, unless read-only, its collectors
    Serve {
        /// Serve what is in the lake; fetch nothing.
        #[arg(long, conflicts_with = "record")]
        read_only: bool,
        /// What is recorded, and where.
        #[command(flatten)]
        recording: Recording,
        /// Flags that every command takes.
        #[command(flatten)]
        common: Common,
    },
    /// Refresh datasets once; exit 0 only when all are fresh
    Collect {
        /// Datasets; all when none is named.
        datasets: Vec<String>,
        /// What is recorded, and where.
        #[command(flatten)]
        recording: Recording,
        /// Flags that every command takes.
        #[command(flatten)]
        common: Common,
    },
    /// Import files into the lake; exit 0 when all rows came in, 3 when some were rejected, 1 when nothing came in
    #[command(subcommand_negates_reqs = true)]
    Import {
        /// What kind of files.
        #[command(subcommand)]
        source: Option<ImportSource>,
        /// Take back the last import: its rows go, and those come back that it replaced.
        #[arg(long, required = true)]
        undo: bool,
        /// Flags that every command takes.
        #[command(flatten)]
        common: Common,
    },
    /// The simulated venue alone: tastytrade REST and dxLink
    Simulate {
        /// Address of the REST service.
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
        rest: SocketAddr,
        /// Address of the dxLink service.
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
        dxlink: SocketAddr,
        /// Same seed, same history.
        #[arg(long, value_name = "N", default_value_t = 42)]
        seed: u64,
        /// Equities of the universe; 0 is the built-in lists alone.
        #[arg(long, value_name = "N", default_value_t = 0)]
        symbols: usize,
        /// Quotes per second over all symbols.
        #[arg(long, value_name = "QUOTES_PER_S", default_value_t = 2000.0)]
        rate: f64,
        /// Send every event, instead of the latest of a symbol in each period of a channel.
        #[arg(long)]
        every_event: bool,
        /// Faults to show, as TOML.
        #[arg(long, value_name = "FILE")]
        faults: Option<PathBuf>,
        /// Answer what a recording of --record holds, instead of a made-up market.
        #[arg(long, value_name = "DIR", conflicts_with_all = ["seed", "symbols", "rate", "every_event", "faults"])]
        replay: Option<PathBuf>,
        /// How many times as fast as recorded the feed speaks; max is as fast as it is taken.
        #[arg(long, value_name = "N|max", default_value = "1", requires = "replay", value_parser = replay_speed)]
        replay_speed: f64,
    },
    /// Freshness of every dataset
    Status {
        /// Print JSON instead of text.
        #[arg(long)]
        json: bool,
        /// Flags that every command takes.
        #[command(flatten)]
        common: Common,
    },
    /// What is doubtful or was rejected; exit 1 when something is severe
    Quality {
        /// How to print it.
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        /// Flags that every command takes.
        #[command(flatten)]
        common: Common,
    },
    /// One query, in process
    Query {
        /// The SQL statement to run.
        sql: String,
        /// How to print the rows.
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        /// Run the statement and print DataFusion's physical plan with its metrics instead of the rows.
        #[arg(long)]
        plan: bool,
        /// Flags that every command takes.
        #[command(flatten)]
        common: Common,
    },
    /// Upkeep of the lake
    Lake {
        /// What to do, as a command of its own.
        #[command(subcommand)]
        action: LakeAction,
    },
    /// Who may connect; a change reaches running servers at the next login
    User {
        /// What to do, as a command of its own.
        #[command(subcommand)]
        action: UserAction,
    },
    /// Whether the configuration can be used, and what it says
    Config {
        /// What to do with the configuration.
        #[command(subcommand)]
        action: ConfigAction,
    },
}

/// Where what the sources send is recorded.
#[derive(Debug, Clone, Args)]
pub struct Recording {
    /// Record what the sources send, without secrets, in a directory that is new or empty; for tt simulate --replay.
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// The recording ends at this size, and what else the command does goes on.
    #[arg(long, value_name = "SIZE", default_value = "1GB", requires = "record", value_parser = size)]
    pub record_limit: u64,
}

/// What `tt import` reads.
#[derive(Debug, Subcommand)]
pub enum ImportSource {
    /// Daily bars into `eod`: MetaStock folders, and text files of MetaStock, Stooq, Yahoo, AmiBroker and others
    Metastock {
        /// A directory of files, or one file.
        path: PathBuf,
        /// What the files do not say of themselves.
        #[command(flatten)]
        files: ImportFiles,
    },
}

/// What a person says of files that are imported.
#[derive(Debug, Clone, Args)]
pub struct ImportFiles {
    /// Which part comes first in dates such as 05/01/2026, where no date of a file proves it.
    #[arg(long, value_enum, value_name = "ORDER")]
    pub date_order: Option<DateOrder>,
    /// Symbol of a file, whatever its name or its rows say.
    #[arg(long, value_name = "SYMBOL")]
    pub symbol: Option<String>,
    /// List of spellings, a line each: theirs, ours. `*.US,*` takes an ending away.
    #[arg(long, value_name = "FILE")]
    pub rename: Option<PathBuf>,
    /// What stands in the column `source` of these bars.
    #[arg(long, value_name = "NAME", default_value = "metastock")]
    pub source: String,
    /// Factor from the volume in the files to shares.
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    pub volume_multiplier: f64,
    /// Read all files and say what would come in, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Order of month, day and year in a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum DateOrder {
    /// Month, then day and year.
    Mdy,
    /// Day, then month and year.
    Dmy,
    /// Year, month, day, where the year has two digits.
    Ymd,
}

/// What `tt lake` does with the tables.
#[derive(Debug, Subcommand)]
pub enum LakeAction {
    /// Merge the small files of datasets that grow by appending; rows stay the same
    Compact {
        /// Dataset; all when none is named.
        dataset: Option<String>,
        /// Flags that every command takes.
        #[command(flatten)]
        common: Common,
    },
    /// Remove files that no version within the retention, and a day for its readers, needs
    Vacuum {
        /// Dataset; all when none is named.
        dataset: Option<String>,
        /// How far back versions are kept, no less than the configuration says.
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        retention: Option<Duration>,
        /// Say what would be removed, and leave it.
        #[arg(long)]
        dry_run: bool,
        /// Flags that every command takes.
        #[command(flatten)]
        common: Common,
    },
    /// Whether the data files are what was written; exit 1 when one is damaged or gone
    Check {
        /// Dataset; all when none is named.
        dataset: Option<String>,
        /// Also the files of older versions that can still be read.
        #[arg(long)]
        all_versions: bool,
        /// Flags that every command takes.
        #[command(flatten)]
        common: Common,
    },
    /// Make datasets readable again whose log or files are damaged; stop the servers of the lake first
    Repair {
        /// Dataset; all when none is named.
        dataset: Option<String>,
        /// Flags that every command takes.
        #[command(flatten)]
        common: Common,
    },
    /// Add a backup to a directory or s3://bucket/prefix; a server may run meanwhile
    Backup {
        /// Where backups are kept, outside the data directory.
        target: String,
        /// Keep so many of the newest backups, and remove the others and what only they need.
        #[arg(long, value_name = "N")]
        keep: Option<NonZeroUsize>,
        /// List the backups that are there, and make none.
        #[arg(long, conflicts_with = "keep")]
        list: bool,
        /// How to print the list.
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        /// Flags that every command takes.
        #[command(flatten)]
        common: Common,
    },
    /// Bring a backup back into a data directory that holds no lake
    Restore {
        /// Where backups are kept.
        target: String,
        /// The backup to restore, as --list names it; the newest when none is given.
        #[arg(long, value_name = "NAME")]
        backup: Option<String>,
        /// List the backups that are there, and restore none.
        #[arg(long, conflicts_with = "backup")]
        list: bool,
        /// How to print the list.
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        /// Flags that every command takes.
        #[command(flatten)]
        common: Common,
    },
    /// Print the versions of a dataset
    History {
        /// Name of the dataset.
        dataset: String,
        /// How to print them.
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        /// Flags that every command takes.
        #[command(flatten)]
        common: Common,
    },
    /// Bring an earlier version of a dataset back, as a new version; none is deleted
    Rollback {
        /// Name of the dataset.
        dataset: String,
        /// Which version is meant.
        #[command(flatten)]
        to: RollbackTo,
        /// Flags that every command takes.
        #[command(flatten)]
        common: Common,
    },
    /// Delete rows of a dataset, as a new version
    Delete {
        /// Name of the dataset.
        dataset: String,
        /// Rows of that source.
        #[arg(long, value_name = "NAME", required_unless_present = "symbol")]
        source: Option<String>,
        /// Rows of that symbol.
        #[arg(long, value_name = "SYMBOL")]
        symbol: Option<String>,
        /// Flags that every command takes.
        #[command(flatten)]
        common: Common,
    },
    /// Write a dataset as CSV
    ExportCsv {
        /// Name of the dataset.
        dataset: String,
        /// File to write, `-` for standard output; the CSV twin in the lake when none is given.
        file: Option<PathBuf>,
        /// Flags that every command takes.
        #[command(flatten)]
        common: Common,
    },
}

/// The version that a rollback brings back.
#[derive(Debug, Clone, Copy, Args)]
#[group(required = true, multiple = false)]
pub struct RollbackTo {
    /// The version to bring back, as `tt lake history` lists it.
    #[arg(long, value_name = "N")]
    pub version: Option<u64>,
    /// The version that was in force before a moment: 2026-01-05, or 2026-01-05T16:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub before: Option<DateTime<Utc>>,
}

/// What `tt user` does with the file of users.
#[derive(Debug, Subcommand)]
pub enum UserAction {
    /// Add a user, or give one another password or role
    Add {
        /// Name of the user.
        name: String,
        /// `reader`, or `admin`: refreshes tables by hand, sees and ends what others run. A new user is a reader.
        #[arg(long, value_name = "ROLE")]
        role: Option<Role>,
        /// File whose first line is the password. Without it the terminal asks, or standard input's first line is it.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// The file in which users stand.
        #[command(flatten)]
        place: UsersFile,
    },
    /// Remove a user; sessions that are open stay
    Remove {
        /// Name of the user.
        name: String,
        /// The file in which users stand.
        #[command(flatten)]
        place: UsersFile,
    },
    /// Print names and roles
    List {
        /// The file in which users stand.
        #[command(flatten)]
        place: UsersFile,
    },
}

/// Which file of users is meant.
#[derive(Debug, Clone, Args)]
pub struct UsersFile {
    /// File of users; the configuration's `auth.users` when it is not given.
    #[arg(long, value_name = "FILE")]
    pub users: Option<PathBuf>,
    /// The flags every command takes.
    #[command(flatten)]
    pub common: Common,
}

/// What `tt config` says of the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Say whether the configuration and the files it names can be used; exit 2 when not
    Check {
        /// Flags that every command takes.
        #[command(flatten)]
        common: Common,
    },
    /// Print every key with its value and where it came from
    Print {
        /// Flags that every command takes.
        #[command(flatten)]
        common: Common,
    },
}

/// A size in bytes, such as `1GB`.
fn size(text: &str) -> Result<u64, String> {
    text.parse::<bytesize::ByteSize>().map(|size| size.as_u64())
}

/// How many times as fast as it was; infinite for `max`.
fn replay_speed(text: &str) -> Result<f64, String> {
    let speed = if text == "max" { Some(f64::INFINITY) } else { text.parse().ok() };
    speed.filter(|speed| *speed > 0.0).ok_or_else(|| "it is neither a number above 0 nor \"max\"".to_owned())
}

/// A moment as RFC 3339 has it, or the midnight in UTC that a date begins with.
fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Ok(moment.with_timezone(&Utc));
    }
    let date: Option<NaiveDate> = text.parse().ok();
    let midnight = date.and_then(|date| date.and_hms_opt(0, 0, 0)).map(|midnight| midnight.and_utc());
    midnight
        .ok_or_else(|| "it is neither a date such as 2026-01-05 nor a moment such as 2026-01-05T16:00:00Z".to_owned())
}
