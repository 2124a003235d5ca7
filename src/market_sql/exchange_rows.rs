//! `exchanges()`, a row for each exchange whose sessions are known; and the columns of `sessions(exchange, from, to)` as
//! lists, which the dialect puts side by side in FROM.

use super::calendar::{Named, known};
use crate::dialect::moment::function::{Call, named};
use crate::dialect::moment::types::{DATE, Kind, TIMESTAMPTZ};
use crate::market::exchange::{self, Session};
use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Date32Builder, ListBuilder, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Date32Type, Field, Schema};
use datafusion::catalog::{MemTable, TableFunctionImpl, TableProvider};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{Expr, ScalarUDF, Volatility};
use std::sync::Arc;

/// The table function `exchanges()`.
#[derive(Debug)]
pub(super) struct Exchanges;

impl TableFunctionImpl for Exchanges {
    fn call(&self, arguments: &[Expr]) -> Result<Arc<dyn TableProvider>> {
        if !arguments.is_empty() {
            return plan_err!("exchanges takes no arguments");
        }
        let all = exchange::exchanges();
        let text = |values: Vec<String>| Arc::new(StringArray::from(values)) as ArrayRef;
        let aliases = |mic| exchange::aliases(mic).collect::<Vec<_>>().join(", ");
        let mut dates = [Date32Builder::new(), Date32Builder::new()];
        for exchange in all {
            dates[0].append_value(Date32Type::from_naive_date(exchange.first));
            dates[1].append_value(Date32Type::from_naive_date(exchange.last));
        }
        let [mut first, mut last] = dates;
        let columns = vec![
            text(all.iter().map(|exchange| exchange.mic.to_owned()).collect()),
            text(all.iter().map(|exchange| aliases(exchange.mic)).collect()),
            text(all.iter().map(|exchange| exchange.name.to_owned()).collect()),
            text(all.iter().map(|exchange| exchange.zone.name().to_owned()).collect()),
            Arc::new(first.finish()) as ArrayRef,
            Arc::new(last.finish()) as ArrayRef,
        ];
        let names = ["exchange", "aliases", "name", "time_zone", "first_date", "last_date"];
        let fields: Vec<Field> = names
            .into_iter()
            .zip(&columns)
            .map(|(name, column)| Field::new(name, column.data_type().clone(), false))
            .collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        Ok(Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?))
    }
}

/// A list of values for each call, as a function.
macro_rules! column {
    ($name:literal, $what:literal, $element:expr, $builder:expr, $append:expr) => {
        named(
            $name,
            concat!($what, " of each session of an exchange from one date to another."),
            Volatility::Immutable,
            |given| resolved(given, $element),
            |call| lists(call, $element, $builder, $append),
        )
    };
}

/// The functions that give the columns of `sessions`.
pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![
        column!("sessions_exchange", "Code of the exchange", DataType::Utf8, StringBuilder::new(), |list, mic, _| {
            list.append_value(mic);
        }),
        column!("sessions_date", "Date", DATE, Date32Builder::new(), |list, _, session| {
            list.append_value(Date32Type::from_naive_date(session.date));
        }),
        column!("sessions_open_at", "Opening", TIMESTAMPTZ.clone(), instants(), |list, _, session| {
            list.append_value(session.open_at.timestamp_micros());
        }),
        column!(
            "sessions_break_start_at",
            "Beginning of the break",
            TIMESTAMPTZ.clone(),
            instants(),
            |list, _, session| {
                list.append_option(session.break_at.map(|(from, _)| from.timestamp_micros()));
            }
        ),
        column!("sessions_break_end_at", "End of the break", TIMESTAMPTZ.clone(), instants(), |list, _, session| {
            list.append_option(session.break_at.map(|(_, to)| to.timestamp_micros()));
        }),
        column!("sessions_close_at", "Close", TIMESTAMPTZ.clone(), instants(), |list, _, session| {
            list.append_value(session.close_at.timestamp_micros());
        }),
        column!("sessions_early_close", "Early close", DataType::Boolean, BooleanBuilder::new(), |list, _, session| {
            list.append_value(session.early_close);
        }),
    ]
}

fn instants() -> TimestampMicrosecondBuilder {
    TimestampMicrosecondBuilder::new().with_data_type(TIMESTAMPTZ.clone())
}

/// An exchange and two dates give a list.
fn resolved(given: &[DataType], element: DataType) -> Option<(Vec<DataType>, DataType)> {
    let [exchange, from, to] = given else { return None };
    let text = |given: &DataType| matches!(given, DataType::Null | DataType::Utf8 | DataType::Utf8View);
    let date = |given: &DataType| text(given) || Kind::of(given) == Some(Kind::Date);
    let list = DataType::List(Arc::new(Field::new_list_field(element, true)));
    (text(exchange) && date(from) && date(to)).then(|| (vec![DataType::Utf8, DATE, DATE], list))
}

/// Appends what one session has to a list.
type Append<B> = fn(&mut B, &str, &Session);

/// The list of each row; NULL where an argument is.
fn lists<B: ArrayBuilder>(call: &Call<'_>, element: DataType, builder: B, append: Append<B>) -> Result<ArrayRef> {
    let exchanges = Named::of_argument(call, 0)?;
    let (from, to) = (call.column::<Date32Type>(1)?, call.column::<Date32Type>(2)?);
    let mut lists = ListBuilder::new(builder).with_field(Field::new_list_field(element, true));
    for row in 0..call.rows {
        let (Some(exchange), Some(from), Some(to)) = (exchanges.at(row)?, from.at(row), to.at(row)) else {
            lists.append_null();
            continue;
        };
        for session in exchange.sessions(known(exchange, from)?, known(exchange, to)?) {
            append(lists.values(), exchange.mic, &session);
        }
        lists.append(true);
    }
    Ok(Arc::new(lists.finish()))
}
