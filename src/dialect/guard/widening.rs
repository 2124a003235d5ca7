//! Casts that cannot fail, and so need no guard.

use arrow::datatypes::DataType;

/// Whether a cast from one type to another cannot fail: to a wider number, or from a day to its first moment.
pub(super) fn widens(from: &DataType, to: &DataType) -> bool {
    use DataType::{Date32, Float32, Float64, Int16, Int32, Int64, LargeUtf8, Timestamp, Utf8, Utf8View};
    from == to
        || matches!(
            (from, to),
            (Int16, Int32 | Int64 | Float32 | Float64)
                | (Int32, Int64 | Float64)
                | (Int64, Float64)
                | (Float32, Float64)
                | (Date32, Timestamp(..))
                | (Utf8 | LargeUtf8 | Utf8View, Utf8 | LargeUtf8 | Utf8View)
        )
}
