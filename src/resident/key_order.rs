//! The rows of several files in the order of their key: all rows of one key, file by file, then those of the next.
//!
//! Each file is sorted by the key, and the rows of a key lie in many of them: files are years, or what came together. A
//! merge row by row would cost more than it saves; rows of one key are moved as they stand.

use super::column::copied;
use super::file::Rows;
use super::key_index::{KeyIndex, Near, RunEnd};
use arrow::array::{Array, ArrayRef, MutableArrayData, make_array, new_empty_array};
use arrow::error::ArrowError;
use std::ops::{Bound, Range};
use std::sync::Arc;

/// Rows of a key in a file, on average, below which it is no gain to move them together.
const ROWS_OF_KEY_MIN: usize = 4;

/// Columns of some files, whose rows can be had in the order of the key.
#[derive(Debug)]
pub struct KeyOrder {
    /// The files, where it is known in the order of the key's second column.
    files: Vec<(Rows, Arc<KeyIndex>)>,
    /// Whether rows of one key come in the order of all of it.
    whole: bool,
}

/// Rows of one file that stand together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    file: usize,
    rows: Range<usize>,
}

/// Which rows of each key are wanted, and in which order.
#[derive(Debug, Clone, Copy)]
pub struct OfEachKey {
    /// Whether the last key comes first.
    pub last_key_first: bool,
    /// Whether the last row of a key comes first.
    pub last_row_first: bool,
    /// Bounds of the key's second column, which are kept to where it is known to be in order.
    pub bounds: (Bound<i64>, Bound<i64>),
    /// So many rows from one end; `None` for all.
    pub ends: Option<(usize, RunEnd)>,
}

impl KeyOrder {
    /// The rows of some files; `None` where one has no index, or so few rows of each key that they are better read file by
    /// file.
    pub(super) fn of(files: Vec<Rows>) -> Option<Self> {
        let indexed = files.into_iter().map(|rows| {
            let index = rows.index.clone()?;
            Some((rows, index))
        });
        let mut files = indexed.collect::<Option<Vec<_>>>()?;
        let (rows, keys) =
            files.iter().fold((0, 0), |(rows, keys), (one, index)| (rows + one.count, keys + index.values()));
        if files.len() > 1 && rows < keys.saturating_mul(ROWS_OF_KEY_MIN) {
            return None;
        }
        files.retain(|(rows, _)| rows.count > 0);
        files.sort_by_key(|(_, index)| index.span());
        let apart = |one: &KeyIndex, next: &KeyIndex| match (one.span(), next.span()) {
            (Some((_, last)), Some((first, _))) => last < first,
            _ => false,
        };
        let whole = files.iter().zip(files.iter().skip(1)).all(|((_, one), (_, next))| apart(one, next));
        Some(Self { files, whole })
    }

    /// Rows of all files.
    pub fn rows(&self) -> usize {
        self.files.iter().map(|(rows, _)| rows.count).sum()
    }

    /// Whether rows of one value of the key's first column come in the order of the whole key.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whether the key's second column is known to be in order among the rows of each value of the first.
    pub fn knows_second(&self) -> bool {
        self.files.iter().all(|(_, index)| index.span().is_some())
    }

    /// Keys at which parts begin that are about equally large, in ascending order: one fewer than there are parts. They may
    /// be fewer than were asked for.
    pub fn splits(&self, parts: usize) -> Vec<String> {
        let Some((rows, index)) = self.files.iter().max_by_key(|(rows, _)| rows.count) else { return Vec::new() };
        let at = |part: usize| {
            let number = index.number_at(rows.count / parts.max(1) * part);
            (number < index.values()).then(|| index.value(number).to_owned())
        };
        let mut splits: Vec<String> = (1..parts).filter_map(at).collect();
        splits.dedup();
        // A part in front of the first key would be empty.
        let least = self.files.iter().filter(|(_, index)| index.values() > 0).map(|(_, index)| index.value(0)).min();
        splits.retain(|split| Some(split.as_str()) != least);
        splits
    }

