//! Statements of constants alone, such as the `SELECT 1` by which a pool of connections asks whether one still lives. Seen
//! when the statement is planned, answered without optimiser, physical plan or another thread.

use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, LogicalPlan};

/// A statement that is one row of constants.
#[derive(Debug, PartialEq)]
pub(crate) struct ConstantRow {
    columns: Vec<Constant>,
}

#[derive(Debug, PartialEq)]
enum Constant {
    Given(ScalarValue),
    /// The parameter of this place, counted from 0, when its value is of this type.
    Parameter(usize, DataType),
}

impl ConstantRow {
    /// The constants that a plan gives, if it gives nothing else.
    pub(crate) fn of(plan: &LogicalPlan) -> Option<Self> {
        let LogicalPlan::Projection(projection) = plan else { return None };
        let LogicalPlan::EmptyRelation(nothing) = projection.input.as_ref() else { return None };
        let columns = projection.expr.iter().map(constant).collect::<Option<Vec<_>>>()?;
        (nothing.produce_one_row && !columns.is_empty()).then_some(Self { columns })
    }

    /// The row, with columns as `schema` names them; nothing when a value is not of the type that was planned for.
    pub(crate) fn row(&self, schema: &SchemaRef, values: &[ScalarValue]) -> Option<RecordBatch> {
        let column = |constant: &Constant| {
            let value = match constant {
                Constant::Given(value) => value,
                Constant::Parameter(place, wanted) => {
                    values.get(*place).filter(|value| value.data_type() == *wanted)?
                }
            };
            value.to_array_of_size(1).ok()
        };
        let columns = self.columns.iter().map(column).collect::<Option<Vec<_>>>()?;
        RecordBatch::try_new(schema.clone(), columns).ok()
    }
}

fn constant(expr: &Expr) -> Option<Constant> {
    match expr {
        Expr::Literal(value, _) => Some(Constant::Given(value.clone())),
        Expr::Alias(alias) => constant(&alias.expr),
        Expr::Placeholder(placeholder) => {
            let number = placeholder.id.strip_prefix('$')?.parse::<usize>().ok()?;
            Some(Constant::Parameter(number.checked_sub(1)?, placeholder.field.as_ref()?.data_type().clone()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::prelude::SessionContext;

    async fn constants(sql: &str) -> Option<ConstantRow> {
        let plan = SessionContext::new().state().create_logical_plan(sql).await.unwrap();
        ConstantRow::of(&plan)
    }

    #[tokio::test]
    async fn a_row_of_constants_is_seen() {
        let found = constants("SELECT 1, 'a' AS name, NULL").await.unwrap();
        let given = [ScalarValue::from(1_i64), ScalarValue::from("a"), ScalarValue::Null].map(Constant::Given);
        assert_eq!(found.columns, given);
    }

    #[tokio::test]
    async fn anything_more_is_a_plan() {
        for sql in ["SELECT 1 + 1", "SELECT now()", "SELECT 1 WHERE false", "SELECT 1 LIMIT 0", "VALUES (1), (2)"] {
            assert_eq!(constants(sql).await, None, "{sql}");
        }
    }
}
