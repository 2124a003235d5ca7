//! Queries whose rows come together: UNION, VALUES, and queries that read themselves. (INTERSECT and EXCEPT are joins by
//! the time they come here.)

use super::context::{Typing, WorkTable};
use super::kind::{Kind, UNBOUND, refusal};
use super::operand::Operand;
use crate::error::ErrorKind;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::common::{DFSchema, DFSchemaRef, JoinType, NullEquality, Result, ScalarValue};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::logical_expr::expr::{Alias, Cast};
use datafusion::logical_expr::logical_plan::{Join, Projection, RecursiveQuery, TableScanBuilder, Union, Values};
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, TableScan, cast};
use std::collections::HashMap;
use std::sync::Arc;

/// A column of an input: the expression of a list where there is one, so that what has no type in it is seen.
fn column(plan: &LogicalPlan, place: usize) -> Operand {
    let field = plan.schema().field(place);
    let data_type = field.data_type().clone();
    match plan {
        LogicalPlan::Projection(projection) => Operand { expr: projection.expr[place].clone(), data_type },
        _ => Operand { expr: Expr::from(plan.schema().qualified_field(place)), data_type },
    }
}

/// An input whose columns have these types; `None` leaves a column as it is.
fn projected(typing: &mut Typing<'_>, plan: LogicalPlan, types: &[DataType]) -> Result<LogicalPlan> {
    let same = |place: usize| {
        let field = plan.schema().field(place);
        *field.data_type() == types[place] && column(&plan, place).kind() != Kind::Unknown
    };
    if (0..types.len()).all(same) {
        return Ok(plan);
    }
    let mut exprs = Vec::with_capacity(types.len());
    for (place, data_type) in types.iter().enumerate() {
        let (qualifier, field) = plan.schema().qualified_field(place);
        let operand = column(&plan, place);
        let expr = match operand.expr {
            // A column of the list is coerced below its name.
            Expr::Alias(Alias { expr, .. }) => {
                typing.coerce(Operand { expr: *expr, data_type: operand.data_type }, data_type)?
            }
            expr => typing.coerce(Operand { expr, data_type: operand.data_type }, data_type)?,
        };
        exprs.push(expr.alias_qualified(qualifier.cloned(), field.name()));
    }
    Ok(match plan {
        LogicalPlan::Projection(projection) => LogicalPlan::Projection(Projection::try_new(exprs, projection.input)?),
        other => LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(other))?),
    })
}

/// The rows of a plan that is constants alone: a SELECT without FROM, or rows written out before.
fn constant_rows(plan: &LogicalPlan) -> Option<Vec<Vec<Expr>>> {
    let LogicalPlan::Projection(projection) = plan else { return None };
    match projection.input.as_ref() {
        LogicalPlan::EmptyRelation(nothing) if nothing.produce_one_row => {
            let row = projection.expr.iter().map(|expr| constant(expr.clone()));
            Some(vec![row.collect::<Option<_>>()?])
        }
        LogicalPlan::Values(values) => {
            let all = projection.expr.iter().zip(values.schema.columns()).all(|(expr, column)| match expr {
                Expr::Alias(alias) => *alias.expr == Expr::Column(column),
                other => *other == Expr::Column(column),
            });
            (all && projection.expr.len() == values.schema.fields().len()).then(|| values.values.clone())
        }
        _ => None,
    }
}

/// A value that is written out, without its name.
fn constant(expr: Expr) -> Option<Expr> {
    match expr {
        Expr::Alias(alias) => constant(*alias.expr),
        Expr::Literal(..) | Expr::Placeholder(_) => Some(expr),
        Expr::Cast(cast) => matches!(cast.expr.as_ref(), Expr::Literal(..)).then_some(Expr::Cast(cast)),
        _ => None,
    }
}

/// Rows that are written out, under the names of a schema.
fn written_out(schema: &DFSchema, rows: Vec<Vec<Expr>>, types: &[DataType]) -> Result<LogicalPlan> {
    let names = (1..=types.len()).map(|place| format!("column{place}"));
    let fields = names.zip(types).map(|(name, data_type)| (None, Arc::new(Field::new(name, data_type.clone(), true))));
    let inner = Arc::new(DFSchema::new_with_metadata(fields.collect(), HashMap::new())?);
    let columns = inner.columns().into_iter().zip(schema.iter());
    let exprs = columns
        .map(|(column, (qualifier, field))| Expr::Column(column).alias_qualified(qualifier.cloned(), field.name()));
    let exprs = exprs.collect();
    let held = |expr: Expr, data_type: &DataType| match &expr {
        Expr::Literal(value, _) if value.data_type() != *data_type => cast(expr, data_type.clone()),
        Expr::Cast(written) if written.field.data_type() != data_type => cast(expr, data_type.clone()),
        _ => expr,
    };
    let rows = rows.into_iter().map(|row| row.into_iter().zip(types).map(|(expr, of)| held(expr, of)).collect());
    let values = LogicalPlan::Values(Values { schema: inner, values: rows.collect() });
    Ok(LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(values))?))
}

