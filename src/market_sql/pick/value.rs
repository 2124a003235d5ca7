//! The values that groups hold, of any type: numbers as they are, all else as bytes that can be compared and read again.

use arrow::array::{Array, ArrayRef, ArrowNativeTypeOp, AsArray, PrimitiveArray, downcast_primitive, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{ArrowPrimitiveType, DataType};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::{Result, exec_datafusion_err};
use std::cell::OnceCell;
use std::cmp::Ordering;
use std::fmt::Debug;
use std::sync::Arc;

/// The values of groups; NULL as long as none is held.
pub(super) trait Values: Debug + Send + Sync {
    /// The values of no groups.
    fn fresh(&self) -> Box<dyn Values>;
    /// Makes room for so many groups.
    fn resize(&mut self, groups: usize);
    /// Forgets the first groups, so many.
    fn forget(&mut self, groups: usize);
    /// Bytes on the heap.
    fn size(&self) -> usize;

    /// The values of the first groups, so many.
    ///
    /// # Errors
    /// Bytes that are no values.
    fn first(&self, groups: usize) -> Result<ArrayRef>;

    /// A column of values, to be compared with those that are held.
    ///
    /// # Errors
    /// A column of another type.
    fn batch<'a>(&'a self, column: &'a ArrayRef) -> Result<Box<dyn Batch + 'a>>;

    /// Holds values, each for its group.
    ///
    /// # Errors
    /// A column of another type.
    fn hold(&mut self, groups: &[usize], values: &ArrayRef) -> Result<()>;
}

/// A column of values beside those that are held. NULL is less than all else.
pub(super) trait Batch {
    /// How a row's value compares with another row's.
    ///
    /// # Errors
    /// Values that are not compared.
    fn with_row(&self, row: usize, other: usize) -> Result<Ordering>;

    /// How a row's value compares with the one that a group holds.
    ///
    /// # Errors
    /// Values that are not compared.
    fn with_held(&self, row: usize, group: usize) -> Result<Ordering>;
}

/// The values of no groups, of a type.
///
/// # Errors
/// A type whose values are not compared.
pub(super) fn values(data_type: &DataType) -> Result<Box<dyn Values>> {
    macro_rules! natives {
        ($number:ty) => {
            Ok(Box::new(Natives::<$number> { data_type: data_type.clone(), held: Vec::new() }))
        };
    }
    downcast_primitive! {
        data_type => (natives),
        _ => Ok(Box::new(Encoded::new(data_type)?)),
    }
}

/// Numbers, dates and moments.
#[derive(Debug)]
struct Natives<T: ArrowPrimitiveType> {
    data_type: DataType,
    held: Vec<Option<T::Native>>,
}

/// A column of numbers.
fn of_numbers<T: ArrowPrimitiveType>(column: &ArrayRef) -> Result<&PrimitiveArray<T>> {
    column.as_primitive_opt::<T>().ok_or_else(|| exec_datafusion_err!("values of {} are wanted", T::DATA_TYPE))
}

impl<T: ArrowPrimitiveType + Debug> Values for Natives<T> {
    fn fresh(&self) -> Box<dyn Values> {
        Box::new(Self { data_type: self.data_type.clone(), held: Vec::new() })
    }

    fn resize(&mut self, groups: usize) {
        self.held.resize(groups, None);
    }

    fn forget(&mut self, groups: usize) {
        self.held.drain(..groups);
    }

    fn size(&self) -> usize {
        self.held.capacity() * size_of::<Option<T::Native>>()
    }

    fn first(&self, groups: usize) -> Result<ArrayRef> {
        let values: PrimitiveArray<T> = self.held[..groups].iter().copied().collect();
        Ok(Arc::new(values.with_data_type(self.data_type.clone())))
    }

    fn batch<'a>(&'a self, column: &'a ArrayRef) -> Result<Box<dyn Batch + 'a>> {
        Ok(Box::new(Numbers { column: of_numbers::<T>(column)?, held: &self.held }))
    }

    fn hold(&mut self, groups: &[usize], values: &ArrayRef) -> Result<()> {
        for (group, value) in groups.iter().zip(of_numbers::<T>(values)?) {
            self.held[*group] = value;
        }
        Ok(())
    }
}

/// A column of numbers beside those that are held.
struct Numbers<'a, T: ArrowPrimitiveType> {
    column: &'a PrimitiveArray<T>,
    held: &'a [Option<T::Native>],
}