    /// The keys of a part, one after the other: from a key on, up to another that is not in it. With `named`, those keys
    /// alone, which are in ascending order.
    pub fn keys(
        self: &Arc<Self>,
        part: (Option<&str>, Option<&str>),
        named: Option<Vec<String>>,
        wanted: OfEachKey,
    ) -> Keys {
        let from = |index: &KeyIndex| part.0.map_or(0, |from| index.number_of(from));
        let to = |index: &KeyIndex| part.1.map_or(index.values(), |to| index.number_of(to));
        let cursor = |(file, (_, index)): (usize, &(Rows, Arc<KeyIndex>))| {
            let (least, most) = index.span().unwrap_or((i64::MIN, i64::MAX));
            let (none, all) = reach(wanted.bounds, least, most);
            (!none).then(|| Cursor { file, left: from(index)..to(index), bounded: !all, near: Near::default() })
        };
        let cursors = self.files.iter().enumerate().filter_map(cursor).collect();
        let within = |name: &String| {
            part.0.is_none_or(|from| name.as_str() >= from) && part.1.is_none_or(|to| name.as_str() < to)
        };
        let named = named.map(|mut named| {
            named.retain(within);
            if wanted.last_key_first {
                named.reverse();
            }
            named.into_iter()
        });
        Keys { order: self.clone(), cursors, named, wanted }
    }

    /// The values of a column, by its place among those that were read, in some pieces.
    ///
    /// # Errors
    /// Texts of more than two gigabytes.
    pub fn column(&self, place: usize, pieces: &[Piece]) -> Result<ArrayRef, ArrowError> {
        let of = |file: usize| self.files.get(file).and_then(|(rows, _)| rows.columns.get(place));
        let missing = || ArrowError::ComputeError(format!("column {place} was not read"));
        match pieces {
            [] => return Ok(new_empty_array(of(0).ok_or_else(missing)?.data_type())),
            [piece] => return copied(of(piece.file).ok_or_else(missing)?, &piece.rows),
            _ => {}
        }
        // Of many files a batch needs few.
        let mut places: Vec<usize> = pieces.iter().map(|piece| piece.file).collect();
        places.sort_unstable();
        places.dedup();
        let data = places.iter().map(|file| Some(of(*file)?.to_data())).collect::<Option<Vec<_>>>();
        let data = data.ok_or_else(missing)?;
        let count = pieces.iter().map(|piece| piece.rows.len()).sum();
        let mut joined = MutableArrayData::new(data.iter().collect(), false, count);
        for piece in pieces {
            let place = places.binary_search(&piece.file).map_err(|_| missing())?;
            joined.try_extend(place, piece.rows.start, piece.rows.end)?;
        }
        Ok(make_array(joined.freeze()))
    }
}

/// Whether no value between two is within bounds, and whether all are.
fn reach(bounds: (Bound<i64>, Bound<i64>), least: i64, most: i64) -> (bool, bool) {
    let above = |value: i64| match bounds.0 {
        Bound::Unbounded => true,
        Bound::Included(from) => value >= from,
        Bound::Excluded(from) => value > from,
    };
    let below = |value: i64| match bounds.1 {
        Bound::Unbounded => true,
        Bound::Included(to) => value <= to,
        Bound::Excluded(to) => value < to,
    };
    (!above(most) || !below(least), above(least) && below(most))
}

/// Keys one after the other, with the rows of each.
#[derive(Debug)]
pub struct Keys {
    order: Arc<KeyOrder>,
    cursors: Vec<Cursor>,
    named: Option<std::vec::IntoIter<String>>,
    wanted: OfEachKey,
}

/// Where one file is.
#[derive(Debug)]
struct Cursor {
    file: usize,
    /// Numbers of the keys that are still to come.
    left: Range<usize>,
    /// Whether some of its rows may be beyond the bounds.
    bounded: bool,
    /// Where those within them lay among the rows of the key before.
    near: Near,
}

impl Keys {
    /// Adds the rows of the next key that are wanted, in order; `false` where there is no next one. Rows of a piece are to
    /// be turned round where the last row comes first.
    pub fn next_into(&mut self, pieces: &mut Vec<Piece>) -> bool {
        let begin = pieces.len();
        let found = match &mut self.named {
            Some(named) => {
                let name = named.next();
                name.map(|name| self.push_named(&name, pieces))
            }
            None => self.push_next(pieces),
        };
        self.keep_ends(pieces, begin);
        if self.wanted.last_row_first
            && let Some(of_key) = pieces.get_mut(begin..)
        {
            of_key.reverse();
        }
        found.is_some()
    }

    fn push_named(&mut self, name: &str, pieces: &mut Vec<Piece>) {
        for cursor in &mut self.cursors {
            if let Some((_, index)) = self.order.files.get(cursor.file) {
                push(pieces, cursor, index, index.rows_of(name), &self.wanted);
            }
        }
    }

