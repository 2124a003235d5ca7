//! How a session plans a statement: what is its own goes to its own planner, the rest is checked, rewritten, planned by
//! DataFusion and typed, once for the same words.

use super::plans::Asked;
use super::search_path::Search;
use super::{LONG_TEXT_BYTES, Session};
use crate::dialect::catalog::numbers::Numbers;
use crate::dialect::parse::depth::Depth;
use crate::dialect::parse::{self, Statement};
use crate::dialect::rewrite;
use crate::dialect::told;
use crate::dialect::typing::{self, Parameters};
use crate::engine::admit::own_statement::{self, OwnStatement};
use crate::engine::admit::read_only;
use crate::engine::plan::over_views::OverViews;
use crate::engine::plan::prepared::Prepared;
use crate::engine::plan::{Plan, announced, in_order, plan_rows, renamed, table_names};
use crate::engine::run::cpu;
use crate::engine::run::rows::Running;
use crate::error::{ErrorKind, QueryError};
use crate::explain::{self, ExplainOptions};
use crate::role::Role;
use crate::table::command::{RefreshCommand, explain_freshness};
use crate::temporary::catalog as temporary_catalog;
use crate::temporary::planned::not_explained;
use crate::text::span::SpanStyle;
use arrow::datatypes::DataType;
use datafusion::common::TableReference;
use datafusion::sql::parser::Statement as EngineStatement;
use std::cell::Cell;
use std::sync::Arc;

impl Session {
    /// Plans a statement that reads, or changes the session's own temporary tables. Anything else that would write is
    /// refused.
    pub async fn plan(&self, running: &Running, statement: &Statement) -> Result<Plan, QueryError> {
        self.plan_for(running, statement, &[]).await
    }

    /// Plans a statement whose parameters have the types that the client declares; those without one take the type that
    /// their place asks for.
    pub async fn plan_for(
        &self,
        running: &Running,
        statement: &Statement,
        declared: &[Option<DataType>],
    ) -> Result<Plan, QueryError> {
        match own_statement::own(statement) {
            Some(OwnStatement::Refresh(name)) => return self.plan_refresh(running, name).await,
            Some(OwnStatement::Freshness(query)) => {
                let plan = Box::pin(self.plan_for(running, query, declared)).await?;
                return plan_rows(Arc::new(explain_freshness(&plan.prepared.logical)?), plan.parameters);
            }
            None => {}
        }
        if let Some((options, query)) = explain::asked(statement)? {
            self.may_explain(&options)?;
            let plan = Box::pin(self.plan_for(running, query, declared)).await?;
            return if plan.is_change() { Err(not_explained()) } else { Ok(plan.explained(options)) };
        }
        let depth = Depth::of(&running.sql);
        if let Some(change) = depth.walk(|| self.change_of(statement))? {
            return depth.walking(self.plan_change(running, change, declared)).await;
        }
        let long = running.sql.len() >= LONG_TEXT_BYTES;
        // Tables of the session's own may come and go within a statement: none of them is in a plan that is kept.
        let keeps = !long && self.settings().temporary().is_empty();
        let asked = Asked { statement, declared, settings: self.settings().version() };
        if let Some(plan) = keeps.then(|| depth.walk(|| self.plans().find(&asked))).flatten() {
            return Ok(plan);
        }
        let search = self.search();
        let named = depth.walk(|| rewrite::relations_named(statement));
        let relations = running.guard(search.relations(named)).await?;
        let rewritten = || {
            // What names a moment that it reads means another one each time.
            let names_moments = Cell::new(false);
            read_only::check(statement)?;
            parse::check(statement)?;
            parse::weight::check(statement)?;
            rewrite::check_windows(statement)?;
            let mut rewritten = statement.clone();
            rewrite::settle_versions(&mut rewritten, &|text| {
                names_moments.set(true);
                self.settings().past_moment(text)
            })?;
            if self.settings().style().spans == SpanStyle::SqlStandard {
                rewrite::settle_spans(&mut rewritten)?;
            }
            rewrite::rewrite(&mut rewritten, &|table| search.place(table), &relations)?;
            Ok::<_, QueryError>((rewritten, names_moments.get()))
        };
        let rewritten = || running.step(|| depth.walk(rewritten));
        let (rewritten, names_moments) = if long { cpu::beside_other_work(rewritten) } else { rewritten() }?;
        let state = self.state();
        let sql = running.sql.clone();
        let known = declared.iter().enumerate().filter_map(|(place, data_type)| Some((place + 1, data_type.clone()?)));
        let mut parameters: Parameters = known.collect();
        let planned = self.shared.cpu.run(
            running.listed.progress.meter(),
            Box::pin(async move {
                let planned = state.statement_to_plan(EngineStatement::Statement(Box::new(rewritten)));
                let planned = depth.walking(planned).await.and_then(|logical| {
                    depth.walk(|| {
                        let numbers = state.config().get_extension::<Numbers>();
                        let told = told::columns(&logical, numbers.as_deref());
                        let logical = typing::resolve(logical, state.as_ref(), &mut parameters)?;
                        let schema = announced(&state, &logical)?;
                        Ok((logical, schema, told, parameters))
                    })
                });
                let planned = planned.map_err(|error| QueryError::from_engine(&error, &sql));
                planned.map_err(|error| error.suggest_table(table_names(&state)))
            }),
        );
        let (logical, schema, told, parameters) = running.guard(planned).await?;
        let parameters = in_order(&parameters)?;
        let schema = renamed(schema.as_arrow(), rewrite::output_names(statement));
        let told = told::announced(&schema, &told);
        let over_views = depth.walk(|| OverViews::of(&self.state(), &logical, depth, &parameters))?;
        let prepared = Arc::new(Prepared::new(logical, depth, &parameters));
        let parameter_types = match parameters.is_empty() {
            true => Arc::default(),
            false => Arc::new(depth.walk(|| rewrite::parameter_types(statement))),
        };
        let plan = Plan { prepared, over_views, schema, told, parameters, parameter_types, change: None };
        if keeps && !names_moments {
            depth.walk(|| self.plans().keep(&asked, &running.sql, &plan));
        }
        Ok(plan)
    }

