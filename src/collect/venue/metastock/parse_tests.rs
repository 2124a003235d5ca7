//! What becomes of text files, good and bad.

#![allow(clippy::unwrap_used)]

use super::*;

fn read(text: &str) -> Result<Parsed, LineError> {
    parse(text.as_bytes(), "stem", &Options::default())
}

#[track_caller]
fn refused(text: &str, line: Option<u64>, reason: &str) {
    let error = read(text).unwrap_err();
    assert_eq!((error.line, error.reason.as_str()), (line, reason));
}

/// The rows that are rejected, with their reasons.
fn bad(parsed: &Parsed) -> Vec<(Option<u64>, &str)> {
    parsed.bad.listed.iter().map(|row| (row.line, row.reason.as_str())).collect()
}

const HEADER: &str = "<TICKER>,<PER>,<DTYYYYMMDD>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\r\n";

#[test]
fn a_row_is_a_day() {
    let parsed =
        read(&format!("\u{feff}{HEADER}acme,D,20260105,000000,101.25,103.5,101,103,1750000,7\r\n\x1a")).unwrap();
    assert_eq!(parsed.series.len(), 1);
    assert_eq!(parsed.series[0].symbol, "ACME");
    assert_eq!(
        parsed.series[0].days,
        [Day {
            day: 20_458,
            second: 0,
            open: Some(101.25),
            high: Some(103.5),
            low: Some(101.0),
            close: Some(103.0),
            volume: Some(1_750_000),
            open_interest: Some(7),
        }]
    );
    assert!(parsed.warnings.is_empty());
}

#[test]
fn a_missing_open_is_no_price() {
    let parsed = read("A,19700102,0,2,1,1.5,10\nA,19700105,,2,1,1.5,\nA,19700106,1,2,1,1.5,0").unwrap();
    let days = &parsed.series[0].days;
    assert_eq!(days.iter().map(|day| day.open).collect::<Vec<_>>(), [None, None, Some(1.0)]);
    assert_eq!(days.iter().map(|day| day.volume).collect::<Vec<_>>(), [Some(10), None, Some(0)]);
    assert_eq!(parsed.warnings, ["rows with a missing price (empty or 0): 2, first in line 1"]);
}

#[test]
fn rows_are_sorted_and_deduplicated() {
    let parsed = read(
        "B,20260106,1,2,1,1,5\nB,20260105,1,2,1,1,5\nA,20260105,1,2,1,1,5\nB,20260106,1,2,1,1,5\nB,20260105,1,2,1,2,5\n",
    )
    .unwrap();
    let symbols: Vec<_> = parsed.series.iter().map(|series| (series.symbol.as_str(), series.days.len())).collect();
    assert_eq!(symbols, [("A", 1), ("B", 2)]);
    assert_eq!((parsed.duplicates, parsed.conflicts), (1, 1));
    assert_eq!(parsed.series[1].days[0].close, Some(2.0));
    assert_eq!(parsed.warnings, ["B: contradicting rows, of which the last counts: 1, first on 2026-01-05"]);
}

#[test]
fn only_daily_rows_count() {
    let day = "A,D,20260105,000000,1,2,1,1,5,0\n";
    let minute = "A,I,20260105,093100,1,2,1,1,5,0\n";
    let parsed = read(&format!("{HEADER}{day}{minute}{minute}A,60,20260105,100000,1,2,1,1,5,0\n")).unwrap();
    assert_eq!((parsed.rows(), parsed.skipped, parsed.bad.count), (1, 3, 3));
    refused(&format!("{HEADER}{minute}"), None, "rows of period I, not imported since only daily ones are: 1");
    refused(
        "A,20260105,09:31,1,2,1,1,5\nA,20260105,09:32,1,2,1,1,5",
        None,
        "A has rows at several times on 2026-01-05: intraday bars are not imported",
    );
    refused(
        "<DATE>,<TIME>,<CLOSE>\n20260105,0931,1\n20260105,0932,1",
        None,
        "STEM has rows at several times on 2026-01-05: intraday bars are not imported",
    );
}

