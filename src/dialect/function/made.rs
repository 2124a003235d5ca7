//! What a function of ours has made so far, for what no estimate of its arguments foresees: values are measured as they
//! come, and the function ends once there is too much.

use super::result_size::{CALL_BYTES_MAX, VALUE_BYTES_MAX, bytes_of, too_large};
use datafusion::common::{Result, ScalarValue};

/// Refuses a text that a function makes once it is longer than a value may be.
///
/// # Errors
/// `OutOfMemory` (53200).
pub(crate) fn check_value(name: &str, bytes: usize) -> Result<()> {
    match bytes as u64 {
        bytes if bytes > VALUE_BYTES_MAX => Err(too_large(name, bytes, "value", VALUE_BYTES_MAX)),
        _ => Ok(()),
    }
}

/// Counts the values that a function makes of a batch, one at a time, for what no estimate foresees.
#[derive(Debug, Default)]
pub(crate) struct Made(u64);

impl Made {
    /// Counts one more.
    ///
    /// # Errors
    /// `OutOfMemory` (53200) when it is too large, or all of them together are.
    pub(crate) fn add(&mut self, name: &str, value: &ScalarValue) -> Result<()> {
        let bytes = bytes_of(value);
        check_value(name, usize::try_from(bytes).unwrap_or(usize::MAX))?;
        self.0 = self.0.saturating_add(bytes);
        if self.0 > CALL_BYTES_MAX {
            return Err(too_large(name, self.0, "batch of rows", CALL_BYTES_MAX));
        }
        Ok(())
    }
}
