//! `first`, `last`, `arg_min`, `arg_max`, `min_by` and `max_by`: the value that stands beside the least or the greatest of
//! others.
//!
//! Of several rows with that one, the greatest value is picked, so that no order of rows changes a result.

mod rank;
mod value;

use super::aggregate::{Aggregate, Distinct, Grouped, counted};
use super::argument::Taken;
use arrow::array::{Array, ArrayRef, BooleanArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_datafusion_err};
use rank::{Leaders, Ranks};
use value::Values;

/// Which row is picked.
#[derive(Debug, Clone, Copy)]
struct Rule {
    /// The row with the least of the others, or with the greatest.
    least: bool,
    /// Whether a value that is NULL may be picked; else rows with one do not count.
    keeps_null: bool,
}

/// The aggregates of this file. TimescaleDB's `first` and `last` keep a NULL, DuckDB's others do not.
pub(super) fn aggregates() -> Vec<Aggregate> {
    macro_rules! pick {
        ($name:literal, $doc:literal, $least:literal, $keeps_null:literal) => {
            Aggregate {
                name: $name,
                doc: $doc,
                taken: &[Taken::Any, Taken::Ordered],
                least: 2,
                distinct: Distinct::Same,
                returns,
                states,
                state: |types| state(types, Rule { least: $least, keeps_null: $keeps_null }),
            }
        };
    }
    vec![
        pick!("first", "The value at the smallest time, NULL if it is.", true, true),
        pick!("last", "The value at the greatest time, NULL if it is.", false, true),
        pick!("arg_min", "The value, unless it is NULL, where another is smallest.", true, false),
        pick!("arg_max", "The value, unless it is NULL, where another is greatest.", false, false),
        pick!("min_by", "The value, unless it is NULL, where another is smallest.", true, false),
        pick!("max_by", "The value, unless it is NULL, where another is greatest.", false, false),
    ]
}

fn returns(types: &[DataType]) -> DataType {
    types.first().cloned().unwrap_or(DataType::Null)
}

/// The value that is picked so far, and by which rank.
fn states(types: &[DataType]) -> Vec<DataType> {
    vec![returns(types), types.get(1).map_or(DataType::Null, rank::state_type)]
}

fn state(types: &[DataType], rule: Rule) -> Result<Box<dyn Grouped>> {
    let [value, time] = types else { return Err(exec_datafusion_err!("a value and what it is picked by are wanted")) };
    Ok(Box::new(Picks {
        types: types.to_vec(),
        rule,
        ranks: rank::ranks(time, rule.least)?,
        values: value::values(value)?,
        leaders: Leaders::default(),
    }))
}

/// The value of each group, and the rank that it was picked by.
#[derive(Debug)]
struct Picks {
    types: Vec<DataType>,
    rule: Rule,
    ranks: Box<dyn Ranks>,
    values: Box<dyn Values>,
    /// The rows of a batch that lead their groups; none between batches.
    leaders: Leaders,
}

impl Picks {
    /// The value of each row, and its rank; rows that do not count have none.
    fn ranked(&self, columns: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<[ArrayRef; 2]> {
        let [value, time] = columns else { return Err(exec_datafusion_err!("a value and a rank are wanted")) };
        let nulls = if self.rule.keeps_null { None } else { Some(value.as_ref()) };
        let ranks = self.ranks.of_column(time)?;
        let counted = counted(nulls.into_iter().chain([ranks.as_ref() as &dyn Array]), filter);
        let data = ranks.to_data().into_builder().nulls(counted).build()?;
        Ok([value.clone(), arrow::array::make_array(data)])
    }

    /// Takes in values by their ranks.
    fn pick(&mut self, value: &ArrayRef, ranks: &ArrayRef, groups: &[usize]) -> Result<()> {
        let batch = self.values.batch(value)?;
        let mut wins = |row: usize, leader: Option<usize>, group: usize| {
            let order = leader.map_or_else(|| batch.with_held(row, group), |leader| batch.with_row(row, leader));
            Ok(order?.is_gt())
        };
        self.ranks.lead(ranks, groups, &mut self.leaders, &mut wins)?;
        drop(batch);
        let (groups, rows) = self.leaders.taken();
        self.ranks.hold(&groups, ranks, &rows);
        self.values.hold(&groups, &take(value, &UInt32Array::from(rows), None)?)
    }
}

impl Grouped for Picks {
    fn fresh(&self) -> Box<dyn Grouped> {
        Box::new(Self {
            types: self.types.clone(),
            rule: self.rule,
            ranks: self.ranks.fresh(),
            values: self.values.fresh(),
            leaders: Leaders::default(),
        })
    }

    fn resize(&mut self, groups: usize) {
        self.leaders.resize(groups);
        self.ranks.resize(groups);
        self.values.resize(groups);
    }

    fn update(&mut self, columns: &[ArrayRef], groups: &[usize], filter: Option<&BooleanArray>) -> Result<()> {
        let [value, ranks] = self.ranked(columns, filter)?;
        self.pick(&value, &ranks, groups)
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [value, ranks] = states else { return Err(exec_datafusion_err!("a value and a rank are wanted")) };
        self.pick(value, ranks, groups)
    }

    fn results(&self, groups: usize) -> Result<ArrayRef> {
        self.values.first(groups)
    }

    fn states(&self, groups: usize) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.values.first(groups)?, self.ranks.first(groups)])
    }

    fn forget(&mut self, groups: usize) {
        self.leaders.forget(groups);
        self.ranks.forget(groups);
        self.values.forget(groups);
    }

    fn states_of_rows(&self, columns: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        Ok(self.ranked(columns, filter)?.into())
    }

    fn size(&self) -> usize {
        self.leaders.size() + self.ranks.size() + self.values.size()
    }
}
