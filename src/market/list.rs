//! The symbol lists the program carries: index members as of late 2026, and four broad ETFs.
//!
//! A member is (symbol, name, sector); class shares are spelled with a slash (`BRK/B`).

/// One member of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Symbol in tastytrade spelling.
    pub symbol: String,
    /// Company or fund name.
    pub name: String,
    /// Sector as the list's publisher words it.
    pub sector: String,
}

const LISTS: [(&str, &str); 4] = [
    ("sp500", include_str!("../../config/lists/sp500.csv")),
    ("nasdaq100", include_str!("../../config/lists/nasdaq100.csv")),
    ("dow30", include_str!("../../config/lists/dow30.csv")),
    ("etf", include_str!("../../config/lists/etf.csv")),
];

/// Names of the built-in lists.
pub fn names() -> impl Iterator<Item = &'static str> {
    LISTS.iter().map(|(name, _)| *name)
}

/// Members of a built-in list, or `None` when there is no list of that name.
pub fn members(name: &str) -> Option<Vec<Member>> {
    let (_, text) = LISTS.iter().find(|(list, _)| *list == name)?;
    Some(text.lines().skip(1).filter_map(parse_member).collect())
}

/// A line is `symbol,name,sector`; a name holding a comma stands in double quotes.
fn parse_member(line: &str) -> Option<Member> {
    let (symbol, rest) = line.trim_end().split_once(',')?;
    let (name, sector) = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split_once("\",")?,
        None => rest.split_once(',')?,
    };
    Some(Member {
        symbol: symbol.replace('.', "/"),
        name: name.to_owned(),
        sector: sector.trim_matches('"').to_owned(),
    })
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
    fn every_line_of_every_list_is_a_member() {
        for (name, text) in LISTS {
            assert_eq!(members(name).map(|list| list.len()), Some(text.lines().count() - 1), "{name}");
        }
    }
}
