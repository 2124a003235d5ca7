//! The rows of the right side that an as-of join over a live stream holds: by key, in the order of what they are matched by,
//! as bytes, so that a row holds no batch.

use super::piece::Piece;
use arrow::array::{Array, ArrayRef, Int64Array, new_null_array};
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};
use datafusion::common::Result;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// A row of the right side.
#[derive(Debug, Clone)]
struct Entry {
    /// What it is matched by, as bytes in its order.
    value: Box<[u8]>,
    /// What settles which of equal values comes last; empty where the one that came last does.
    tie: Box<[u8]>,
    row: Arc<[u8]>,
}

/// The rows of one key.
#[derive(Debug, Default)]
struct Group {
    entries: VecDeque<Entry>,
    /// Events lost since the last match was given out.
    missed: i64,
    /// Whether rows have been let go that left rows of earlier times would be matched with.
    shortened: bool,
}

/// What a left row is matched with.
#[derive(Debug, Clone)]
pub(super) struct Followed {
    row: Arc<[u8]>,
    missed: i64,
}

/// A row that a left row would be matched with is not held any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LetGo;

/// The rows of the right side.
#[derive(Debug)]
pub(super) struct RightRows {
    columns: RowConverter,
    ties: RowConverter,
    /// The place of the column that counts lost events.
    missed: Option<usize>,
    types: Vec<DataType>,
    /// Where the group of each key is.
    places: HashMap<Box<[u8]>, usize>,
    groups: Vec<Group>,
    /// Left rows to come are not before this.
    passed: Option<Box<[u8]>>,
    newest: Option<Box<[u8]>>,
    bytes: usize,
}

impl Entry {
    fn size(&self) -> usize {
        size_of::<Self>() + self.value.len() + self.tie.len() + self.row.len()
    }
}

impl RightRows {
    /// No rows, of columns of these types and with ties of those. `missed` is the column that counts lost events.
    ///
    /// # Errors
    /// A type that has no form as bytes.
    pub(super) fn try_new(types: &[DataType], ties: &[DataType], missed: Option<usize>) -> Result<Self> {
        let converter = |types: &[DataType]| RowConverter::new(types.iter().cloned().map(SortField::new).collect());
        let (columns, ties) = (converter(types)?, converter(ties)?);
        let (places, types) = (HashMap::new(), types.to_vec());
        Ok(Self { columns, ties, missed, types, places, groups: Vec::new(), passed: None, newest: None, bytes: 0 })
    }

    /// Adds the rows of a table, in any order; [`Self::sort`] is called behind the last.
    ///
    /// # Errors
    /// Columns of other types.
    pub(super) fn add(&mut self, piece: &Piece, ties: &[ArrayRef]) -> Result<()> {
        let rows = self.columns.convert_columns(piece.batch.columns())?;
        let ties = (!ties.is_empty()).then(|| self.ties.convert_columns(ties)).transpose()?;
        for row in (0..piece.rows()).filter(|row| !piece.has_no_key(*row) && !piece.values.is_null(*row)) {
            let tie = ties.as_ref().map_or_else(Box::default, |ties| ties.row(row).data().into());
            let entry = Entry { value: piece.values.bytes(row), tie, row: rows.row(row).data().into() };
            self.bytes += entry.size();
            self.group(piece.key(row)).entries.push_back(entry);
        }
        Ok(())
    }

    /// Puts the rows of each key in their order.
    pub(super) fn sort(&mut self) {
        for group in &mut self.groups {
            let entries = group.entries.make_contiguous();
            entries.sort_by(|one, other| (&one.value, &one.tie, &one.row).cmp(&(&other.value, &other.tie, &other.row)));
        }
    }

    /// Adds the rows of a stream. Of equal values the one that came last is the last.
    ///
    /// # Errors
    /// Columns of other types.
    pub(super) fn follow(&mut self, piece: &Piece) -> Result<()> {
        let rows = self.columns.convert_columns(piece.batch.columns())?;
        let missed =
            self.missed.and_then(|place| piece.batch.column(place).as_any().downcast_ref::<Int64Array>()).cloned();
        for row in (0..piece.rows()).filter(|row| !piece.has_no_key(*row) && !piece.values.is_null(*row)) {
            let value = piece.values.bytes(row);
            if self.newest.as_ref().is_none_or(|newest| *newest < value) {
                self.newest = Some(value.clone());
            }
            let entry = Entry { value, tie: Box::default(), row: rows.row(row).data().into() };
            self.bytes += entry.size();
            let passed = self.passed.clone();
            let group = self.group(piece.key(row));
            group.missed += missed.as_ref().filter(|missed| missed.is_valid(row)).map_or(0, |missed| missed.value(row));
            let at = group.entries.partition_point(|other| other.value <= entry.value);
            group.entries.insert(at, entry);
            let gone = group.shorten(passed.as_deref());
            self.bytes -= gone;
        }
        Ok(())
    }

