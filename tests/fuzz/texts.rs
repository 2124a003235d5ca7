//! Text files as programs and vendors write them: the seeds of what reads text files.

const HEADER: &str = "<TICKER>,<PER>,<DTYYYYMMDD>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\r\n";

/// Bytes of a recorded file that make a seed.
const HEAD_BYTES: usize = 1_500;

/// What is recorded, by name.
const RECORDED: [(&str, &str); 5] = [
    ("recorded_aapl", include_str!("../data/metastock/AAPL.txt")),
    ("recorded_fb", include_str!("../data/metastock/FB.txt")),
    ("recorded_goog", include_str!("../data/metastock/GOOG.txt")),
    ("recorded_ibm", include_str!("../data/metastock/IBM.txt")),
    ("recorded_msft", include_str!("../data/metastock/MSFT.txt")),
];

/// Whole files of other dialects. Each has a row that is imported.
const DIALECTS: [(&str, &str); 26] = [
    (
        "stooq",
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\nA.US,D,20260105,000000,10,11,9,10.5,700,0\nA.US,D,20260106,000000,10.5,11,9,11,800,0\n",
    ),
    (
        "stooq_polish",
        "Data,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie,Wolumen\r\n2026-01-05,10,11,9,10.5,700\r\n2026-01-06,10.5,11,9,11,800",
    ),
    (
        "polish_semicolons",
        "Data;Otwarcie;Najwyższy;Najniższy;Zamknięcie;Wolumen\n2026-01-05;10;11;9;10,5;700\n2026-01-06;10,5;11;9;11;800",
    ),
    (
        "yahoo",
        "Date,Open,High,Low,Close,Adj Close,Volume\n2026-01-05,10,11,9,10.5,5.5,700\n2026-01-06,10.5,11,9,11,5,800",
    ),
    (
        "yahoo_page",
        "Date\tOpen\tHigh\tLow\tClose *\tAdj Close **\tVolume\nJan 6, 2026\t10.5\t11\t9\t11\t5\t800\nJan 5, 2026\t10\t11\t9\t10.5\t5.5\t700",
    ),
    (
        "nasdaq",
        "Date,Close/Last,Volume,Open,High,Low\n01/06/2026,$11,800,$10.5,$11,$9\n01/13/2026,$10.5,700,$10,$11,$9\n01/15/2026,N/A,0,$1,$1,$1",
    ),
    (
        "investing",
        "\"Date\",\"Price\",\"Open\",\"High\",\"Low\",\"Vol.\",\"Change %\"\n\"Jan 06, 2026\",\"11\",\"10.5\",\"11\",\"9\",\"0.8K\",\"1%\"\n\"Jan 05, 2026\",\"1,010.5\",\"1,010\",\"1,011\",\"9\",\"82.49M\",\"1%\"\n",
    ),
    (
        "python",
        "Price,Close,High,Low,Open,Volume\nTicker,ACME,ACME,ACME,ACME,ACME\nDate,,,,,\n2026-01-05,10.5,11,9,10,700\n2026-01-06,11,11,9,10.5,800\n",
    ),
    (
        "amibroker",
        "# made by hand\n$FORMAT Ticker, Date_DMY, Open, High, Low, Close, Volume\n$SEPARATOR ,\nACME,5-1-2026,10,11,9,10.5,700\nACME,6-1-2026,10.5,11,9,11,800\n",
    ),
    (
        "alpha_vantage",
        "timestamp,open,high,low,close,volume\n2026-01-06,10.5,11,9,11,800\n2026-01-05,10,11,9,10.5,700\n",
    ),
    (
        "barchart",
        "Symbol,Time,Open,High,Low,Last,Volume\nacme,2026-01-06,10.5,11,9,11,800\nacme,2026-01-05,10,11,9,10.5,700\n\"Downloaded from Barchart.com\"\n",
    ),
    (
        "titles",
        "Daily bars of ACME\nSource: by hand, 2026\n\nDate,Open,High,Low,Close,Volume\n2026-01-05,10,11,9,10.5,700\n2026-01-06,10.5,11,9,11,800",
    ),
    ("brackets", "[DATE];[OPEN];[HIGH];[LOW];[CLOSE];[VOL]\n5 Jan 2026;10;11;9;10.5;700\n6 Jan 2026;10.5;11;9;11;800"),
    (
        "moments",
        "Date,Open,High,Low,Close,Volume\n2026-01-05T00:00:00,10,11,9,10.5,700\n2026-01-06 00:00:00-05:00,10.5,11,9,11,800",
    ),
    (
        "minutes_of_a_day",
        "<TICKER>,<PER>,<DATE>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\nACME,1440,20260105,10,11,9,10.5,700\nACME,15,20260106,10.5,11,9,11,800",
    ),
    ("carriage_returns", "20260105,10,11,9,10.5,700\r20260106,10.5,11,9,11,800\r"),
    ("padded", "20260105,10,11,9,10.5,700\n\0\0\0\0\n20260106,10.5,11,9,11,800\n\x1a\0\0\0"),
    ("marked", "\u{feff}ACME,D,20260105,000000,101.25,103.5,101,103,1750000,7\r\n\x1a"),
    ("two_digit_years", "260105 101.25 103.5 101 103\n1260106 101 103 100 102\n"),
    ("day_first", "ACME;13.01.2026;1,5;2,5;1,25;2;500\nACME;05.02.2026;1,5;2,5;1,25;2;500\n"),
    ("month_first", "A,01/13/2026,101.25,103.5,101,103,1750000\nA,1/5/26,1e2,1.02E+02,99,100,1\n"),
    (
        "names",
        "Acme Corp,ACME,D,20260105,000000,101.25,103.5,101,103,1750000,0\nAcme Corp,ACME,W,20260106,000000,1,1,1,1,1,0\n",
    ),
    (
        "several",
        "B,20260106,1,2,1,1,5\nB,20260105,1,2,1,1,5\nA,20260105,1,2,1,1,5\nB,20260106,1,2,1,1,5\nB,20260105,1,2,1,2,5\n",
    ),
    (
        "intraday_beside_days",
        "Ticker,Date,Close\nA,20260105,1\nA,20260106,1\nB,20260105,1\nB,20260105,2\nB,20260105,3\nB,20260105,4\n",
    ),
    (
        "odd_values",
        "A,20260105,x2,2,1,1,5\nA,20260106,1,2,1,1,-5\nA,20260107,1,2,1,1,1e300\nA,20260108,N/A,2,1,1,n/a\nA,20260109,$1,\"1,234.5\",1,1,\"1,234\"\n",
    ),
    ("split_dates", "<DATE>,<TIME>,<CLOSE>\n20260105,16:00,1\n20260106,4:00 PM,2\n"),
];