    /// The plan of an EXPLAIN whose statement was planned before, as that of EXECUTE was.
    pub fn explained(&self, explain: &Statement, plan: &Plan) -> Result<Plan, QueryError> {
        let Some((options, _)) = explain::asked(explain)? else { return Ok(plan.clone()) };
        self.may_explain(&options)?;
        if plan.is_change() {
            return Err(not_explained());
        }
        Ok(plan.explained(options))
    }

    pub(super) fn may_explain(&self, options: &ExplainOptions) -> Result<(), QueryError> {
        if options.engine && self.role() != Role::Admin {
            let text = "permission denied: the option ENGINE of EXPLAIN is for admins";
            return Err(QueryError::new(ErrorKind::Forbidden, text));
        }
        Ok(())
    }

    /// Where unqualified tables are looked for now.
    pub(super) fn search(&self) -> Search {
        let setting = self.settings().show("search_path").unwrap_or_default();
        let own = (!self.temporary().is_empty()).then(|| temporary_catalog::schema_of(self.pid()));
        let state = self.state();
        let catalog = state.catalog_list().catalog(&state.config_options().catalog.default_catalog);
        Search::new(&setting, self.user(), own, catalog)
    }

    /// Plans REFRESH TABLE: the table must be there, and be one that is refreshed.
    async fn plan_refresh(&self, running: &Running, name: TableReference) -> Result<Plan, QueryError> {
        if self.role() != Role::Admin {
            return Err(QueryError::new(ErrorKind::Forbidden, "permission denied: REFRESH TABLE is for admins")
                .with_hint("A query refreshes what is past its time; SET max_staleness asks for fresher rows."));
        }
        let state = self.state();
        let missing = |what: &str, name: &str| {
            QueryError::new(ErrorKind::UnknownTable, format!("{what} \"{name}\" does not exist"))
                .suggest_table(table_names(&state))
        };
        let schema = state.schema_for_ref(name.clone());
        let schema = schema.map_err(|_| missing("schema", name.schema().unwrap_or_default()))?;
        let table = running.guard(schema.table(name.table())).await?;
        let table = table.ok_or_else(|| missing("relation", &name.to_string()))?;
        plan_rows(Arc::new(RefreshCommand::new(&name.to_string(), table.as_ref())?), Vec::new())
    }
}
