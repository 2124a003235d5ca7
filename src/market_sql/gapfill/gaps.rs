//! What an operator that fills gaps is to do.

use super::super::bucket::arguments::Form;
use super::super::bucket::buckets::Buckets;
use super::super::bucket::of_call::Settings;
use super::column::Fill;
use datafusion::common::{Result, ScalarValue, plan_err};

/// What is filled, and how.
#[derive(Debug, Clone)]
pub(super) struct Gaps {
    /// How many of the input's columns are keys.
    pub(super) keys: usize,
    /// How many of them go on to the output.
    pub(super) passed: usize,
    /// The place of the key that is the bucket.
    pub(super) time: usize,
    /// The arguments of the call that names buckets; NULL where the moment stands.
    pub(super) arguments: Vec<ScalarValue>,
    /// What is found of these.
    pub(super) form: Form,
    /// From when on gaps are filled.
    pub(super) start: i64,
    /// Before when they are.
    pub(super) finish: i64,
    /// The columns that are filled.
    pub(super) fills: Vec<Fill>,
}

impl Gaps {
    /// The buckets.
    ///
    /// # Errors
    /// What the arguments say is not possible.
    pub(super) fn buckets(&self) -> Result<Buckets> {
        match Settings::of_values(&self.arguments, &self.form)?.at(0)? {
            Some(buckets) => Ok(buckets),
            None => plan_err!("buckets with gaps have a width"),
        }
    }
}
