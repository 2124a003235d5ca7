//! FETCH and MOVE: where a cursor goes, and which rows it passes on its way.

use super::error::Failure;
use super::lexer::{Kind, Reader};
use std::ops::Range;

/// Where a FETCH or MOVE goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// Over the next rows; `None` is all of them. Of none it is the row where the cursor stands.
    Forward(Option<u64>),
    /// Over the rows before, from the nearest; `None` is all of them.
    Backward(Option<u64>),
    /// To one row, counted from the first, or below zero from the last.
    Absolute(i64),
    /// To one row, counted from where the cursor stands.
    Relative(i64),
}

/// Rows that a step of a cursor gives, by their places from 0, and where it stands then: 0 is before the first row, one
/// beyond the last is behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) rows: Range<u64>,
    pub(super) backward: bool,
    pub(super) stands: u64,
}

impl Direction {
    /// How many rows have to be known for a step from where the cursor stands; `None` is all.
    pub(super) fn needs(self, stands: u64) -> Option<u64> {
        match self {
            Self::Forward(None) => None,
            Self::Forward(Some(rows)) => Some(stands.saturating_add(rows)),
            Self::Backward(_) => Some(stands),
            Self::Absolute(place) => u64::try_from(place).ok(),
            Self::Relative(by) => Some(stands.saturating_add_signed(by).max(stands)),
        }
    }

    /// The step from where the cursor stands, over so many rows as are known; `all` says that there are no others.
    pub(super) fn step(self, stands: u64, known: u64) -> Step {
        let behind = known.saturating_add(1);
        let none = |stands| Step { rows: 0..0, backward: false, stands };
        let one = |place: u64| match place {
            0 => none(0),
            place if place > known => none(behind),
            place => Step { rows: place - 1..place, backward: false, stands: place },
        };
        let here = || if stands == 0 || stands > known { none(stands) } else { one(stands) };
        match self {
            Self::Forward(Some(0)) | Self::Backward(Some(0)) | Self::Relative(0) => here(),
            Self::Forward(rows) => {
                let first = stands.min(known);
                let end = rows.map_or(known, |rows| first.saturating_add(rows).min(known));
                let whole = rows.is_some_and(|rows| end - first == rows);
                Step { rows: first..end, backward: false, stands: if whole { end } else { behind } }
            }
            Self::Backward(rows) => {
                let end = stands.saturating_sub(1).min(known);
                let first = rows.map_or(0, |rows| end.saturating_sub(rows));
                let whole = rows.is_some_and(|rows| end - first == rows);
                Step { rows: first..end, backward: true, stands: if whole { first + 1 } else { 0 } }
            }
            Self::Absolute(place) if place < 0 => one(behind.saturating_add_signed(place)),
            Self::Absolute(place) => one(place.unsigned_abs()),
            Self::Relative(by) => one(stands.saturating_add_signed(by)),
        }
    }

    /// How a cursor that only goes forward takes the step: rows that it passes over, and then rows that it gives, `None`
    /// being all.
    ///
    /// # Errors
    /// 55000 for a step back.
    pub(super) fn ahead(self, stands: u64) -> Result<(u64, Option<u64>), Failure> {
        let to = |place: u64| match place.checked_sub(stands) {
            Some(by) if by > 0 => Ok((by - 1, Some(1))),
            _ => Err(backward()),
        };
        match self {
            Self::Forward(Some(0)) | Self::Backward(Some(0)) | Self::Relative(0) if stands == 0 => Ok((0, Some(0))),
            Self::Forward(Some(0)) | Self::Backward(_) => Err(backward()),
            Self::Forward(rows) => Ok((0, rows)),
            Self::Absolute(place) => to(u64::try_from(place).map_err(|_| backward())?),
            Self::Relative(by) => to(stands.saturating_add(u64::try_from(by).map_err(|_| backward())?)),
        }
    }
}

/// `[direction] [FROM | IN] cursor`.
pub(super) fn fetch(reader: &mut Reader<'_>) -> Result<(Direction, String), Failure> {
    // A cursor may bear the name of a direction: `FETCH next`.
    let mut alone = reader.peek().is_some_and(|token| matches!(token.kind, Kind::Word | Kind::Quoted));
    alone &= reader.at_last();
    let direction = if alone { Direction::Forward(Some(1)) } else { direction(reader)? };
    if !alone {
        let _ = reader.keyword("FROM") || reader.keyword("IN");
    }
    Ok((direction, reader.name()?))
}

fn direction(reader: &mut Reader<'_>) -> Result<Direction, Failure> {
    let signed = |count: i64| match u64::try_from(count) {
        Ok(rows) => Direction::Forward(Some(rows)),
        Err(_) => Direction::Backward(Some(count.unsigned_abs())),
    };
    let turned = |direction: Direction| match direction {
        Direction::Forward(rows) => Direction::Backward(rows),
        Direction::Backward(rows) => Direction::Forward(rows),
        other => other,
    };
    let several = |reader: &mut Reader<'_>| match () {
        () if reader.keyword("ALL") => Ok(Direction::Forward(None)),
        () => Ok::<_, Failure>(signed(number(reader)?.unwrap_or(1))),
    };
    let wanted = |reader: &mut Reader<'_>| match number(reader)? {
        Some(place) => Ok(place),
        None => Err(reader.unexpected()),
    };
    match () {
        () if reader.keyword("NEXT") => Ok(Direction::Forward(Some(1))),
        () if reader.keyword("PRIOR") => Ok(Direction::Backward(Some(1))),
        () if reader.keyword("FIRST") => Ok(Direction::Absolute(1)),
        () if reader.keyword("LAST") => Ok(Direction::Absolute(-1)),
        () if reader.keyword("ABSOLUTE") => wanted(reader).map(Direction::Absolute),
        () if reader.keyword("RELATIVE") => wanted(reader).map(Direction::Relative),
        () if reader.keyword("BACKWARD") => several(reader).map(turned),
        () => {
            reader.keyword("FORWARD");
            several(reader)
        }
    }
}