/// Lines that must not become rows, below a header: what is wrong with each is another thing.
const BAD_LINES: [&str; 12] = [
    "A,D,20260106,000000,1,2,1,1,5",
    "A,D,20260230,000000,1,2,1,1,5,0",
    "A,D,20260107,000000,1,2,1,nan,5,0",
    "A,D,20260108,000000,0,0,0,0,0,0",
    "A,D,20260109,000000,1,2,1,-1,5,0",
    "A,D,20260112,000000,-1,2,1,1,5,0",
    "A,D,20990105,000000,1,2,1,1,5,0",
    "the end",
    "A,D,20260113,000000,1,2,3,1,5,0",
    "A,Z,20260114,000000,1,2,1,1,5,0",
    ",D,20260115,000000,1,2,1,1,5,0",
    "A,D,20260116,000000,1,2,1,1e999,5,0",
];

/// Every seed by name.
pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    let head = |text: &str| text.bytes().take(HEAD_BYTES).collect::<Vec<u8>>();
    let recorded = RECORDED.iter().map(|(name, text)| ((*name).to_owned(), head(text)));
    let dialects = DIALECTS.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
    recorded.chain(dialects).chain([("bad_lines".to_owned(), bad_lines())]).collect()
}

fn bad_lines() -> Vec<u8> {
    format!("{HEADER}A,D,20260105,000000,1,2,1,1,5,0\r\n{}\r\n", BAD_LINES.join("\r\n")).into_bytes()
}
