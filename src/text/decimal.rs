//! How a `numeric` is held whose places behind the point are known with its values only, and its text.

use arrow::datatypes::DataType;

/// The Arrow type of such a `numeric`. Its values are written without the zeros that fill up their places.
pub(crate) const UNBOUND: DataType = DataType::Decimal256(76, 38);

/// Whether zeros at the end of a decimal's text only fill up its places.
pub(crate) fn is_unbound(data_type: &DataType) -> bool {
    *data_type == UNBOUND
}

/// A decimal's text without the zeros behind the point at its end.
pub(crate) fn without_zeros(text: &str) -> &str {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_that_fill_up_are_left_out() {
        let texts = [("1.500", "1.5"), ("100.000", "100"), ("-0.010", "-0.01"), ("100", "100")];
        for (text, expected) in texts {
            assert_eq!(without_zeros(text), expected);
        }
    }
}