/// A schema with other types.
fn retyped(schema: &DFSchema, types: &[DataType]) -> Result<DFSchemaRef> {
    let fields = schema.iter().zip(types).map(|((qualifier, field), data_type)| {
        (qualifier.cloned(), Arc::new(field.as_ref().clone().with_data_type(data_type.clone())))
    });
    Ok(Arc::new(DFSchema::new_with_metadata(fields.collect(), HashMap::new())?))
}

impl Typing<'_> {
    /// UNION: each column in the type that all inputs go together in.
    pub(super) fn union(&mut self, union: Union) -> Result<LogicalPlan> {
        let inputs = union.inputs.into_iter().map(|input| self.plan(Arc::unwrap_or_clone(input)));
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        let columns = union.schema.fields().len();
        let mut types = Vec::with_capacity(columns);
        for place in 0..columns {
            let branches = inputs.iter().map(|input| column(input, place)).collect::<Vec<_>>();
            types.push(self.common_type(&branches, "UNION")?);
        }
        let inputs = inputs.into_iter().map(|input| projected(self, input, &types)).collect::<Result<Vec<_>>>()?;
        let rows = inputs.iter().map(constant_rows).collect::<Option<Vec<_>>>();
        let union = Union::try_new_with_loose_types(inputs.into_iter().map(Arc::new).collect())?;
        match rows {
            // Rows that are written out come in the order in which they are written.
            Some(rows) => written_out(&union.schema, rows.into_iter().flatten().collect(), &types),
            None => Ok(LogicalPlan::Union(union)),
        }
    }

    /// VALUES: each column in one type.
    pub(super) fn values(&mut self, values: Values) -> Result<LogicalPlan> {
        let around = std::mem::replace(&mut self.schema, Arc::new(DFSchema::empty()));
        let columns = values.schema.fields().len();
        let mut lists: Vec<Vec<Operand>> = vec![Vec::new(); columns];
        for row in values.values {
            for (list, value) in lists.iter_mut().zip(row) {
                // A cast that a person wrote is marked; this one is DataFusion's.
                let value = match value {
                    Expr::Cast(Cast { expr, .. }) => *expr,
                    Expr::Literal(value, metadata) if value.is_null() => Expr::Literal(ScalarValue::Null, metadata),
                    other => other,
                };
                list.push(self.typed(value)?);
            }
        }
        let rows = lists.first().map_or(0, Vec::len);
        let (mut types, mut typed) = (Vec::with_capacity(columns), vec![Vec::with_capacity(columns); rows]);
        for list in lists {
            let data_type = self.common_type(&list, "VALUES")?;
            for (row, value) in typed.iter_mut().zip(list) {
                let expr = self.coerce(value, &data_type)?;
                // Texts are of one type however each is held; rows are held in one way.
                let held = !data_type.is_string() || expr.get_type(self.schema.as_ref())? == data_type;
                row.push(if held { expr } else { cast(expr, data_type.clone()) });
            }
            types.push(data_type);
        }
        self.schema = around;
        Ok(LogicalPlan::Values(Values { schema: retyped(&values.schema, &types)?, values: typed }))
    }

    /// A scan, of a table or of what a recursive query reads of itself.
    pub(super) fn scan(&mut self, scan: TableScan) -> Result<LogicalPlan> {
        let found = source_as_provider(&scan.source).ok().and_then(|provider| {
            let name = provider.downcast_ref::<CteWorkTable>()?.name().to_owned();
            self.work_tables.iter().rev().find(|table| table.name == name)
        });
        let Some(table) = found else { return self.expressions(LogicalPlan::TableScan(scan)) };
        let builder = TableScanBuilder::new(scan.table_name, table.source.clone());
        let builder = builder.with_projection(scan.projection).with_filters(scan.filters).with_fetch(scan.fetch);
        Ok(LogicalPlan::TableScan(builder.build()?))
    }

    /// A query that reads itself: its first query says what type each column has, its second must give it.
    pub(super) fn recursive(&mut self, query: RecursiveQuery) -> Result<LogicalPlan> {
        let before = query.static_term.schema().clone();
        let first = self.plan(Arc::unwrap_or_clone(query.static_term))?;
        let types = (0..before.fields().len()).map(|place| {
            let column = column(&first, place);
            match column.kind() {
                Kind::Unknown => DataType::Utf8,
                // A numeric has as many digits as its values need, which grow from step to step.
                Kind::Numeric => UNBOUND,
                _ => column.data_type,
            }
        });
        let types = types.collect::<Vec<_>>();
        let first = projected(self, first, &types)?;
        let fields = first.schema().fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
        let table = CteWorkTable::new(&query.name, Arc::new(Schema::new(fields.collect::<Vec<Field>>())));
        let source = provider_as_source(Arc::new(table));
        self.work_tables.push(WorkTable { name: query.name.clone(), source });
        let second = self.plan(without_coercion(Arc::unwrap_or_clone(query.recursive_term), &before));
        self.work_tables.pop();
        let second = second?;
        for (place, data_type) in types.iter().enumerate() {
            let (wanted, found) = (Kind::of(data_type), column(&second, place).kind());
            if wanted.common(&found).as_ref() != Some(&wanted) {
                let text = format!(
                    "recursive query \"{}\" column {} has type {} in non-recursive term but type {} overall",
                    query.name,
                    place + 1,
                    wanted.name(),
                    found.name()
                );
                return Err(refusal(ErrorKind::TypeMismatch, text));
            }
        }
        let second = projected(self, second, &types)?;
        LogicalPlanBuilder::from(first).to_recursive_query(query.name, second, query.is_distinct)?.build()
    }

    /// INTERSECT and EXCEPT, which the SQL planner makes semi and anti joins: each column in the type that both sides go
    /// together in.
    fn set_operation(&mut self, join: Join) -> Result<Join> {
        let context = if join.join_type == JoinType::LeftSemi { "INTERSECT" } else { "EXCEPT" };
        let (left, right) = (Arc::unwrap_or_clone(join.left), Arc::unwrap_or_clone(join.right));
        let mut types = Vec::with_capacity(join.on.len());
        for place in 0..join.on.len() {
            types.push(self.common_type(&[column(&left, place), column(&right, place)], context)?);
        }
        let (left, right) = (projected(self, left, &types)?, projected(self, right, &types)?);
        let on = left.schema().iter().zip(right.schema().iter());
        let on = on.map(|(own, other)| (Expr::from(own), Expr::from(other))).collect();
        Ok(Join { left: Arc::new(left), right: Arc::new(right), on, ..join })
    }

    /// The sides of a join's keys in one type each.
    pub(super) fn join(&mut self, join: Join) -> Result<LogicalPlan> {
        let mut join = if is_set_operation(&join) { self.set_operation(join)? } else { join };
        let (left, right) = (join.left.schema().clone(), join.right.schema().clone());
        let mut keys = Vec::with_capacity(join.on.len());
        for (own, other) in std::mem::take(&mut join.on) {
            let around = std::mem::replace(&mut self.schema, left.clone());
            let own = self.typed(own)?;
            self.schema = right.clone();
            let other = self.typed(other)?;
            self.schema = around;
            let (of_own, of_other) = (own.kind(), other.kind());
            let missing = || {
                let text = format!("operator does not exist: {} = {}", of_own.name(), of_other.name());
                refusal(ErrorKind::UnknownFunction, text)
            };
            keys.push(self.compared(own, other, missing)?);
        }
        if let Some(filter) = join.filter.take() {
            let around = std::mem::replace(&mut self.schema, Arc::new(left.join(&right)?));
            let operand = self.typed(filter)?;
            join.filter = Some(self.condition(operand, "JOIN/ON")?);
            self.schema = around;
        }
        let join = Join { on: keys, ..join };
        LogicalPlan::Join(join).recompute_schema()
    }
}

