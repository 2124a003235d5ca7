//! What rows are picked by, as ranks: the row with the greatest rank of its group leads it.
//!
//! Numbers, dates and moments have ranks of 64 bits; all else has bytes, which are compared one after the other. Where the least
//! is picked, ranks are turned around.

use crate::dialect::moment::interval_order::lengths;
use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int64Array, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::compute::{SortOptions, cast};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Float64Type, Int64Type, UInt64Type};
use arrow::row::{RowConverter, SortField};
use datafusion::common::{Result, exec_datafusion_err};
use std::cmp::Ordering;
use std::fmt::Debug;
use std::sync::Arc;

/// The rows of a batch that lead their groups.
#[derive(Debug, Default)]
pub(super) struct Leaders {
    /// The row of each group; [`NONE`] where none leads.
    rows: Vec<u32>,
    /// Groups with a row.
    groups: Vec<usize>,
}

/// No row of the batch.
const NONE: u32 = u32::MAX;

impl Leaders {
    /// Makes room for so many groups.
    pub(super) fn resize(&mut self, groups: usize) {
        self.rows.resize(groups, NONE);
    }

    /// Forgets the first groups, so many; no row leads between batches.
    pub(super) fn forget(&mut self, groups: usize) {
        self.rows.truncate(self.rows.len().saturating_sub(groups));
    }

    /// Groups with a row, and their rows, which lead no longer.
    pub(super) fn taken(&mut self) -> (Vec<usize>, Vec<u32>) {
        let groups = std::mem::take(&mut self.groups);
        let rows = groups.iter().map(|group| std::mem::replace(&mut self.rows[*group], NONE)).collect();
        (groups, rows)
    }

    /// Bytes on the heap.
    pub(super) fn size(&self) -> usize {
        self.rows.capacity() * size_of::<u32>() + self.groups.capacity() * size_of::<usize>()
    }

    /// Finds the leaders of a batch of ranks. Of equal ranks, `wins` tells whether a row leads instead of another, or of what
    /// its group holds.
    fn find<R: Ord>(
        &mut self,
        ranks: (impl Fn(usize) -> R, Option<&NullBuffer>),
        held: impl Fn(usize) -> Option<R>,
        groups: &[usize],
        wins: &mut dyn FnMut(usize, Option<usize>, usize) -> Result<bool>,
    ) -> Result<()> {
        let (rank, known) = ranks;
        for (row, group) in groups.iter().enumerate() {
            if known.is_some_and(|known| known.is_null(row)) {
                continue;
            }
            let other = self.rows[*group];
            let leader = (other != NONE).then_some(other as usize);
            let against = leader.map_or_else(|| held(*group), |leader| Some(rank(leader)));
            let leads = match Some(rank(row)).cmp(&against) {
                Ordering::Greater => true,
                Ordering::Equal => wins(row, leader, *group)?,
                Ordering::Less => false,
            };
            if leads {
                if other == NONE {
                    self.groups.push(*group);
                }
                self.rows[*group] = u32::try_from(row).map_err(|_| exec_datafusion_err!("a batch is too long"))?;
            }
        }
        Ok(())
    }
}

/// The ranks that groups hold; none as long as no row counted.
pub(super) trait Ranks: Debug + Send + Sync {
    /// The ranks of no groups.
    fn fresh(&self) -> Box<dyn Ranks>;
    /// Makes room for so many groups.
    fn resize(&mut self, groups: usize);
    /// Forgets the first groups, so many.
    fn forget(&mut self, groups: usize);
    /// The ranks of the first groups, so many.
    fn first(&self, groups: usize) -> ArrayRef;
    /// Bytes on the heap.
    fn size(&self) -> usize;

    /// The ranks of a column, NULL where it is.
    ///
    /// # Errors
    /// A column that has none.
    fn of_column(&self, column: &ArrayRef) -> Result<ArrayRef>;