    /// Says that no left row to come is before a value.
    pub(super) fn pass(&mut self, value: &[u8]) {
        if self.passed.as_deref().is_none_or(|passed| passed < value) {
            self.passed = Some(value.into());
        }
    }

    /// The greatest value that has come.
    pub(super) fn newest(&self) -> Option<Box<[u8]>> {
        self.newest.clone()
    }

    /// The last row of a key whose value is not above a value, or lies below it, if it is `within` reach.
    ///
    /// # Errors
    /// The row that it would be has been let go.
    pub(super) fn last_before(
        &mut self,
        key: &[u8],
        value: &[u8],
        strict: bool,
        within: impl Fn(&[u8]) -> bool,
    ) -> Result<Option<Followed>, LetGo> {
        let Some(group) = self.places.get(key).map(|place| &mut self.groups[*place]) else { return Ok(None) };
        let below = |entry: &Entry| if strict { *entry.value < *value } else { *entry.value <= *value };
        match group.entries.partition_point(below).checked_sub(1) {
            Some(at) => Ok(group.given(at, within)),
            None if group.shortened => Err(LetGo),
            None => Ok(None),
        }
    }

    /// The first row of a key whose value is not below a value, or lies above it, if it is `within` reach; of rows of equal
    /// values the last.
    pub(super) fn first_after(
        &mut self,
        key: &[u8],
        value: &[u8],
        strict: bool,
        within: impl Fn(&[u8]) -> bool,
    ) -> Option<Followed> {
        let group = self.places.get(key).map(|place| &mut self.groups[*place])?;
        let before = |entry: &Entry| if strict { *entry.value <= *value } else { *entry.value < *value };
        let first = group.entries.get(group.entries.partition_point(before))?.value.clone();
        group.given(group.entries.partition_point(|entry| entry.value <= first) - 1, within)
    }

    /// The columns of rows that were matched; NULL where there is none.
    ///
    /// # Errors
    /// Bytes that are no row.
    pub(super) fn columns(&self, matches: &[Option<Followed>]) -> Result<Vec<ArrayRef>> {
        if self.types.is_empty() {
            return Ok(Vec::new());
        }
        let nulls: Vec<ArrayRef> = self.types.iter().map(|data_type| new_null_array(data_type, 1)).collect();
        let none = self.columns.convert_columns(&nulls)?;
        let parser = self.columns.parser();
        let row = |found: &'_ Option<Followed>| match found {
            Some(found) => parser.parse(&found.row).owned(),
            None => none.row(0).owned(),
        };
        let rows: Vec<_> = matches.iter().map(row).collect();
        let mut columns = self.columns.convert_rows(rows.iter().map(|row| row.row()))?;
        if let Some(place) = self.missed {
            let counts = matches.iter().map(|found| found.as_ref().map(|found| found.missed));
            columns[place] = Arc::new(counts.collect::<Int64Array>());
        }
        Ok(columns)
    }

    /// Bytes that the rows take.
    pub(super) fn size(&self) -> usize {
        self.bytes + self.groups.len() * (size_of::<Group>() + size_of::<(Box<[u8]>, usize)>())
    }

    fn group(&mut self, key: &[u8]) -> &mut Group {
        let place = match self.places.get(key) {
            Some(place) => *place,
            None => {
                self.places.insert(key.into(), self.groups.len());
                self.groups.push(Group::default());
                self.groups.len() - 1
            }
        };
        &mut self.groups[place]
    }
}

impl Group {
    /// The entry at a place, if it is within reach, and with it what was lost since the last one that was given out.
    fn given(&mut self, at: usize, within: impl Fn(&[u8]) -> bool) -> Option<Followed> {
        let Entry { row, .. } = self.entries.get(at).filter(|entry| within(&entry.value))?.clone();
        Some(Followed { row, missed: std::mem::take(&mut self.missed) })
    }

    /// Lets go of what lies before the last entry that is not beyond a value; the bytes of it.
    fn shorten(&mut self, passed: Option<&[u8]>) -> usize {
        let Some(passed) = passed else { return 0 };
        let last = self.entries.partition_point(|entry| *entry.value <= *passed).saturating_sub(1);
        self.shortened |= last > 0;
        self.entries.drain(..last).map(|entry| entry.size()).sum()
    }
}