    fn push_next(&mut self, pieces: &mut Vec<Piece>) -> Option<()> {
        let last_first = self.wanted.last_key_first;
        let number = |cursor: &Cursor| match last_first {
            true => cursor.left.clone().next_back(),
            false => cursor.left.clone().next(),
        };
        let key = |cursor: &Cursor| Some(self.order.files.get(cursor.file)?.1.value(number(cursor)?));
        let keys = self.cursors.iter().filter_map(key);
        let next = if last_first { keys.max() } else { keys.min() }?;
        for cursor in &mut self.cursors {
            let (Some((_, index)), Some(number)) = (self.order.files.get(cursor.file), number(cursor)) else {
                continue;
            };
            if index.value(number) == next {
                cursor.left = if last_first { cursor.left.start..number } else { number + 1..cursor.left.end };
                push(pieces, cursor, index, index.rows(number), &self.wanted);
            }
        }
        Some(())
    }

    /// Cuts the pieces of one key to those rows of an end that are wanted: of each file, where files overlap.
    fn keep_ends(&self, pieces: &mut Vec<Piece>, begin: usize) {
        let Some((count, end)) = self.wanted.ends else { return };
        let mut left = count;
        let mut of_key = pieces.split_off(begin);
        if end == RunEnd::Last {
            of_key.reverse();
        }
        for piece in &mut of_key {
            let taken = piece.rows.len().min(left);
            if self.order.whole || end == RunEnd::Any {
                left -= taken;
            }
            piece.rows = match end {
                RunEnd::Last => piece.rows.end - taken..piece.rows.end,
                RunEnd::Any | RunEnd::First => piece.rows.start..piece.rows.start + taken,
            };
        }
        of_key.retain(|piece| !piece.rows.is_empty());
        if end == RunEnd::Last {
            of_key.reverse();
        }
        pieces.append(&mut of_key);
    }
}

fn push(pieces: &mut Vec<Piece>, cursor: &mut Cursor, index: &KeyIndex, rows: Range<usize>, wanted: &OfEachKey) {
    let rows = if cursor.bounded { index.within_near(rows, wanted.bounds, &mut cursor.near) } else { rows };
    if !rows.is_empty() {
        pieces.push(Piece { file: cursor.file, rows });
    }
}

impl Piece {
    /// Rows of the piece.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Takes the next piece into this one, where that goes on with the same file's rows.
    pub fn join(&mut self, next: &Piece) -> bool {
        let goes_on = self.file == next.file && self.rows.end == next.rows.start;
        if goes_on {
            self.rows.end = next.rows.end;
        }
        goes_on
    }

