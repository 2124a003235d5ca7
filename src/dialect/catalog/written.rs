//! Types as SQL writes them, with their modifier: `varchar(5)`, `numeric(10,2)[]`, `timestamp(3) with time zone`,
//! `interval day to second`.

use super::types::{self, BaseType};

/// What precedes the length in the modifier of a text, and the digits in that of a `numeric`.
const HEADER: i32 = 4;

/// All fields of an interval's type, as its modifier has them.
const ALL_FIELDS: i32 = 0x7fff;

/// Digits of a second that are as good as no limit, in the modifier of an interval.
const ALL_DIGITS: i32 = 0xffff;

/// The number and the modifier of a type by the text that SQL has for it; -1 is no modifier, and `None` a name that this
/// server does not know.
pub(crate) fn written(text: &str) -> Option<(u32, i32)> {
    let text = text.trim();
    if let Some(element) = text.strip_suffix("[]") {
        let (oid, modifier) = written(element)?;
        return Some((types::array_of(oid)?, modifier));
    }
    let (name, numbers) = parts(text)?;
    let (name, fields) = match name.strip_prefix("interval ") {
        Some(fields) => ("interval", Some(fields)),
        None => (name.as_str(), None),
    };
    let name = match name {
        "char varying" | "nvarchar" => "varchar",
        "char" | "character" => "bpchar",
        "dec" => "numeric",
        other => other,
    };
    let oid = types::by_name(name)?;
    let bare_char = name == "bpchar" && !text.to_ascii_lowercase().contains("bpchar");
    Some((oid, modifier(types::by_oid(oid)?, &numbers, fields, bare_char)?))
}

/// The name of a type in lower case without its numbers, and those.
fn parts(text: &str) -> Option<(String, Vec<i32>)> {
    let Some((before, rest)) = text.split_once('(') else { return Some((folded(text), Vec::new())) };
    let (numbers, behind) = rest.split_once(')')?;
    let numbers = numbers.split(',').map(|number| number.trim().parse().ok()).collect::<Option<Vec<i32>>>()?;
    Some((folded(&format!("{} {}", before.trim(), behind.trim())), numbers))
}

/// Lower case, but for what is in quotes: `"char"` is another type than `char`.
fn folded(name: &str) -> String {
    name.trim().to_ascii_lowercase()
}

/// The modifier of a type that is written with these numbers and fields.
fn modifier(base: &BaseType, numbers: &[i32], fields: Option<&str>, bare_char: bool) -> Option<i32> {
    Some(match (base.name, numbers) {
        ("varchar" | "bpchar", [length]) => length.checked_add(HEADER)?,
        // `char` is `char(1)`.
        ("bpchar", []) if bare_char => 1 + HEADER,
        ("numeric", [precision]) => types::numeric_modifier(*precision, 0),
        ("numeric", [precision, scale]) => types::numeric_modifier(*precision, *scale),
        ("time" | "timestamp" | "timestamptz" | "timetz", [digits]) => (*digits).min(6),
        ("interval", numbers) => match (fields.map(range), numbers) {
            (None, []) => -1,
            (None, [digits]) => (ALL_FIELDS << 16) | (*digits).min(6),
            (Some(fields), []) => (fields? << 16) | ALL_DIGITS,
            (Some(fields), [digits]) => (fields? << 16) | (*digits).min(6),
            _ => return None,
        },
        _ => -1,
    })
}

/// The modifier of a type of time whose seconds have so many digits; of an interval with all its fields.
pub(crate) fn of_digits(oid: u32, digits: i32) -> i32 {
    if types::by_oid(oid).is_some_and(|base| base.name == "interval") { (ALL_FIELDS << 16) | digits } else { digits }
}

/// The fields of an interval's type as PostgreSQL's bits.
fn range(fields: &str) -> Option<i32> {
    // A day's parts follow each other, with the larger ones first.
    const UNITS: [(&str, i32); 6] =
        [("year", 2), ("month", 1), ("day", 3), ("hour", 10), ("minute", 11), ("second", 12)];
    let place = |unit: &str| UNITS.iter().position(|(name, _)| *name == unit.trim());
    let (first, last) = fields.split_once(" to ").unwrap_or((fields, fields));
    let (first, last) = (place(first)?, place(last)?);
    Some(UNITS.get(first..=last)?.iter().fold(0, |bits, (_, bit)| bits | (1 << bit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modifiers_are_those_of_postgres() {
        for (text, expected) in [
            ("varchar(5)", (1043, 9)),
            ("CHARACTER VARYING(5)", (1043, 9)),
            ("VARCHAR", (1043, -1)),
            ("char", (1042, 5)),
            ("CHARACTER(3)", (1042, 7)),
            ("bpchar", (1042, -1)),
            ("\"char\"", (18, -1)),
            ("numeric(10,2)", (1700, 655_366)),
            ("NUMERIC(6)", (1700, 393_220)),
            ("DEC(8,3)[]", (1231, 524_295)),
            ("NUMERIC", (1700, -1)),
            ("TIMESTAMP(3)", (1114, 3)),
            ("TIMESTAMP(0) WITH TIME ZONE", (1184, 0)),
            ("TIME(2) WITHOUT TIME ZONE", (1083, 2)),
            ("INTERVAL", (1186, -1)),
            ("INTERVAL DAY", (1186, 589_823)),
            ("INTERVAL DAY TO SECOND", (1186, 470_351_871)),
            ("INTERVAL SECOND(2)", (1186, 268_435_458)),
            ("INTERVAL YEAR", (1186, 327_679)),
            ("INTERVAL(3)", (1186, 2_147_418_115)),
            ("name[]", (1003, -1)),
            ("pg_catalog.int4", (23, -1)),
        ] {
            assert_eq!(written(text), Some(expected), "{text}");
        }
        assert_eq!(written("nonsense(3)"), None);
    }
}
