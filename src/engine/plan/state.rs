//! The planning state of one statement: DataFusion's planners see the session's catalog, functions and rules in it,
//! which are shared, and a configuration and a clock of its own.
//!
//! DataFusion's own way is to copy the whole session state for each statement. With its hundreds of functions, the copy
//! costs more than many a statement does.

use crate::dialect::catalog::Described;
use crate::dialect::moment::now;
use crate::dialect::shared::Buffers;
use crate::table::context::QueryContext;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use datafusion::catalog::{CatalogProviderList, Session};
use datafusion::common::alias::AliasGenerator;
use datafusion::common::config::{ConfigOptions, TableOptions};
use datafusion::common::{DFSchema, Result};
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{FunctionRegistry, SessionState, TaskContext};
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::registry::ExtensionTypeRegistryRef;
use datafusion::logical_expr::{AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, ScalarUDF, WindowUDF};
use datafusion::optimizer::OptimizerConfig;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::operator_statistics::StatisticsRegistry;
use datafusion::prelude::SessionConfig;
use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

/// One statement's view of its session.
pub(crate) struct StatementState {
    session: Arc<SessionState>,
    config: SessionConfig,
    properties: ExecutionProps,
}

/// What a statement reads on its clocks.
pub(crate) struct Moments {
    /// When its transaction began: `now()`.
    pub(crate) transaction: DateTime<Utc>,
    /// When the statement itself came, where that is another moment: `statement_timestamp()`.
    pub(crate) statement: Option<DateTime<Utc>>,
}

impl StatementState {
    /// A statement that begins, with its demands on freshness and time.
    pub(crate) fn begin(session: Arc<SessionState>, context: QueryContext, moments: &Moments) -> Self {
        let mut config = session.config().clone();
        config.set_extension(Arc::new(context));
        config.set_extension(Arc::new(Buffers::begin()));
        config.set_extension(Arc::new(Described::default()));
        if let Some(moment) = moments.statement {
            now::set_statement(config.options_mut(), moment);
        }
        let mut properties = ExecutionProps::new().with_query_execution_start_time(moments.transaction);
        properties.config_options = Some(config.options().clone());
        Self { session, config, properties }
    }

    /// The session it belongs to.
    pub(crate) fn session(&self) -> &Arc<SessionState> {
        &self.session
    }

    /// Every event alone and in order: one partition keeps the events of a symbol in order; batches of one row keep
    /// operators that gather a full batch (a filter with a subquery, a join) from withholding rows until thousands more
    /// have come.
    pub(crate) fn row_by_row(&mut self) {
        self.config = std::mem::take(&mut self.config).with_target_partitions(1).with_batch_size(1);
        self.properties.config_options = Some(self.config.options().clone());
    }

    /// Batches of so many rows at most.
    pub(crate) fn with_batches_of(&mut self, rows: usize) {
        self.config = std::mem::take(&mut self.config).with_batch_size(rows);
        self.properties.config_options = Some(self.config.options().clone());
    }

    /// Applies the rules of the session to a plan.
    pub(crate) fn optimise(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let analysed = self.session.analyzer().execute_and_check(plan, self.config.options(), |_, _| {})?;
        self.session.optimizer().optimize(analysed, self, |_, _| {})
    }

    /// Plans the running of an optimised plan. Tables settle their freshness and choose their versions here.
    pub(crate) async fn physical(&self, optimised: &LogicalPlan) -> Result<Arc<dyn ExecutionPlan>> {
        SessionState::query_planner(&self.session).create_physical_plan(optimised, self).await
    }

    /// What running operators see: no functions, since a physical plan holds those it calls.
    pub(crate) fn running(&self) -> TaskContext {
        TaskContext::new(
            None,
            self.session.session_id().to_owned(),
            self.config.clone(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            self.session.runtime_env().clone(),
        )
    }
}

impl OptimizerConfig for StatementState {
    fn query_execution_start_time(&self) -> Option<DateTime<Utc>> {
        self.properties.query_execution_start_time
    }

    fn alias_generator(&self) -> &Arc<AliasGenerator> {
        &self.properties.alias_generator
    }

    fn options(&self) -> Arc<ConfigOptions> {
        self.config.options().clone()
    }

    fn function_registry(&self) -> Option<&dyn FunctionRegistry> {
        Some(self.session.as_ref())
    }
}

#[async_trait]
impl Session for StatementState {
    fn session_id(&self) -> &str {
        self.session.session_id()
    }

    fn config(&self) -> &SessionConfig {
        &self.config
    }

    fn catalog_list(&self) -> Arc<dyn CatalogProviderList> {
        self.session.catalog_list().clone()
    }

    fn query_planner(&self) -> Arc<dyn QueryPlanner + Send + Sync> {
        SessionState::query_planner(&self.session).clone()
    }

    fn optimize(&self, plan: &LogicalPlan) -> Result<LogicalPlan> {
        self.optimise(plan.clone())
    }

    fn physical_optimizers(&self) -> &[Arc<dyn PhysicalOptimizerRule + Send + Sync>] {
        self.session.physical_optimizers()
    }

    fn statistics_registry(&self) -> Option<&StatisticsRegistry> {
        self.session.statistics_registry()
    }

    async fn create_physical_plan(&self, plan: &LogicalPlan) -> Result<Arc<dyn ExecutionPlan>> {
        self.physical(&self.optimise(plan.clone())?).await
    }

    fn create_physical_expr(&self, expr: Expr, schema: &DFSchema) -> Result<Arc<dyn PhysicalExpr>> {
        self.session.create_physical_expr(expr, schema)
    }

    fn scalar_functions(&self) -> &HashMap<String, Arc<ScalarUDF>> {
        self.session.scalar_functions()
    }

    fn higher_order_functions(&self) -> &HashMap<String, Arc<HigherOrderUDF>> {
        self.session.higher_order_functions()
    }

    fn aggregate_functions(&self) -> &HashMap<String, Arc<AggregateUDF>> {
        self.session.aggregate_functions()
    }

    fn window_functions(&self) -> &HashMap<String, Arc<WindowUDF>> {
        self.session.window_functions()
    }

    fn extension_type_registry(&self) -> &ExtensionTypeRegistryRef {
        Session::extension_type_registry(self.session.as_ref())
    }

    fn runtime_env(&self) -> &Arc<RuntimeEnv> {
        self.session.runtime_env()
    }

    fn execution_props(&self) -> &ExecutionProps {
        &self.properties
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn table_options(&self) -> &TableOptions {
        self.session.table_options()
    }

    fn table_options_mut(&mut self) -> &mut TableOptions {
        Arc::make_mut(&mut self.session).table_options_mut()
    }

    fn task_ctx(&self) -> Arc<TaskContext> {
        Arc::new(self.running())
    }
}
