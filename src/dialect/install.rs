//! The installation registers the whole dialect in one DataFusion session state, from which the
//! engine makes every session.

use super::catalog::{self, Comments};
use super::extension::Extension;
use super::{
    abandoned, aggregate, arithmetic, array, decorrelate, equality, function, guard, key_range, moment, nested_key,
    typing,
};
use datafusion::catalog::{CatalogProvider, SchemaProvider, TableProvider};
use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::optimizer::OptimizerRule;
use datafusion::physical_planner::ExtensionPlanner;
use std::sync::Arc;

/// What the engine tells the dialect of the server it speaks for; shared by all sessions.
#[derive(Clone)]
pub struct Host {
    /// The catalog that `pg_catalog` and `information_schema` describe, and in which both are registered.
    pub catalog: Arc<dyn CatalogProvider>,
    /// What the catalog tells of tables beyond their columns.
    pub comments: Arc<dyn Comments>,
    /// Whether a table has the same rows when one statement scans it twice. A correlated subquery over other tables is
    /// refused rather than answered from two different moments.
    pub rereads: fn(&dyn TableProvider) -> bool,
    /// Further SQL, in the order in which its extensions are asked.
    pub extensions: Vec<Arc<dyn Extension>>,
}

/// Physical planners of the logical nodes that the dialect itself puts into plans.
#[must_use]
pub fn planners() -> Vec<Arc<dyn ExtensionPlanner + Send + Sync>> {
    vec![Arc::new(super::shared::Planner)]
}

/// Gives a state PostgreSQL's meaning of SQL: rules, operators, functions, their limits of size, the
/// catalog schemas, and then the extensions. Views are planned after it, since a plan keeps the
/// functions it was made with.
///
/// # Errors
/// Whatever DataFusion refuses to register. A state that lacks a part would answer otherwise than
/// PostgreSQL in silence, so the caller does not go on without it.
pub fn install(state: SessionState, host: &Host) -> Result<SessionState> {
    let mut rules = with_rules_of(host, decorrelate::optimizer_rules());
    rules.push(Arc::new(key_range::KeyRanges));
    rules.push(Arc::new(guard::OpaqueEqualities));
    rules.push(Arc::new(nested_key::NestedKeys));
    // The dialect's planners of operators are asked first, before any of DataFusion's types what it should not: of
    // documents, which have functions for them, and then of all else.
    let documents: Arc<dyn ExprPlanner> = Arc::new(arithmetic::DocumentOperators);
    let operators: Arc<dyn ExprPlanner> = Arc::new(typing::Operators);
    let planners = [documents, operators].into_iter().chain(state.expr_planners().iter().cloned()).collect();
    let state =
        SessionStateBuilder::new_from_existing(state).with_optimizer_rules(rules).with_expr_planners(planners).build();
    let mut state = abandoned::install(guard::install(state));
    let options = state.config_mut().options_mut();
    // A number with a point is a decimal, of the digits that are written.
    options.sql_parser.parse_float_as_decimal = true;
    // A `timestamptz` is in UTC, whatever the session's zone.
    options.execution.time_zone = Some("UTC".to_owned());
    moment::install_rewrites(&mut state)?;
    state.register_function_rewrite(Arc::new(equality::WindowKeys))?;
    arithmetic::install(&mut state)?;
    aggregate::install(&mut state)?;
    array::install(&mut state)?;
    for function in typing::functions() {
        state.register_udf(Arc::new(function))?;
    }
    moment::install_rules(&mut state);
    state.add_analyzer_rule(Arc::new(equality::EqualityKeys));
    for rule in host.extensions.iter().flat_map(|extension| extension.analyzer_rules()) {
        state.add_analyzer_rule(rule);
    }
    decorrelate::install(&mut state, host.rereads);
    catalog::install(&host.catalog, &host.comments)?;
    function::install(&mut state, host.catalog.clone(), host.comments.clone())?;
    for extension in &host.extensions {
        extension.register(&mut state)?;
    }
    state.add_analyzer_rule(Arc::new(abandoned::Checkpoint));
    Ok(state)
}

/// Has `pg_catalog`, `information_schema` and the functions about the catalog in one session's state describe another
/// catalog than the one that they were installed with, and say what `comments` makes of what there was to say; gives the two
/// schemas, by their names, for it to hold.
///
/// # Errors
/// Whatever DataFusion refuses to register.
pub fn describe(
    state: &mut SessionState,
    catalog: &Arc<dyn CatalogProvider>,
    comments: impl FnOnce(Arc<dyn Comments>) -> Arc<dyn Comments>,
) -> Result<Schemas> {
    let comments = function::describe(state, catalog, comments)?;
    Ok(catalog::schemas(catalog, &comments))
}

/// Schemas by their names.
pub type Schemas = Vec<(String, Arc<dyn SchemaProvider>)>;

/// Rules of the optimiser with those of extensions in front of the one that computes common parts of expressions once:
/// behind it, calls in conditions are columns.
fn with_rules_of(
    host: &Host,
    mut rules: Vec<Arc<dyn OptimizerRule + Send + Sync>>,
) -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let place = rules.iter().position(|rule| rule.name() == "common_sub_expression_eliminate").unwrap_or(rules.len());
    let further = host.extensions.iter().flat_map(|extension| extension.optimizer_rules());
    rules.splice(place..place, further);
    rules
}
