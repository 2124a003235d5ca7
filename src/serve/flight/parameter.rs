//! Parameters of prepared statements of Flight SQL: rows that the client sends as Arrow, one execution for each.
//!
//! Columns belong to `$1`, `$2`, ... in order, whatever their names. Values are converted to what the statement wants
//! as a cast would; what does not fit is refused when it is bound.

use super::error::{internal, malformed, no_room, status};
use super::plain_size::plain_size;
use super::sent_rows::{SentRows, too_large};
use super::types::{sent_type, sql_name};
use crate::engine::{Plan, ScalarValue, Session};
use crate::error::{ErrorKind, QueryError};
use crate::heap::Promise;
use crate::text::decimal::UNBOUND;
use crate::text::zone::Zone;
use arrow::array::{Array, ArrayRef, AsArray, new_empty_array};
use arrow::compute::{CastOptions, cast, cast_with_options, concat};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use tonic::Status;

/// Rows of parameters that fit a statement.
pub(super) struct Parameters {
    /// `None` when the statement takes none.
    bound: Option<Vec<RecordBatch>>,
    room: Promise,
}

/// The types that columns of parameters declare. A text may stand for anything, and takes the type of its place.
pub(super) fn declared(rows: &SentRows) -> Vec<Option<DataType>> {
    let Some(first) = rows.batches.first() else { return Vec::new() };
    let types = first.columns().iter().map(|column| match sent_type(column.data_type()) {
        DataType::Null | DataType::Union(..) | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => None,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            Some(UNBOUND)
        }
        DataType::Timestamp(_, zone) => Some(DataType::Timestamp(TimeUnit::Microsecond, zone.map(|_| "+00:00".into()))),
        DataType::Time32(_) | DataType::Time64(_) => Some(DataType::Time64(TimeUnit::Microsecond)),
        DataType::Date64 => Some(DataType::Date32),
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => Some(DataType::Binary),
        other => Some(other),
    });
    types.collect()
}

impl Parameters {
    /// Takes the rows of a handle or ticket, of which there are none where the statement takes none.
    pub(super) fn read(plan: &Plan, session: &Session, rows: SentRows) -> Result<Self, Status> {
        match (rows.batches.is_empty(), plan.parameters.len()) {
            (true, 0) => Ok(Self { bound: None, room: Promise::default() }),
            (true, wanted) => Err(wrong_number(wanted, 0)),
            (false, _) => Self::of(plan, session, rows),
        }
    }

    /// Takes rows that a client has bound, once there is room for them as they are wanted.
    pub(super) fn of(plan: &Plan, session: &Session, rows: SentRows) -> Result<Self, Status> {
        let wanted = &plan.parameters;
        if let Some(other) = rows.batches.iter().find(|batch| batch.num_columns() != wanted.len()) {
            return Err(wrong_number(wanted.len(), other.num_columns()));
        }
        let room = Promise::of_all(plain_size(&rows.batches)?).ok_or_else(no_room)?;
        let zone = session.settings().time_zone();
        let mut bound = Vec::with_capacity(rows.batches.len());
        for batch in rows.batches {
            let columns = batch.columns().iter().zip(wanted).enumerate();
            let columns = columns.map(|(place, (column, wanted))| fitted(column, wanted.as_ref(), place + 1, &zone));
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            bound.push(match columns.is_empty() {
                true => batch,
                false => named(columns)?,
            });
        }
        // A client that binds nothing to a statement that takes nothing means one execution.
        let nothing = wanted.is_empty() && bound.iter().all(|batch| batch.num_rows() == 0);
        Ok(Self { bound: (!nothing).then_some(bound), room })
    }

    /// Values of the first execution; `None` when there are none.
    pub(super) fn first(&self) -> Result<Option<Vec<ScalarValue>>, Status> {
        let Some(bound) = &self.bound else { return Ok(None) };
        let first = bound.iter().find(|batch| batch.num_rows() > 0).map(|batch| values(batch, 0)).transpose()?;
        Ok(first.filter(|values| !values.is_empty()))
    }

