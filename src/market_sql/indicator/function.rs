//! An indicator as a window function.

use super::super::argument::{Taken, coerced, finite};
use super::parameter::Parameters;
use crate::dialect::function::section::Section;
use arrow::array::{Array, ArrayRef, AsArray, Float64Array, StructArray, new_null_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Float64Type};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    Documentation, LimitEffect, PartitionEvaluator, ReversedUDWF, Signature, Volatility, WindowUDF, WindowUDFImpl,
};
use datafusion::physical_expr::PhysicalExpr;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The results of the rows that count, field by field.
pub(super) type Results = Vec<Vec<Option<f64>>>;

/// An indicator: its name, what it takes, and how it is computed.
#[derive(Debug, Clone)]
pub(crate) struct Indicator {
    /// The name that statements call it by.
    pub(super) name: &'static str,
    /// A sentence that describes it.
    pub(super) doc: &'static str,
    /// Its arguments: the series, then the parameters, of which the last may be left out.
    pub(super) taken: &'static [Taken],
    /// How many of the arguments have to be there.
    pub(super) least: usize,
    /// How many of the arguments are series.
    pub(super) series: usize,
    /// The fields of its result; none where that is one number.
    pub(super) fields: &'static [&'static str],
    /// The results for the rows that count.
    pub(super) compute: fn(&[Vec<f64>], &Parameters) -> Result<Results>,
}

/// Fields of results, by what is taken of each.
pub(super) fn columns<T, const N: usize>(all: &[Option<T>], fields: [fn(&T) -> f64; N]) -> Results {
    fields.map(|field| all.iter().map(|one| one.as_ref().map(field)).collect()).into()
}

impl Indicator {
    /// The window function as DataFusion takes it.
    pub(super) fn function(self) -> WindowUDF {
        let call = format!("{}(...) OVER (ORDER BY ...)", self.name);
        let documentation = Documentation::builder(Section::Other.of_datafusion(), self.doc, call).build();
        let signature = Signature::user_defined(Volatility::Immutable);
        WindowUDF::from(Declared { indicator: self, signature, documentation })
    }

    /// The name of a window function, if it is one of these.
    pub(crate) fn name_of(function: &WindowUDF) -> Option<&'static str> {
        function.inner().downcast_ref::<Declared>().map(|declared| declared.indicator.name)
    }

    fn returns(&self) -> DataType {
        if self.fields.is_empty() { DataType::Float64 } else { DataType::Struct(self.struct_fields()) }
    }

    fn struct_fields(&self) -> Fields {
        self.fields.iter().map(|name| Field::new(*name, DataType::Float64, true)).collect()
    }

    /// The results of a partition.
    fn results(&self, columns: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let (series, parameters) = columns.split_at(self.series.min(columns.len()));
        let Some(parameters) = Parameters::of(self.name, parameters)? else {
            return Ok(new_null_array(&self.returns(), rows));
        };
        let (places, series) = counted(series, rows)?;
        let results = (self.compute)(&series, &parameters)?;
        let fields = results.iter().map(|field| placed(&places, field, rows)).collect::<Result<Vec<_>>>()?;
        let Some(first) = fields.first() else { return Ok(new_null_array(&self.returns(), rows)) };
        if self.fields.is_empty() {
            return Ok(Arc::new(first.clone()));
        }
        let known: Option<NullBuffer> = first.nulls().cloned();
        let fields = fields.into_iter().map(|field| Arc::new(field) as ArrayRef).collect();
        Ok(Arc::new(StructArray::try_new(self.struct_fields(), fields, known)?))
    }
}

/// The rows in which all series have a number, and these numbers.
fn counted(series: &[ArrayRef], rows: usize) -> Result<(Vec<usize>, Vec<Vec<f64>>)> {
    let doubles = |column: &ArrayRef| column.as_primitive_opt::<Float64Type>().cloned();
    let columns: Option<Vec<Float64Array>> = series.iter().map(doubles).collect();
    let columns = columns.ok_or_else(|| exec_datafusion_err!("series of doubles are wanted"))?;
    let counts = |row: &usize| columns.iter().all(|column| column.is_valid(*row) && column.value(*row).is_finite());
    let places: Vec<usize> = (0..rows).filter(counts).collect();
    let numbers = columns.iter().map(|column| places.iter().map(|row| column.value(*row)).collect());
    let numbers = numbers.collect();
    Ok((places, numbers))
}

/// A column with results in their places.
///
/// # Errors
/// 22003 for a result beyond a double.
fn placed(places: &[usize], results: &[Option<f64>], rows: usize) -> Result<Float64Array> {
    let mut column = vec![None; rows];
    for (place, result) in places.iter().zip(results) {
        column[*place] = result.map(finite).transpose()?;
    }
    Ok(column.into())
}

/// The indicator with what DataFusion asks of it.
#[derive(Debug)]
struct Declared {
    indicator: Indicator,
    signature: Signature,
    documentation: Documentation,
}

impl PartialEq for Declared {
    fn eq(&self, other: &Self) -> bool {
        self.indicator.name == other.indicator.name
    }
}

impl Eq for Declared {}

impl Hash for Declared {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.indicator.name.hash(state);
    }
}

impl WindowUDFImpl for Declared {
    fn name(&self) -> &str {
        self.indicator.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let Indicator { name, taken, least, .. } = self.indicator;
        coerced(name, taken, least, arguments)
    }

    fn field(&self, arguments: WindowUDFFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(arguments.name(), self.indicator.returns(), true)))
    }

    fn partition_evaluator(&self, _: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Evaluator { indicator: self.indicator.clone() }))
    }

    fn reverse_expr(&self) -> ReversedUDWF {
        ReversedUDWF::NotSupported
    }

    fn limit_effect(&self, _: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        LimitEffect::Unknown
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

/// The evaluation over one partition, all at once.
#[derive(Debug)]
struct Evaluator {
    indicator: Indicator,
}

impl PartitionEvaluator for Evaluator {
    fn evaluate_all(&mut self, columns: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        self.indicator.results(columns, rows)
    }
}
