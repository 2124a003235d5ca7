//! Spellings of symbols: those of the files, and ours.

use std::collections::BTreeMap;

/// From the file's upper-case spelling to ours: `BRK.B` to `BRK/B`, or by pattern `*.US` to `*`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renames {
    exact: BTreeMap<String, String>,
    /// Endings, with what stands in their place; the first that fits counts.
    endings: Vec<(String, String)>,
}

impl Renames {
    /// Reads a list: a line per symbol, theirs and ours with a comma, a semicolon, an equals sign or blanks between; `*` at
    /// the beginning of both stands for any letters. What begins with `#` is a comment.
    ///
    /// # Errors
    /// A sentence that names the line.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut renames = Self::default();
        for (number, line) in (1_u32..).zip(text.trim_start_matches('\u{feff}').lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let parts: Vec<&str> = match line.find([',', ';', '=', '\t']) {
                Some(place) => {
                    [line.get(..place), line.get(place + 1..)].into_iter().flatten().map(str::trim).collect()
                }
                None => line.split_whitespace().collect(),
            };
            let added = match parts.as_slice() {
                [theirs, ours] => renames.add(theirs, ours),
                _ => Err(format!("it has not two symbols: {line:?}")),
            };
            added.map_err(|reason| format!("line {number}: {reason}"))?;
        }
        Ok(renames)
    }

    fn add(&mut self, theirs: &str, ours: &str) -> Result<(), String> {
        let fits = |symbol: &str| {
            let letters = symbol.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
            (1..=32).contains(&symbol.len()) && letters
        };
        if !fits(theirs) || !fits(ours) {
            return Err(format!("{theirs:?} and {ours:?} are no two symbols"));
        }
        let theirs = theirs.to_ascii_uppercase();
        match (theirs.strip_prefix('*'), ours.strip_prefix('*')) {
            (Some(ending), Some(place)) if !ending.is_empty() && !ending.contains('*') && !place.contains('*') => {
                self.endings.push((ending.to_owned(), place.to_owned()));
            }
            (None, None) if !theirs.contains('*') && !ours.contains('*') => {
                if let Some(other) = self.exact.insert(theirs.clone(), ours.to_owned()).filter(|other| other != ours) {
                    return Err(format!("{theirs} is {other} in an earlier line and {ours} in this one"));
                }
            }
            _ => return Err(format!("{theirs} and {ours}: a * stands at the beginning of both or of neither")),
        }
        Ok(())
    }

    /// Our spelling of a symbol in upper case.
    pub(super) fn renamed(&self, symbol: String) -> String {
        if let Some(ours) = self.exact.get(&symbol) {
            return ours.clone();
        }
        let by_ending = self.endings.iter().find_map(|(ending, place)| {
            symbol
                .strip_suffix(ending.as_str())
                .map(str::trim_end)
                .filter(|begin| !begin.is_empty())
                .map(|begin| format!("{begin}{place}"))
        });
        by_ending.unwrap_or(symbol)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_spellings() {
        let text = "# theirs, ours\nbrk.b,BRK/B\nBF.B = BF/B\n\n^SPX\tSPX\nDJ INDU;DJI\nA B\n*.US, *\n*-UN,*.U\n";
        let renames = Renames::read(text).unwrap();
        for (theirs, ours) in [
            ("BRK.B", "BRK/B"),
            ("BF.B", "BF/B"),
            ("^SPX", "SPX"),
            ("DJ INDU", "DJI"),
            ("A", "B"),
            ("AAPL.US", "AAPL"),
            ("ABC-UN", "ABC.U"),
            (".US", ".US"),
            ("ABC .US", "ABC"),
            ("MSFT", "MSFT"),
        ] {
            assert_eq!(renames.renamed(theirs.to_owned()), ours);
        }
    }

    #[test]
    fn a_bad_line_is_named() {
        for (text, reason) in [
            ("A,B\nC", "line 2: it has not two symbols: \"C\""),
            ("A,", "line 1: \"A\" and \"\" are no two symbols"),
            ("*.US,A", "line 1: *.US and A: a * stands at the beginning of both or of neither"),
            ("A,B\nA,C", "line 2: A is B in an earlier line and C in this one"),
        ] {
            assert_eq!(Renames::read(text).unwrap_err(), reason);
        }
    }
}
