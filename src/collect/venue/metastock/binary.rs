//! Binary MetaStock folders: index files (`MASTER`, `EMASTER`, `XMASTER`) and one data file per security (`F1.DAT`,
//! `F256.MWD`). All integers are little-endian; all numbers in data files are Microsoft Binary Format floats.
//!
//! What is damaged in an index costs that index or record a warning, never the folder.

use super::date::{self, DateForm};
use super::doubts::Present;
use super::line::{self, LineError};
use super::options::Options;
use super::parse::Parsed;
use super::series::{Day, Series};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const MASTER_RECORD: usize = 53;
const EMASTER_RECORD: usize = 192;
const XMASTER_RECORD: usize = 150;
/// The first bytes of an `XMASTER`; the last two are "XM".
const XMASTER_MAGIC: [u8; 4] = [0x5d, 0xfe, 0x58, 0x4d];

/// A column of a data file, in the order they always stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Date,
    Time,
    Open,
    High,
    Low,
    Close,
    Volume,
    OpenInterest,
}

/// Fields by column order, with their bit in the index.
const FIELDS: [(Field, u8); 8] = [
    (Field::Date, 0x01),
    (Field::Time, 0x80),
    (Field::Open, 0x20),
    (Field::High, 0x02),
    (Field::Low, 0x04),
    (Field::Close, 0x08),
    (Field::Volume, 0x10),
    (Field::OpenInterest, 0x40),
];

/// One security of a binary folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Security {
    /// The data file of the security.
    pub(super) file: PathBuf,
    /// Symbol as the index has it.
    pub(super) symbol: String,
    /// Periodicity letter: `D`, `I`, ...
    period: u8,
    /// Columns per row, when an index tells.
    count: Option<u8>,
    /// Which columns there are, when an index tells.
    bits: Option<u8>,
}

/// What the index files say of one file number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Entry {
    symbol: String,
    period: u8,
    count: Option<u8>,
    bits: Option<u8>,
}

/// The securities of `folder`, whose content is `paths`; none when it has no index file. Also returns what is odd.
pub(super) fn securities(folder: &Path, paths: &[PathBuf]) -> (Vec<Security>, Vec<String>) {
    let mut warnings = Vec::new();
    let mut entries = BTreeMap::new();
    // In rising order of trust: what is read later wins.
    for (name, read) in [
        ("XMASTER", xmaster as fn(&[u8]) -> Result<Vec<(u16, Entry)>, String>),
        ("EMASTER", emaster),
        ("MASTER", master),
    ] {
        let Some(path) = named(paths, name) else { continue };
        match std::fs::read(path).map_err(|error| error.to_string()).and_then(|bytes| read(&bytes)) {
            Ok(found) => found.into_iter().for_each(|(number, entry)| merge(&mut entries, number, entry)),
            Err(reason) => warnings.push(format!("{}: ignored: {reason}", path.display())),
        }
    }
    let mut found = Vec::new();
    for (number, entry) in entries {
        // The first is what MetaStock writes; programs that write such folders mix them up.
        let endings = if number < 256 { ["DAT", "MWD"] } else { ["MWD", "DAT"] };
        let names = endings.map(|ending| format!("F{number}.{ending}"));
        let Some(file) = names.iter().find_map(|name| named(paths, name)) else {
            let (symbol, [name, _]) = (entry.symbol.escape_debug(), &names);
            warnings.push(format!("{}: no file {name} for {symbol}", folder.display()));
            continue;
        };
        if line::ticker(entry.symbol.as_bytes()).is_none() {
            warnings.push(format!("{}: the index has no symbol for it", file.display()));
            continue;
        }
        let Entry { symbol, period, count, bits } = entry;
        found.push(Security { file: file.clone(), symbol, period, count, bits });
    }
    (found, warnings)
}

/// Whether a file of that name belongs to a binary folder.
pub(super) fn is_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let number = name.strip_prefix('F').and_then(|rest| rest.strip_suffix(".DAT").or(rest.strip_suffix(".MWD")));
    matches!(name.as_str(), "MASTER" | "EMASTER" | "XMASTER")
        || number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn named<'a>(paths: &'a [PathBuf], name: &str) -> Option<&'a PathBuf> {
    paths.iter().find(|path| path.file_name().is_some_and(|file| file.eq_ignore_ascii_case(name)))
}

