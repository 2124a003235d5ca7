//! The logical plan of a statement: DataFusion's plan, the columns of its result and the types of its parameters.

use super::explain::{self, ExplainOptions};
use super::prepared::Prepared;
use crate::dialect::parse::depth::Depth;
use crate::error::{ErrorKind, QueryError};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::provider_as_source;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A planned statement, ready to run any number of times.
#[derive(Clone)]
pub struct Plan {
    pub(crate) prepared: Arc<Prepared>,
    /// Columns of the result.
    pub schema: SchemaRef,
    /// Types of `$1`, `$2`, ... in order; `None` where nothing in the statement tells.
    pub parameters: Vec<Option<DataType>>,
}

impl Plan {
    pub(crate) fn logical(&self) -> &LogicalPlan {
        &self.prepared.logical
    }

    /// The plan of EXPLAIN of this statement.
    pub(crate) fn explained(&self, options: ExplainOptions) -> Self {
        let prepared = Arc::new(self.prepared.explained(options));
        Self { prepared, schema: explain::explained_schema(), parameters: self.parameters.clone() }
    }

    /// Whether it is answered without being optimised or planned further: the row of one key of one table, or
    /// constants.
    pub fn is_at_hand(&self) -> bool {
        self.prepared.lookup.is_some() || self.prepared.constants.is_some()
    }
}

/// The plan of a statement whose rows a table makes.
pub(crate) fn plan_rows(rows: Arc<dyn TableProvider>, parameters: Vec<Option<DataType>>) -> Result<Plan, QueryError> {
    let logical = LogicalPlanBuilder::scan("rows", provider_as_source(rows), None)?.build()?;
    let schema = renamed(logical.schema().as_arrow(), None);
    Ok(Plan { prepared: Arc::new(Prepared::new(logical, Depth::Shallow, &[])), schema, parameters })
}

/// Names a person may have meant by a table that does not exist.
pub(crate) fn table_names(state: &SessionState) -> impl Iterator<Item = String> {
    let catalogs = state.catalog_list();
    let catalog = catalogs.catalog(&state.config_options().catalog.default_catalog);
    let schemas = catalog.iter().flat_map(|catalog| {
        let named = |name: String| catalog.schema(&name).map(|schema| (name, schema.table_names()));
        catalog.schema_names().into_iter().filter_map(named).collect::<Vec<_>>()
    });
    let names = schemas.filter(|(schema, _)| schema != "pg_catalog").flat_map(|(schema, tables)| {
        let full = move |table: String| if schema == "public" { table } else { format!("{schema}.{table}") };
        tables.into_iter().map(full).collect::<Vec<_>>()
    });
    names.collect::<Vec<_>>().into_iter()
}

/// The result's columns under the names PostgreSQL gives them.
pub(crate) fn renamed(schema: &Schema, names: Option<Vec<String>>) -> SchemaRef {
    let own =
        || schema.fields().iter().map(|field| crate::dialect::rewrite::visible(field.name()).to_owned()).collect();
    let names = names.filter(|names| names.len() == schema.fields().len()).unwrap_or_else(own);
    let fields = schema.fields().iter().zip(names).map(|(field, name)| field.as_ref().clone().with_name(name));
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

/// Types of the parameters by their number, as far as the plan itself has them.
pub(crate) fn own_parameter_types(plan: &LogicalPlan) -> Result<BTreeMap<usize, Option<DataType>>, QueryError> {
    let numbered = |(name, data_type): (String, Option<DataType>)| match name
        .strip_prefix('$')
        .and_then(|digits| digits.parse::<usize>().ok())
    {
        Some(number @ 1..=65_535) => Ok((number, data_type)),
        _ => Err(QueryError::new(ErrorKind::Syntax, format!("there is no parameter {name}"))),
    };
    plan.get_parameter_types()?.into_iter().map(numbered).collect()
}

/// Types of the parameters in order of their number, from the plan or else from the statement; a gap (`$1, $3`) has no
/// type.
pub(crate) fn parameter_types(
    plan: &LogicalPlan,
    own: &BTreeMap<usize, Option<DataType>>,
    spelled_out: &BTreeMap<String, DataType>,
) -> Result<Vec<Option<DataType>>, QueryError> {
    let mut types = vec![None; own.keys().next_back().copied().unwrap_or_default()];
    let lists = if own.is_empty() { BTreeMap::new() } else { list_parameters(plan)? };
    for (number, data_type) in own {
        let name = format!("${number}");
        types[number - 1] = data_type.clone().or_else(|| spelled_out.get(&name).or_else(|| lists.get(&name)).cloned());
    }
    Ok(types)
}

/// Types of the parameters that are searched, as in `symbol = ANY($1)`: lists of what is looked for.
fn list_parameters(plan: &LogicalPlan) -> Result<BTreeMap<String, DataType>, QueryError> {
    let mut found = BTreeMap::new();
    plan.apply_with_subqueries(|node| {
        let schema = merge_schema(&node.inputs());
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                if let Expr::ScalarFunction(call) = part
                    && let [Expr::Placeholder(list), needle] = call.args.as_slice()
                    && call.func.name() == "array_has"
                    && let Ok(element) = needle.get_type(&schema)
                {
                    found.entry(list.id.clone()).or_insert_with(|| DataType::new_list(element, true));
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}
