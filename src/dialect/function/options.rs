//! The options of foreign objects and relations, `{name=value}`, taken apart: `pg_options_to_table` has the names and the values
//! side by side.

use super::define::{Definition, Returns, null, stable};
use super::typed::texts_value;
use datafusion::arrow::array::AsArray;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};

/// Their definitions, sorted by name.
pub(crate) const FUNCTIONS: &[Definition] = &[
    stable("pg_option_names", "Names of options that are written `name=value`.", &[1], Returns::Texts, |_, values| {
        each(values, |option| Some(option.split_once('=').map_or(option, |(name, _)| name)))
    }),
    stable(
        "pg_option_values",
        "Values of options that are written `name=value`; NULL of one without.",
        &[1],
        Returns::Texts,
        |_, values| each(values, |option| option.split_once('=').map(|(_, value)| value)),
    ),
];

/// What is taken of each option; NULL of NULL.
fn each(values: &[ScalarValue], of: impl Fn(&str) -> Option<&str>) -> Result<ScalarValue> {
    let Some(ScalarValue::List(options)) = values.first().filter(|options| !options.is_null()) else {
        return Ok(null());
    };
    let options = cast(&options.value(0), &DataType::Utf8)?;
    Ok(texts_value(options.as_string::<i32>().iter().flatten().map(of)))
}