    /// Finds the rows that lead their groups, as [`Leaders`] says.
    ///
    /// # Errors
    /// Those of `wins`.
    fn lead(
        &self,
        ranks: &ArrayRef,
        groups: &[usize],
        leaders: &mut Leaders,
        wins: &mut dyn FnMut(usize, Option<usize>, usize) -> Result<bool>,
    ) -> Result<()>;

    /// Holds the ranks of some rows, each for its group.
    fn hold(&mut self, groups: &[usize], ranks: &ArrayRef, rows: &[u32]);
}

/// The type of ranks over a type.
pub(super) fn state_type(data_type: &DataType) -> DataType {
    if has_longs(data_type) { DataType::Int64 } else { DataType::Binary }
}

/// The ranks of no groups, over a type.
///
/// # Errors
/// A type without an order.
pub(super) fn ranks(data_type: &DataType, least: bool) -> Result<Box<dyn Ranks>> {
    Ok(if has_longs(data_type) {
        Box::new(Longs { least, held: Vec::new() })
    } else {
        Box::new(Bytes { compared: compared(data_type), least, held: Vec::new(), bytes: 0 })
    })
}

/// Whether values of a type have ranks of 64 bits.
fn has_longs(data_type: &DataType) -> bool {
    data_type.is_integer()
        || data_type.is_floating()
        || matches!(
            data_type,
            DataType::Boolean
                | DataType::Date32
                | DataType::Date64
                | DataType::Time32(_)
                | DataType::Time64(_)
                | DataType::Timestamp(..)
        )
}

/// Ranks of 64 bits.
#[derive(Debug)]
struct Longs {
    least: bool,
    held: Vec<Option<i64>>,
}

/// Values of a column as numbers of 64 bits in the same order.
fn ordinals(column: &ArrayRef) -> Result<Int64Array> {
    fn mapped<T: ArrowPrimitiveType>(column: &ArrayRef, ordinal: impl Fn(T::Native) -> i64) -> Result<Int64Array> {
        let column = cast(column, &T::DATA_TYPE)?;
        Ok(column.as_primitive::<T>().unary(ordinal))
    }
    match column.data_type() {
        DataType::UInt64 => mapped::<UInt64Type>(column, |value| (value ^ (1 << 63)).cast_signed()),
        // All NaN are one, which is greatest, and -0 is 0.
        other if other.is_floating() => mapped::<Float64Type>(column, |value| {
            let bits = if value.is_nan() { f64::NAN } else { value + 0.0 }.to_bits().cast_signed();
            bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
        }),
        DataType::Date32 | DataType::Time32(_) => {
            mapped::<Int64Type>(&cast(column, &DataType::Int32)?, std::convert::identity)
        }
        _ => mapped::<Int64Type>(column, std::convert::identity),
    }
}

/// A column of ranks of 64 bits.
fn of_longs(ranks: &ArrayRef) -> Result<&Int64Array> {
    ranks.as_primitive_opt::<Int64Type>().ok_or_else(|| exec_datafusion_err!("ranks of 64 bits are wanted"))
}

impl Ranks for Longs {
    fn fresh(&self) -> Box<dyn Ranks> {
        Box::new(Self { least: self.least, held: Vec::new() })
    }

    fn resize(&mut self, groups: usize) {
        self.held.resize(groups, None);
    }

    fn forget(&mut self, groups: usize) {
        self.held.drain(..groups);
    }

    fn first(&self, groups: usize) -> ArrayRef {
        Arc::new(self.held[..groups].iter().copied().collect::<Int64Array>())
    }

    fn size(&self) -> usize {
        self.held.capacity() * size_of::<Option<i64>>()
    }

    fn of_column(&self, column: &ArrayRef) -> Result<ArrayRef> {
        let ordinals = ordinals(column)?;
        let ranks: PrimitiveArray<Int64Type> = if self.least { ordinals.unary(|value| !value) } else { ordinals };
        Ok(Arc::new(ranks))
    }

