//! The logical plan of a statement: DataFusion's plan, the columns of its result and the types of its parameters.

use super::over_views::OverViews;
use super::prepared::Prepared;
use crate::dialect::parse::depth::Depth;
use crate::dialect::typing::Parameters;
use crate::error::{ErrorKind, QueryError};
use crate::explain::{self, ExplainOptions};
use crate::temporary::planned::{PlannedChange, What};
use crate::temporary::provider::TemporaryTable;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::DFSchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A planned statement, ready to run any number of times.
#[derive(Clone)]
pub struct Plan {
    pub(crate) prepared: Arc<Prepared>,
    /// The same over views whose rows are in memory, where it reads such views.
    pub(crate) over_views: Option<Arc<OverViews>>,
    /// Columns of the result.
    pub schema: SchemaRef,
    /// The same columns as a Postgres client is told of them: with their types, modifiers and tables where Arrow does not
    /// tell, as [`crate::dialect::told`] finds them.
    pub told: SchemaRef,
    /// Types of `$1`, `$2`, ... in order; `None` where nothing in the statement tells.
    pub parameters: Vec<Option<DataType>>,
    /// The PostgreSQL types of parameters, by their numbers, that share their Arrow type with another.
    pub parameter_types: Arc<BTreeMap<usize, u32>>,
    /// What is done with the rows, for a statement that changes temporary tables or views.
    pub(crate) change: Option<Arc<PlannedChange>>,
}

impl Plan {
    pub(crate) fn logical(&self) -> &LogicalPlan {
        &self.prepared.logical
    }

    /// The plan of EXPLAIN of this statement.
    pub(crate) fn explained(&self, options: ExplainOptions) -> Self {
        let told = explain::explained_told(&options);
        let prepared = Arc::new(self.prepared.explained(options));
        Self { prepared, over_views: None, schema: explain::explained_schema(), told, change: None, ..self.clone() }
    }

    /// Whether it changes temporary tables or views.
    pub fn is_change(&self) -> bool {
        self.change.is_some()
    }

    /// The temporary tables that it drops, empties or alters but in name, and what PostgreSQL calls that.
    pub fn replaces(&self) -> Option<(&'static str, Vec<String>)> {
        match &self.change.as_ref()?.what {
            What::Drop { what: "table", names, .. } => Some(("DROP TABLE", names.iter().cloned().collect())),
            What::Truncate(names) => Some(("TRUNCATE", names.clone())),
            What::Alter { table, made, .. } if made.rebuilt => Some(("ALTER TABLE", vec![table.clone()])),
            _ => None,
        }
    }

    /// The temporary tables that it reads.
    pub fn temporary_tables(&self) -> Vec<String> {
        let mut found = Vec::new();
        let walked = self.logical().apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node
                && let Ok(provider) = source_as_provider(&scan.source)
                && let Some(table) = provider.downcast_ref::<TemporaryTable>()
            {
                found.push(table.name().to_owned());
            }
            Ok(TreeNodeRecursion::Continue)
        });
        // A plan that cannot be walked was not made.
        walked.map(|_| found).unwrap_or_default()
    }

    /// Whether it has rows to give: a change does where it has RETURNING.
    pub fn has_rows(&self) -> bool {
        self.change.as_ref().is_none_or(|change| change.returning.is_some())
    }

    /// The query within a change.
    pub(crate) fn of_rows(&self, change: &PlannedChange) -> Self {
        Self { schema: change.columns.clone(), change: None, ..self.clone() }
    }

    /// Whether it is answered without being planned further, or may be once it was optimised: rows of some keys of one
    /// table or of views in memory, or constants.
    pub fn is_at_hand(&self) -> bool {
        let looked_up = self.prepared.lookup.is_some() || self.prepared.may_look_up();
        self.change.is_none() && (looked_up || self.prepared.constants.is_some() || self.over_views.is_some())
    }
}

/// The plan of a statement whose rows a table makes.
pub(crate) fn plan_rows(rows: Arc<dyn TableProvider>, parameters: Vec<Option<DataType>>) -> Result<Plan, QueryError> {
    let logical = LogicalPlanBuilder::scan("rows", provider_as_source(rows), None)?.build()?;
    let schema = renamed(logical.schema().as_arrow(), None);
    let prepared = Arc::new(Prepared::new(logical, Depth::Shallow, &[]));
    let told = schema.clone();
    Ok(Plan { prepared, over_views: None, schema, told, parameters, parameter_types: Arc::default(), change: None })
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

/// The columns of a plan's result as they will be: of the types to which the analyzer brings the branches of CASE, the
/// queries of UNION and the operands of operators. A plan whose parameters have no types yet tells its own columns.
///
/// # Errors
/// What the analyzer refuses.
pub(crate) fn announced(state: &SessionState, plan: &LogicalPlan) -> Result<DFSchemaRef, DataFusionError> {
    if matches!(plan, LogicalPlan::Explain(_) | LogicalPlan::Analyze(_)) {
        return Ok(plan.schema().clone());
    }
    let analysed = state.analyzer().execute_and_check(plan.clone(), state.config_options(), |_, _| {});
    match analysed {
        Ok(analysed) => Ok(analysed.schema().clone()),
        Err(_) if !plan.get_parameter_types()?.is_empty() => Ok(plan.schema().clone()),
        Err(error) => Err(error),
    }
}

/// Types of the parameters in order of their number; a gap (`$1, $3`) has none.
///
/// # Errors
/// 42601 for a number that no parameter has.
pub(crate) fn in_order(parameters: &Parameters) -> Result<Vec<Option<DataType>>, QueryError> {
    let last = parameters.keys().next_back().copied().unwrap_or_default();
    if last > PARAMETERS_MAX {
        return Err(QueryError::new(ErrorKind::Syntax, format!("there is no parameter ${last}")));
    }
    Ok((1..=last).map(|number| parameters.get(&number).cloned()).collect())
}

/// Parameters that a statement may have, as the protocol counts them.
const PARAMETERS_MAX: usize = 65_535;