/// Whether a join is an INTERSECT or EXCEPT: it compares all columns of both sides, and takes NULLs for equal.
fn is_set_operation(join: &Join) -> bool {
    let (left, right) = (join.left.schema().fields(), join.right.schema().fields());
    let is = |expr: &Expr, field: &Field| matches!(expr, Expr::Column(column) if column.name == *field.name());
    matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti)
        && join.null_equality == NullEquality::NullEqualsNull
        && join.filter.is_none()
        && left.len() == right.len()
        && left.len() == join.on.len()
        && join.on.iter().zip(left.iter().zip(right)).all(|((own, other), (l, r))| is(own, l) && is(other, r))
}

/// The second query of a recursive one without the casts to the types of the first that the SQL planner put on its list:
/// PostgreSQL refuses what they would cut. A cast that a person wrote is marked (see `call`).
fn without_coercion(plan: LogicalPlan, wanted: &DFSchema) -> LogicalPlan {
    let LogicalPlan::Projection(projection) = plan else { return plan };
    let bare = |expr: &Expr, place: usize| match expr {
        Expr::Cast(Cast { expr, field }) if field.data_type() == wanted.field(place).data_type() => match expr.as_ref()
        {
            Expr::Literal(..) => None,
            inner => Some(inner.clone()),
        },
        _ => None,
    };
    let exprs = projection.expr.iter().enumerate().map(|(place, expr)| match expr {
        Expr::Alias(alias) => match bare(&alias.expr, place) {
            Some(inner) => inner.alias_qualified(alias.relation.clone(), &alias.name),
            None => expr.clone(),
        },
        other => {
            let (relation, name) = other.qualified_name();
            bare(other, place).map_or_else(|| other.clone(), |inner| inner.alias_qualified(relation, name))
        }
    });
    match Projection::try_new(exprs.collect(), projection.input.clone()) {
        Ok(open) => LogicalPlan::Projection(open),
        Err(_) => LogicalPlan::Projection(projection),
    }
}