    fn lead(
        &self,
        ranks: &ArrayRef,
        groups: &[usize],
        leaders: &mut Leaders,
        wins: &mut dyn FnMut(usize, Option<usize>, usize) -> Result<bool>,
    ) -> Result<()> {
        let ranks = of_longs(ranks)?;
        let values = ranks.values();
        leaders.find((|row| values[row], ranks.nulls()), |group| self.held[group], groups, wins)
    }

    fn hold(&mut self, groups: &[usize], ranks: &ArrayRef, rows: &[u32]) {
        let Ok(ranks) = of_longs(ranks) else { return };
        for (group, row) in groups.iter().zip(rows) {
            self.held[*group] = Some(ranks.value(*row as usize));
        }
    }
}

/// Ranks as bytes that compare as they do.
#[derive(Debug)]
struct Bytes {
    /// The type of what is compared.
    compared: DataType,
    least: bool,
    held: Vec<Option<Box<[u8]>>>,
    /// Bytes that are held together.
    bytes: usize,
}

/// The type of what stands for values of a type where they are compared: intervals are by their length.
fn compared(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Interval(_) => DataType::Decimal128(38, 0),
        other => other.clone(),
    }
}

/// What stands for the values of a column where they are compared.
fn keys(column: &ArrayRef) -> ArrayRef {
    lengths(column).unwrap_or_else(|| column.clone())
}

/// A column of ranks as bytes.
fn of_bytes(ranks: &ArrayRef) -> Result<&BinaryArray> {
    ranks.as_binary_opt::<i32>().ok_or_else(|| exec_datafusion_err!("ranks of bytes are wanted"))
}

impl Ranks for Bytes {
    fn fresh(&self) -> Box<dyn Ranks> {
        Box::new(Self { compared: self.compared.clone(), least: self.least, held: Vec::new(), bytes: 0 })
    }

    fn resize(&mut self, groups: usize) {
        self.held.resize(groups, None);
    }

    fn forget(&mut self, groups: usize) {
        self.bytes -= self.held.drain(..groups).flatten().map(|held| held.len()).sum::<usize>();
    }

    fn first(&self, groups: usize) -> ArrayRef {
        Arc::new(self.held[..groups].iter().map(|held| held.as_deref()).collect::<BinaryArray>())
    }

    fn size(&self) -> usize {
        self.held.capacity() * size_of::<Option<Box<[u8]>>>() + self.bytes
    }

    fn of_column(&self, column: &ArrayRef) -> Result<ArrayRef> {
        let keys = keys(column);
        let options = SortOptions { descending: self.least, nulls_first: true };
        let converter = RowConverter::new(vec![SortField::new_with_options(self.compared.clone(), options)])?;
        let nulls = keys.logical_nulls();
        let ranks = converter.convert_columns(&[keys])?.try_into_binary()?;
        let (offsets, values, _) = ranks.into_parts();
        Ok(Arc::new(BinaryArray::try_new(offsets, values, nulls)?))
    }

    fn lead(
        &self,
        ranks: &ArrayRef,
        groups: &[usize],
        leaders: &mut Leaders,
        wins: &mut dyn FnMut(usize, Option<usize>, usize) -> Result<bool>,
    ) -> Result<()> {
        let ranks = of_bytes(ranks)?;
        leaders.find((|row| ranks.value(row), ranks.nulls()), |group| self.held[group].as_deref(), groups, wins)
    }

    fn hold(&mut self, groups: &[usize], ranks: &ArrayRef, rows: &[u32]) {
        let Ok(ranks) = of_bytes(ranks) else { return };
        for (group, row) in groups.iter().zip(rows) {
            let rank: Box<[u8]> = ranks.value(*row as usize).into();
            self.bytes += rank.len();
            let before = self.held[*group].replace(rank);
            self.bytes -= before.map_or(0, |before| before.len());
        }
    }
}
