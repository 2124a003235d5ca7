//! Symbol lists: the index members the program carries, as of late 2026, four broad ETFs, and lists of a user's own.
//!
//! A list is a name and its members. The configuration names lists to collect and to follow; the column `symbols.lists`
//! tells which lists a symbol is in. Files are read elsewhere (`config`, for `[lists]`): here their text is parsed.

use std::collections::{BTreeMap, BTreeSet};

/// One member of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Symbol in tastytrade spelling; class shares have a slash (`BRK/B`).
    pub symbol: String,
    /// Company or fund name; empty where the file has none.
    pub name: String,
    /// Sector as the list's publisher words it; empty where the file has none.
    pub sector: String,
}

/// The built-in lists: name, and CSV with the header `symbol,name,sector`.
const BUILT_IN: [(&str, &str); 4] = [
    ("sp500", include_str!("../../config/lists/sp500.csv")),
    ("nasdaq100", include_str!("../../config/lists/nasdaq100.csv")),
    ("dow30", include_str!("../../config/lists/dow30.csv")),
    ("etf", include_str!("../../config/lists/etf.csv")),
];

/// Names of the built-in lists: `sp500`, `nasdaq100`, `dow30`, `etf`.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// Members of a built-in list in the order of its file, or `None` when the program carries no list of that name.
pub fn members(name: &str) -> Option<Vec<Member>> {
    let (_, text) = BUILT_IN.iter().find(|(list, _)| *list == name)?;
    // A test reads every built-in list.
    parse(text).ok()
}

/// The lists that a name can mean: the built-in ones, and a user's own beside them.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    own: BTreeMap<String, Vec<Member>>,
}

impl Lists {
    /// Adds a list of the user's own. The caller sees to it that no built-in list has its name.
    pub fn add(&mut self, name: &str, members: Vec<Member>) {
        self.own.insert(name.to_owned(), members);
    }

    /// Names of all lists: the built-in ones first, then the user's own in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let built_in: [&str; BUILT_IN.len()] = BUILT_IN.map(|(name, _)| name);
        built_in.into_iter().chain(self.own.keys().map(String::as_str))
    }

    /// Members of a list in the order of its file, or `None` when there is no list of that name.
    pub fn members(&self, name: &str) -> Option<Vec<Member>> {
        self.own.get(name).cloned().or_else(|| members(name))
    }

    /// Symbols of those among `names` that are the user's own lists.
    pub fn own(&self, names: &[String]) -> impl Iterator<Item = (String, Vec<String>)> {
        let symbols = |members: &Vec<Member>| members.iter().map(|member| member.symbol.clone()).collect();
        names.iter().filter_map(move |name| Some((name.clone(), symbols(self.own.get(name)?))))
    }
}

/// Why a text is no list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListError {
    /// The line that is no member, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// Parses a list: one symbol a line, or CSV whose header has a column `symbol` and may have `name` and `sector`, in any
/// order. Empty lines and lines that begin with `#` are passed over; a symbol that stands there twice counts once.
///
/// # Errors
/// The first line that holds no symbol.
pub fn parse(text: &str) -> Result<Vec<Member>, ListError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().map(str::trim).enumerate();
    let mut lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).peekable();
    let header = lines.peek().map(|(_, line)| fields(line)).and_then(|names| Columns::of(&names));
    if header.is_some() {
        lines.next();
    }
    let (mut members, mut known) = (Vec::new(), BTreeSet::new());
    for (index, line) in lines {
        let member = match &header {
            Some(columns) => columns.member(&fields(line)),
            None => Member { symbol: line.to_owned(), name: String::new(), sector: String::new() },
        };
        let symbol = spelled(&member.symbol).map_err(|reason| ListError { line: index + 1, reason })?;
        if known.insert(symbol.clone()) {
            members.push(Member { symbol, ..member });
        }
    }
    Ok(members)
}

