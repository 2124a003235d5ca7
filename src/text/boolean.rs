//! Booleans as PostgreSQL reads them.

/// Reads `t`, `true`, `y`, `yes`, `on`, `1` and their opposites, whatever the case; beginnings of the words count, as long as
/// they are clear. `None` for any other text.
pub(crate) fn parse(text: &str) -> Option<bool> {
    let text = text.trim().to_ascii_lowercase();
    let begins = |word: &str, least: usize| text.len() >= least && word.starts_with(&text);
    if begins("true", 1) || begins("yes", 1) || text == "on" || text == "1" {
        return Some(true);
    }
    (begins("false", 1) || begins("no", 1) || begins("off", 2) || text == "0").then_some(false)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn words_and_their_beginnings() {
        for (text, expected) in [("t", true), (" TRUE ", true), ("ye", true), ("on", true), ("1", true)] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        for text in ["f", "fal", "no", "of", "off", "0"] {
            assert_eq!(parse(text), Some(false), "{text}");
        }
        for text in ["", "o", "maybe", "2"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
