//! Functions that the rewriter calls on the rows of a table: their addresses, and the draw of a sample.

use super::arguments::Kind::{Float, Int, Text};
use super::define::Returns;
use super::failure::fails;
use super::section::Section;
use super::typed::{Routine, call, routine};
use crate::error::ErrorKind;
use crate::text::tid::{self, TID};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;

/// The definitions of this file.
pub(super) const ROUTINES: &[Routine] = &[
    routine(
        "row_address",
        Section::Other,
        "Address of the row of that number, from 1 on.",
        &[call(&[Int], Returns::From(|_| TID), |values| {
            let number = u64::try_from(values.int(0)).ok().and_then(|number| number.checked_sub(1));
            match number.and_then(tid::of_row) {
                Some(address) => Ok(ScalarValue::FixedSizeBinary(6, Some(address.to_vec()))),
                None => fails(ErrorKind::OutOfRange, "there is no address for so many rows".to_owned()),
            }
        })],
    ),
    routine(
        "sample_draw",
        Section::Other,
        "Number from 0 up to 1 that a text and a seed always give.",
        &[call(&[Text, Float], Returns::From(|_| DataType::Float64), |values| {
            Ok(ScalarValue::from(draw(values.text(0).as_bytes(), values.float(1))))
        })],
    ),
    routine(
        "sampled",
        Section::Other,
        "Whether a draw from 0 up to 1 is among so many percent.",
        &[call(&[Float, Float], Returns::Bool, |values| {
            if values.is_null(1) {
                return fails(ErrorKind::SampleSize, "TABLESAMPLE parameter cannot be null".to_owned());
            }
            let (draw, percent) = (values.float(0), values.float(1));
            match (0.0..=100.0).contains(&percent) {
                true => Ok(ScalarValue::from(draw * 100.0 < percent)),
                false => fails(ErrorKind::SampleSize, "sample percentage must be between 0 and 100".to_owned()),
            }
        })
        .with_nulls()],
    ),
];

/// FNV-1a of the bytes and the seed, mixed so that its upper bits are as good as the lower.
fn draw(text: &[u8], seed: f64) -> f64 {
    let bytes = seed.to_bits().to_le_bytes();
    let hash = bytes
        .iter()
        .chain(text)
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    // The 53 bits that a double has.
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / 9_007_199_254_740_992.0
}