#[test]
fn a_bad_row_costs_itself_and_names_itself() {
    let good = "A,D,20260105,000000,1,2,1,1,5,0\n";
    for (line, reason) in [
        ("A,D,20260106,000000,1,2,1,1,5\n", "9 columns instead of 10"),
        ("A,D,20260106,000000,1,2,1,1,5,0,9\n", "11 columns instead of 10"),
        ("A,D,20260230,000000,1,2,1,1,5,0\n", "\"20260230\" is no date"),
        ("A,D,20260106,000000,1,2,1,nan,5,0\n", "\"nan\" is no close"),
        ("A,D,20260106,000000,1,2,1,null,5,0\n", "\"null\" is no close"),
        ("A,D,20260106,000000,1,2,1,N/A,5,0\n", "\"N/A\" is no close"),
        ("A,D,20260106,000000,1,2,1,-,5,0\n", "\"-\" is no close"),
        ("A,D,20260106,000000,1,2,1,,5,0\n", "\"\" is no close"),
        ("A,D,20260106,000000,0,0,0,0,0,0\n", "the close is 0"),
        ("A,D,20260106,000000,1,2,1,-1,5,0\n", "the close -1 is below 0"),
        ("A,D,20260106,000000,-1,2,1,1,5,0\n", "the open -1 is below 0"),
        ("A,D,0,000000,1,2,1,1,5,0\n", "\"0\" is no date"),
        ("A,D,00000000,000000,1,2,1,1,5,0\n", "\"00000000\" is no date"),
        ("A,D,20990105,000000,1,2,1,1,5,0\n", "2099-01-05 is in the future"),
        ("the end\n", "1 columns instead of 10"),
        ("A,D,202601\n", "3 columns instead of 10"),
        ("A,D,20260106,000000,1,2,3,1,5,0\n", "the high 2 is below the low 3"),
        ("A,Z,20260106,000000,1,2,1,1,5,0\n", "\"Z\" is no period"),
        ("é,D,20260106,000000,1,2,1,1,5,0\n", "\"\\xc3\\xa9\" is no ticker"),
        (",D,20260106,000000,1,2,1,1,5,0\n", "\"\" is no ticker"),
    ] {
        let options = Options { latest_day: 21_000, ..Options::default() };
        let text = format!("{HEADER}{line}{good}{line}{good}");
        let parsed = parse(text.as_bytes(), "stem", &options).unwrap();
        assert_eq!(bad(&parsed), [(Some(2), reason), (Some(4), reason)], "{line}");
        assert_eq!((parsed.rows(), parsed.bad.count), (1, 2));
        let refused = parse(format!("{HEADER}{line}{line}").as_bytes(), "stem", &options).unwrap_err();
        assert_eq!(refused.line, Some(2), "nothing but bad rows: {}", refused.reason);
    }
    let parsed = read(&format!("{HEADER}{good}b,D,20260105,000000,1,2,3,1,5,0\n")).unwrap();
    assert_eq!(parsed.bad.listed[0].symbol.as_deref(), Some("B"));
    assert_eq!(parsed.bad.listed[0].text, "b,D,20260105,000000,1,2,3,1,5,0");
}

#[test]
fn a_value_that_does_not_read_is_null_where_the_bar_stands_without_it() {
    let parsed = read(
        "A,20260105,x2,2,1,1,5\nA,20260106,1,2,1,1,-5\nA,20260107,1,2,1,1,1e300\nA,20260108,N/A,2,1,1,n/a\n\
        A,20260109,$1,\"1,234.5\",1,1,\"1,234\"\n",
    )
    .unwrap();
    let days: Vec<_> = parsed.series[0].days.iter().map(|day| (day.open, day.high, day.volume)).collect();
    assert_eq!(
        days,
        [
            (None, Some(2.0), Some(5)),
            (Some(1.0), Some(2.0), None),
            (Some(1.0), Some(2.0), None),
            (None, Some(2.0), None),
            (Some(1.0), Some(1234.5), Some(1234)),
        ]
    );
    assert_eq!(parsed.bad.count, 0);
    let lacking = parsed.doubts.iter().find(|(doubt, _)| doubt.kind == crate::lake::quality::DoubtKind::MissingValue);
    assert_eq!(lacking.map(|(_, count)| *count), Some(4));
}

