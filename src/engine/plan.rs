//! A statement from its text to its plan: parsing, the columns of its result, the types of its parameters.

use super::depth::{self, Depth};
use super::dialect::Bounded;
use crate::error::{ErrorKind, QueryError};
use super::own;
use super::prepared::Prepared;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::provider_as_source;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Tokenizer;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A parsed statement: sqlparser's tree in the PostgreSQL dialect.
pub type Statement = ast::Statement;

/// A planned statement, ready to run any number of times.
#[derive(Clone)]
pub struct Plan {
    pub(super) prepared: Arc<Prepared>,
    /// Columns of the result.
    pub schema: SchemaRef,
    /// Types of `$1`, `$2`, ... in order; `None` where nothing in the statement tells.
    pub parameters: Vec<Option<DataType>>,
}

impl Plan {
    pub(super) fn logical(&self) -> &LogicalPlan {
        &self.prepared.logical
    }

    /// Whether it is answered without being optimised or planned further: the row of one key of one table, or constants.
    pub fn is_at_hand(&self) -> bool {
        self.prepared.lookup.is_some() || self.prepared.constants.is_some()
    }
}

pub(super) fn parse(sql: &str) -> Result<Vec<Statement>, QueryError> {
    super::safety::check_text(sql)?;
    let dialect = PostgreSqlDialect {};
    let tokens = Tokenizer::new(&dialect, sql).tokenize_with_location();
    let tokens = tokens.map_err(|error| QueryError::from_parser(error.into(), sql))?;
    depth::check(&tokens)?;
    let bounded = Bounded::for_tokens(tokens.len());
    let parse = || own::statements(&mut Parser::new(&bounded).with_tokens_with_locations(tokens));
    Depth::of(sql).walk(parse).map_err(|error| QueryError::from_parser(error, sql))
}

/// The plan of a statement whose rows a table makes.
pub(super) fn plan_rows(rows: Arc<dyn TableProvider>, parameters: Vec<Option<DataType>>) -> Result<Plan, QueryError> {
    let logical = LogicalPlanBuilder::scan("rows", provider_as_source(rows), None)?.build()?;
    let schema = renamed(logical.schema().as_arrow(), None);
    Ok(Plan { prepared: Arc::new(Prepared::new(logical, Depth::Shallow, &[])), schema, parameters })
}

/// Names a person may have meant by a table that does not exist.
pub(super) fn table_names(state: &SessionState) -> impl Iterator<Item = String> {
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
pub(super) fn renamed(schema: &Schema, names: Option<Vec<String>>) -> SchemaRef {
    let own = || schema.fields().iter().map(|field| super::rewrite::visible(field.name()).to_owned()).collect();
    let names = names.filter(|names| names.len() == schema.fields().len()).unwrap_or_else(own);
    let fields = schema.fields().iter().zip(names).map(|(field, name)| field.as_ref().clone().with_name(name));
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

/// Types of the parameters by their number, as far as the plan itself has them.
pub(super) fn own_parameter_types(plan: &LogicalPlan) -> Result<BTreeMap<usize, Option<DataType>>, QueryError> {
    let numbered = |(name, data_type): (String, Option<DataType>)| match name
        .strip_prefix('$')
        .and_then(|digits| digits.parse::<usize>().ok())
    {
        Some(number @ 1..=65_535) => Ok((number, data_type)),
        _ => Err(QueryError::new(ErrorKind::Syntax, format!("there is no parameter {name}"))),
    };
    plan.get_parameter_types()?.into_iter().map(numbered).collect()
}

/// Types of the parameters in order of their number, from the plan or else from the statement; a gap (`$1, $3`) has no type.
pub(super) fn parameter_types(
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
