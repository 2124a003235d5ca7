//! `sharpe(return, periods_per_year [, risk_free])` and `sortino`, as empyrical computes them.

use super::super::aggregate::{Aggregate, Distinct, Grouped, counted, doubles};
use super::super::argument::{Taken, finite};
use crate::dialect::moment::fault::invalid;
use crate::market::performance::{Moments, Returns};
use arrow::array::{Array, ArrayRef, BooleanArray, Float64Array};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use std::sync::Arc;

/// Both aggregates by their declarations.
pub(super) fn aggregates() -> Vec<Aggregate> {
    macro_rules! ratio {
        ($name:literal, $doc:literal, $ratio:expr) => {
            Aggregate {
                name: $name,
                doc: $doc,
                taken: &[Taken::Number, Taken::Number, Taken::Number],
                least: 2,
                distinct: Distinct::Refused,
                returns: |_| DataType::Float64,
                states: |_| vec![DataType::Float64; STATES],
                state: |_| Ok(Box::new(Ratios { name: $name, ratio: $ratio, all: Vec::new() })),
            }
        };
    }
    vec![
        ratio!(
            "sharpe",
            "The mean return of a period over the standard deviation of a sample, by the year; less what is free of risk.",
            Returns::sharpe
        ),
        ratio!(
            "sortino",
            "The mean return of a period over the deviation below 0, by the year; less what is free of risk.",
            Returns::sortino
        ),
    ]
}

/// Columns of a state.
const STATES: usize = 5;

/// The returns of a group, and how many there are in a year.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    returns: Returns,
    periods: f64,
}

impl Group {
    /// Takes in a group of at least one return.
    fn merge(&mut self, other: &Self, name: &str) -> Result<()> {
        if self.returns.moments.count == 0.0 {
            *self = *other;
            return Ok(());
        }
        if self.periods != other.periods {
            return Err(invalid(format!("periods_per_year of {name} must be the same in all rows of a group")));
        }
        self.returns = self.returns.merged(&other.returns);
        Ok(())
    }
}

/// One of the ratios, for each group.
#[derive(Debug)]
struct Ratios {
    name: &'static str,
    ratio: fn(&Returns, f64) -> Option<f64>,
    all: Vec<Group>,
}

impl Grouped for Ratios {
    fn fresh(&self) -> Box<dyn Grouped> {
        Box::new(Self { name: self.name, ratio: self.ratio, all: Vec::new() })
    }

    fn resize(&mut self, groups: usize) {
        self.all.resize(groups, Group::default());
    }

    fn update(&mut self, columns: &[ArrayRef], groups: &[usize], filter: Option<&BooleanArray>) -> Result<()> {
        let (returns, periods) = (doubles(columns, 0)?, doubles(columns, 1)?);
        let risk_free = columns.get(2).map(|_| doubles(columns, 2)).transpose()?;
        let known = counted([returns, periods].into_iter().chain(risk_free).map(|column| column as &dyn Array), filter);
        for (row, group) in groups.iter().enumerate() {
            let excess = returns.value(row) - risk_free.map_or(0.0, |risk_free| risk_free.value(row));
            if known.as_ref().is_some_and(|known| known.is_null(row)) || !excess.is_finite() {
                continue;
            }
            let periods = periods.value(row);
            if !(periods.is_finite() && periods > 0.0) {
                return Err(invalid(format!("periods_per_year of {} must be a number above 0", self.name)));
            }
            let own = &mut self.all[*group];
            if own.returns.moments.count == 0.0 {
                own.periods = periods;
            } else if own.periods != periods {
                return Err(invalid(format!(
                    "periods_per_year of {} must be the same in all rows of a group",
                    self.name
                )));
            }
            own.returns.add(excess);
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [count, mean, squares, downside, periods] =
            [doubles(states, 0)?, doubles(states, 1)?, doubles(states, 2)?, doubles(states, 3)?, doubles(states, 4)?];
        for (row, group) in groups.iter().enumerate().filter(|(row, _)| count.value(*row) > 0.0) {
            let moments = Moments { count: count.value(row), mean: mean.value(row), squares: squares.value(row) };
            let returns = Returns { moments, downside: downside.value(row) };
            self.all[*group].merge(&Group { returns, periods: periods.value(row) }, self.name)?;
        }
        Ok(())
    }

    fn results(&self, groups: usize) -> Result<ArrayRef> {
        let ratio = |group: &Group| {
            let Returns { moments, downside } = group.returns;
            for sum in [moments.mean, moments.squares, downside] {
                finite(sum)?;
            }
            (self.ratio)(&group.returns, group.periods).map(finite).transpose()
        };
        Ok(Arc::new(self.all[..groups].iter().map(ratio).collect::<Result<Float64Array>>()?))
    }

    fn states(&self, groups: usize) -> Result<Vec<ArrayRef>> {
        let column = |of: fn(&Group) -> f64| -> ArrayRef {
            Arc::new(self.all[..groups].iter().map(of).map(Some).collect::<Float64Array>())
        };
        Ok(vec![
            column(|group| group.returns.moments.count),
            column(|group| group.returns.moments.mean),
            column(|group| group.returns.moments.squares),
            column(|group| group.returns.downside),
            column(|group| group.periods),
        ])
    }

    fn forget(&mut self, groups: usize) {
        self.all.drain(..groups);
    }

    fn size(&self) -> usize {
        self.all.capacity() * size_of::<Group>()
    }
}