/// `MASTER` wins on what it has; it knows no bits, which then stay those of the other index.
fn merge(entries: &mut BTreeMap<u16, Entry>, number: u16, entry: Entry) {
    let known = entries.entry(number).or_default();
    let bits = entry.bits.or(known.bits);
    let count = entry.count.or(known.count);
    let symbol = if entry.symbol.is_empty() { std::mem::take(&mut known.symbol) } else { entry.symbol };
    *known = Entry { symbol, period: entry.period, count, bits };
}

fn master(bytes: &[u8]) -> Result<Vec<(u16, Entry)>, String> {
    records(bytes, MASTER_RECORD, 0, |record| {
        let entry =
            Entry { symbol: text(record, 36, 14), period: byte(record, 33)?, count: byte(record, 4), bits: None };
        Some((u16::from(byte(record, 0)?), entry))
    })
}

fn emaster(bytes: &[u8]) -> Result<Vec<(u16, Entry)>, String> {
    records(bytes, EMASTER_RECORD, 0, |record| {
        let bits = byte(record, 7).filter(|bits| *bits != 0);
        let entry = Entry { symbol: text(record, 11, 14), period: byte(record, 60)?, count: byte(record, 6), bits };
        Some((u16::from(byte(record, 2)?), entry))
    })
}

fn xmaster(bytes: &[u8]) -> Result<Vec<(u16, Entry)>, String> {
    if !bytes.starts_with(&XMASTER_MAGIC) {
        return Err("it does not begin as an XMASTER does".to_owned());
    }
    records(bytes, XMASTER_RECORD, 10, |record| {
        let bits = byte(record, 70).filter(|bits| *bits != 0);
        let entry = Entry { symbol: text(record, 1, 14), period: byte(record, 62)?, count: None, bits };
        Some((word(record, 65)?, entry))
    })
}

/// The records after the header slot: as many as the count at `count_at` says, or as the file holds if that is fewer.
fn records(
    bytes: &[u8],
    size: usize,
    count_at: usize,
    read: impl Fn(&[u8]) -> Option<(u16, Entry)>,
) -> Result<Vec<(u16, Entry)>, String> {
    if bytes.len() < size {
        return Err(format!("{} bytes are less than its header", bytes.len()));
    }
    let held = bytes.len() / size - 1;
    let count = word(bytes, count_at).map(usize::from).filter(|count| (1..=held).contains(count)).unwrap_or(held);
    Ok(bytes.chunks_exact(size).skip(1).take(count).filter_map(read).filter(|(number, _)| *number > 0).collect())
}

/// Reads a data file.
pub(super) fn parse(bytes: &[u8], security: &Security, options: &Options) -> Result<Parsed, LineError> {
    if !security.period.eq_ignore_ascii_case(&b'D') {
        let period = security.period.escape_ascii();
        return Err(LineError::whole(format!("{} has period {period}: only daily rows are imported", security.symbol)));
    }
    let mut parsed = Parsed::default();
    let fields = fields(security)
        .ok_or_else(|| LineError::whole(format!("the index gives {} no usable columns", security.symbol)))?;
    let size = fields.len() * 4;
    let Some(last) = word(bytes, 2) else {
        return Err(LineError::whole("the file is shorter than its header"));
    };
    let rows = usize::from(last).saturating_sub(1);
    let held = (bytes.len() / size).saturating_sub(1);
    if rows > held {
        parsed.warnings.push(format!("its header counts {rows} rows, but it holds {held}"));
    }
    let mut days = Vec::with_capacity(rows.min(held));
    let symbol = options.symbol(options.symbol.as_deref().unwrap_or(&security.symbol));
    for (index, record) in bytes.chunks_exact(size).skip(1).take(rows).enumerate() {
        let number = u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1);
        match day(record, &fields, options) {
            Ok(day) => days.push(day),
            Err(reason) => parsed.bad.add(number, Some(&symbol), shown(record, &fields).as_bytes(), reason),
        }
    }
    if days.is_empty() {
        let first = parsed.bad.listed.first();
        let reason = first.map_or("it has no row", |first| first.reason.as_str()).to_owned();
        return Err(LineError { line: first.and_then(|first| first.line), reason });
    }
    let has = |wanted: Field| fields.contains(&wanted);
    let present =
        Present { open: has(Field::Open), high: has(Field::High), low: has(Field::Low), volume: has(Field::Volume) };
    match parsed.take(Series { symbol, days }, present) {
        Some(reason) => Err(LineError::whole(reason)),
        None => Ok(parsed),
    }
}