/// A whole number with its sign, if there is one.
fn number(reader: &mut Reader<'_>) -> Result<Option<i64>, Failure> {
    let negative = reader.symbol('-');
    let signed = negative || reader.symbol('+');
    match reader.peek() {
        Some(token) if token.kind == Kind::Number => match token.text.parse::<i64>() {
            Ok(number) => {
                reader.take();
                Ok(Some(if negative { -number } else { number }))
            }
            Err(_) => Err(reader.unexpected()),
        },
        _ if signed => Err(reader.unexpected()),
        _ => Ok(None),
    }
}

fn backward() -> Failure {
    let hint = "Declare it with SCROLL option to enable backward scan.";
    Failure::new("55000", "cursor can only scan forward").with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::super::lexer::Piece;
    use super::*;

    fn read(sql: &str) -> Result<(Direction, String), Failure> {
        let mut reader = Reader::new(Piece { sql, offset: 0 });
        reader.expect("FETCH")?;
        let read = fetch(&mut reader)?;
        reader.end()?;
        Ok(read)
    }

    #[track_caller]
    fn check_fetch(sql: &str, expected: Direction) {
        let (direction, cursor) = read(sql).unwrap();
        assert_eq!((cursor.as_str(), direction), ("c", expected), "{sql}");
    }

    #[test]
    fn fetches_in_all_spellings() {
        use Direction::{Absolute, Backward, Forward, Relative};
        check_fetch("FETCH c", Forward(Some(1)));
        check_fetch("FETCH NEXT FROM c", Forward(Some(1)));
        check_fetch("FETCH 10 IN c", Forward(Some(10)));
        check_fetch("FETCH FORWARD 10 FROM c", Forward(Some(10)));
        check_fetch("FETCH FORWARD FROM c", Forward(Some(1)));
        check_fetch("FETCH ALL c", Forward(None));
        check_fetch("FETCH FORWARD ALL FROM c", Forward(None));
        check_fetch("FETCH BACKWARD 1 FROM c", Backward(Some(1)));
        check_fetch("FETCH BACKWARD ALL FROM c", Backward(None));
        check_fetch("FETCH BACKWARD -2 FROM c", Forward(Some(2)));
        check_fetch("FETCH -1 FROM c", Backward(Some(1)));
        check_fetch("FETCH PRIOR c", Backward(Some(1)));
        check_fetch("FETCH FIRST c", Absolute(1));
        check_fetch("FETCH LAST FROM c", Absolute(-1));
        check_fetch("FETCH ABSOLUTE -3 FROM c", Absolute(-3));
        check_fetch("FETCH RELATIVE +3 FROM c", Relative(3));
        assert_eq!(read("FETCH ABSOLUTE FROM c").unwrap_err().code, "42601");
        assert_eq!(read("FETCH 99999999999999999999 FROM c").unwrap_err().code, "42601");
        assert_eq!(Direction::Backward(Some(1)).ahead(3).unwrap_err().code, "55000");
    }

    #[test]
    fn a_cursor_over_five_rows_goes_as_in_postgresql() {
        let mut stands = 0;
        for (sql, expected) in [
            ("FETCH PRIOR c", ""),
            ("FETCH 2 FROM c", "1 2"),
            ("FETCH 0 FROM c", "2"),
            ("FETCH BACKWARD 1 FROM c", "1"),
            ("FETCH BACKWARD ALL FROM c", ""),
            ("FETCH ABSOLUTE 4 FROM c", "4"),
            ("FETCH ABSOLUTE -2 FROM c", "4"),
            ("FETCH ABSOLUTE 0 FROM c", ""),
            ("FETCH NEXT FROM c", "1"),
            ("FETCH LAST FROM c", "5"),
            ("FETCH NEXT FROM c", ""),
            ("FETCH PRIOR FROM c", "5"),
            ("FETCH RELATIVE -2 FROM c", "3"),
            ("FETCH RELATIVE -9 FROM c", ""),
            ("FETCH FORWARD ALL FROM c", "1 2 3 4 5"),
            ("FETCH BACKWARD 2 FROM c", "5 4"),
            ("FETCH FORWARD -1 FROM c", "3"),
            ("FETCH ABSOLUTE 99 FROM c", ""),
            ("FETCH BACKWARD 9 FROM c", "5 4 3 2 1"),
            ("FETCH RELATIVE 99 FROM c", ""),
            ("FETCH BACKWARD FROM c", "5"),
        ] {
            let step = read(sql).unwrap().0.step(stands, 5);
            let mut rows: Vec<String> = step.rows.map(|place| (place + 1).to_string()).collect();
            if step.backward {
                rows.reverse();
            }
            assert_eq!(rows.join(" "), expected, "{sql} from {stands}");
            stands = step.stands;
        }
    }
}
