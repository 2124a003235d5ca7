//! Rows that a client sends for a temporary table (COPY FROM STDIN): gathered as they come, and then inserted as those of
//! any other query.

use super::Session;
use crate::engine::plan::Plan;
use crate::engine::run::rows::Running;
use crate::error::{ErrorKind, QueryError};
use crate::temporary::contents::{Constraints, Relation, Table};
use crate::temporary::load::Load;
use crate::temporary::names::{self, Names};
use crate::temporary::planned::{PlannedChange, What};
use crate::temporary::rows::Gathering;
use crate::temporary::{assign, catalog, query};
use arrow::datatypes::Schema;
use datafusion::sql::sqlparser::ast::Ident;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Name of the table that holds the rows until they are inserted; no identifier of a client has it.
const LOADED: &str = "\u{2}loaded";

impl Session {
    /// Begins to take rows for some columns of a temporary table, or for all; the table is named as in SQL.
    ///
    /// # Errors
    /// 25006 for any other table, 42703 and 42701 for columns that it does not have, or that are named twice.
    pub fn begin_load(&self, table: &str, columns: &[String]) -> Result<Load, QueryError> {
        let (contents, schema) = (self.temporary(), catalog::schema_of(self.pid()));
        let names_here = Names { schema: &schema, contents: &contents, exists: &|_| true };
        let Some(name) = names::changed_table(table, &names_here)? else {
            let message = "cannot execute COPY FROM in a read-only transaction";
            return Err(QueryError::new(ErrorKind::ReadOnly, message)
                .with_hint("Rows can be copied into a temporary table: CREATE TEMP TABLE."));
        };
        let table = self.table(&name)?;
        let columns: Vec<Ident> = columns.iter().map(|column| Ident::with_quote('"', column)).collect();
        let targets = query::targets(&name, &table, &columns)?;
        let fields = targets.iter().filter_map(|place| Some(table.schema.fields().get(*place)?.as_ref().clone()));
        let (fields, schema, budget) = (fields.collect(), Arc::new(Schema::empty()), self.budget.clone());
        let gathering = Gathering::new(schema.clone(), budget.clone());
        Ok(Load { table: name, targets, fields, schema, budget, gathering })
    }

    /// Inserts the rows that have come, and says how many; all of them, or none.
    ///
    /// # Errors
    /// Those of their values, as a cast to the columns' types has them, and of the table's constraints.
    pub async fn finish_load(&self, running: Running, load: Load) -> Result<u64, QueryError> {
        let mut loaded = Table::new(assign::columns_of(&load.schema)?, load.schema, Constraints::default(), None);
        loaded.rows = load.gathering.finish()?;
        let with = self.temporary().with(LOADED, Relation::Table(Arc::new(loaded)))?;
        self.settings().keep_rows(with);
        let done = self.insert_loaded(running, &load.table, &load.targets).await;
        let without = self.temporary().without(&BTreeSet::from([LOADED.to_owned()]), true)?;
        self.settings().keep_rows(without);
        done
    }

    async fn insert_loaded(&self, running: Running, name: &str, targets: &[usize]) -> Result<u64, QueryError> {
        let table = self.table(name)?;
        let source = query::all_of(&catalog::schema_of(self.pid()), LOADED)?;
        let rows = self.inner(&running, query::of_query(&source, targets.len(), &table, targets)?, &[]).await?;
        let what = What::Insert { table: name.to_owned(), id: table.id, conflict: None };
        let change = PlannedChange { what, columns: rows.schema.clone(), update: None, returning: None };
        let plan = Plan { schema: Arc::new(Schema::empty()), change: None, ..rows };
        let done = self.change(running, &plan, &change, Vec::new()).await?.changed();
        Ok(done.and_then(|done| done.rows).unwrap_or_default())
    }
}
