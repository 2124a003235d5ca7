use super::*;
use crate::disk::power::Power;
use crate::lake::dataset;
use crate::market::event::Trade;
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use chrono::DateTime;
use std::fs::OpenOptions;
use std::time::Duration;
use uuid::Uuid;

const LIMITS: SpoolLimits = SpoolLimits { intake_events: 1 << 20, memory_bytes: 1 << 30, disk_bytes: 1 << 40 };

fn schema() -> SchemaRef {
    dataset::find("trades_history").unwrap().schema
}

fn trades(volumes: std::ops::Range<i64>) -> Vec<Trade> {
    let trade = |volume| Trade {
        symbol: ["AAPL", "MSFT", "SPY"][(volume % 3) as usize].into(),
        price: Some(volume as f64),
        size: None,
        change: None,
        day_volume: Some(volume),
        event_at: None,
        received_at: DateTime::from_timestamp_micros(1_000_000 + volume).unwrap(),
    };
    volumes.map(trade).collect()
}

fn open(directory: &Path) -> OpenSpool {
    OpenSpool::open(directory, schema()).unwrap()
}

fn start(directory: &Path, position: i64, limits: SpoolLimits) -> (Book<Trade>, Spool) {
    let book = Book::new(16);
    let spool = open(directory).start(&book, position, limits).unwrap();
    (book, spool)
}

/// Number and volume of every event in the tail.
fn held(tail: &Tail) -> Vec<(i64, i64)> {
    let mut events = Vec::new();
    for block in tail.blocks() {
        let rows = block.rows_after(0, tail.schema()).unwrap();
        assert_eq!(rows.num_rows(), block.count());
        let column = |name: &str| rows.column_by_name(name).unwrap().as_primitive::<Int64Type>().values().to_vec();
        events.extend(column("sequence").into_iter().zip(column("day_volume")));
    }
    events
}

fn numbered(range: std::ops::Range<i64>) -> Vec<(i64, i64)> {
    range.map(|number| (number, number)).collect()
}

fn files(directory: &Path) -> Vec<PathBuf> {
    segment::list(directory).unwrap()
}

#[track_caller]
fn wait_until(condition: impl Fn() -> bool) {
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(std::time::Instant::now() < until, "it did not come about");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn events_come_back_in_order_after_a_stop_and_numbers_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let (book, spool) = start(directory.path(), 0, LIMITS);
    book.publish_all(trades(1..501));
    book.publish_all(trades(501..1001));
    spool.stop();
    assert_eq!(held(spool.tail()), numbered(1..1001));
    let application = spool.tail().application().to_owned();
    drop(spool);
    let (book, spool) = start(directory.path(), 0, LIMITS);
    assert_eq!(spool.tail().application(), application);
    book.publish_all(trades(1001..1011));
    spool.stop();
    assert_eq!(held(spool.tail()), numbered(1..1011));
    assert_eq!((spool.status().written(), spool.status().missed()), (10, 0));
}

#[test]
fn every_value_of_a_quote_comes_back() {
    use crate::market::event::Quote;
    let directory = tempfile::tempdir().unwrap();
    let schema = dataset::find("quotes_history").unwrap().schema;
    let book = Book::new(16);
    let spool = OpenSpool::open(directory.path(), schema.clone()).unwrap().start(&book, 0, LIMITS).unwrap();
    book.publish(Quote {
        symbol: ".SPY260116C500".into(),
        bid: Some(1.25),
        bid_size: None,
        ask: None,
        ask_size: Some(7),
        event_at: DateTime::from_timestamp_micros(5),
        received_at: DateTime::from_timestamp_micros(6).unwrap(),
    });
    spool.stop();
    drop(spool);
    let spool = OpenSpool::open(directory.path(), schema.clone()).unwrap();
    let rows = spool.blocks[0].rows_after(0, &schema).unwrap();
    let text = arrow::util::pretty::pretty_format_batches(&[rows]).unwrap().to_string();
    let line = text.lines().nth(3).unwrap().split('|').map(str::trim).filter(|cell| !cell.is_empty());
    let expected = [".SPY260116C500", "1.25", "7", "1970-01-01T00:00:00.000005Z", "1970-01-01T00:00:00.000006Z", "1"];
    assert_eq!(line.take(6).collect::<Vec<_>>(), expected);
}

