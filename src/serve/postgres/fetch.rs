//! FETCH and MOVE: how many rows, and of which cursor. Cursors go forward.

use super::error::Failure;
use super::lexer::{Kind, Reader};

/// How many rows a FETCH or MOVE takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    Rows(u64),
    All,
}

/// `[direction] [FROM | IN] cursor`, where the direction is forward.
pub(super) fn fetch(reader: &mut Reader<'_>) -> Result<(Count, String), Failure> {
    const BACKWARD: [&str; 6] = ["PRIOR", "FIRST", "LAST", "ABSOLUTE", "RELATIVE", "BACKWARD"];
    let named = |reader: &mut Reader<'_>| {
        let _ = reader.keyword("FROM") || reader.keyword("IN");
        reader.name()
    };
    // A cursor may bear the name of a direction: `FETCH next`.
    let mut alone = reader.peek().is_some_and(|token| matches!(token.kind, Kind::Word | Kind::Quoted));
    alone &= reader.left() == 1;
    if alone {
        return Ok((Count::Rows(1), reader.name()?));
    }
    if BACKWARD.iter().any(|direction| reader.keyword(direction)) {
        return Err(backward());
    }
    let count = if reader.keyword("NEXT") { Count::Rows(1) } else { forward(reader)? };
    Ok((count, named(reader)?))
}

fn forward(reader: &mut Reader<'_>) -> Result<Count, Failure> {
    reader.keyword("FORWARD");
    if reader.keyword("ALL") {
        return Ok(Count::All);
    }
    reader.symbol('+');
    if reader.symbol('-') {
        return Err(backward());
    }
    match reader.peek() {
        Some(token) if token.kind == Kind::Number => match token.text.parse() {
            Ok(rows) => {
                reader.take();
                Ok(Count::Rows(rows))
            }
            Err(_) => Err(reader.unexpected()),
        },
        _ => Ok(Count::Rows(1)),
    }
}

fn backward() -> Failure {
    Failure::new("55000", "cursor can only scan forward")
}

#[cfg(test)]
mod tests {
    use super::super::lexer::Piece;
    use super::*;

    fn read(sql: &str) -> Result<(Count, String), Failure> {
        let mut reader = Reader::new(Piece { sql, offset: 0 });
        reader.expect("FETCH")?;
        let read = fetch(&mut reader)?;
        reader.end()?;
        Ok(read)
    }

    #[track_caller]
    fn check_fetch(sql: &str, expected: Count) {
        let (count, cursor) = read(sql).unwrap();
        assert_eq!((cursor.as_str(), count), ("c", expected), "{sql}");
    }

    #[test]
    fn fetches_in_all_spellings() {
        check_fetch("FETCH c", Count::Rows(1));
        check_fetch("FETCH NEXT FROM c", Count::Rows(1));
        check_fetch("FETCH 10 IN c", Count::Rows(10));
        check_fetch("FETCH FORWARD 10 FROM c", Count::Rows(10));
        check_fetch("FETCH FORWARD FROM c", Count::Rows(1));
        check_fetch("FETCH ALL c", Count::All);
        check_fetch("FETCH FORWARD ALL FROM c", Count::All);
        assert_eq!(read("FETCH BACKWARD 1 FROM c").unwrap_err().code, "55000");
        assert_eq!(read("FETCH -1 FROM c").unwrap_err().code, "55000");
        assert_eq!(read("FETCH 99999999999999999999 FROM c").unwrap_err().code, "42601");
    }
}