/// A record as people read it: its numbers.
fn shown(record: &[u8], fields: &[Field]) -> String {
    let numbers = fields.iter().zip(record.as_chunks::<4>().0);
    let numbers = numbers.map(|(field, number)| format!("{field:?} {}", rounded(float(*number))).to_lowercase());
    numbers.collect::<Vec<_>>().join(", ")
}

/// Columns of a daily file, by its bits if they agree with its count, else by the count.
fn fields(security: &Security) -> Option<Vec<Field>> {
    if let Some(bits) = security.bits
        && security.count.is_none_or(|count| u32::from(count) == bits.count_ones())
        && bits & 0x09 == 0x09
    {
        return Some(FIELDS.iter().filter(|(_, bit)| bits & bit != 0).map(|(field, _)| *field).collect());
    }
    use Field::{Close, Date, High, Low, Open, OpenInterest, Time, Volume};
    match security.count? {
        5 => Some(vec![Date, High, Low, Close, Volume]),
        6 => Some(vec![Date, Open, High, Low, Close, Volume]),
        7 => Some(vec![Date, Open, High, Low, Close, Volume, OpenInterest]),
        8 => Some(vec![Date, Time, Open, High, Low, Close, Volume, OpenInterest]),
        _ => None,
    }
}

/// One row.
///
/// # Errors
/// Why it is none of a session, one clear sentence.
fn day(record: &[u8], fields: &[Field], options: &Options) -> Result<Day, String> {
    let mut day = Day::default();
    for (field, number) in fields.iter().zip(record.as_chunks::<4>().0) {
        let value = float(*number);
        let price = Some(rounded(value)).filter(|price| *price != 0.0);
        match field {
            Field::Date => day.day = serial_date(value).ok_or_else(|| format!("{value} is no date"))?,
            Field::Time => day.second = serial_time(value),
            Field::Open => day.open = price,
            Field::High => day.high = price,
            Field::Low => day.low = price,
            Field::Close => day.close = Some(rounded(value)),
            Field::Volume => day.volume = count(value * options.volume_multiplier),
            Field::OpenInterest => day.open_interest = count(value),
        }
    }
    day.check(options.latest_day)?;
    Ok(day)
}

/// A count; `None` for what is none.
fn count(value: f64) -> Option<i64> {
    // Four-byte floats end far beyond 2^63.
    (0.0..9.2e18).contains(&value).then_some(value.round() as i64)
}

/// `HHMM` or `HHMMSS` as a number; 0 for what is no time. All that counts is whether those of one date differ.
fn serial_time(value: f64) -> u32 {
    if value.fract() == 0.0 && (0.0..240_000.0).contains(&value) { value as u32 } else { 0 }
}

/// The day of (year - 1900) * 10000 + month * 100 + day.
fn serial_date(value: f64) -> Option<i32> {
    if value.fract() != 0.0 || !(101.0..3_000_000.0).contains(&value) {
        return None;
    }
    let text = format!("{:08}", value as u32 + 19_000_000);
    date::parse(text.as_bytes(), DateForm::YearFirstDigits, 50).map(|moment| moment.day)
}

/// A Microsoft Binary Format single: three bytes of mantissa with the sign where the hidden one would be, then the
/// exponent. It has no infinity and no NaN; every value is exact in a double.
fn float([low, middle, high, exponent]: [u8; 4]) -> f64 {
    if exponent == 0 {
        return 0.0;
    }
    let mantissa = f64::from(u32::from_le_bytes([low, middle, high | 0x80, 0]));
    let magnitude = mantissa * 2_f64.powi(i32::from(exponent) - 152);
    if high & 0x80 == 0 { magnitude } else { -magnitude }
}

/// The shortest decimal of seven digits: what the writer had before it was squeezed into 24 bits.
fn rounded(value: f64) -> f64 {
    format!("{value:.6e}").parse().unwrap_or(value)
}