/// A symbol as tastytrade spells it (`BRK.B` is `BRK/B`), or why it is none.
fn spelled(symbol: &str) -> Result<String, String> {
    let odd = |letter: char| {
        letter.is_ascii_lowercase() || !(letter.is_ascii_alphanumeric() || matches!(letter, '.' | '/' | '-' | '$'))
    };
    match symbol {
        "" => Err("there is no symbol in it".to_owned()),
        _ if symbol.contains(',') => {
            Err(format!("\"{symbol}\" is not one symbol; CSV begins with a header that has a column \"symbol\""))
        }
        _ if symbol.contains(odd) => Err(format!("\"{symbol}\" is not a symbol, such as AAPL or BRK/B")),
        _ => Ok(symbol.replace('.', "/")),
    }
}

/// Where the columns of a CSV file stand.
struct Columns {
    symbol: usize,
    name: Option<usize>,
    sector: Option<usize>,
}

impl Columns {
    /// Of a header; `None` for a line that has no column `symbol`.
    fn of(names: &[String]) -> Option<Self> {
        let place = |wanted: &str| names.iter().position(|name| name.eq_ignore_ascii_case(wanted));
        Some(Self { symbol: place("symbol")?, name: place("name"), sector: place("sector") })
    }

    fn member(&self, fields: &[String]) -> Member {
        let field = |place: Option<usize>| place.and_then(|place| fields.get(place)).cloned().unwrap_or_default();
        Member { symbol: field(Some(self.symbol)), name: field(self.name), sector: field(self.sector) }
    }
}

/// The fields of a CSV line. One that holds a comma stands in double quotes, a quote inside those is doubled.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => field.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    fields.push(field);
    fields.iter().map(|field| field.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sp500_list_has_503_members() {
        assert_eq!(members("sp500").map(|list| list.len()), Some(503));
    }

    #[test]
    fn class_shares_are_spelled_with_a_slash() {
        let list = members("sp500").unwrap_or_default();
        assert!(list.iter().any(|member| member.symbol == "BRK/B"));
        assert!(list.iter().all(|member| !member.symbol.contains('.')));
    }

    #[test]
    fn every_line_of_every_list_is_a_member_with_a_name() {
        for (name, text) in BUILT_IN {
            let list = members(name).unwrap_or_default();
            assert_eq!(list.len(), text.lines().count() - 1, "{name}");
            assert!(list.iter().all(|member| !member.name.is_empty() && !member.sector.is_empty()), "{name}");
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let list = parse(text).expect("a list");
        assert_eq!(list.iter().map(|member| member.symbol.as_str()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_list_is_lines_or_csv() {
        check("AAPL\nBRK.B\n\n# funds\r\nSPY\r\nAAPL\n", &["AAPL", "BRK/B", "SPY"]);
        check("\u{feff}Symbol\nAAPL\n", &["AAPL"]);
        check("weight,symbol,name\n5.1,MSFT,\"Microsoft, the \"\"soft\"\" one\"\n", &["MSFT"]);
        check("", &[]);
        check("symbol\n", &[]);
        let list = parse("name,symbol\n\"a, \"\"b\"\"\",MSFT\n").expect("a list");
        assert_eq!((list[0].name.as_str(), list[0].sector.as_str()), ("a, \"b\"", ""));
    }

    #[track_caller]
    fn refused(text: &str, line: usize, part: &str) {
        let error = parse(text).expect_err("a refusal");
        assert!(error.line == line && error.reason.contains(part), "{error:?}");
    }

    #[test]
    fn what_is_no_symbol_is_named_with_its_line() {
        refused("AAPL\naapl\n", 2, "\"aapl\" is not a symbol");
        refused("AAPL,Apple\n", 1, "a header that has a column \"symbol\"");
        refused("symbol,name\nAAPL,Apple\n,nobody\n", 3, "no symbol in it");
        refused("# mine\nA B\n", 2, "\"A B\"");
    }

    #[test]
    fn own_lists_stand_beside_the_built_in_ones() {
        let mut lists = Lists::default();
        lists.add("mine", parse("ZZZZ\n").expect("a list"));
        assert_eq!(lists.names().last(), Some("mine"));
        assert_eq!(lists.members("mine").map(|list| list.len()), Some(1));
        assert_eq!(lists.members("dow30").map(|list| list.len()), Some(30));
        assert!(lists.members("yours").is_none());
        let own: Vec<_> = lists.own(&["dow30".to_owned(), "mine".to_owned()]).collect();
        assert_eq!(own, [("mine".to_owned(), vec!["ZZZZ".to_owned()])]);
    }
}