    /// Values of each execution; one execution without values where the statement takes none.
    pub(super) fn into_executions(self) -> ExecutionValues {
        let once = self.bound.is_none();
        let batches = self.bound.into_iter().flatten().filter(|batch| batch.num_rows() > 0).collect();
        ExecutionValues { once, batches, row: 0, _room: self.room }
    }

    /// The rows as they stand in a handle.
    pub(super) fn encode(&self, bytes_max: usize) -> Result<Bytes, Status> {
        let Some(bound) = &self.bound else { return Ok(Bytes::new()) };
        let Some(first) = bound.first() else { return Ok(Bytes::new()) };
        let write = || {
            let mut writer = StreamWriter::try_new(Vec::new(), &first.schema())?;
            bound.iter().try_for_each(|batch| writer.write(batch))?;
            writer.into_inner()
        };
        let bytes: Vec<u8> = write().map_err(|error| internal("keep the parameters", error))?;
        if bytes.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        Ok(bytes.into())
    }
}

/// Values of the executions that are still to come, one after the other. As values of their own they take many times what
/// they take as columns, so each row is made when it is asked for.
pub(super) struct ExecutionValues {
    /// There are no parameters, and one execution.
    once: bool,
    /// Batches with rows that are still to come.
    batches: VecDeque<RecordBatch>,
    /// The next row of the first batch.
    row: usize,
    _room: Promise,
}

impl ExecutionValues {
    /// Whether there are no more.
    pub(super) fn is_empty(&self) -> bool {
        !self.once && self.batches.is_empty()
    }
}

impl Iterator for ExecutionValues {
    type Item = Result<Vec<ScalarValue>, Status>;

    fn next(&mut self) -> Option<Self::Item> {
        if std::mem::take(&mut self.once) {
            return Some(Ok(Vec::new()));
        }
        let batch = self.batches.front()?;
        let values = values(batch, self.row);
        self.row += 1;
        if self.row >= batch.num_rows() {
            self.batches.pop_front();
            self.row = 0;
        }
        Some(values)
    }
}

/// The values of one row, in the order of the parameters; a NULL stays a typed NULL.
fn values(batch: &RecordBatch, row: usize) -> Result<Vec<ScalarValue>, Status> {
    let values = batch.columns().iter().map(|column| ScalarValue::try_from_array(column, row));
    values.collect::<Result<_, _>>().map_err(|error| status(error.into()))
}

/// INVALID_ARGUMENT: the client bound another number of columns than the statement has parameters.
fn wrong_number(wanted: usize, got: usize) -> Status {
    malformed(format!("wrong number of parameters: the statement takes {wanted}, and got {got}"))
}