fn byte(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes([byte(bytes, at)?, byte(bytes, at.checked_add(1)?)?]))
}

/// Text up to the first NUL, without outer blanks. One byte is one character.
fn text(bytes: &[u8], at: usize, size: usize) -> String {
    let field = bytes.get(at..at.saturating_add(size)).unwrap_or_default();
    let text: String = field.iter().take_while(|byte| **byte != 0).map(|byte| char::from(*byte)).collect();
    text.trim().to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
    }

    const RECORD: &str = "01 65 00 1c 07 00 00 41 43 4d 45 20 43 4f 52 50 20 20 20 20 20 20 20 00 00 30 d2 19 95 48 d2 \
        19 95 44 00 00 41 43 4d 45 20 20 20 20 20 20 20 20 20 20 20 20 00";
    const DATA: &str = "00 00 03 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 \
        30 d2 19 95 00 00 49 87 00 00 4c 87 00 80 47 87 00 80 4a 87 00 1b 37 95 00 00 00 00 \
        48 d2 19 95 00 80 4a 87 00 00 4f 87 00 00 4a 87 00 00 4e 87 80 9f 55 95 00 00 00 00";

    fn index() -> Vec<u8> {
        let mut master = vec![0; MASTER_RECORD];
        master[0] = 1;
        master[2] = 1;
        master.extend(bytes(RECORD));
        master
    }

    #[test]
    fn floats() {
        for (hex, expected) in [
            ("00 00 00 81", 1.0),
            ("00 00 a0 82", -2.5),
            ("48 d2 19 95", 1_260_105.0),
            ("b0 0a 6d 94", 970_923.0),
            ("00 c2 30 91", 90_500.0),
            ("00 1b 37 95", 1_500_000.0),
            ("00 00 00 00", 0.0),
            ("00 00 49 87", 100.5),
        ] {
            let number: [u8; 4] = bytes(hex).try_into().unwrap();
            assert_eq!(float(number), expected, "{hex}");
        }
        assert_eq!(rounded(float([0x87, 0xa7, 0x64, 0x85])), 28.5818);
        assert_eq!(rounded(float([0xcd, 0xcc, 0x4c, 0x7d])), 0.1);
    }

    #[test]
    fn a_master_record() {
        let entry = Entry { symbol: "ACME".to_owned(), period: b'D', count: Some(7), bits: None };
        assert_eq!(master(&index()).unwrap(), [(1, entry)]);
        assert!(master(&[0; 20]).is_err());
        assert!(xmaster(&index()).is_err());
    }

    fn acme() -> Security {
        Security { file: PathBuf::from("F1.DAT"), symbol: "ACME".to_owned(), period: b'D', count: Some(7), bits: None }
    }

    #[test]
    fn a_data_file() {
        let parsed = parse(&bytes(DATA), &acme(), &Options::default()).unwrap();
        let days = &parsed.series[0].days;
        let shown: Vec<_> =
            days.iter().map(|day| (date::text(day.day), day.open, day.high, day.low, day.close, day.volume)).collect();
        assert_eq!(
            shown,
            [
                ("2026-01-02".to_owned(), Some(100.5), Some(102.0), Some(99.75), Some(101.25), Some(1_500_000)),
                ("2026-01-05".to_owned(), Some(101.25), Some(103.5), Some(101.0), Some(103.0), Some(1_750_000)),
            ]
        );
        assert!(parsed.warnings.is_empty());
    }

    #[test]
    fn a_truncated_file_gives_what_it_holds() {
        let mut data = bytes(DATA);
        data.truncate(70);
        let parsed = parse(&data, &acme(), &Options::default()).unwrap();
        assert_eq!((parsed.rows(), parsed.warnings.len()), (1, 1));
        for length in 0..56 {
            data.truncate(56 - length - 1);
            assert!(parse(&data, &acme(), &Options::default()).is_err());
        }
    }

    #[test]
    fn bits_give_the_columns_when_they_agree_with_the_count() {
        use Field::{Close, Date, High, Low, Volume};
        let security = Security { count: Some(5), bits: Some(0x1f), ..acme() };
        assert_eq!(fields(&security), Some(vec![Date, High, Low, Close, Volume]));
        let disagreeing = Security { count: Some(5), bits: Some(0x3f), ..acme() };
        assert_eq!(fields(&disagreeing).map(|fields| fields.len()), Some(5));
        assert_eq!(fields(&Security { count: None, bits: None, ..acme() }), None);
    }

    #[test]
    fn a_folder_is_read_by_its_index() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("master"), index()).unwrap();
        std::fs::write(folder.path().join("f1.dat"), bytes(DATA)).unwrap();
        std::fs::write(folder.path().join("XMASTER"), b"junk").unwrap();
        let mut batches = Vec::new();
        let report = super::super::import(
            folder.path(),
            &Options::default(),
            &super::super::KnownFiles::default(),
            "2026-11-03T22:00:00Z".parse().unwrap(),
            &crate::collect::Progress::default(),
            |batch| {
                batches.push(batch);
                Ok(())
            },
        )
        .unwrap();
        assert_eq!((report.rows, report.symbols.len(), report.files), (2, 1, 1));
        assert_eq!(report.warnings.len(), 1);
        assert!(report.warnings[0].ends_with("XMASTER: ignored: it does not begin as an XMASTER does"));
        assert_eq!(batches.len(), 1);
    }

    #[test]
    fn a_zero_date_costs_one_row() {
        let mut data = bytes(DATA);
        data[28..32].fill(0);
        let parsed = parse(&data, &acme(), &Options::default()).unwrap();
        assert_eq!((parsed.rows(), parsed.bad.count, parsed.bad.listed[0].line), (1, 1, Some(1)));
        assert_eq!(parsed.bad.listed[0].reason, "0 is no date");
        assert!(parsed.bad.listed[0].text.starts_with("date 0, open 100.5, high 102,"), "{:?}", parsed.bad.listed);
    }

    #[test]
    fn several_rows_a_day_are_refused() {
        let mut data = bytes(DATA);
        data[2] = 6;
        let second = data[56..84].to_vec();
        for close in 1..=3 {
            let mut bar = second.clone();
            bar[17] = close;
            data.extend(bar);
        }
        let error = parse(&data, &acme(), &Options::default()).unwrap_err();
        assert_eq!(
            error.reason,
            "ACME has several rows on most days, as on 2026-01-05: intraday bars are not imported"
        );
    }

    #[test]
    fn data_files_are_found_by_either_ending() {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = ["MASTER", "F1.MWD"].iter().map(|name| folder.path().join(name)).collect();
        std::fs::write(&paths[0], index()).unwrap();
        std::fs::write(&paths[1], bytes(DATA)).unwrap();
        let (found, warnings) = securities(folder.path(), &paths);
        assert_eq!((found.len(), found[0].file.clone(), warnings.len()), (1, paths[1].clone(), 0));
    }

    #[test]
    fn no_bytes_panic() {
        let mut state = 3_u64;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        };
        for round in 0..2_000 {
            let mut data: Vec<u8> = if round % 2 == 0 { bytes(DATA) } else { index() };
            data.truncate(next() % (data.len() + 1));
            for _ in 0..8 {
                if let Some(at) = next().checked_rem(data.len()) {
                    data[at] = next() as u8;
                }
            }
            let security = Security { count: Some(next() as u8), bits: Some(next() as u8), ..acme() };
            let _ = parse(&data, &security, &Options::default());
            let _ = (master(&data), emaster(&data.repeat(4)), xmaster(&[&XMASTER_MAGIC[..], &data.repeat(5)].concat()));
        }
    }

    #[test]
    fn bytes_of_any_kind_are_read_or_refused() {
        let mut noise = crate::collect::venue::noise::Noise(0x5eed);
        let (index, data) = (index(), bytes(DATA));
        for _ in 0..3_000 {
            let index = noise.mutated(&index);
            for read in [xmaster as fn(&[u8]) -> Result<Vec<(u16, Entry)>, String>, emaster, master] {
                let _ = read(&index);
            }
            let security = Security {
                file: PathBuf::from("F1.DAT"),
                symbol: "ACME".to_owned(),
                period: b'D',
                count: Some(noise.below(12) as u8),
                bits: (noise.below(2) == 0).then(|| noise.next() as u8),
            };
            let _ = parse(&noise.mutated(&data), &security, &Options::default());
        }
    }
}
