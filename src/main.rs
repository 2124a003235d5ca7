//! The program `tt`: arguments, logging, the runtime, and one match from command to function in `ttapi::command`.
//!
//! Exit codes: 0 when the command did what it was asked for, 1 when it could not, 2 for a command line or a
//! configuration that cannot be used, 3 for an import of which some rows were rejected. The reason is one line on standard error.

use clap::Parser;
use std::process::ExitCode;
use ttapi::args::{Arguments, Command, ConfigAction, ImportSource, LakeAction, UserAction};
use ttapi::command;
use ttapi::config::ConfigError;

/// Stack of each thread: the log reader nests deeply, the more so unoptimised.
const STACK_BYTES: usize = 8 << 20;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    ttapi::telemetry::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK_BYTES).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::Error::new(error).context("cannot start the runtime")),
    };
    let outcome = runtime.block_on(run(arguments));
    // The log reader panics where the runtime takes away a task that it waits for. The outcome is known, and nobody waits for
    // the reader: it is not told.
    std::panic::set_hook(Box::new(|_| {}));
    // Blocking reads of files that nobody waits for any more must not hold the exit.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    match outcome {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

/// The command's function, with its arguments.
async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::Demo { common } => command::demo::run(&common).await,
        Command::Serve { read_only, recording, common } => command::serve::run(&common, read_only, &recording).await,
        Command::Collect { datasets, recording, common } => command::collect::run(&common, &datasets, &recording).await,
        Command::Import { source: Some(ImportSource::Metastock { path, files }), undo: false, common } => {
            command::import::run(&common, &path, &files).await
        }
        Command::Import { source: None, common, .. } => command::undo::run(&common).await,
        Command::Import { source: Some(_), undo: true, .. } => {
            anyhow::bail!("--undo takes back the last import, and reads no files")
        }
        Command::Simulate { rest, dxlink, replay: Some(folder), replay_speed, .. } => {
            command::simulate::replay(rest, dxlink, &folder, replay_speed).await
        }
        Command::Simulate { rest, dxlink, seed, symbols, rate, every_event, faults, .. } => {
            command::simulate::run(rest, dxlink, seed, symbols, rate, !every_event, faults.as_deref()).await
        }
        Command::Status { json, common } => command::status::run(&common, json).await,
        Command::Quality { format, common } => command::quality::run(&common, format).await,
        Command::Query { sql, format, plan, common } => command::query::run(&common, &sql, format, plan).await,
        Command::Lake { action } => lake(action).await,
        Command::User { action } => user(action),
        Command::Config { action: ConfigAction::Check { common } } => command::config::check(&common),
        Command::Config { action: ConfigAction::Print { common } } => command::config::print(&common),
    }
}

async fn lake(action: LakeAction) -> anyhow::Result<ExitCode> {
    match action {
        LakeAction::Compact { dataset, common } => command::lake::compact(&common, dataset.as_deref()).await,
        LakeAction::Vacuum { dataset, retention, dry_run, common } => {
            command::lake::vacuum(&common, dataset.as_deref(), retention, dry_run).await
        }
        LakeAction::Check { dataset, all_versions, common } => {
            command::lake::check(&common, dataset.as_deref(), all_versions).await
        }
        LakeAction::Repair { dataset, common } => command::lake::repair(&common, dataset.as_deref()).await,
        LakeAction::Backup { target, list: false, keep, common, .. } => {
            command::backup::backup(&common, &target, keep).await
        }
        LakeAction::Restore { target, list: false, backup, common, .. } => {
            command::backup::restore(&common, &target, backup.as_deref()).await
        }
        LakeAction::Backup { target, format, common, .. } | LakeAction::Restore { target, format, common, .. } => {
            command::backup::list(&common, &target, format).await
        }
        LakeAction::History { dataset, format, common } => command::lake::history(&common, &dataset, format).await,
        LakeAction::Rollback { dataset, to, common } => command::roll_back::roll_back(&common, &dataset, to).await,
        LakeAction::Delete { dataset, source, symbol, common } => {
            command::roll_back::delete(&common, &dataset, source.as_deref(), symbol.as_deref()).await
        }
        LakeAction::ExportCsv { dataset, file, common } => {
            command::lake::export_csv(&common, &dataset, file.as_deref()).await
        }
    }
}

fn user(action: UserAction) -> anyhow::Result<ExitCode> {
    match action {
        UserAction::Add { name, role, password_file, place } => {
            command::user::add(&place, &name, role, password_file.as_deref())
        }
        UserAction::Remove { name, place } => command::user::remove(&place, &name),
        UserAction::List { place } => command::user::list(&place),
    }
}

/// One sentence; 2 for a usage error, 1 for anything else.
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("tt: {error:#}");
    ExitCode::from(if error.is::<ConfigError>() { 2 } else { 1 })
}