/// A batch whose columns are called `$1`, `$2`, ..., all nullable, as handles carry it.
fn named(columns: Vec<ArrayRef>) -> Result<RecordBatch, Status> {
    let fields = columns.iter().enumerate();
    let fields = fields.map(|(place, column)| Field::new(format!("${}", place + 1), column.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    RecordBatch::try_new(schema, columns).map_err(|error| internal("keep the parameters", error))
}

/// A column of values as the statement wants them.
fn fitted(column: &ArrayRef, wanted: Option<&DataType>, number: usize, zone: &Zone) -> Result<ArrayRef, Status> {
    let refused = |error: String| {
        let wanted = wanted.map(sql_name).unwrap_or("text");
        let message = format!("parameter ${number} does not read as {wanted}: {error}");
        status(QueryError::new(ErrorKind::InvalidText, message))
    };
    let column = match column.data_type() {
        DataType::Union(..) => chosen(column, wanted).map_err(|error| refused(error.to_string()))?,
        _ => column.clone(),
    };
    let plain = sent_type(column.data_type());
    let column = cast(&column, &plain).map_err(|error| refused(error.to_string()))?;
    let Some(wanted) = wanted.filter(|wanted| **wanted != plain) else { return Ok(column) };
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let column = match (&plain, wanted) {
        // A moment without a zone is one of the session's.
        (DataType::Timestamp(_, None), DataType::Timestamp(_, Some(_))) => {
            let local = cast_with_options(&column, &DataType::Timestamp(TimeUnit::Microsecond, None), &strict)
                .map_err(|error| refused(error.to_string()))?;
            let moved = |us| zone.moment(us).ok_or_else(|| refused("timestamp out of range".to_owned()));
            let moved =
                local.as_primitive::<TimestampMicrosecondType>().try_unary::<_, TimestampMicrosecondType, _>(moved)?;
            Arc::new(moved.with_timezone("UTC"))
        }
        _ => column,
    };
    cast_with_options(&column, wanted, &strict).map_err(|error| refused(error.to_string()))
}

/// Values of a union, as some clients send values whose types they do not know: each in the wanted type, or that of the
/// first.
fn chosen(column: &ArrayRef, wanted: Option<&DataType>) -> Result<ArrayRef, ArrowError> {
    let union = column.as_union();
    let values: Vec<ArrayRef> = (0..union.len()).map(|row| union.value(row)).collect();
    let Some(kind) = wanted.or(values.first().map(|value| value.data_type())).cloned() else {
        return Ok(new_empty_array(wanted.unwrap_or(&DataType::Null)));
    };
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let values = values.iter().map(|value| cast_with_options(value, &kind, &strict)).collect::<Result<Vec<_>, _>>()?;
    concat(&values.iter().map(AsRef::as_ref).collect::<Vec<&dyn Array>>())
}

/// The schema that tells a client which parameters there are. A parameter of which nothing tells the type is text.
pub(super) fn schema(parameters: &[Option<DataType>]) -> SchemaRef {
    let fields = parameters.iter().enumerate().map(|(place, wanted)| {
        let wanted = wanted.as_ref().map_or(DataType::Utf8, sent_type);
        Field::new(format!("${}", place + 1), wanted, true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringArray};
    use arrow::record_batch::RecordBatchOptions;

    /// The values of all executions, in order.
    fn executions(bound: Option<Vec<RecordBatch>>) -> Vec<Vec<ScalarValue>> {
        let mut executions = Parameters { bound, room: Promise::default() }.into_executions();
        let mut all = Vec::new();
        while !executions.is_empty() {
            all.push(executions.next().unwrap().unwrap());
        }
        assert!(executions.next().is_none());
        all
    }

    fn batch(rows: &[(i64, Option<&str>)]) -> RecordBatch {
        let numbers: ArrayRef = Arc::new(rows.iter().map(|(number, _)| *number).collect::<Int64Array>());
        let texts: ArrayRef = Arc::new(rows.iter().map(|(_, text)| *text).collect::<StringArray>());
        named(vec![numbers, texts]).unwrap()
    }

    #[test]
    fn values_come_row_by_row() {
        let row = |number: i64, text: Option<&str>| vec![ScalarValue::from(number), ScalarValue::from(text)];
        let batches = vec![batch(&[]), batch(&[(1, Some("a")), (2, None)]), batch(&[]), batch(&[(3, Some(""))])];
        let wanted = vec![row(1, Some("a")), row(2, None), row(3, Some(""))];
        assert_eq!(executions(Some(batches)), wanted);
        assert!(executions(Some(vec![batch(&[])])).is_empty());
    }

    #[test]
    fn what_takes_no_parameters_is_executed_once_or_once_for_each_row() {
        let nothing = Vec::<ScalarValue>::new();
        assert_eq!(executions(None), vec![nothing.clone()]);
        let options = RecordBatchOptions::new().with_row_count(Some(3));
        let rows = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options).unwrap();
        assert_eq!(executions(Some(vec![rows])), vec![nothing; 3]);
    }
}
