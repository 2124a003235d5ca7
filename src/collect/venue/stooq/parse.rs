//! Stooq's CSV into bars, and what it answers instead of CSV.
//!
//!     Date,Open,High,Low,Close,Volume
//!     2026-06-09,201.35,204.5,200.12,203.92,54672609
//!
//! Prices are in the listing currency and adjusted by the vendor. Volume is in shares, and may have decimals.

use crate::collect::venue::number::whole_number;
use crate::collect::venue::outcome::Parsed;
use crate::collect::venue::problem::Problems;
use crate::market::bar::Bar;
use chrono::NaiveDate;

/// The route that is asked.
pub(super) const ENDPOINT: &str = "/q/d/l/";
const HEADER: &str = "Date,Open,High,Low,Close,Volume";
/// What is without volume has no column for it.
const HEADER_WITHOUT_VOLUME: &str = "Date,Open,High,Low,Close";
const NO_DATA: &str = "No data";
const LIMIT_REACHED: &str = "Exceeded the daily hits limit";
/// How much of a body that is none of these is repeated.
const BEGINNING_CHARS: usize = 40;

/// What an answer with a success status says.
#[derive(Debug)]
pub(super) enum Answer {
    /// The bars of one symbol, oldest first, and what was wrong with some lines.
    Bars(Parsed<Bar>),
    /// The vendor does not know the symbol, or has nothing in the span.
    NoData,
    /// The vendor answers nothing more today.
    LimitReached,
}

/// The vendor's spelling of a US equity (`BRK/B` is `brk-b.us`); `None` for what is no equity.
pub(super) fn spelled(symbol: &str) -> Option<String> {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '/' | '.' | '-');
    (!symbol.is_empty() && symbol.chars().all(is_letter))
        .then(|| format!("{}.us", symbol.to_ascii_lowercase().replace(['/', '.'], "-")))
}

/// Reads a body. `Err` says what came when it is none of the answers.
pub(super) fn answer(body: &[u8], symbol: &str) -> Result<Answer, String> {
    let text = std::str::from_utf8(body).map_err(|_| format!("{} bytes that are no text", body.len()))?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let header = text.lines().next().unwrap_or_default().trim_end();
    let fields = match header {
        HEADER => 6,
        HEADER_WITHOUT_VOLUME => 5,
        NO_DATA => return Ok(Answer::NoData),
        _ if header.starts_with(LIMIT_REACHED) => return Ok(Answer::LimitReached),
        "" => return Err("an empty body".to_owned()),
        _ if header.starts_with('<') => return Err("an HTML page".to_owned()),
        _ => return Err(format!("it begins with {:?}", header.chars().take(BEGINNING_CHARS).collect::<String>())),
    };
    let mut parsed = Parsed { rows: Vec::new(), problems: Problems::of("stooq", ENDPOINT) };
    for (number, line) in text.lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty()) {
        let place = format!("line {}", number + 1);
        match bar(line.trim_end(), fields, symbol, &place, &mut parsed.problems) {
            Ok(Some(bar)) => parsed.rows.push(bar),
            Ok(None) => {}
            Err(reason) => {
                tracing::warn!(symbol, "{place} of the daily bars is rejected: {reason}");
                parsed.problems.reject(symbol, line.trim_end(), reason);
            }
        }
    }
    Ok(Answer::Bars(parsed))
}