/// Whatever byte the last batch is cut at, the batches before it stay, and the file can be read for ever after.
#[test]
fn a_torn_tail_is_cut_and_nothing_else_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let (book, spool) = start(directory.path(), 0, LIMITS);
    book.publish_all(trades(1..11));
    wait_until(|| spool.tail().events() == 10);
    let whole = std::fs::metadata(&files(directory.path())[0]).unwrap().len();
    book.publish_all(trades(11..21));
    spool.stop();
    drop(spool);
    let path = files(directory.path())[0].clone();
    let bytes = std::fs::read(&path).unwrap();
    for cut in [whole + 1, whole + 5, whole + 11, whole + 12, whole + 13, bytes.len() as u64 - 1] {
        std::fs::write(&path, &bytes[..cut as usize]).unwrap();
        let spool = open(directory.path());
        assert_eq!(spool.blocks.iter().map(Block::last).collect::<Vec<_>>(), [10], "cut at {cut}");
        drop(spool);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), whole);
    }
    // The length is there and the bytes are not: what a power failure leaves.
    let mut zeroed = bytes.clone();
    zeroed[whole as usize + 40..].fill(0);
    std::fs::write(&path, &zeroed).unwrap();
    let (book, spool) = start(directory.path(), 0, LIMITS);
    book.publish_all(trades(11..13));
    spool.stop();
    // The numbers of the ten that are gone are not given again.
    let behind = [(21, 11), (22, 12)];
    assert_eq!((held(spool.tail()), spool.status().missed()), ([numbered(1..11), behind.to_vec()].concat(), 10));
}

#[test]
fn a_file_of_any_bytes_is_survived() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let path = directory.path().join(format!("{:020}.spool", 1));
    for bytes in
        [&b""[..], b"T", b"TTS1", b"TTS1\xff\xff\xff\xff\0\0\0\0", b"TTS1\0\0\0\0\0\0\0", b"not a spool at all....."]
    {
        std::fs::write(&path, bytes).unwrap();
        assert!(open(directory.path()).blocks.is_empty());
        assert!(files(directory.path()).is_empty(), "{bytes:?}");
    }
}

/// Three batches of ten events in one file; where each ends.
fn three_batches(directory: &Path) -> (PathBuf, Vec<u64>) {
    let (book, spool) = start(directory, 0, LIMITS);
    let mut ends = Vec::new();
    for frame in 0..3 {
        book.publish_all(trades(frame * 10 + 1..frame * 10 + 11));
        wait_until(|| spool.tail().events() as i64 == (frame + 1) * 10);
        ends.push(std::fs::metadata(&files(directory)[0]).unwrap().len());
    }
    drop(spool);
    (files(directory)[0].clone(), ends)
}

fn damage(path: &Path, place: u64) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(place)).unwrap();
    std::io::Write::write_all(&mut file, b"damage").unwrap();
}

#[test]
fn damage_in_the_middle_costs_its_own_events_and_they_are_counted() {
    let directory = tempfile::tempdir().unwrap();
    let (path, ends) = three_batches(directory.path());
    damage(&path, ends[0] + 100);
    let (book, spool) = start(directory.path(), 0, LIMITS);
    assert_eq!(held(spool.tail()), [numbered(1..11), numbered(21..31)].concat());
    assert_eq!(spool.status().missed(), 10);
    spool.committed(30);
    wait_until(|| files(directory.path()).is_empty());
    assert_eq!(std::fs::metadata(path.with_extension("damaged")).unwrap().len(), ends[2]);
    book.publish_all(trades(31..32));
    spool.stop();
    assert_eq!(held(spool.tail()), numbered(31..32));
}

/// What the lake has already is not missed.
#[test]
fn damage_to_what_the_lake_has_is_no_loss() {
    for (position, missed) in [(0, 10), (13, 7), (20, 0), (30, 0)] {
        let directory = tempfile::tempdir().unwrap();
        let (path, ends) = three_batches(directory.path());
        damage(&path, ends[0] + 100);
        let (_book, spool) = start(directory.path(), position, LIMITS);
        assert_eq!(spool.status().missed(), missed, "the lake is at {position}");
    }
}

