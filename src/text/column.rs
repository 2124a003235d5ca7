//! Whole columns as the texts that PostgreSQL writes: casts to text of the engine, and the tables that the program prints.

use super::array::{put_array, put_rows};
use super::calendar::DAY_US;
use super::decimal::{is_unbound, without_zeros};
use super::moment::{put_day, put_time, put_timestamp, put_timestamptz};
use super::number::{put_float4, put_float8};
use super::record::{is_missing, put_record};
use super::style::Style;
use super::zone::Offsets;
use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Float32Type, Float64Type, IntervalMonthDayNanoType, IntervalUnit, Time64MicrosecondType,
    TimeUnit, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use std::sync::Arc;

/// Dates, times and spans of time as psql shows them, in UTC.
///
/// # Errors
/// A moment that PostgreSQL has no room for.
pub(crate) fn times_as_text(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let written = match array.data_type() {
        DataType::Timestamp(_, None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(_, Some(_)) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Date64 => DataType::Date32,
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
        DataType::Interval(_) | DataType::Duration(_) => DataType::Interval(IntervalUnit::MonthDayNano),
        other => other.clone(),
    };
    texts(&cast(array, &written)?, &Style::DEFAULT)
}

/// The text of each value, NULL of NULL. Instants and spans are in a style.
///
/// # Errors
/// A time of day that PostgreSQL has no room for.
pub(crate) fn texts(array: &ArrayRef, style: &Style) -> Result<ArrayRef, ArrowError> {
    let mut texts = StringBuilder::with_capacity(array.len(), array.len() * 8);
    let mut out = Vec::new();
    let mut write = writer(array, style)?;
    for row in 0..array.len() {
        if array.is_null(row) {
            texts.append_null();
            continue;
        }
        out.clear();
        write(row, &mut out)?;
        texts.append_value(String::from_utf8_lossy(&out));
    }
    Ok(Arc::new(texts.finish()))
}

type Write<'a> = Box<dyn FnMut(usize, &mut Vec<u8>) -> Result<(), ArrowError> + 'a>;

fn writer<'a>(array: &'a ArrayRef, style: &'a Style) -> Result<Write<'a>, ArrowError> {
    Ok(match array.data_type() {
        DataType::Float32 => {
            let array = array.as_primitive::<Float32Type>();
            Box::new(move |row, out| {
                put_float4(array.value(row), out);
                Ok(())
            })
        }
        DataType::Float64 => {
            let array = array.as_primitive::<Float64Type>();
            Box::new(move |row, out| {
                put_float8(array.value(row), out);
                Ok(())
            })
        }
        DataType::Date32 => {
            let array = array.as_primitive::<Date32Type>();
            Box::new(move |row, out| {
                put_day(array.value(row), out);
                Ok(())
            })
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            let array = array.as_primitive::<Time64MicrosecondType>();
            Box::new(move |row, out| match array.value(row) {
                us @ 0..=DAY_US => {
                    put_time(us, out);
                    Ok(())
                }
                us => Err(out_of_range(us)),
            })
        }
        DataType::Timestamp(TimeUnit::Microsecond, None) => {
            let array = array.as_primitive::<TimestampMicrosecondType>();
            Box::new(move |row, out| {
                put_timestamp(array.value(row), out);
                Ok(())
            })
        }
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            let array = array.as_primitive::<TimestampMicrosecondType>();
            let mut offsets = Offsets::of(style.zone.clone());
            Box::new(move |row, out| {
                let us = array.value(row);
                put_timestamptz(us, offsets.east_us(us), out);
                Ok(())
            })
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let array = array.as_primitive::<IntervalMonthDayNanoType>();
            Box::new(move |row, out| {
                let span = array.value(row);
                style.spans.put(span.months, span.days, span.nanoseconds.div_euclid(1_000), out);
                Ok(())
            })
        }
        DataType::List(_) => {
            let lists = array.as_list::<i32>();
            let (values, mut write) = (lists.values(), writer(lists.values(), style)?);
            let mut element = Vec::new();
            let offsets = lists.value_offsets();
            let nested = matches!(values.data_type(), DataType::List(_));
            Box::new(move |row, out| {
                let range = offsets[row] as usize..offsets[row + 1] as usize;
                if nested {
                    return put_rows(range, out, &mut write);
                }
                put_array(range, &mut element, out, |index, element| {
                    let there = !values.is_null(index);
                    if there {
                        write(index, element)?;
                    }
                    Ok(there)
                })
            })
        }
        DataType::Struct(_) if let Some(texts) = super::json::texts(array) => Box::new(move |row, out| {
            out.extend_from_slice(texts.value(row).as_bytes());
            Ok(())
        }),
        DataType::Struct(_) => {
            let record = array.as_struct();
            let writers = record.columns().iter().map(|column| Ok((column, writer(column, style)?)));
            let mut writers = writers.collect::<Result<Vec<_>, ArrowError>>()?;
            let mut field = Vec::new();
            Box::new(move |row, out| {
                put_record(writers.len(), &mut field, out, |place, field| {
                    let (column, write) = &mut writers[place];
                    let there = !is_missing(column, row);
                    if there {
                        write(row, field)?;
                    }
                    Ok(there)
                })
            })
        }
        // Within a list; on its own it is a word.
        DataType::Boolean => {
            let array = array.as_boolean();
            Box::new(move |row, out| {
                out.push(if array.value(row) { b't' } else { b'f' });
                Ok(())
            })
        }
        unbound if is_unbound(unbound) => {
            let texts = cast(array, &DataType::Utf8)?.as_string::<i32>().clone();
            Box::new(move |row, out| {
                out.extend_from_slice(without_zeros(texts.value(row)).as_bytes());
                Ok(())
            })
        }
        DataType::Binary => {
            let array = array.as_binary::<i32>();
            Box::new(move |row, out| {
                super::bytea::put(array.value(row), out);
                Ok(())
            })
        }
        data_type if super::uuid::is_uuid(data_type) => {
            let array = array.as_fixed_size_binary();
            Box::new(move |row, out| {
                super::uuid::put(array.value(row), out);
                Ok(())
            })
        }
        data_type if super::tid::is_tid(data_type) => {
            let array = array.as_fixed_size_binary();
            Box::new(move |row, out| {
                super::tid::put(array.value(row), out);
                Ok(())
            })
        }
        // Of a list's elements: those whose text the engine writes as PostgreSQL does.
        _ => {
            let texts = cast(array, &DataType::Utf8)?.as_string::<i32>().clone();
            Box::new(move |row, out| {
                out.extend_from_slice(texts.value(row).as_bytes());
                Ok(())
            })
        }
    })
}

fn out_of_range(us: i64) -> ArrowError {
    ArrowError::CastError(format!("date/time field value out of range: {us}"))
}