/// One line. `Ok(None)` when it has no price at all, `Err` when it is not known which bar it is.
fn bar(line: &str, fields: usize, symbol: &str, place: &str, problems: &mut Problems) -> Result<Option<Bar>, String> {
    let values: Vec<&str> = line.split(',').collect();
    let (found, [date, open, high, low, close, rest @ ..]) = (values.len(), values.as_slice()) else {
        return Err(format!("{} fields instead of {fields}", values.len()));
    };
    if found != fields {
        return Err(format!("{found} fields instead of {fields}"));
    }
    let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").map_err(|_| format!("{date:?} is no date"))?;
    let mut number = |name: &str, text: &str| match text {
        "" | "N/D" => None,
        text => {
            let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
            if number.is_none() {
                problems.note(symbol, format!("{place}: {name} is {text:?}"));
            }
            number
        }
    };
    let mut price = |name: &str, text: &str| number(name, text).filter(|price| *price > 0.0);
    let (open, high, low, close) = (price("open", open), price("high", high), price("low", low), price("close", close));
    let volume = rest.first().and_then(|text| number("volume", text)).and_then(whole_number);
    let priced = [open, high, low, close].iter().any(Option::is_some);
    let bar = Bar { symbol: symbol.to_owned(), date, open, high, low, close, volume, open_interest: None };
    Ok(priced.then_some(bar))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parsed(body: &str) -> (Vec<Bar>, Vec<String>) {
        match answer(body.as_bytes(), "AAPL") {
            Ok(Answer::Bars(parsed)) => {
                let rejected = parsed.problems.findings.rejected().map(|(row, _)| row.reason.clone());
                let told = rejected.chain(parsed.problems.told()).collect();
                (parsed.rows, told)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn symbols_are_spelled_as_the_vendor_does() {
        assert_eq!(spelled("AAPL").as_deref(), Some("aapl.us"));
        assert_eq!(spelled("BRK/B").as_deref(), Some("brk-b.us"));
        assert_eq!(spelled("SPY   260116C00500000"), None);
        assert_eq!(spelled("A&apikey=x"), None);
        assert_eq!(spelled(""), None);
    }

    #[test]
    fn a_price_that_does_not_read_is_null_and_a_key_that_does_not_is_rejected() {
        let (bars, failed) = parsed(
            "Date,Open,High,Low,Close,Volume\n2026-06-08,one,2,0,1.5,1e3\n08/06/2026,1,2,1,2,5\n2026-06-09,1,2,1\n\
            2026-06-10,NaN,inf,-1,N/D,5\n2026-06-11,1,2,1,1.25,-5",
        );
        let rows: Vec<_> =
            bars.iter().map(|bar| (bar.date.to_string(), bar.open, bar.low, bar.close, bar.volume)).collect();
        assert_eq!(
            rows,
            [
                ("2026-06-08".to_owned(), None, None, Some(1.5), Some(1000)),
                ("2026-06-11".to_owned(), Some(1.0), Some(1.0), Some(1.25), None),
            ]
        );
        assert_eq!(
            failed,
            [
                "\"08/06/2026\" is no date",
                "4 fields instead of 6",
                "AAPL missing_value: line 6: volume is \"-5\"",
                "AAPL rejected: 4 fields instead of 6",
            ]
        );
    }

    #[test]
    fn bars_without_volume_and_an_empty_table_are_read() {
        let (bars, failed) = parsed("Date,Open,High,Low,Close\r\n2026-06-08,1,2,0.5,1.5\r\n");
        assert_eq!((bars.len(), bars[0].volume, failed.len()), (1, None, 0));
        assert_eq!(parsed("Date,Open,High,Low,Close,Volume\r\n").0.len(), 0);
    }

    #[test]
    fn bytes_of_any_kind_are_read_or_refused() {
        let mut noise = crate::collect::venue::noise::Noise(0x5eed);
        let seed = b"Date,Open,High,Low,Close,Volume\r\n2026-06-08,1,2,0.5,1.5,1000\r\n2026-06-09,1,2,0.5,1.5,1000\r\n";
        for _ in 0..500 {
            if let Ok(Answer::Bars(parsed)) = answer(&noise.mutated(seed), "AAPL") {
                let finite = |price: Option<f64>| price.is_none_or(|price| price.is_finite() && price > 0.0);
                assert!(parsed.rows.iter().all(|bar| finite(bar.open) && finite(bar.close)));
            }
        }
        assert!(answer(&[0xff, 0xfe], "AAPL").is_err());
        assert!(answer(b"", "AAPL").is_err());
    }
}