#[test]
fn damage_at_the_end_of_a_spool_that_stopped_is_counted_too() {
    let directory = tempfile::tempdir().unwrap();
    let (path, ends) = three_batches(directory.path());
    damage(&path, ends[1] + 100);
    let (book, spool) = start(directory.path(), 0, LIMITS);
    assert_eq!((held(spool.tail()), spool.status().missed()), (numbered(1..21), 10));
    book.publish_all(trades(31..32));
    spool.stop();
    assert_eq!(held(spool.tail()), [numbered(1..21), numbered(31..32)].concat());
}

/// A file that is wholly unreadable is missed up to the next one's first number.
#[test]
fn a_file_that_is_damaged_as_a_whole_is_counted_by_its_neighbour() {
    let directory = tempfile::tempdir().unwrap();
    let (path, _) = three_batches(directory.path());
    let (book, spool) = start(directory.path(), 0, LIMITS);
    book.publish_all(trades(31..41));
    drop(spool);
    assert_eq!(files(directory.path()).len(), 2);
    for damaged in [&b"not a spool"[..], b""] {
        std::fs::write(&path, damaged).unwrap();
        let (_book, spool) = start(directory.path(), 0, LIMITS);
        assert_eq!((held(spool.tail()), spool.status().missed()), (numbered(31..41), 30), "{damaged:?}");
        assert!(path.with_extension("damaged").exists());
    }
}

/// Without its note a spool goes on behind all that is known otherwise: its files, and what the lake has.
#[test]
fn no_number_is_given_twice_where_the_note_is_unreadable() {
    for position in [0, 1 << 40] {
        let directory = tempfile::tempdir().unwrap();
        let (path, _) = three_batches(directory.path());
        std::fs::write(directory.path().join("numbers"), b"exacdly 30").unwrap();
        std::fs::write(&path, b"").unwrap();
        std::fs::rename(&path, directory.path().join(format!("{:020}.spool", 5_000_000))).unwrap();
        let (book, spool) = start(directory.path(), position, LIMITS);
        book.publish_all(trades(1..2));
        spool.stop();
        assert!(spool.tail().blocks()[0].first() > position.max(5_000_000) + 1000);
    }
}

/// Who a spool is stands on several lines: a damaged one is mended, and what is left without a majority is refused.
#[test]
fn a_spool_knows_itself_by_most_of_its_lines() {
    let directory = tempfile::tempdir().unwrap();
    let application = open(directory.path()).application().to_owned();
    let path = directory.path().join("id");
    let whole = std::fs::read_to_string(&path).unwrap();
    let (line, other) = (whole.lines().next().unwrap(), Uuid::new_v4());
    for damaged in [whole.replacen('-', "_", 1), format!("{line}\n{other}\n{line}\n"), format!("{line}\n")] {
        std::fs::write(&path, damaged).unwrap();
        assert_eq!(open(directory.path()).application(), application);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), whole);
    }
    for damaged in [String::new(), format!("{line}\n{other}\n"), "_\n".to_owned(), format!("{line}\n{other}\n_\n")] {
        std::fs::write(&path, damaged).unwrap();
        assert!(OpenSpool::open(directory.path(), schema()).unwrap_err().to_string().contains("id"));
    }
}

