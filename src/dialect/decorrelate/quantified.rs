//! EXISTS, IN, ANY and ALL over a query, with SQL's three values, in any place.
//!
//! `x IN (...)` is true when a value is equal; else NULL when `x` or one of the values is NULL and
//! there is a value at all; else false. ANY is the same for other operators, ALL its mirror.

use super::correlate::{Correlated, Want};
use super::examine::{exactly_one, existence, has_outer, same, values};
use super::site::Site;
use datafusion::common::{Column, ExprSchema, Result, ScalarValue, Spans, not_impl_err};
use datafusion::functions_aggregate::expr_fn::{count, max, min};
use datafusion::logical_expr::expr::{Exists, InSubquery, SetComparison, SetQuantifier};
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, LogicalPlanBuilder, Operator, Subquery, lit};
use std::sync::Arc;

impl Site<'_> {
    /// Whether a subquery has rows. One that depends on nothing is read up to its first row, once.
    pub(super) fn exists(&mut self, Exists { subquery, negated }: &Exists) -> Result<Expr> {
        let plan = existence(&subquery.subquery);
        if exactly_one(plan) {
            return Ok(lit(!negated));
        }
        let found = if has_outer(plan)? {
            let side = self.side(plan, &[])?;
            let correlated = self.correlate(side, plan, Want::Rows)?;
            self.mark(side, correlated.rows, correlated.on)?
        } else {
            has_rows(plan)?
        };
        Ok(if *negated { Expr::Not(Box::new(found)) } else { found })
    }

    /// The answer of IN and NOT IN.
    pub(super) fn within(&mut self, within: InSubquery) -> Result<Expr> {
        let answer = self.any(*within.expr, Operator::Eq, &within.subquery)?;
        Ok(if within.negated { Expr::Not(Box::new(answer)) } else { answer })
    }

    /// The answer of ANY and ALL: `x op ALL (...)` is true where the contrary holds for no value.
    pub(super) fn quantified(&mut self, comparison: SetComparison) -> Result<Expr> {
        match comparison.quantifier {
            SetQuantifier::Any => self.any(*comparison.expr, comparison.op, &comparison.subquery),
            SetQuantifier::All => match comparison.op.negate() {
                Some(contrary) => {
                    let answer = self.any(*comparison.expr, contrary, &comparison.subquery)?;
                    Ok(Expr::Not(Box::new(answer)))
                }
                None => not_impl_err!("operator {} ALL over a query", comparison.op),
            },
        }
    }

    /// Whether a comparison with some value of a subquery is true: true, NULL or false.
    fn any(&mut self, needle: Expr, op: Operator, subquery: &Subquery) -> Result<Expr> {
        let needle = self.replace(needle)?;
        let plan = values(&subquery.subquery);
        let side = self.side(plan, &[&needle])?;
        let ordered = matches!(op, Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq);
        let Correlated { rows, value: Some(value), on, .. } = self.correlate(side, plan, Want::Values)? else {
            return not_impl_err!("a subquery without a column");
        };
        if ordered && on.is_empty() {
            return self.beyond(side, needle, op, rows, value);
        }
        let value_may_be_null = rows.schema().field_from_column(&value)?.is_nullable();
        let compared = compare(needle.clone(), op, Expr::Column(value.clone()));
        let unsure = self.may_be_null(side, &needle)? || value_may_be_null;
        if !unsure {
            return self.mark(side, rows, on.into_iter().chain([compared]).collect());
        }
        let rows = self.unnest.twice(&rows)?;
        let matched = on.iter().cloned().chain([compared.clone()]).collect();
        let found = self.mark(side, rows.clone(), matched)?;
        let unknown = if on.is_empty() {
            let (total, known) = (self.unnest.name("rows"), self.unnest.name("known"));
            let counts = [count(lit(1)).alias(&total), count(Expr::Column(value)).alias(&known)];
            let counts = LogicalPlanBuilder::from(rows).aggregate(Vec::<Expr>::new(), counts)?.build()?;
            self.join(side, counts, Vec::new())?;
            some_unknown(&needle, total, known)
        } else {
            self.mark(side, rows, on.into_iter().chain([compared.is_null()]).collect())?
        };
        Ok(three_valued(found, unknown))
    }

    /// A comparison by order with all the values of a subquery that depends on nothing is one with
    /// the greatest or the smallest of them.
    fn beyond(&mut self, side: usize, needle: Expr, op: Operator, rows: LogicalPlan, value: Column) -> Result<Expr> {
        let (most, total, known) = (self.unnest.name("most"), self.unnest.name("rows"), self.unnest.name("known"));
        let value = || Expr::Column(value.clone());
        let extreme = if matches!(op, Operator::Lt | Operator::LtEq) { max(value()) } else { min(value()) };
        let exprs = [extreme.alias(&most), count(lit(1)).alias(&total), count(value()).alias(&known)];
        let rows = LogicalPlanBuilder::from(rows).aggregate(Vec::<Expr>::new(), exprs)?.build()?;
        self.join(side, rows, Vec::new())?;
        let found = compare(needle.clone(), op, Expr::Column(Column::from_name(most)));
        Ok(three_valued(same(found, lit(true)), some_unknown(&needle, total, known)))
    }
}

/// True where `found` is, else NULL where `unknown` is true, else false; both are true or false.
fn three_valued(found: Expr, unknown: Expr) -> Expr {
    found.or(unknown.and(lit(ScalarValue::Boolean(None))))
}

/// Whether a comparison with one of so many values, of which so many are known, may be NULL.
fn some_unknown(needle: &Expr, total: String, known: String) -> Expr {
    let (total, known) = (Expr::Column(Column::from_name(total)), Expr::Column(Column::from_name(known)));
    known.lt(total.clone()).or(needle.clone().is_null().and(total.gt(lit(0_i64))))
}

/// A comparison of two expressions.
pub(super) fn compare(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

/// Whether a plan that depends on nothing has rows, as a subquery of one value.
pub(super) fn has_rows(plan: &LogicalPlan) -> Result<Expr> {
    let first = LogicalPlanBuilder::from(plan.clone()).limit(0, Some(1))?;
    let counted = first.aggregate(Vec::<Expr>::new(), [count(lit(1))])?.build()?;
    let subquery = Subquery { subquery: Arc::new(counted), outer_ref_columns: Vec::new(), spans: Spans::new() };
    Ok(Expr::ScalarSubquery(subquery).gt(lit(0_i64)))
}
