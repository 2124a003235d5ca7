//! The functions of a statement that fills gaps. None of them is ever called: the rule of this room puts a node in
//! their place, and refuses them where they have none.

use super::super::bucket::arguments::{self, Form};
use super::super::bucket::{documentation, missing};
use crate::dialect::moment::types::Kind;
use arrow::datatypes::DataType;
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// Buckets as TimescaleDB names them.
pub(super) const BUCKET: &str = "time_bucket_gapfill";
/// Buckets as InfluxDB names them.
pub(super) const BIN: &str = "date_bin_gapfill";
/// The last value before a gap.
pub(super) const LOCF: &str = "locf";
/// A value between those around a gap.
pub(super) const INTERPOLATE: &str = "interpolate";

/// The functions of this room.
pub(crate) fn functions() -> Vec<ScalarUDF> {
    let filling = |name, doc| ScalarUDF::from(Filling::new(name, doc));
    vec![
        filling(BUCKET, "The beginning of a bucket, as a key of GROUP BY that has rows for empty buckets too."),
        filling(BIN, "The same as time_bucket_gapfill, with an origin behind the moment."),
        filling(LOCF, "The last value before, in a bucket that has none, in a statement that fills gaps."),
        filling(INTERPOLATE, "The value on the line between the values around a gap, in a statement that fills gaps."),
    ]
}

/// Whether an expression is a call that names buckets to fill.
pub(super) fn is_bucket(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if matches!(call.func.name(), BUCKET | BIN))
}

/// Whether an expression is a call that fills a value.
pub(super) fn is_fill(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if matches!(call.func.name(), LOCF | INTERPOLATE))
}

/// The arguments of a call that names buckets to fill.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct GapForm {
    /// The places of those that `time_bucket` has as well, in its order.
    pub(super) bucket: Vec<usize>,
    /// What is found of these.
    pub(super) form: Form,
    /// The place of the moment from which on gaps are filled.
    pub(super) start: Option<usize>,
    /// The place of the moment before which they are.
    pub(super) finish: Option<usize>,
    /// The types of all arguments.
    types: Vec<DataType>,
}

/// The form of a call by the types of its arguments; `None` for those that are not taken.
pub(super) fn gap_form(name: &str, given: &[DataType]) -> Option<GapForm> {
    let is_number = |place: usize| given.get(place).is_some_and(DataType::is_integer);
    let is_moment = |place: usize| given.get(place).is_some_and(|one| Kind::of(one).is_some_and(Kind::is_moment));
    let is_text = |place: usize| {
        given.get(place).is_some_and(|one| matches!(one, DataType::Utf8 | DataType::Utf8View | DataType::Null))
    };
    let is_there = |place: usize| given.get(place).is_some_and(|one| *one != DataType::Boolean).then_some(place);
    let (bucket, start, finish): (Vec<usize>, _, _) = match given.len() {
        2 => (vec![0, 1], None, None),
        3 if is_number(2) || (name == BUCKET && is_moment(2)) => (vec![0, 1], Some(2), None),
        3 => (vec![0, 1, 2], None, None),
        4 if is_text(2) && is_moment(3) && name == BUCKET => (vec![0, 1, 2], Some(3), None),
        4 => (vec![0, 1], Some(2), Some(3)),
        5 => (vec![0, 1, 2], Some(3), Some(4)),
        8 if (2..6).all(|place| is_there(place).is_none()) => (vec![0, 1], is_there(6), is_there(7)),
        8 => ((0..6).collect(), is_there(6), is_there(7)),
        _ => return None,
    };
    let of_bucket: Vec<DataType> = bucket.iter().filter_map(|place| given.get(*place).cloned()).collect();
    let form = arguments::form(&of_bucket)?;
    let mut types = given.to_vec();
    for (place, data_type) in bucket.iter().zip(&form.types) {
        *types.get_mut(*place)? = data_type.clone();
    }
    for place in [start, finish].into_iter().flatten() {
        if !(is_text(place) || is_moment(place) || is_number(place))
            || is_number(place) != form.is_of_numbers() && !is_text(place)
        {
            return None;
        }
        *types.get_mut(place)? = form.returns.clone();
    }
    Some(GapForm { bucket, form, start, finish, types })
}

/// A function of this room.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Filling {
    name: &'static str,
    signature: Signature,
    doc: Documentation,
}

impl Filling {
    fn new(name: &'static str, doc: &str) -> Self {
        Self { name, signature: Signature::user_defined(Volatility::Immutable), doc: documentation(name, doc) }
    }

    /// The types of the arguments and of the result.
    fn resolved(&self, given: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
        match (self.name, given) {
            (BUCKET | BIN, _) => gap_form(self.name, given).map(|form| (form.types, form.form.returns)),
            (LOCF, [value, rest @ ..]) if rest.len() <= 2 => {
                let value = if value.is_null() { DataType::Utf8 } else { value.clone() };
                let types = [value.clone(), value.clone(), DataType::Boolean].into_iter().take(given.len()).collect();
                let takes =
                    rest.get(1).is_none_or(|one| matches!(one, DataType::Boolean | DataType::Null | DataType::Utf8));
                takes.then_some((types, value))
            }
            (INTERPOLATE, [value, rest @ ..]) if rest.len() <= 2 => {
                let takes = value.is_numeric() || matches!(value, DataType::Null | DataType::Utf8);
                let records = rest
                    .iter()
                    .all(|one| matches!(one, DataType::Struct(fields) if fields.len() == 2) || one.is_null());
                let types = [DataType::Float64].into_iter().chain(rest.iter().cloned()).collect();
                (takes && records).then_some((types, DataType::Float64))
            }
            _ => None,
        }
    }
}

impl ScalarUDFImpl for Filling {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.doc)
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        Ok(self.resolved(given).ok_or_else(|| missing(self.name, given))?.0)
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        Ok(self.resolved(given).ok_or_else(|| missing(self.name, given))?.1)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("{} is never called", self.name)
    }
}