    /// Takes rows of an end away as a piece of their own.
    pub fn take(&mut self, rows: usize, from_end: bool) -> Piece {
        let rows = rows.min(self.rows.len());
        let (taken, left) = if from_end {
            let at = self.rows.end - rows;
            (at..self.rows.end, self.rows.start..at)
        } else {
            let at = self.rows.start + rows;
            (self.rows.start..at, at..self.rows.end)
        };
        self.rows = left;
        Piece { file: self.file, rows: taken }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resident::loaded::Part;
    use arrow::array::{AsArray, Date32Array, Int64Array, StringArray};
    use arrow::datatypes::{Date32Type, Int64Type};
    use std::collections::BTreeSet;

    /// A symbol, a day and a number that no other row has.
    type Row = (String, i32, i64);

    fn file(rows: &[Row]) -> Rows {
        let symbols: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.0)));
        let days: ArrayRef = Arc::new(Date32Array::from_iter_values(rows.iter().map(|row| row.1)));
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.2)));
        let index = KeyIndex::of(&symbols, Some(&days)).map(Arc::new);
        let parts: Arc<[Part]> = Vec::new().into();
        Rows { columns: vec![symbols, days, numbers], count: rows.len(), parts, index }
    }

    fn rows_of(order: &KeyOrder, pieces: &[Piece]) -> Vec<Row> {
        let columns: Vec<ArrayRef> = (0..3).map(|place| order.column(place, pieces).unwrap()).collect();
        let (symbols, days) = (columns[0].as_string::<i32>(), columns[1].as_primitive::<Date32Type>());
        let numbers = columns[2].as_primitive::<Int64Type>();
        (0..symbols.len()).map(|row| (symbols.value(row).to_owned(), days.value(row), numbers.value(row))).collect()
    }

    /// All rows, of all parts one after the other.
    fn read(order: &Arc<KeyOrder>, parts: usize, named: Option<&[&str]>, wanted: OfEachKey) -> Vec<Row> {
        let splits = order.splits(parts);
        let mut bounds: Vec<Option<&str>> = vec![None];
        bounds.extend(splits.iter().map(|split| Some(split.as_str())));
        bounds.push(None);
        let mut parts: Vec<(Option<&str>, Option<&str>)> = bounds.windows(2).map(|pair| (pair[0], pair[1])).collect();
        if wanted.last_key_first {
            parts.reverse();
        }
        let mut all = Vec::new();
        for part in parts {
            let named = named.map(|named| named.iter().map(|one| (*one).to_owned()).collect());
            let mut keys = order.keys(part, named, wanted);
            loop {
                let mut pieces = Vec::new();
                if !keys.next_into(&mut pieces) {
                    break;
                }
                for piece in &pieces {
                    let mut rows = rows_of(order, std::slice::from_ref(piece));
                    if wanted.last_row_first {
                        rows.reverse();
                    }
                    all.extend(rows);
                }
                if !wanted.last_row_first {
                    assert_eq!(
                        rows_of(order, &pieces),
                        all[all.len() - pieces.iter().map(Piece::len).sum::<usize>()..]
                    );
                }
            }
        }
        all
    }

    const ALL: OfEachKey = OfEachKey {
        last_key_first: false,
        last_row_first: false,
        bounds: (Bound::Unbounded, Bound::Unbounded),
        ends: None,
    };

    #[test]
    fn rows_come_as_if_all_were_sorted() {
        let mut number = 0;
        let mut rows_between = |days: Range<i32>, step: usize| -> Vec<Row> {
            let keys = (0..40).filter(|symbol| symbol % 7 != days.start % 7);
            let rows =
                keys.flat_map(|symbol| days.clone().step_by(step).map(move |day| (format!("S{symbol:02}"), day)));
            let numbered = rows.map(|(symbol, day)| {
                number += 1;
                (symbol, day, number)
            });
            numbered.collect()
        };
        let files = [rows_between(300..320, 2), rows_between(100..150, 3), rows_between(200..230, 1)];
        let order = Arc::new(KeyOrder::of(files.iter().map(|rows| file(rows)).collect()).unwrap());
        assert!(order.is_whole());
        let sorted: BTreeSet<Row> = files.into_iter().flatten().collect();
        let sorted: Vec<Row> = sorted.into_iter().collect();
        for parts in 1..5 {
            assert!(order.splits(parts).len() < parts);
            assert_eq!(read(&order, parts, None, ALL), sorted);
            let backwards = OfEachKey { last_key_first: true, last_row_first: true, ..ALL };
            let reversed: Vec<Row> = sorted.iter().rev().cloned().collect();
            assert_eq!(read(&order, parts, None, backwards), reversed);
            let bounds = (Bound::Included(148), Bound::Excluded(310));
            let within = |row: &&Row| (148..310).contains(&row.1);
            let expected: Vec<Row> = sorted.iter().filter(within).cloned().collect();
            assert_eq!(read(&order, parts, None, OfEachKey { bounds, ..ALL }), expected);
            let named = |row: &&Row| ["S03", "S39"].contains(&row.0.as_str());
            let expected: Vec<Row> = sorted.iter().filter(named).cloned().collect();
            assert_eq!(read(&order, parts, Some(&["S03", "S39", "S40"]), ALL), expected);
            let last = read(&order, parts, None, OfEachKey { ends: Some((3, RunEnd::Last)), ..ALL });
            let is_last = |row: &&Row| sorted.iter().filter(|other| other.0 == row.0 && other.1 > row.1).count() < 3;
            assert_eq!(last, sorted.iter().filter(is_last).cloned().collect::<Vec<_>>());
        }
    }

    #[test]
    fn files_that_overlap_keep_their_keys_together() {
        let one: Vec<Row> =
            (0..20).flat_map(|key| (0..10).map(move |day| (format!("S{key:02}"), day * 2, 0))).collect();
        let two: Vec<Row> =
            (5..30).flat_map(|key| (0..10).map(move |day| (format!("S{key:02}"), day * 2 + 1, 0))).collect();
        let order = Arc::new(KeyOrder::of(vec![file(&one), file(&two)]).unwrap());
        assert!(!order.is_whole() && order.knows_second());
        let rows = read(&order, 3, None, ALL);
        assert_eq!(rows.len(), one.len() + two.len());
        assert!(rows.is_sorted_by_key(|row| row.0.clone()));
        // The last row of each is among the last of each file.
        let last = read(&order, 3, None, OfEachKey { ends: Some((1, RunEnd::Last)), ..ALL });
        assert_eq!(last.iter().filter(|row| row.0 == "S10").map(|row| row.1).collect::<Vec<_>>(), [18, 19]);
    }

    #[test]
    fn files_of_few_rows_of_each_key_are_no_gain() {
        let one: Vec<Row> = (0..20).map(|key| (format!("S{key:02}"), 1, 0)).collect();
        assert!(KeyOrder::of(vec![file(&one)]).is_some());
        assert!(KeyOrder::of(vec![file(&one), file(&one)]).is_none());
    }
}
