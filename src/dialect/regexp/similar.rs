//! Patterns of SQL (`SIMILAR TO`, `substring(x SIMILAR y ESCAPE z)`) as regular expressions.

/// What is wrong with a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WrongPattern {
    /// The escape is more than one letter.
    Escape,
    /// There are more than two places at which the part that is wanted begins or ends.
    Separators,
}

/// The regular expression of a pattern that matches the whole text: `%` is any text and `_` any letter;
/// `| * + ? { } ( )` and brackets mean what they do there; behind the escape a letter is itself. With
/// the escape and a quote at two places, the part between them is the only group.
///
/// # Errors
/// An escape that is no letter, or a third such place.
pub(crate) fn from_similar(pattern: &str, escape: Option<&str>) -> Result<String, WrongPattern> {
    let escape = match escape {
        None => Some('\\'),
        Some(escape) => {
            let mut letters = escape.chars();
            match (letters.next(), letters.next()) {
                (letter, None) => letter,
                _ => return Err(WrongPattern::Escape),
            }
        }
    };
    let mut made = String::from("^(?:");
    let (mut escaped, mut in_class, mut class_start, mut separators) = (false, false, 0, 0);
    for letter in pattern.chars() {
        if escaped {
            if letter == '"' && !in_class {
                separators += 1;
                match separators {
                    1 => made.push_str("){1,1}?("),
                    2 => made.push_str("){1,1}(?:"),
                    _ => return Err(WrongPattern::Separators),
                }
            } else {
                made.push('\\');
                made.push(letter);
            }
            escaped = false;
        } else if Some(letter) == escape {
            escaped = true;
        } else if in_class {
            if letter == '\\' {
                made.push('\\');
            }
            made.push(letter);
            class_start += 1;
            if letter == ']' && class_start > 1 {
                in_class = false;
            } else if letter == '^' && class_start == 1 {
                class_start = 0;
            }
        } else {
            match letter {
                '[' => {
                    made.push(letter);
                    (in_class, class_start) = (true, 0);
                }
                '%' => made.push_str(".*"),
                '_' => made.push('.'),
                '(' => made.push_str("(?:"),
                '\\' | '.' | '^' | '$' => {
                    made.push('\\');
                    made.push(letter);
                }
                letter => made.push(letter),
            }
        }
    }
    made.push_str(")$");
    Ok(made)
}
