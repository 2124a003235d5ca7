//! Which files there are to import: those of a folder and all below it, in the order of their symbols.

use super::binary;
use super::options::Options;
use super::parse;
use super::report::{FailedFile, Report};
use anyhow::Context;
use std::fs::FileType;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Extensions of text files in a folder; a file named directly may have any.
const EXTENSIONS: [&str; 5] = ["asc", "csv", "mst", "prn", "txt"];
/// Bytes read ahead of the import to learn a file's first symbol.
const PEEK_BYTES: u64 = 2_048;

/// One thing to read.
#[derive(Debug)]
pub(super) enum Unit {
    Text(PathBuf),
    Binary(binary::Security),
}

impl Unit {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Text(path) => path,
            Self::Binary(security) => &security.file,
        }
    }
}

/// What there is to read, with the first symbol of each, in symbol order; files of the same symbol in path order.
///
/// # Errors
/// There is nothing to read, or `path` itself cannot be.
pub(super) fn plan(path: &Path, options: &Options, report: &mut Report) -> anyhow::Result<Vec<(String, Unit)>> {
    let about = std::fs::metadata(path).with_context(|| format!("open {}", path.display()))?;
    let mut units = Vec::new();
    if about.is_dir() {
        let paths = list(path).with_context(|| format!("list {}", path.display()))?;
        walk(path, paths, &mut units, report);
    } else if about.is_file() {
        units.push(Unit::Text(path.to_owned()));
    } else {
        anyhow::bail!("{}: it is {}", path.display(), kind(about.file_type()));
    }
    if units.is_empty() && report.files_failed.is_empty() {
        anyhow::bail!(
            "{} holds no MetaStock file (.{}, or MASTER with F1.DAT)",
            path.display(),
            EXTENSIONS.join(", .")
        );
    }
    if options.symbol.is_some() && units.len() > 1 {
        anyhow::bail!("{} holds {} files, and --symbol is for one", path.display(), units.len());
    }
    let symbols = first_symbols(&units, options);
    let mut planned: Vec<(String, Unit)> = symbols.into_iter().zip(units).collect();
    planned.sort_by(|left, right| left.0.cmp(&right.0).then_with(|| left.1.path().cmp(right.1.path())));
    Ok(planned)
}

/// The first symbol of each, as many at a time as there are readers.
fn first_symbols(units: &[Unit], options: &Options) -> Vec<String> {
    let share = units.len().div_ceil(options.readers.max(1)).max(1);
    std::thread::scope(|scope| {
        let peek_at_all = |units: &'_ [Unit]| units.iter().map(|unit| first_symbol(unit, options)).collect::<Vec<_>>();
        let readers: Vec<_> = units.chunks(share).map(|units| scope.spawn(move || peek_at_all(units))).collect();
        let symbols = readers.into_iter().zip(units.chunks(share));
        // A reader does not stop; the names of its files would do.
        symbols.flat_map(|(reader, units)| reader.join().unwrap_or_else(|_| units.iter().map(name).collect())).collect()
    })
}

fn first_symbol(unit: &Unit, options: &Options) -> String {
    let symbol = options.symbol.clone().unwrap_or_else(|| match unit {
        Unit::Text(path) => peek(path).unwrap_or_else(|| name(unit)),
        Unit::Binary(security) => security.symbol.clone(),
    });
    options.symbol(&symbol)
}

fn name(unit: &Unit) -> String {
    stem(unit.path()).to_ascii_uppercase()
}

/// Paths in a folder, sorted, without hidden ones.
fn list(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<Result<Vec<_>, _>>()?;
    paths.retain(|path| !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")));
    paths.sort();
    Ok(paths)
}

/// Adds what is in a folder and below it. A folder that cannot be listed leaves the others alone.
fn walk(folder: &Path, paths: Vec<PathBuf>, units: &mut Vec<Unit>, report: &mut Report) {
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for path in paths {
        match std::fs::metadata(&path) {
            // Links are followed for files, not for folders: a link upwards would never end.
            Ok(about) if about.is_dir() => folders.extend((!path.is_symlink()).then_some(path)),
            Ok(about) if about.is_file() => files.push(path),
            Ok(about) if is_ours(&path) => {
                report.warnings.push(format!("{}: skipped: it is {}", path.display(), kind(about.file_type())));
            }
            Err(error) if is_ours(&path) => report.files_failed.push(failed(&path, &error)),
            _ => {}
        }
    }
    let (securities, warnings) = binary::securities(folder, &files);
    units.extend(securities.into_iter().map(Unit::Binary));
    report.warnings.extend(warnings);
    units.extend(files.into_iter().filter(|path| is_text(path)).map(Unit::Text));
    for folder in folders {
        match list(&folder) {
            Ok(paths) => walk(&folder, paths, units, report),
            Err(error) => report.files_failed.push(failed(&folder, &error)),
        }
    }
}

fn failed(path: &Path, error: &std::io::Error) -> FailedFile {
    FailedFile { file: path.display().to_string(), line: None, reason: error.to_string() }
}

fn is_text(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension)))
}

/// Whether a path would be read if it were a file.
fn is_ours(path: &Path) -> bool {
    is_text(path) || path.file_name().and_then(|name| name.to_str()).is_some_and(binary::is_name)
}

/// What a thing is that is neither a file nor a folder.
fn kind(of: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if of.is_fifo() {
            return "a named pipe";
        }
        if of.is_socket() {
            return "a socket";
        }
        if of.is_char_device() || of.is_block_device() {
            return "a device";
        }
    }
    let _ = of;
    "no regular file"
}

fn peek(path: &Path) -> Option<String> {
    let mut head = Vec::new();
    std::fs::File::open(path).ok()?.take(PEEK_BYTES).read_to_end(&mut head).ok()?;
    parse::first_symbol(&head)
}

/// The name of a file without its extension, which is its symbol where no column has one.
pub(super) fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