/// A process that was killed leaves no note of its last number: the next one's are beyond all that it may have given.
#[test]
fn no_number_is_given_twice_after_a_crash() {
    let (directory, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let power = Arc::new(Power::new(directory.path()));
    let book = Book::new(16);
    let spool = OpenSpool::open_on(directory.path(), schema(), power.clone()).unwrap();
    let spool = spool.start(&book, 0, LIMITS).unwrap();
    book.publish_all(trades(1..11));
    wait_until(|| spool.tail().events() == 10);
    // Nothing of it is on the disk but the note.
    power.image(after.path());
    let (other_book, other) = start(after.path(), 0, LIMITS);
    assert_eq!((other.tail().events(), other.status().missed()), (0, 0));
    other_book.publish_all(trades(1..2));
    other.stop();
    assert!(other.tail().blocks()[0].first() > 10);
}

/// Events are on the disk within a second, with the names of their file and of the folders that were made for it.
#[test]
fn a_power_failure_costs_the_last_second() {
    let (place, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let power = Arc::new(Power::new(place.path()));
    let book = Book::new(16);
    let directory = place.path().join("spool/trades");
    let spool = OpenSpool::open_on(&directory, schema(), power.clone()).unwrap().start(&book, 0, LIMITS).unwrap();
    book.publish_all(trades(1..11));
    wait_until(|| power.has_synced(".spool", "folder spool/trades"));
    power.image(after.path());
    let other = open(&after.path().join("spool/trades"));
    assert_eq!(other.application(), spool.tail().application());
    assert_eq!(other.blocks.iter().map(Block::count).sum::<usize>(), 10);
}

/// What the disk did not take is told until the lake has it, whatever a later sync says.
#[test]
fn a_sync_that_fails_is_told_until_the_lake_has_the_events() {
    let directory = tempfile::tempdir().unwrap();
    let power = Arc::new(Power::new(directory.path()));
    let book = Book::new(16);
    let spool = OpenSpool::open_on(directory.path(), schema(), power.clone()).unwrap();
    let spool = spool.start(&book, 0, LIMITS).unwrap();
    power.fail_at(".spool|");
    book.publish_all(trades(1..11));
    wait_until(|| spool.status().last_error().is_some());
    assert!(spool.status().last_error().unwrap().contains("cannot be forced to the disk"));
    power.fail_at("");
    book.publish_all(trades(11..21));
    wait_until(|| spool.tail().events() == 20);
    wait_until(|| power.has_synced(".spool", "folder "));
    assert!(spool.status().at_risk() && spool.status().last_error().is_some());
    spool.committed(10);
    wait_until(|| spool.status().last_error().is_none());
    assert!(!spool.status().at_risk());
    assert_eq!(held(spool.tail()), numbered(11..21));
}

#[test]
fn what_the_lake_has_leaves_the_tail_and_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let (book, spool) = start(directory.path(), 0, LIMITS);
    book.publish_all(trades(1..11));
    wait_until(|| spool.tail().events() == 10);
    let first = files(directory.path());
    spool.committed(10);
    assert_eq!(spool.tail().events(), 0);
    wait_until(|| !first[0].exists());
    book.publish_all(trades(11..14));
    wait_until(|| spool.tail().events() == 3);
    assert_eq!(held(spool.tail()), numbered(11..14));
    drop(spool);
    // The lake is further than the disk tells: numbers go on behind the lake's.
    let (book, spool) = start(directory.path(), 20, LIMITS);
    book.publish_all(trades(21..22));
    spool.stop();
    assert_eq!(held(spool.tail()), numbered(21..22));
}

#[test]
fn a_reader_keeps_its_blocks_when_their_file_goes() {
    let directory = tempfile::tempdir().unwrap();
    let (book, spool) = start(directory.path(), 0, SpoolLimits { memory_bytes: 0, ..LIMITS });
    book.publish_all(trades(1..11));
    wait_until(|| spool.tail().events() == 10);
    let blocks = spool.tail().blocks();
    spool.committed(10);
    wait_until(|| files(directory.path()).is_empty());
    assert_eq!(blocks[0].rows_after(4, &schema()).unwrap().num_rows(), 6);
}

#[test]
fn a_loss_is_counted_and_leaves_a_gap() {
    let intake = Intake::new(4);
    let offer = |volumes| intake.offer(trades(volumes).into_iter().map(Arc::new));
    offer(1..4);
    offer(4..7);
    offer(7..8);
    let taken = intake.take(usize::MAX, Duration::ZERO);
    assert_eq!((taken.events.len(), taken.lost, taken.closed), (4, 3, false));
    offer(8..9);
    assert_eq!(intake.take(1, Duration::from_secs(10)).events.len(), 1);

    let directory = tempfile::tempdir().unwrap();
    let (book, spool) = start(directory.path(), 0, SpoolLimits { intake_events: 5, ..LIMITS });
    book.publish_all(trades(1..9));
    wait_until(|| spool.status().missed() == 3);
    book.publish_all(trades(9..10));
    spool.stop();
    assert_eq!(held(spool.tail()), [numbered(1..6), numbered(9..10)].concat());
}

#[test]
fn a_full_disk_loses_events_until_the_lake_takes_some() {
    let directory = tempfile::tempdir().unwrap();
    let (book, spool) = start(directory.path(), 0, SpoolLimits { disk_bytes: 1, ..LIMITS });
    book.publish_all(trades(1..2));
    wait_until(|| spool.tail().events() == 1);
    book.publish_all(trades(2..3));
    wait_until(|| spool.status().missed() == 1);
    assert!(spool.status().last_error().is_some());
    spool.committed(1);
    wait_until(|| spool.status().disk_bytes() == 0);
    book.publish_all(trades(3..4));
    wait_until(|| spool.tail().events() == 1);
    assert_eq!(held(spool.tail()), numbered(3..4));
    wait_until(|| spool.status().last_error().is_none());
}

#[test]
fn a_spool_belongs_to_one_process() {
    let directory = tempfile::tempdir().unwrap();
    let (_book, spool) = start(directory.path(), 0, LIMITS);
    let refused = OpenSpool::open(directory.path(), schema());
    assert!(matches!(refused, Err(SpoolError::Busy { .. })));
    drop(spool);
    open(directory.path());
}

#[test]
fn a_spool_without_its_identity_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (book, spool) = start(directory.path(), 0, LIMITS);
    book.publish_all(trades(1..2));
    drop(spool);
    std::fs::remove_file(directory.path().join("id")).unwrap();
    let refused = OpenSpool::open(directory.path(), schema());
    assert!(refused.unwrap_err().to_string().contains("id"));
}