#[test]
fn dialects_of_programs_and_vendors() {
    let expected = [("2026-01-05", Some(10.0), 10.5, Some(700)), ("2026-01-06", Some(10.5), 11.0, Some(800))];
    for text in [
        // Stooq, English and Polish; Yahoo and Nasdaq; Investing; Python; AmiBroker; Alpha Vantage; Barchart.
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n\
            STEM,D,20260105,000000,10,11,9,10.5,700,0\nSTEM,D,20260106,000000,10.5,11,9,11,800,0\n",
        "Data,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie,Wolumen\r\n2026-01-05,10,11,9,10.5,700\r\n2026-01-06,10.5,11,9,11,800",
        "Data;Otwarcie;Najwyższy;Najniższy;Zamknięcie;Wolumen\n2026-01-05;10;11;9;10,5;700\n2026-01-06;10,5;11;9;11;800",
        "Date,Open,High,Low,Close,Adj Close,Volume\n2026-01-05,10,11,9,10.5,5.5,700\n2026-01-06,10.5,11,9,11,5,800",
        "Date\tOpen\tHigh\tLow\tClose *\tAdj Close **\tVolume\nJan 6, 2026\t10.5\t11\t9\t11\t5\t800\nJan 5, 2026\t10\t11\t9\t10.5\t5.5\t700",
        "Date,Close/Last,Volume,Open,High,Low\n01/06/2026,$11,800,$10.5,$11,$9\n01/05/2026,$10.5,700,$10,$11,$9\n\
            01/13/2026,N/A,0,$1,$1,$1",
        "\"Date\",\"Price\",\"Open\",\"High\",\"Low\",\"Vol.\",\"Change %\"\n\"Jan 06, 2026\",\"11\",\"10.5\",\"11\",\"9\",\"0.8K\",\"1%\"\n\
            \"Jan 05, 2026\",\"10.5\",\"10\",\"11\",\"9\",\"0.70K\",\"1%\"\n",
        "Price,Close,High,Low,Open,Volume\nTicker,STEM,STEM,STEM,STEM,STEM\nDate,,,,,\n2026-01-05,10.5,11,9,10,700\n2026-01-06,11,11,9,10.5,800\n",
        "# made by hand\n$FORMAT Ticker, Date_DMY, Open, High, Low, Close, Volume\n$SEPARATOR ,\n\
            STEM,5-1-2026,10,11,9,10.5,700\nSTEM,6-1-2026,10.5,11,9,11,800\n",
        "timestamp,open,high,low,close,volume\n2026-01-06,10.5,11,9,11,800\n2026-01-05,10,11,9,10.5,700\n",
        "Symbol,Time,Open,High,Low,Last,Volume\nstem,2026-01-06,10.5,11,9,11,800\nstem,2026-01-05,10,11,9,10.5,700\n\
            \"Downloaded from Barchart.com\"\n",
        // Title lines, times of day, signs, line ends, paddings.
        "Daily bars of STEM\nSource: by hand, 2026\n\nDate,Open,High,Low,Close,Volume\n2026-01-05,10,11,9,10.5,700\n2026-01-06,10.5,11,9,11,800",
        "[DATE];[OPEN];[HIGH];[LOW];[CLOSE];[VOL]\n5 Jan 2026;10;11;9;10.5;700\n6 Jan 2026;10.5;11;9;11;800",
        "Date,Open,High,Low,Close,Volume\n2026-01-05T00:00:00,10,11,9,10.5,700\n2026-01-06T00:00:00,10.5,11,9,11,800",
        "Date,Open,High,Low,Close,Volume\n2026-01-05 00:00:00-05:00,10,11,9,10.5,700\n2026-01-06 00:00:00-05:00,10.5,11,9,11,800",
        "<TICKER>,<PER>,<DATE>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\nSTEM,1440,20260105,10,11,9,10.5,700\nSTEM,1440,20260106,10.5,11,9,11,800",
        "20260105,10,11,9,10.5,700\r20260106,10.5,11,9,11,800\r",
        "20260105,10,11,9,10.5,700\n20260106,10.5,11,9,11,800\n\x1a\0\0\0\0",
        "20260105,10,11,9,10.5,700\n\0\0\0\0\n20260106,10.5,11,9,11,800\n",
    ] {
        let parsed = read(text).unwrap_or_else(|error| panic!("{error:?}: {text}"));
        let days: Vec<_> = parsed.series[0]
            .days
            .iter()
            .map(|day| (date::text(day.day), day.open, day.close.unwrap(), day.volume))
            .collect();
        let days: Vec<_> =
            days.iter().map(|(day, open, close, volume)| (day.as_str(), *open, *close, *volume)).collect();
        assert_eq!(
            (parsed.series.len(), parsed.series[0].symbol.as_str(), days.as_slice()),
            (1, "STEM", expected.as_slice()),
            "{text}"
        );
    }
}