impl<T: ArrowPrimitiveType> Numbers<'_, T> {
    fn at(&self, row: usize) -> Option<T::Native> {
        self.column.is_valid(row).then(|| self.column.value(row))
    }
}

/// How one number compares with another, of which NULL is least.
fn compared<N: ArrowNativeTypeOp>(one: Option<N>, other: Option<N>) -> Ordering {
    match (one, other) {
        (Some(one), Some(other)) => one.compare(other),
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}

impl<T: ArrowPrimitiveType> Batch for Numbers<'_, T> {
    fn with_row(&self, row: usize, other: usize) -> Result<Ordering> {
        Ok(compared(self.at(row), self.at(other)))
    }

    fn with_held(&self, row: usize, group: usize) -> Result<Ordering> {
        Ok(compared(self.at(row), self.held[group]))
    }
}

/// Values of any other type.
#[derive(Debug)]
struct Encoded {
    data_type: DataType,
    converter: Arc<RowConverter>,
    /// A NULL as bytes.
    nothing: Box<[u8]>,
    held: Vec<Option<Box<[u8]>>>,
    /// Bytes that are held together.
    bytes: usize,
}

impl Encoded {
    fn new(data_type: &DataType) -> Result<Self> {
        let converter = RowConverter::new(vec![SortField::new(data_type.clone())])?;
        let nothing = converter.convert_columns(&[new_null_array(data_type, 1)])?.row(0).data().into();
        Ok(Self { data_type: data_type.clone(), converter: Arc::new(converter), nothing, held: Vec::new(), bytes: 0 })
    }
}

impl Values for Encoded {
    fn fresh(&self) -> Box<dyn Values> {
        Box::new(Self {
            data_type: self.data_type.clone(),
            converter: self.converter.clone(),
            nothing: self.nothing.clone(),
            held: Vec::new(),
            bytes: 0,
        })
    }

    fn resize(&mut self, groups: usize) {
        self.held.resize(groups, None);
    }

    fn forget(&mut self, groups: usize) {
        self.bytes -= self.held.drain(..groups).flatten().map(|held| held.len()).sum::<usize>();
    }

    fn size(&self) -> usize {
        self.held.capacity() * size_of::<Option<Box<[u8]>>>() + self.bytes
    }

    fn first(&self, groups: usize) -> Result<ArrayRef> {
        let parser = self.converter.parser();
        let rows = self.held[..groups].iter().map(|held| parser.parse(held.as_deref().unwrap_or(&self.nothing)));
        let column = self.converter.convert_rows(rows)?.into_iter().next();
        let column = column.ok_or_else(|| exec_datafusion_err!("values have a column"))?;
        Ok(if *column.data_type() == self.data_type { column } else { cast(&column, &self.data_type)? })
    }

    fn batch<'a>(&'a self, column: &'a ArrayRef) -> Result<Box<dyn Batch + 'a>> {
        Ok(Box::new(Texts { values: self, column, rows: OnceCell::new() }))
    }

    fn hold(&mut self, groups: &[usize], values: &ArrayRef) -> Result<()> {
        let rows = self.converter.convert_columns(std::slice::from_ref(values))?;
        for (group, row) in groups.iter().zip(&rows) {
            let value: Box<[u8]> = row.data().into();
            self.bytes += value.len();
            let before = self.held[*group].replace(value);
            self.bytes -= before.map_or(0, |before| before.len());
        }
        Ok(())
    }
}

/// A column of values as bytes, made when they are first compared, beside those that are held.
struct Texts<'a> {
    values: &'a Encoded,
    column: &'a ArrayRef,
    rows: OnceCell<Rows>,
}

impl Texts<'_> {
    fn rows(&self) -> Result<&Rows> {
        if let Some(rows) = self.rows.get() {
            return Ok(rows);
        }
        let rows = self.values.converter.convert_columns(std::slice::from_ref(self.column))?;
        Ok(self.rows.get_or_init(|| rows))
    }
}

impl Batch for Texts<'_> {
    fn with_row(&self, row: usize, other: usize) -> Result<Ordering> {
        let rows = self.rows()?;
        Ok(rows.row(row).data().cmp(rows.row(other).data()))
    }

    fn with_held(&self, row: usize, group: usize) -> Result<Ordering> {
        let held = self.values.held[group].as_deref().unwrap_or(&self.values.nothing);
        Ok(self.rows()?.row(row).data().cmp(held))
    }
}