/// A link to a device that is always full stands where the next file is to be.
#[cfg(target_os = "linux")]
fn fill(directory: &Path, first: i64) -> PathBuf {
    let path = directory.join(format!("{first:020}.spool"));
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    path
}

/// A full disk: events are held and told of, what the lake has meanwhile goes and makes room, and nothing is missing once
/// there is some.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_holds_events_until_there_is_room() {
    let directory = tempfile::tempdir().unwrap();
    let (book, spool) = start(directory.path(), 0, LIMITS);
    book.publish_all(trades(1..11));
    wait_until(|| spool.tail().events() == 10);
    let full = fill(directory.path(), 11);
    // The lake has a part of the first file: the next events go into another.
    spool.committed(5);
    wait_until(|| {
        book.publish_all(trades(11..12));
        spool.status().last_error().is_some()
    });
    let error = spool.status().last_error().unwrap();
    assert!(error.contains("No space left on device") && error.contains("11.spool"), "{error}");
    let first = directory.path().join(format!("{:020}.spool", 1));
    assert!(first.exists());
    spool.committed(10);
    wait_until(|| !first.exists());
    std::fs::remove_file(full).unwrap();
    wait_until(|| spool.status().last_error().is_none() && spool.tail().events() > 0);
    spool.stop();
    let numbers: Vec<i64> = held(spool.tail()).into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, (11..11 + numbers.len() as i64).collect::<Vec<_>>());
    assert_eq!(spool.status().missed(), 0);
}

/// What a full disk's spool cannot hold in memory either is counted, and leaves a gap.
#[cfg(target_os = "linux")]
#[test]
fn events_beyond_what_waits_for_a_full_disk_are_counted() {
    let directory = tempfile::tempdir().unwrap();
    let (book, open) = (Book::new(16), open(directory.path()));
    let full = fill(directory.path(), 1);
    let spool = open.start(&book, 0, SpoolLimits { intake_events: 100, ..LIMITS }).unwrap();
    book.publish_all(trades(1..11));
    wait_until(|| spool.status().last_error().is_some());
    book.publish_all(trades(11..211));
    std::fs::remove_file(full).unwrap();
    wait_until(|| spool.tail().events() == 110 && spool.status().missed() == 100);
    spool.stop();
    assert_eq!(held(spool.tail()), numbered(1..111));
}

/// Events that come before the spool is open wait for it.
#[test]
fn a_book_may_be_recorded_before_its_spool_is_open() {
    let directory = tempfile::tempdir().unwrap();
    let book = Book::new(16);
    book.record(100);
    book.publish_all(trades(1..121));
    let spool = open(directory.path()).start(&book, 0, LIMITS).unwrap();
    wait_until(|| spool.status().missed() == 20);
    spool.stop();
    assert_eq!(held(spool.tail()), numbered(1..101));
}