#[test]
fn intraday_bars_are_told_by_themselves() {
    let quarters = ["0930", "0945", "1000", "1545"];
    let (several, times) = ("has several rows on most days", "has rows at several times on 2026-01-05");
    for (header, row, reason) in [
        ("Date,HHMMSS,Close", "2026-01-05,{}00,1{}", times),
        ("Date,Timestamp,Close", "2026-01-05,{},1{}", times),
        ("Date,Time (EST),Close", "2026-01-05,{},1{}", times),
        ("Date,Clock,Close", "2026-01-05,{},1{}", several),
        ("Date,Bar,Close", "2026-01-05,x,1{}", several),
        ("Date,INTERVAL,Close", "2026-01-05,15,1{}", "rows of period I"),
        ("Datetime,Close", "2026-01-05 {},1{}", times),
    ] {
        let rows: Vec<String> = quarters.iter().map(|time| row.replace("{}", time)).collect();
        let text = format!("{header}\n{}\n", rows.join("\n"));
        let error = read(&text).unwrap_err();
        assert!(error.reason.contains(reason), "{header}: {}", error.reason);
    }
    // Of several symbols only the one is refused whose rows are no days.
    let mut text = "Ticker,Date,Close\nA,20260105,1\nA,20260106,1\n".to_owned();
    (1..5).for_each(|bar| text.push_str(&format!("B,20260105,{bar}\n")));
    (0..5).for_each(|week| text.push_str(&format!("C,202601{:02},1\n", 1 + 7 * week)));
    let parsed = read(&text).unwrap();
    assert_eq!((parsed.series.len(), parsed.rows(), parsed.bad.count), (1, 2, 9));
    let reasons = bad(&parsed);
    assert!(reasons[0].1.contains("B has several rows") && reasons[1].1.contains("weekly"), "{reasons:?}");
}

#[test]
fn a_named_symbol_counts_for_files_of_one() {
    let options = Options { symbol: Some("acme".to_owned()), ..Options::default() };
    let named = |text: &str| parse(text.as_bytes(), "two words and more letters than any symbol has", &options);
    assert_eq!(named("20260105,1,2,1,1,5\n").unwrap().series[0].symbol, "ACME");
    assert_eq!(named("X,20260105,1,2,1,1,5\n").unwrap().series[0].symbol, "ACME");
    let error = named("X,20260105,1,2,1,1,5\nY,20260105,1,2,1,1,5\n").unwrap_err();
    assert_eq!(error.reason, "it has rows of X, Y, and --symbol names one");
}

#[test]
fn what_is_no_text_is_refused() {
    refused("\u{1}\u{2}", None, "not a text file: a control character at byte 0");
    assert!(parse(b"\xff\xfeA\0", "a", &Options::default()).unwrap_err().reason.contains("UTF-16"));
    refused("<DATE>,<CLOSE>\n20260105,0", Some(2), "the close is 0");
    let parsed = parse(b"20260105,1,1,1,1", "two words", &Options::default()).unwrap();
    assert_eq!(parsed.series[0].symbol, "TWO WORDS");
    let nameless = parse(b"20260105,1,1,1,1", "zażółć", &Options::default()).unwrap_err();
    assert!(nameless.reason.contains("zażółć") && nameless.reason.contains("--symbol"), "{nameless:?}");
}

#[test]
fn no_bytes_panic() {
    let seed = format!("{HEADER}A,D,20260105,000000,1,2,1,1,5,0\n\"A;B\",1/13/2026;2\t3 4.5e6,-7\n");
    let mut state = 7_u64;
    for _ in 0..3_000 {
        let mut bytes = seed.clone().into_bytes();
        for _ in 0..6 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (state >> 33) as usize % bytes.len();
            match state % 3 {
                0 => bytes[at] = (state >> 20) as u8,
                1 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, b",;\t \n\"/.-0<"[(state >> 40) as usize % 11]),
            }
        }
        let _ = parse(&bytes, "stem", &Options::default());
        let _ = first_symbol(&bytes);
    }
}

#[test]
fn the_first_symbol_is_found_in_a_cut_off_file() {
    assert_eq!(
        first_symbol(format!("{HEADER}ibm,D,20260105,000000,1,2,1,1,5,0\nibm,D,2026").as_bytes()).as_deref(),
        Some("IBM")
    );
    assert_eq!(first_symbol(b"20260105,1,2,1,1,5\n"), None);
    assert_eq!(first_symbol(b""), None);
}

#[test]
fn text_of_any_kind_is_read_or_refused() {
    let mut noise = crate::collect::venue::noise::Noise(0x5eed);
    let seeds = [
        format!("{HEADER}ACME,D,20260105,000000,1,2,1,2,5,0\r\nACME,D,20260106,000000,1,2,1,2,5,0\r\n"),
        "20260105,1,2,1,2,5\n20260106,1,2,1,2,5\n".to_owned(),
        "ACME;05.01.2026;1,5;2,5;1,25;2;500\n".to_owned(),
    ];
    for _ in 0..5_000 {
        let seed = &seeds[noise.below(seeds.len())];
        let text = noise.mutated(seed.as_bytes());
        let _ = first_symbol(&text);
        if let Ok(parsed) = parse(&text, "stem", &Options::default()) {
            assert!(parsed.rows() <= text.len());
        }
    }
}
